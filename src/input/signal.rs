//! Signals, taken by one thread; all others have them blocked, so that no system call of theirs is ever interrupted.

use std::io::Write;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};

use crate::engine::event::Stop;

/// The signals that concern a screen: its size, and being stopped and continued.
const SCREEN: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];
/// Which of them stops a process that has no screen.
const SUSPEND: [Signal; 1] = [Signal::SIGTSTP];
const STOP: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// What Ctrl-Z and its like are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspend {
    /// The screen deals with it.
    Screen,
    /// Refused: a real strip would keep its colour, whatever the time.
    Never,
    /// As with any program.
    Default,
}

/// Blocks the signals that [`wait`] takes, in this thread and in those it starts. Call it before any is started.
///
/// # Errors
/// What the system says.
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

/// Waits for a signal that ends the program. Those that concern the screen are passed on to it, one byte each.
///
/// # Errors
/// What the system says.
pub fn wait(signals: &SigSet, mut screen: Option<&UnixStream>) -> nix::Result<Signal> {
    loop {
        let signal = signals.wait()?;
        if STOP.contains(&signal) {
            return Ok(signal);
        }
        match &mut screen {
            // A screen that is gone needs to know nothing.
            Some(screen) => drop(screen.write(&[signal as u8])),
            None => eprintln!("talklight: not suspended: the strip would keep its colour, whatever the time"),
        }
    }
}

/// What the engine should do about a signal: Ctrl-C and Ctrl-\ are somebody at the keyboard, all else is the system.
pub fn meaning(signal: Signal) -> Stop {
    match signal {
        Signal::SIGINT | Signal::SIGQUIT => Stop::Quit,
        _ => Stop::Terminate,
    }
}

/// Whether we were started under nohup(1).
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
