//! The log on standard error: one line for each happening.

use std::env;
use std::io::{self, Write};

use crate::core::clock;
use crate::engine::board::{Board, Happening, Tone};
use crate::engine::status::Status;
use crate::report::notify::Notify;

/// Writes the happenings on the board to standard error until the engine stops, and updates the service manager's status
/// line.
///
/// # Errors
/// If the system has no file descriptor left.
pub fn run(board: &Board, notify: &Notify, mut to_stderr: bool) -> io::Result<()> {
    let prefixed = is_journal();
    let mut seen = 0;
    let mut subscription = board.subscribe()?;
    loop {
        subscription.clear();
        let snapshot = board.latest();
        // The watchdog pings report a service manager that cannot be reached.
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
            let is_last = entry.what == Happening::Stopping;
            if to_stderr {
                to_stderr = write_line(prefixed.then_some(priority), &entry.to_string()).is_ok();
            }
            if is_last {
                return Ok(());
            }
        }
        seen = snapshot.last_entry();
        subscription.wait()?;
    }
}

/// Whether standard error goes to systemd's journal, which reads a priority at the start of each line (sd-daemon(3)).
fn is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(stderr) = nix::sys::stat::fstat(io::stderr()) else {
        return false;
    };
    stream == format!("{}:{}", stderr.st_dev, stderr.st_ino)
}

/// Writes one line with the priority "notice".
pub fn notice(text: &str) {
    let _ = write_line(is_journal().then_some(5), text);
}

/// Writes each line of `text` with the priority "error".
pub fn error(text: &str) {
    for line in text.lines() {
        let _ = write_line(is_journal().then_some(3), line);
    }
}

fn write_line(priority: Option<u8>, text: &str) -> io::Result<()> {
    let priority = priority.map_or(String::new(), |level| format!("<{level}>"));
    // One write per line, so that the lines of two threads do not mix.
    io::stderr().write_all(format!("{priority}{}\n", text.replace('\n', " ")).as_bytes())
}
