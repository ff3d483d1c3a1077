#![no_main]

#[path = "../../suite/outside/resume.rs"]
mod outside;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outside::holds(bytes));
