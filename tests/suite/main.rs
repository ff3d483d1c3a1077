mod button;
mod colour;
mod config;
mod wire;
