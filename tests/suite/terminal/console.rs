//! `talklight console`: the screen of a daemon in another process.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use talklight::core::clock;

use super::{LONG, Terminal};
use crate::harness::{Instance, until};

#[test]
fn a_console_shows_and_controls_a_daemon_and_detaches() {
    let house = Instance::running(LONG);
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
    let mut house = Instance::running(LONG);
    let console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
    house.signal(Signal::SIGKILL);
    console.sees("console: failed: the timer does not answer");
    house.start();
    console.sees("the talk goes on");
    console.keys("r");
    console.sees("talk reset at 0:0");
}

#[test]
fn keys_at_a_console_act_in_their_order() {
    let house = Instance::running(LONG);
    let console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    for _ in 0..5 {
        house.does(&["start"]);
        console.sees("r reset");
        let generation = house.status()["generation"].as_u64().unwrap();
        // In one packet, as a slow line delivers both keys.
        console.keys("r ");
        until("the reset and the start are done", || house.status()["generation"] == generation + 2);
        assert_eq!(house.status()["phase"], "green");
        house.does(&["reset"]);
        console.sees("space start");
        crate::harness::pause(std::time::Duration::from_millis(800));
    }
}

#[test]
fn a_console_with_wait_starts_when_its_daemon_does() {
    let mut house = Instance::new(LONG);
    let console = Terminal::open(&house, &["console", "--wait"], (80, 24));
    console.sees("no talklight answers at s");
    house.start();
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
}

#[test]
fn a_console_says_that_its_daemon_has_ended() {
    let mut house = Instance::running(LONG);
    let mut console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    house.signal(Signal::SIGTERM);
    assert_eq!(console.ends().code(), Some(1));
    console.sees("talklight: the daemon has ended");
}

/// The daemon is stopped by SIGSTOP, so that it neither answers requests nor sends snapshots.
#[test]
fn a_console_ends_at_once_while_its_daemon_hangs() {
    type Way = fn(&Terminal);
    let ways: [(&str, Way); 5] = [
        ("q", |console| console.keys("q")),
        ("Ctrl-C", |console| console.keys("\u{3}")),
        ("SIGTERM", |console| console.signal(Signal::SIGTERM)),
        ("SIGINT", |console| console.signal(Signal::SIGINT)),
        ("SIGHUP", |console| console.signal(Signal::SIGHUP)),
    ];
    for (name, leave) in ways {
        let house = Instance::running(LONG);
        let mut console = Terminal::open(&house, &["console"], (80, 24));
        console.sees("space start");
        let daemon = Pid::from_raw(house.daemon.as_ref().unwrap().id() as i32);
        kill(daemon, Signal::SIGSTOP).unwrap();
        // The help page needs no daemon; the command that closes it waits for one.
        console.keys(" ?");
        console.sees("redraw the screen");
        console.keys("u");
        console.sees("space start");
        let pressed = clock::now();
        leave(&console);
        assert!(console.ends().success(), "{name}");
        let took = clock::now().since(pressed);
        assert!(took < Duration::from_secs(3), "{name} took {took:?}");
    }
}
