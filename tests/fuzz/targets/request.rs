#![no_main]

#[path = "../../suite/outside/request.rs"]
mod outside;

// The server never reads more of a client.
libfuzzer_sys::fuzz_target!(|said: &[u8]| outside::holds(&said[..said.len().min(600)]));
