//! The planner's tests, one binary.

/// Single decisions that the first federation's tests pin, and where ours are better.
#[path = "planner/golden.rs"]
mod golden;
/// What must hold for every sequence of changes.
#[path = "planner/properties.rs"]
mod properties;
/// Stories told as scripts, in planner/scenarios.
#[path = "planner/scenarios.rs"]
mod scenarios;
#[path = "planner/support.rs"]
mod support;
