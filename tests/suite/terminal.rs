//! The real binary in a pseudo-terminal: what the user sees, and the state of the terminal afterwards.

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use pty_process::Size;
use pty_process::blocking::{Command, Pty};

use crate::harness::{Instance, TALKLIGHT, until};

mod console;
mod daemon;
mod hangup;
mod leave;
mod load;

/// A talk of an hour, so that no phase changes during a test.
const LONG: &str = r#"
[[plan]]
name = "long"
length = "1h"
yellow = "2m"
red = "1m"
flash = "30s"

[[plan]]
name = "other"
length = "10m"
yellow = "2m"
red = "1m"
flash = "30s"

[strip]
leds = 8
"#;

/// The config and the socket, relative to the folder of the daemon under test.
const FILES: [&str; 4] = ["--config", "config.toml", "--socket", "s"];

/// The backgrounds of text: of the screen, of a refusal, and of a terminal without colour.
const PAPER: [vt100::Color; 3] = [vt100::Color::Idx(233), vt100::Color::Idx(215), vt100::Color::Default];

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

/// A terminal that runs talklight, and what it shows.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn open(house: &Instance, arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        Self::open_with(house, arguments, (columns, rows), &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")])
    }

    fn open_with(house: &Instance, arguments: &[&str], (columns, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let command = Command::from(crate::child::command(TALKLIGHT)).args(arguments).args(FILES);
        Self::run(command.env_clear().envs(env.iter().copied()).current_dir(house.folder.path()), (columns, rows))
    }

    pub fn run(command: Command, (columns, rows): (u16, u16)) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = command.spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let seen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let (theirs, shown) = (Arc::clone(&pty), Arc::clone(&seen));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = (&*theirs).read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..length]);
            }
        });
        Self { pty, child, seen }
    }

    pub fn keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// The text on the screen. A blank whose background is not that of text is a block.
    pub fn text(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen();
        let (rows, columns) = screen.size();
        let row = |row: u16| {
            let glyph = |column: u16| {
                let cell = screen.cell(row, column).unwrap();
                match cell.contents() {
                    "" | " " if !PAPER.contains(&cell.bgcolor()) => "█",
                    "▄" if !PAPER.contains(&cell.bgcolor()) => "▀",
                    "" => " ",
                    glyph => glyph,
                }
            };
            (0..columns.get()).map(glyph).collect::<String>()
        };
        let rows: Vec<String> = (0..rows.get()).map(row).collect();
        rows.join("\n")
    }

    pub fn sees(&self, text: &str) {
        let mut last = String::new();
        let found = || {
            last = self.text();
            last.contains(text)
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| until(text, found)));
        assert!(result.is_ok(), "no `{text}` in:\n{last}");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for the process to end, and for the terminal to be as before.
    pub fn ends(&mut self) -> ExitStatus {
        let mut end = None;
        until("it ends", || {
            end = self.child.try_wait().unwrap();
            end.is_some()
        });
        self.is_left();
        end.unwrap()
    }

    /// Waits until the terminal is as before.
    pub fn is_left(&self) {
        until("the screen is left", || {
            let seen = self.seen.lock().unwrap();
            !seen.screen().alternate_screen() && !seen.screen().hide_cursor() && !seen.screen().bracketed_paste()
        });
        until("the terminal modes are as before", || self.modes() == Self::cooked_modes());
    }

    /// Whether the terminal edits lines, echoes them, and turns keys into signals.
    pub fn modes(&self) -> (bool, bool, bool) {
        let modes = tcgetattr(&*self.pty).unwrap().local_flags;
        (modes.contains(LocalFlags::ICANON), modes.contains(LocalFlags::ECHO), modes.contains(LocalFlags::ISIG))
    }

    pub fn cooked_modes() -> (bool, bool, bool) {
        (true, true, true)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The CPU time of a process, which may have ended, in milliseconds; `None` without `/proc`.
fn cpu_ms(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain blanks. The unit of utime and stime is 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some((fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?) * 10)
}
