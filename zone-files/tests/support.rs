pub mod generator;
pub mod random;
pub mod renderer;
pub mod samples;
