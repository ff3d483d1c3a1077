#![no_main]

#[path = "../../suite/outside/config.rs"]
mod outside;

// What is no text is told before it is parsed.
libfuzzer_sys::fuzz_target!(|text: &str| outside::holds(text));
