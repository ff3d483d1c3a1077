//! The core in virtual time. No test here reads a clock or sleeps.

mod drive;
mod driven;
mod engine;
mod frame;
mod frames;
pub mod harness;
mod kept;
mod model;
mod plan;
mod script;
mod stage;
mod timer;
