//! Pairing by the button of a Pi without a screen: hold, two white LEDs, a phone, and everybody is told.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::button::News;
use super::*;
use crate::web::free_port;

const RESET: u32 = 27;
const LEDS: usize = 5;

/// Longer than the debounce time.
const LET_GO: Duration = Duration::from_millis(60);

/// A Pi whose web server listens at a port.
struct Site {
    pi: Pi,
    port: u16,
    /// Holds the paired devices.
    _state: Folder,
}

impl Site {
    fn new(builder: Builder, buttons: &str) -> Self {
        let (port, state) = (free_port(), Folder::new());
        let config = format!("{buttons}[web]\nlisten = \"127.0.0.1:{port}\"\n");
        let pi = Pi::new(builder.env("XDG_STATE_HOME", state.path()), &Strip { leds: LEDS, ..PLAIN }, LONG, &config);
        pi.start();
        until("the web server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { pi, port, _state: state }
    }

    /// Sends a request, and returns the status and the whole response.
    fn post(&self, verb: &str, body: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /api/v1/{verb} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        (response.split(' ').nth(1).unwrap().parse().unwrap(), response)
    }

    /// A phone asks to be paired by the button.
    fn asks(&self) -> (u16, String) {
        self.post(
            "pair",
            "{\"answer\": \"button\"}",
            "User-Agent: Mozilla/5.0 (Android 15) Gecko/145.0 Firefox/145.0\r\n",
        )
    }

    fn is_open(&self) -> bool {
        self.pi.status()["pairing_open_ms"].is_u64()
    }

    /// Waits until the two LEDs are white on the wire.
    fn wait_white(&self, after_ns: u64) {
        let is_white = |pixel: &[u8; 4]| pixel[0] > 100 && pixel[..3].iter().all(|channel| *channel == pixel[0]);
        self.pi.rig.wait_frame_after(after_ns, PATIENCE, |frame| {
            frame.pixels.iter().take(LEDS).map(is_white).collect::<Vec<_>>() == [true, true, false, false, false]
        });
    }
}

#[test]
fn a_hold_pairs_the_first_phone_and_a_press_shuts_pairing() {
    let site = Site::new(Rig::builder(), BUTTON);
    let pi = &site.pi;
    pi.press(START);
    pi.wait_told("talk started by the button");
    assert_eq!(site.asks().0, 403, "nothing is open");
    pause(LET_GO);
    // One hold: reset, then pairing.
    let held = monotonic_ns();
    pi.rig.gpio(START, Level::Low);
    pi.wait_told("talk reset at 0:0");
    assert!(!site.is_open());
    site.wait_white(held);
    let open = pi.wait_told("pairing is open for a minute");
    assert!(open.contains("Pair this phone"), "{open}");
    assert!(monotonic_ns() - held >= 5_000_000_000, "five seconds");
    pi.rig.gpio(START, Level::High);
    pause(LET_GO);
    let left = pi.status()["pairing_open_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    let (status, response) = site.asks();
    assert_eq!(status, 200, "{response}");
    // The first phone, and no other.
    assert_eq!(site.asks().0, 403);
    assert!(!site.is_open());
    pi.wait_told("Firefox on Android was paired by the button");
    let paired = pi.status()["last_paired"].clone();
    assert_eq!((&paired["name"], &paired["by"]), (&"Firefox on Android".into(), &"button".into()));
    let cookie = response
        .lines()
        .find_map(|line| line.to_lowercase().starts_with("set-cookie: ").then(|| line[12..].to_owned()));
    let token = cookie.unwrap().split([';', '=']).nth(1).unwrap().to_owned();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(site.post("start", "", &bearer).0, 200, "it is paired");

    // A second hold, in this talk. A press then starts the next talk and shuts pairing.
    pi.rig.gpio(START, Level::Low);
    pi.wait_told_times("pairing is open for a minute", 2);
    pi.rig.gpio(START, Level::High);
    pause(LET_GO);
    pi.press(START);
    pi.wait_told_times("talk started by the button", 2);
    assert!(!site.is_open());
    assert_eq!(site.asks().0, 403);
    // Remove undoes the pairing.
    let reply = pi.say("devices");
    let id = reply["pass"]["devices"][0]["id"].as_str().unwrap().to_owned();
    pi.does(&format!("remove {id}"));
    assert_eq!(site.post("reset", "", &bearer).0, 401);
    assert_eq!(pi.status()["phase"], "green");
}

#[test]
fn the_reset_button_of_two_opens_pairing_in_every_state() {
    let site = Site::new(Rig::builder(), "[button]\nstart = 17\nreset = 27\n");
    let pi = &site.pi;
    pi.wait_looked(RESET);
    pi.rig.gpio(RESET, Level::Low);
    pi.wait_told("pairing is open for a minute");
    // It is stuck, and opens nothing more after this.
    assert_eq!(site.asks().0, 200);
    until("it is told", || pi.faults().iter().any(|fault| fault.contains("has been closed for 15 s")));
    assert!(!site.is_open());
    assert_eq!(site.asks().0, 403);
}

#[test]
fn a_contact_that_is_closed_at_the_start_opens_nothing() {
    let site = Site::new(Rig::builder().level(RESET, Level::Low), "[button]\nstart = 17\nreset = 27\n");
    let pi = &site.pi;
    until("it is told", || pi.faults().iter().any(|fault| fault.contains("has been closed for 15 s")));
    assert!(!site.is_open());
    assert_eq!(pi.lines_with("pairing is open"), 0);
    assert_eq!(site.asks().0, 403);
}

#[test]
fn without_the_web_a_hold_opens_nothing() {
    let pi = Pi::running(&PLAIN, LONG, "[button]\nstart = 17\nreset = 27\n");
    pi.wait_looked(RESET);
    pi.rig.gpio(RESET, Level::Low);
    let mut news = News::of(&pi);
    while !news.next().iter().any(|told| told.starts_with("no phone can be paired, because the web is off")) {}
    assert_eq!(pi.status()["pairing_open_ms"], serde_json::Value::Null);
}
