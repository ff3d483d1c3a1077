//! Values and colour arithmetic: no input or output, no clock of its own, and nothing that fails once it is made.

pub mod clock;
pub mod command;
pub mod drive;
pub mod look;
pub mod plan;
pub mod timer;
pub mod words;
