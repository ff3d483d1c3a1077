//! The core in virtual time: nothing here reads a clock or sleeps.

mod drive;
mod engine;
mod frame;
pub mod harness;
mod model;
mod plan;
mod stage;
mod timer;
