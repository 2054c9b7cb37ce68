//! The rules from objects to addresses, each by its own sentence.

mod fixture;
mod health;
mod hosts;
mod lists;
mod saved;
mod selection;
mod topology;
