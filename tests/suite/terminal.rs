//! The real binary in a pseudo-terminal: what a person at a keyboard sees, and finds afterwards.

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pty_process::Size;
use pty_process::blocking::{Command, Pty};

use crate::child;
use crate::harness::{House, QUICK, TALKLIGHT, until};

/// An hour, so that nothing happens by itself.
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

/// The files of a house, named from within it.
const HERE: [&str; 4] = ["--config", "config.toml", "--socket", "s"];

/// The backgrounds of text: the screen's, a refusal's, and that of terminals without colour.
const PAPER: [vt100::Color; 3] = [vt100::Color::Idx(233), vt100::Color::Idx(215), vt100::Color::Default];

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

/// A terminal with talklight in it, and a person who reads it.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn open(house: &House, arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        Self::open_with(house, arguments, (columns, rows), &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")])
    }

    fn open_with(house: &House, arguments: &[&str], (columns, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let command = Command::from(child::command(TALKLIGHT)).args(arguments).args(HERE);
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

    /// What is to be read, and blocks however they are drawn: a blank of a colour that is no text's background is one.
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

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// How it ended, and that the terminal is as it was found.
    pub fn ends(&mut self) -> ExitStatus {
        let mut end = None;
        until("it ends", || {
            end = self.child.try_wait().unwrap();
            end.is_some()
        });
        self.is_left();
        end.unwrap()
    }

    /// The terminal is as it was found, or becomes so.
    pub fn is_left(&self) {
        until("the terminal is left", || {
            let seen = self.seen.lock().unwrap();
            !seen.screen().alternate_screen() && !seen.screen().hide_cursor() && !seen.screen().bracketed_paste()
        });
        until("the line discipline is as it was", || self.modes() == Self::cooked_modes());
    }

    /// Whether lines are edited, echoed, and signals made of keys.
    pub fn modes(&self) -> (bool, bool, bool) {
        use rustix::termios::{LocalModes, tcgetattr};
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        (modes.contains(LocalModes::ICANON), modes.contains(LocalModes::ECHO), modes.contains(LocalModes::ISIG))
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

#[test]
fn a_talk_by_keys() {
    let house = House::new(LONG);
    let mut terminal = Terminal::open(&house, &[], (80, 24));
    // What is drawn last.
    terminal.sees("q quit                            simulated strip");
    insta::assert_snapshot!("terminal ready", terminal.text());
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard: long, 1:00:00");
    terminal.keys("\r");
    terminal.sees("a talk is running");
    terminal.keys("2");
    terminal.sees("choose when it is over, or reset it");
    terminal.keys("r");
    terminal.sees("talk reset at 0:0");
    terminal.sees("u undo (");
    terminal.keys("u");
    terminal.sees("reset undone by the keyboard");
    terminal.keys("q");
    terminal.sees("press q again to quit");
    crate::harness::pause(std::time::Duration::from_millis(300));
    terminal.keys("q");
    assert!(terminal.ends().success());
    assert!(!house.folder.file("s.talk").exists(), "quitting by hand forgets the talk");
}

#[test]
fn it_fits_forty_by_ten() {
    let house = House::new(LONG);
    let terminal = Terminal::open(&house, &[], (40, 10));
    terminal.sees("? help  q");
    insta::assert_snapshot!("terminal 40x10", terminal.text());
}

#[test]
fn a_digit_chooses_and_the_commands_of_others_are_seen() {
    let house = House::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    terminal.keys("2");
    terminal.sees("next talk chosen by the keyboard: other, 10:00");
    house.does(&["start"]);
    terminal.sees("talk started by the socket: other, 10:00");
    house.does(&["reset"]);
    terminal.sees("by the socket, 10:00 left");
}

#[test]
fn typing_ahead_starts_nothing() {
    let house = House::new(LONG);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    (&pty).write_all(b"   ").unwrap();
    let command = Command::from(child::command(TALKLIGHT)).args(HERE);
    let command = command.env_clear().env("TERM", "xterm").current_dir(house.folder.path());
    let mut child = command.spawn(pts).unwrap();
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    assert_eq!(house.status()["phase"], "ready");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn signals_leave_the_terminal_as_it_was_found() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let house = House::new(LONG);
        let mut terminal = Terminal::open(&house, &[], (60, 20));
        terminal.sees("space start");
        assert_ne!(terminal.modes(), Terminal::cooked_modes());
        terminal.signal(signal);
        assert!(terminal.ends().success(), "{signal}");
    }
}

#[test]
fn a_resize_is_followed_down_to_nothing_and_back() {
    let house = House::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    for (columns, rows) in [(1, 1), (3, 2), (200, 60), (80, 24)] {
        terminal.seen.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        terminal.pty.resize(Size::new(rows, columns)).unwrap();
        assert_eq!(house_status_after(&house), "ready");
    }
    terminal.sees("space start");
}

fn house_status_after(house: &House) -> String {
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.status()["phase"].as_str().unwrap().to_owned()
}

#[test]
fn a_terminal_that_hangs_up_or_is_never_read_does_not_stop_the_talk() {
    for unread in [false, true] {
        let mut house = House::new(QUICK);
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        // Started so that the hang-up itself is no signal to it.
        let script = "trap '' HUP; exec \"$0\" --config config.toml --socket s --tape tape.0";
        let command = Command::from(child::command("sh")).args(["-c", script, TALKLIGHT]);
        let command = command.env_clear().env("TERM", "xterm-256color").current_dir(house.folder.path());
        house.daemon = Some(command.spawn(pts).unwrap());
        until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
        if unread {
            // Nobody reads; redrawing at every new size fills the terminal's buffer.
            for columns in (40..240).step_by(2) {
                pty.resize(Size::new(50, columns)).unwrap();
            }
        } else {
            drop(pty);
        }
        house.does(&["start"]);
        until("the talk is over", || house.tape().last().is_some_and(|frame| frame.phase == "over"));
        let pid = house.daemon.as_ref().unwrap().id();
        if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            assert!(ticks < 100, "{ticks} ticks of CPU in a talk of two seconds: something spins");
        }
        assert!(house.daemon.as_mut().unwrap().try_wait().unwrap().is_none(), "it still runs");
    }
}

#[test]
fn without_colour_the_strip_says_it_in_words_and_a_dumb_terminal_in_lines() {
    let house = House::new(LONG);
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")];
    let terminal = Terminal::open_with(&house, &[], (60, 16), &env);
    terminal.sees("space start");
    terminal.keys(" ");
    terminal.sees("G R E E N");
    terminal.sees("GGGGGG GGGGGG");
    drop(terminal);

    let house = House::new(LONG);
    let terminal = Terminal::open_with(&house, &[], (80, 24), &[("TERM", "dumb")]);
    terminal.sees("keys: space starts");
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard: long, 1:00:00");
    assert!(!terminal.text().contains('\u{1b}'));
}

#[test]
fn a_console_shows_and_steers_a_daemon_and_detaches() {
    let house = House::running(LONG);
    let mut console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
    assert_eq!(house.status()["phase"], "green");
    console.keys("\n");
    console.sees("a talk is running");
    console.keys("q");
    assert!(console.ends().success());
    assert_eq!(house.status()["phase"], "green");
}

#[test]
fn a_console_outlives_a_crash_of_its_daemon() {
    let mut house = House::running(LONG);
    let console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
    house.signal(Signal::SIGKILL);
    console.sees("the timer does not answer");
    house.start();
    console.sees("the talk goes on");
    console.keys("r");
    console.sees("talk reset at 0:0");
}

#[test]
fn keys_at_a_console_are_obeyed_in_their_order() {
    let house = House::running(LONG);
    let console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    for _ in 0..5 {
        house.does(&["start"]);
        console.sees("r reset");
        let generation = house.status()["generation"].as_u64().unwrap();
        // In one packet, as a slow line delivers them.
        console.keys("r ");
        until("the reset and the start are done", || house.status()["generation"] == generation + 2);
        assert_eq!(house.status()["phase"], "green");
        house.does(&["reset"]);
        console.sees("space start");
        crate::harness::pause(std::time::Duration::from_millis(800));
    }
}

#[test]
fn a_console_that_waits_comes_up_with_its_daemon() {
    let mut house = House::new(LONG);
    let console = Terminal::open(&house, &["console", "--wait"], (80, 24));
    console.sees("no talklight answers at s");
    house.start();
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
}

#[test]
fn a_console_tells_that_its_daemon_has_ended() {
    let mut house = House::running(LONG);
    let mut console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    house.signal(Signal::SIGTERM);
    assert_eq!(console.ends().code(), Some(1));
    console.sees("talklight: the daemon has ended");
}

#[test]
fn a_real_strip_is_not_left_standing_still() {
    let house = House::new(LONG);
    let terminal = Terminal::open(&house, &["--strip", "spi"], (80, 24));
    terminal.sees("space start");
    terminal.keys("\u{1a}");
    terminal.sees("not suspended: the strip would keep its colour");
    terminal.signal(Signal::SIGTSTP);
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let house = House::new(LONG);
    // A shell with job control, as a person has; without one there would be nothing to come back from.
    let script = "set -m; \"$0\" --config config.toml --socket s; echo stopped:$?; read enter; fg; echo ended:$?";
    let command = Command::from(child::command("sh")).args(["-c", script, TALKLIGHT]);
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")];
    let mut terminal = Terminal::run(command.env_clear().envs(env).current_dir(house.folder.path()), (80, 24));
    terminal.sees("space start");
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard");
    terminal.keys("\u{1a}");
    terminal.sees("stopped:");
    assert!(!terminal.seen.lock().unwrap().screen().alternate_screen());
    terminal.keys("\r");
    terminal.sees("G R E E N");
    terminal.keys("r");
    terminal.sees("talk reset at");
    terminal.keys("q");
    terminal.sees("ended:0");
    assert!(terminal.ends().success());
}
