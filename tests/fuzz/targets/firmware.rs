#![no_main]

#[path = "../../suite/outside/firmware.rs"]
mod outside;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outside::holds(bytes));
