mod button;
mod colour;
mod wire;
