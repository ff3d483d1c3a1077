//! What a person or the system presses: buttons and signals.

pub mod button;
#[cfg(target_os = "linux")]
pub mod gpio;
pub mod signal;
