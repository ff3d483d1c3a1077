//! Figures of time, memory and work, each beside the least that this machine needs for the same.
//!
//! `cargo bench` takes two minutes; `cargo bench -- --full` takes more samples and a whole talk of five minutes, and
//! `cargo bench -- press kill` measures only these of the names in [`figures::ALL`]. The strip is that of the pretend Pi in
//! `tests/suite/rig`, whose log has the time of each transfer. Nothing else should run meanwhile.

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
    // Without `--bench` this is `cargo test --all-targets`, which must not measure.
    if flag("--bench") {
        let names = arguments.iter().filter(|word| !word.starts_with("--"));
        #[cfg(target_os = "linux")]
        figures::print(flag("--full"), &names.map(String::as_str).collect::<Vec<_>>());
    }
}
