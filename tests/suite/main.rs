mod button;
mod colour;
mod config;
mod core;
mod daemon;
mod harness;
mod house;
mod wire;
