//! A daemon with a strip and a screen: every way to leave the screen, a strip that hangs, and panics.

use super::*;
use crate::terminal::Terminal;
use pty_process::blocking::{Command, open};

/// Long enough for a strip to hang across phases and to return before the end.
const HUNG: Plan = Plan { length: 12_000, yellow: 9000, red: 5000, flash: 2000, half: 1000 };

fn command(pi: &Pi) -> Command {
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
    let command = Command::from(child::command(TALKLIGHT)).args(pi.begin(&[]));
    command.env_clear().envs(env).envs(pi.rig.prepare())
}

/// A screen with a talk that the strip shows.
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
        // A pause, so that the key does not count as held down.
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
    in_parallel(&ways, |(name, way)| {
        let pi = Pi::new(Rig::builder(), &PLAIN, LONG, "");
        let mut screen = talk(&pi);
        way(&screen);
        assert!(screen.ends().success(), "{name}");
        pi.darkened(name);
        pi.check_wire();
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
    // The window may have been closed by mistake, so the talk is saved.
    pi.start();
    pi.wait_told("the talk goes on: talk, 1:00:");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
}

#[test]
fn a_write_that_never_returns_blocks_nothing_else_and_the_talk_ends_in_time() {
    let manager = Manager::new();
    let pi = Pi::new(manager.add_to(Rig::builder()), &PLAIN, HUNG, BUTTON);
    let screen = talk(&pi);
    manager.wait_ping();
    pi.rig.spi_hang(true);
    manager.pings();
    let hung_ns = monotonic_ns();
    // The engine is blocked all this time.
    screen.sees("W R A P   U P");
    let started_ns = pi.started_ns().unwrap();
    let status_is_right = || {
        let status = pi.status();
        let elapsed_ns = status["at_ns"].as_u64().unwrap() - started_ns;
        assert_eq!(status["phase"], HUNG.phase(elapsed_ns));
    };
    status_is_right();
    pi.rig.press(START);
    screen.sees("F I N I S H");
    status_is_right();
    let (code, told) = output(&pi.rig.run(TALKLIGHT, pi.arguments(&["status"])));
    assert_eq!(code, Some(0), "{told}");
    let during = manager.pings();
    // One write may have been running when the strip began to hang.
    assert!(during <= 1, "{during} pings from a loop that hangs");
    let passed_ns = monotonic_ns() - hung_ns;
    assert!(passed_ns > 2_000_000_000, "only {passed_ns} ns have passed");
    // The service manager runs this next.
    drop(screen);
    pi.rig.spi_hang(false);
    pi.start();
    pi.wait_told("the talk goes on: talk, 0:");
    manager.wait_ping();
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
    let hung = pi.tape().iter().all(|frame| frame.phase != "yellow");
    assert!(hung, "a frame was sent");
}

#[test]
fn a_panic_of_the_screen_restores_the_terminal_and_the_talk_continues() {
    let pi = Pi::new(Rig::builder(), &PLAIN, CALM, BUTTON);
    let mut screen = talk(&pi);
    pi.rig.no_clock("screen");
    screen.is_left();
    screen.sees("panicked at ");
    until("the fault is in the status", || pi.faults() == ["keyboard: it panicked; please report this bug"]);
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    screen.signal(Signal::SIGTERM);
    assert!(screen.ends().success());
    pi.darkened(&"SIGTERM");
    pi.assert_order();
    pi.check_wire();
}

#[test]
fn a_panic_of_the_engine_restores_the_terminal_and_the_next_process_resumes_the_talk() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    let mut screen = talk(&pi);
    // The main thread has the name of the program.
    pi.rig.no_clock("talklight");
    let end = screen.ends();
    assert_eq!(end.code(), Some(101), "{end:?} {}", screen.text());
    screen.sees("panicked at ");
    assert!(!pi.is_dark(), "the strip keeps its picture until the restart");
    pi.start();
    pi.wait_told("the talk goes on: talk, 1:00:");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
}

#[test]
fn a_panic_of_a_button_is_shown_and_does_not_disturb_the_screen() {
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
    pi.check_wire();
}
