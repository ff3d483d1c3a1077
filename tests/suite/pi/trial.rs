//! `talklight test-strip` with a daemon and without.

use std::process::{Child, ChildStdin, Stdio};

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::*;

const RED_GRB: [u8; 4] = [0xff, 0, 0, 0];
const GREEN: [u8; 4] = [0, 0xff, 0x90, 0];
const DOT: [u8; 4] = [0x40, 0x40, 0x40, 0];
const DARK: [u8; 4] = [0; 4];

/// A running `talklight test-strip`.
struct Tester {
    child: Child,
    keys: Option<ChildStdin>,
}

impl Tester {
    fn start(pi: &Pi) -> Self {
        let mut child = child::command(TALKLIGHT)
            .args(pi.arguments(&["test-strip"]))
            .envs(pi.rig.second())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = child.stdin.take();
        Self { child, keys }
    }

    /// Waits until the strip shows this, then answers the question.
    fn answer(&mut self, pi: &Pi, what: &str, shows: impl Fn(&[[u8; 4]]) -> bool, answer: &str) {
        until(what, || pi.strip_shows(&shows));
        writeln!(self.keys.as_mut().unwrap(), "{answer}").unwrap();
    }

    fn end(self) -> (Option<i32>, String) {
        let ended = child::wait(self.child, "the tester");
        (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
    }
}

impl Pi {
    fn strip_shows(&self, shows: impl Fn(&[[u8; 4]]) -> bool) -> bool {
        let decoded = self.rig.frames(Profile::LAX, self.strip.channels());
        decoded.frames.last().is_some_and(|frame| shows(&frame.pixels))
    }
}

fn all(colour: [u8; 4]) -> impl Fn(&[[u8; 4]]) -> bool {
    move |pixels| pixels.iter().all(|pixel| *pixel == colour)
}

/// The ready dot, on the configured LEDs and those beyond.
fn ready(pixels: &[[u8; 4]]) -> bool {
    pixels[0] == DOT && pixels[1..].iter().all(|pixel| *pixel == DARK)
}

#[test]
fn a_test_through_the_daemon_finds_the_strip_and_gives_it_back() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    let mut tester = Tester::start(&pi);
    let red = |pixels: &[[u8; 4]]| pixels.len() == 12 && all(RED_GRB)(pixels);
    until("red", || pi.strip_shows(red));
    // The engine sends the frame before it updates the board.
    until("the status follows", || pi.status()["strip"]["trial"] == "ws2812 grb 12 red");
    assert_eq!(pi.status()["phase"], "ready");
    tester.answer(&pi, "red", red, "g");
    tester.answer(&pi, "green", all([0, 0xff, 0, 0]), "r");
    tester.answer(&pi, "blue", all([0, 0, 0xff, 0]), "b");
    // From here on the order is the one that was found, rgb.
    let tens = |pixels: &[[u8; 4]]| {
        pixels.len() == 318
            && pixels[..10] == [[0, 0xff, 0, 0]; 10]
            && pixels[10..20] == [RED_GRB; 10]
            && pixels[310..] == [RED_GRB; 8]
    };
    tester.answer(&pi, "tens", tens, "144");
    let (code, told) = tester.end();
    assert_eq!(code, Some(0), "{told}");
    let config = pi.rig.path("config.toml").display().to_string();
    // As docs/pi.md shows it for another strip in another place; answers are not echoed here.
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pi.md")).unwrap();
    let (_, shown) = page.split_once("$ talklight test-strip\n").unwrap();
    let (shown, _) = shown.split_once("\n```").unwrap();
    let shown = shown.replace("/etc/talklight/config.toml", &config).replace("# was 60", "# was 8");
    for line in shown.lines() {
        let said = line.split_once("? ").map_or(line.to_owned(), |(question, _)| format!("{question}? "));
        assert!(told.contains(&said), "{line}\n{told}");
    }
    until("the strip is back", || pi.strip_shows(ready));
    until("the status follows", || pi.status()["strip"]["trial"].is_null());
    pi.stop(Signal::SIGTERM);
    assert_eq!(pi.told("testing the strip"), 1);
    assert_eq!(pi.told("the test of the strip is over"), 1);
    assert!(pi.rig.frames(Profile::WS2812B_150, 3).faults.is_empty());
}

#[test]
fn a_press_takes_the_strip_from_the_test_at_once() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    let mut tester = Tester::start(&pi);
    for (colour, answer) in [(RED_GRB, "r"), ([0, 0xff, 0, 0], "g"), ([0, 0, 0xff, 0], "b")] {
        tester.answer(&pi, "a colour", all(colour), answer);
    }
    until("tens", || pi.strip_shows(|pixels| pixels.len() == 318));
    pi.press(START);
    let green = |pixels: &[[u8; 4]]| pixels[..8] == [GREEN; 8] && pixels[8..].iter().all(|pixel| *pixel == DARK);
    until("the talk has the strip", || pi.strip_shows(green));
    let (code, told) = tester.end();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("talklight: a talk is running, 1:00:"), "{told}");
    assert!(pi.strip_shows(green), "the strip shows only the talk");
}

/// A test that is longer than the buffer must not affect later talks.
#[test]
fn a_test_that_is_too_long_is_refused_and_later_talks_are_shown() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    for (request, most) in
        [("try ws2812 grb 319 red", "318"), ("try ws2812 grb 400 red", "318"), ("try sk6812-rgbw grb 239 red", "238")]
    {
        let answer = pi.say(request);
        assert_eq!(answer["ok"], false, "{request}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(&format!("at most {most}")), "{request}: {answer}");
        assert_eq!(answer["status"]["strip"]["health"], "sending", "{request}: {answer}");
    }
    // The longest tests that fit are accepted, one after the other.
    for request in ["try sk6812-rgbw grb 238 red", "try ws2812 grb 318 red", "try sk6812-rgbw grb 238 dark"] {
        pi.does(request);
        assert_eq!(pi.status()["strip"]["health"], "sending", "{request}");
    }
    pi.does("start");
    let green = |pixels: &[[u8; 4]]| pixels[..8] == [GREEN; 8] && pixels[8..].iter().all(|pixel| *pixel == DARK);
    until("the talk has the strip", || pi.strip_shows(green));
    assert_eq!(pi.status()["strip"]["health"], "sending");
}

#[test]
fn a_test_during_a_talk_is_refused() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.does("start");
    let (code, told) = Tester::start(&pi).end();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.starts_with("talklight: a talk is running, 1:00:"), "{told}");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
}

#[test]
fn ctrl_c_gives_the_strip_back() {
    for with_daemon in [true, false] {
        let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
        if with_daemon {
            pi.start();
        }
        let tester = Tester::start(&pi);
        until("red", || pi.strip_shows(all(RED_GRB)));
        kill(Pid::from_raw(tester.child.id().cast_signed()), Signal::SIGINT).unwrap();
        let (code, told) = tester.end();
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("the test has ended without an answer"), "{told}");
        let given_back = |pixels: &[[u8; 4]]| {
            if with_daemon { ready(pixels) } else { all(DARK)(pixels) }
        };
        until("the strip is back", || pi.strip_shows(given_back));
    }
}

#[test]
fn without_a_daemon_the_test_drives_the_strip_itself() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    let mut tester = Tester::start(&pi);
    for (colour, answer) in [(RED_GRB, "r"), ([0, 0xff, 0, 0], "g"), ([0, 0, 0xff, 0], "b")] {
        tester.answer(&pi, "a colour", all(colour), answer);
    }
    tester.answer(&pi, "tens", |pixels| pixels.len() == 318, "8");
    let (code, told) = tester.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("No timer is running, so this program drives the strip."), "{told}");
    assert!(told.contains(": 8 LEDs, ws2812 in the order grb. There is nothing to change."), "{told}");
    assert!(pi.strip_shows(all(DARK)));
}

#[test]
fn a_strip_that_cannot_be_tested_is_named() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.rig.spi_gone();
    until("it fails", || pi.status()["strip"]["health"] == "failing");
    let (code, told) = Tester::start(&pi).end();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("/dev/spidev0.0"), "{told}");
    // A simulated strip cannot be tested.
    let (code, told) = output(&pi.rig.run(TALKLIGHT, ["test-strip", "--strip", "simulated"]));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("set `kind = \"spi\"` under [strip]"), "{told}");
}
