//! What the strip shows between talks. One file for each scene.

pub mod sample;
