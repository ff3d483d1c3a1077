//! Leaving the screen: by a signal, and by Ctrl-Z.

use nix::sys::signal::Signal;
use pty_process::blocking::Command;

use super::{LONG, Terminal};
use crate::harness::{Instance, TALKLIGHT};

#[test]
fn signals_leave_the_terminal_as_before() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let house = Instance::new(LONG);
        let mut terminal = Terminal::open(&house, &[], (60, 20));
        terminal.sees("space start");
        assert_ne!(terminal.modes(), Terminal::cooked_modes());
        terminal.signal(signal);
        assert!(terminal.ends().success(), "{signal}");
    }
}

#[test]
fn ctrl_z_is_refused_with_a_real_strip() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &["--strip", "spi"], (80, 24));
    terminal.sees("space start");
    terminal.keys("\u{1a}");
    terminal.sees("not suspended: the strip would keep its colour");
    terminal.signal(Signal::SIGTSTP);
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn ctrl_z_leaves_the_screen_and_fg_shows_it_again() {
    let house = Instance::new(LONG);
    // Ctrl-Z needs a shell with job control.
    let script = "set -m; \"$0\" --config config.toml --socket s; echo stopped:$?; read enter; fg; echo ended:$?";
    let command = Command::from(crate::child::command("sh")).args(["-c", script, TALKLIGHT]);
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")];
    let mut terminal = Terminal::run(command.env_clear().envs(env).current_dir(house.folder.path()), (80, 24));
    terminal.sees("space start");
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard");
    terminal.keys("\u{1a}");
    terminal.sees("stopped:");
    assert!(!terminal.seen.lock().unwrap().screen().alternate_screen());
    terminal.keys("\r");
    terminal.sees("T A L K");
    terminal.keys("r");
    terminal.sees("talk reset at");
    terminal.keys("q");
    terminal.sees("ended:0");
    assert!(terminal.ends().success());
}
