//! Signals. One thread waits for them; all others block them, so that no system call is interrupted.

use std::io::Write;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};

use crate::engine::event::Stop;

/// The signals for the screen: a new size, suspend and continue.
const SCREEN: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];
/// The signal that would suspend a process without a screen.
const SUSPEND: [Signal; 1] = [Signal::SIGTSTP];
const STOP: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// What Ctrl-Z does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspend {
    /// The screen handles it.
    Screen,
    /// It is refused: a real strip would keep its colour while time passes.
    Never,
    /// It suspends the process.
    Default,
}

/// Blocks the signals for [`wait`] in this thread and in the threads it starts. Call it before the first thread starts.
///
/// # Errors
/// The system's error.
pub fn block(suspend: Suspend) -> nix::Result<SigSet> {
    let screen: &[Signal] = match suspend {
        Suspend::Screen => &SCREEN,
        Suspend::Never => &SUSPEND,
        Suspend::Default => &[],
    };
    let stop = STOP.into_iter().filter(|&signal| !(signal == Signal::SIGHUP && hangup_is_ignored()));
    let signals: SigSet = stop.chain(screen.iter().copied()).collect();
    signals.thread_block()?;
    Ok(signals)
}

/// Waits for a signal that ends the program, and returns it. Signals for the screen are sent to it, one byte each.
///
/// # Errors
/// The system's error.
pub fn wait(signals: &SigSet, mut screen: Option<&UnixStream>) -> nix::Result<Signal> {
    loop {
        let signal = signals.wait()?;
        if STOP.contains(&signal) {
            return Ok(signal);
        }
        match &mut screen {
            // The screen may have ended.
            Some(screen) => drop(screen.write(&[signal as u8])),
            None => eprintln!("talklight: not suspended: the strip would keep its colour while time passes"),
        }
    }
}

/// How the engine should stop. Ctrl-C and Ctrl-\ come from a person at the keyboard, the other signals from the system.
pub fn meaning(signal: Signal) -> Stop {
    match signal {
        Signal::SIGINT | Signal::SIGQUIT => Stop::Quit,
        _ => Stop::Terminate,
    }
}

/// Whether this process was started by nohup(1).
#[cfg(target_os = "linux")]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & 1 << (Signal::SIGHUP as u32 - 1) != 0
}

#[cfg(not(target_os = "linux"))]
fn hangup_is_ignored() -> bool {
    false
}
