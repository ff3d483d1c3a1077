//! Files: the talk that survives its process, the tape, and the paired devices.

pub mod pairing;
pub mod resume;
pub mod tape;
