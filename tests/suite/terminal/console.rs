//! The screen of a daemon in another process.

use nix::sys::signal::Signal;

use super::{LONG, Terminal};
use crate::harness::{House, until};

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
