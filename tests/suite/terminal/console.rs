//! The screen of a daemon in another process.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use talklight::core::clock;

use super::{LONG, Terminal};
use crate::harness::{Instance, until};

#[test]
fn a_console_shows_and_steers_a_daemon_and_detaches() {
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
    console.sees("the timer does not answer");
    house.start();
    console.sees("the talk goes on");
    console.keys("r");
    console.sees("talk reset at 0:0");
}

#[test]
fn keys_at_a_console_are_obeyed_in_their_order() {
    let house = Instance::running(LONG);
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
    let mut house = Instance::new(LONG);
    let console = Terminal::open(&house, &["console", "--wait"], (80, 24));
    console.sees("no talklight answers at s");
    house.start();
    console.sees("space start");
    console.keys(" ");
    console.sees("talk started by the console: long, 1:00:00");
}

#[test]
fn a_console_tells_that_its_daemon_has_ended() {
    let mut house = Instance::running(LONG);
    let mut console = Terminal::open(&house, &["console"], (80, 24));
    console.sees("space start");
    house.signal(Signal::SIGTERM);
    assert_eq!(console.ends().code(), Some(1));
    console.sees("talklight: the daemon has ended");
}

/// The daemon is stopped, so that nobody answers: neither what the console asks for, nor its own next line.
#[test]
fn a_console_is_left_at_once_though_its_daemon_hangs() {
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
        // The console draws its own help, and leaves it for a command that waits for the daemon.
        console.keys(" ?");
        console.sees("draw this screen anew");
        console.keys("u");
        console.sees("space start");
        let asked = clock::now();
        leave(&console);
        assert!(console.ends().success(), "{name}");
        let took = clock::now().since(asked);
        assert!(took < Duration::from_secs(3), "{name} was heard after {took:?}");
    }
}
