//! Setting up a machine: `doctor` checks it, `test_strip` finds out the type of a strip.

pub mod doctor;
#[cfg(target_os = "linux")]
pub mod test_strip;
