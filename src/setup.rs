//! Setting up a machine: what is wrong with it, and what strip hangs on it.

pub mod doctor;
#[cfg(target_os = "linux")]
pub mod test_strip;
