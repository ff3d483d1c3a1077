//! Inputs besides screen, socket and web: buttons and signals.

pub mod button;
#[cfg(target_os = "linux")]
pub mod gpio;
pub mod signal;
