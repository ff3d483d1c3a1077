//! What talklight reaches in time, memory and work, each beside what this machine does by itself.
//!
//! `cargo bench` takes two minutes; `cargo bench -- --full` has more samples and a whole talk of five minutes, and
//! `cargo bench -- press kill` measures these alone, of the names in [`figures::ALL`]. The strip is that of the pretend Pi of
//! `tests/suite/rig`, whose log tells when each transfer began. Nothing else should run meanwhile.

#[cfg(target_os = "linux")]
#[path = "../../tests/suite/child.rs"]
mod child;
#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod encode;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod model;
#[cfg(target_os = "linux")]
mod press;
#[cfg(target_os = "linux")]
#[path = "../../tests/suite/rig.rs"]
mod rig;
#[cfg(target_os = "linux")]
mod writer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    #[cfg(target_os = "linux")]
    if let Some(at) = arguments.iter().position(|word| word == writer::FLAG) {
        return writer::run(&arguments[at + 1..]);
    }
    // Without it this is `cargo test --all-targets`, which has no business here.
    if flag("--bench") {
        let names = arguments.iter().filter(|word| !word.starts_with("--"));
        #[cfg(target_os = "linux")]
        figures::print(flag("--full"), &names.map(String::as_str).collect::<Vec<_>>());
    }
}
