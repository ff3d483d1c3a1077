//! What talklight reaches in time, memory and work, each beside what this machine does by itself.
//!
//! `cargo bench` takes a minute; `cargo bench -- --full` has more samples and a whole talk of five minutes. The strip is
//! that of the pretend Pi of `tests/suite/rig`, whose log tells when each transfer began. Nothing else should run meanwhile.

#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod encode;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
#[path = "../../tests/suite/rig.rs"]
mod rig;

fn main() {
    let argument = |name: &str| std::env::args().any(|argument| argument == name);
    // Without the first this is `cargo test --all-targets`, which has no business here.
    if argument("--bench") {
        #[cfg(target_os = "linux")]
        figures::print(argument("--full"));
    }
}
