#![no_main]

#[path = "../../suite/outside/snapshot.rs"]
mod outside;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outside::holds(bytes));
