//! The files that the daemon writes: the talk for a restart, the tape, and the paired devices.

pub mod pairing;
pub mod resume;
pub mod tape;
