//! A daemon with a real strip, and its screen in a terminal: every way to leave it, a strip that hangs, and a panic.

use super::*;
use crate::terminal::Terminal;
use pty_process::blocking::{Command, open};

/// Long enough for a strip to hang while one phase follows another, and to be back before the end.
const HUNG: Plan = Plan { length: 12_000, yellow: 9000, red: 5000, flash: 2000, half: 1000 };

fn command(pi: &Pi) -> Command {
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
    let command = Command::from(child::command(TALKLIGHT)).args(pi.begin(&[]));
    command.env_clear().envs(env).envs(pi.rig.prepare())
}

/// A screen on which somebody has started a talk, and the strip shows it.
fn talk(pi: &Pi) -> Terminal {
    let screen = Terminal::run(command(pi), (80, 24));
    pi.wait_begun();
    screen.sees("space start");
    screen.keys(" ");
    screen.sees("talk started by the keyboard");
    pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [GREEN; 8]);
    screen
}

const GREEN: [u8; 4] = [0x00, 0xff, 0x90, 0];

#[test]
fn every_way_to_leave_the_screen_blanks_the_strip() {
    let quit = |screen: &Terminal| {
        screen.keys("q");
        screen.sees("press q again to quit");
        // Not the same key held down.
        pause(Duration::from_millis(300));
        screen.keys("q");
    };
    let ctrl_c = |screen: &Terminal| {
        screen.keys("\u{3}");
        screen.sees("again to quit");
        pause(Duration::from_millis(300));
        screen.keys("\u{3}");
    };
    let terminated = |screen: &Terminal| screen.signal(Signal::SIGTERM);
    let interrupted = |screen: &Terminal| screen.signal(Signal::SIGINT);
    let hung_up = |screen: &Terminal| screen.signal(Signal::SIGHUP);
    let told_to_quit = |screen: &Terminal| screen.signal(Signal::SIGQUIT);
    type Way<'a> = &'a (dyn Fn(&Terminal) + Sync);
    let ways: [(&str, Way<'_>); 6] = [
        ("q", &quit),
        ("Ctrl-C", &ctrl_c),
        ("SIGTERM", &terminated),
        ("SIGINT", &interrupted),
        ("SIGHUP", &hung_up),
        ("SIGQUIT", &told_to_quit),
    ];
    at_once(&ways, |(name, way)| {
        let pi = Pi::new(Rig::builder(), &PLAIN, LONG, "");
        let mut screen = talk(&pi);
        way(&screen);
        assert!(screen.ends().success(), "{name}");
        pi.darkened(name);
        pi.judge();
    });
}

#[test]
fn closing_the_terminal_blanks_the_strip() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, "");
    let (pty, pts) = open().unwrap();
    let mut child = command(&pi).spawn(pts).unwrap();
    pi.wait_begun();
    pi.does("start");
    pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [GREEN; 8]);
    drop(pty);
    assert!(end(&mut child).success());
    pi.darkened(&"the closed terminal");
    // Somebody may have meant to close another one.
    pi.start();
    pi.wait_told("the talk goes on: talk, 1:00:");
    pi.stop(Signal::SIGTERM);
    pi.judge();
}

#[test]
fn a_write_that_hangs_for_good_stops_nobody_else_and_the_talk_ends_when_it_would_have() {
    let manager = Manager::new();
    let pi = Pi::new(manager.of(Rig::builder()), &PLAIN, HUNG, BUTTON);
    let screen = talk(&pi);
    manager.wait_ping();
    pi.rig.spi_hang(true);
    manager.pings();
    let hung_ns = monotonic_ns();
    // All this while the engine stands still.
    screen.sees("Y E L L O W");
    let started_ns = pi.started_ns().unwrap();
    let status_is_right = || {
        let status = pi.status();
        let elapsed_ns = status["at_ns"].as_u64().unwrap() - started_ns;
        assert_eq!(status["phase"], HUNG.phase(elapsed_ns));
    };
    status_is_right();
    pi.rig.press(START);
    screen.sees("R E D");
    status_is_right();
    let (code, told) = output(&pi.rig.run(TALKLIGHT, pi.arguments(&["status"])));
    assert_eq!(code, Some(0), "{told}");
    let during = manager.pings();
    // One frame may have been on its way when the strip began to hang.
    assert!(during <= 1, "{during} pings from a loop that hangs");
    let passed_ns = monotonic_ns() - hung_ns;
    assert!(passed_ns > 2_000_000_000, "only {passed_ns} ns have passed");
    // What the service manager does then.
    drop(screen);
    pi.rig.spi_hang(false);
    pi.start();
    pi.wait_told("the talk goes on: talk, 0:");
    manager.wait_ping();
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.judge();
    let hung = pi.tape().iter().all(|frame| frame.phase != "yellow");
    assert!(hung, "a frame got through");
}

#[test]
fn a_screen_that_panics_leaves_the_terminal_as_it_was_and_the_talk_goes_on() {
    let pi = Pi::new(Rig::builder(), &PLAIN, CALM, BUTTON);
    let mut screen = talk(&pi);
    pi.rig.no_clock("screen");
    screen.is_left();
    screen.sees("panicked at ");
    until("it is told", || pi.faults() == ["keyboard: it panicked; please report this bug"]);
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    screen.signal(Signal::SIGTERM);
    assert!(screen.ends().success());
    pi.darkened(&"SIGTERM");
    pi.assert_order();
    pi.judge();
}

#[test]
fn an_engine_that_panics_leaves_the_terminal_as_it_was_and_the_talk_to_the_next() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    let mut screen = talk(&pi);
    // The thread that has no name but that of the program.
    pi.rig.no_clock("talklight");
    let end = screen.ends();
    assert_eq!(end.code(), Some(101), "{end:?} {}", screen.text());
    screen.sees("panicked at ");
    assert!(!pi.is_dark(), "between a crash and the restart");
    pi.start();
    pi.wait_told("the talk goes on: talk, 1:00:");
    pi.stop(Signal::SIGTERM);
    pi.judge();
}

#[test]
fn a_button_that_panics_is_told_on_the_screen_and_spoils_nothing() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    let mut screen = talk(&pi);
    pi.rig.no_clock("button");
    pi.rig.press(START);
    screen.sees("button: failed: it panicked; please report this bug");
    assert!(!screen.text().contains("panicked at"), "{}", screen.text());
    screen.keys("?");
    screen.sees("redraw the screen");
    screen.signal(Signal::SIGTERM);
    assert!(screen.ends().success());
    pi.darkened(&"SIGTERM");
    pi.judge();
}
