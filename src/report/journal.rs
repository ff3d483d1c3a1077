//! The log: one line for each thing that happened, none for what did not.

use std::env;
use std::io::{self, Write};

use crate::core::clock;
use crate::engine::board::{Board, Happening, Tone};
use crate::engine::status::Status;
use crate::report::notify::Notify;

/// Writes a line for each happening to standard error until the engine stops, and keeps the service manager's status line
/// up to date.
///
/// # Errors
/// When the system has no descriptor left.
pub fn run(board: &Board, notify: &Notify, mut to_stderr: bool) -> io::Result<()> {
    let prefixed = is_journal();
    let mut seen = 0;
    let mut subscription = board.subscribe()?;
    loop {
        subscription.clear();
        let snapshot = board.latest();
        // What goes wrong with it is told with the pings.
        let _ = notify.status(&Status::new(&snapshot, clock::now()).standing());
        let first = snapshot.log.front().map_or(seen, |entry| entry.number);
        if to_stderr && first > seen + 1 {
            to_stderr = write_line(prefixed.then_some(4), &format!("{} lines were left out", first - seen - 1)).is_ok();
        }
        for entry in snapshot.news(seen) {
            let priority = match entry.tone() {
                Tone::Quiet | Tone::Refused => continue,
                Tone::Done => 5,
                Tone::Warning => 4,
                Tone::Fault => 3,
            };
            let last = entry.what == Happening::Stopping;
            if to_stderr {
                to_stderr = write_line(prefixed.then_some(priority), &entry.to_string()).is_ok();
            }
            if last {
                return Ok(());
            }
        }
        seen = snapshot.last_entry();
        subscription.wait()?;
    }
}

/// Whether standard error is systemd's journal, which reads a priority in front of each line (sd-daemon(3)).
fn is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(stderr) = nix::sys::stat::fstat(io::stderr()) else {
        return false;
    };
    stream == format!("{}:{}", stderr.st_dev, stderr.st_ino)
}

/// Writes a line about something that has been done.
pub fn notice(text: &str) {
    let _ = write_line(is_journal().then_some(5), text);
}

/// Writes what keeps the program from going on, each line an error.
pub fn error(text: &str) {
    for line in text.lines() {
        let _ = write_line(is_journal().then_some(3), line);
    }
}

fn write_line(priority: Option<u8>, text: &str) -> io::Result<()> {
    let priority = priority.map_or(String::new(), |level| format!("<{level}>"));
    // In one write, so that lines of two threads do not mix.
    io::stderr().write_all(format!("{priority}{}\n", text.replace('\n', " ")).as_bytes())
}
