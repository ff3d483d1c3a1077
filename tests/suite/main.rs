//! What holds without a Pi, by `cargo test` alone.

mod button;
mod colour;
mod core;
mod house;
mod wire;
