//! A room full of phones, and somebody who means harm: idle and slow connections, requests and wrong codes at once, for as long as
//! a talk takes. A press stays quick, and the talk is not moved.
//!
//! `.ci/long load` runs this, with enough descriptors and an optimised build.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use talklight::core::clock::{self, Moment};

use super::{Web, free_port};
use crate::harness::{Instance, PATIENCE, pause, until};

const IDLE: usize = 1_000;
const SLOW: usize = 1_000;
const REQUESTS: usize = 50_000;
const WRONG_CODES: usize = 20_000;
const PRESSES: usize = 2_000;
/// The pause after some requests: those who ask are other machines, so they must not take the processor that the timer needs.
const BREATH: Duration = Duration::from_millis(8);
/// How late a frame may be on a machine that does other things as well.
const LATE_MAX: Duration = Duration::from_millis(50);
/// Descriptors that this process needs.
const DESCRIPTORS: u64 = 4_096;

/// A talk of half a minute. Its marks are edges that the tape dates.
const CONFIG: &str = r#"
[[plan]]
name = "short"
length = "30s"
yellow = "20s"
red = "10s"
flash = "5s"

[strip]
leds = 4
"#;

/// What is done besides the presses. The threads go on until the end, and have done at least so much by then.
#[derive(Default)]
struct Load {
    requests: AtomicUsize,
    codes: AtomicUsize,
    has_ended: AtomicBool,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.has_ended.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        self.requests.load(Ordering::Relaxed) >= REQUESTS && self.codes.load(Ordering::Relaxed) >= WRONG_CODES
    }
}

/// A connection that stays open for several requests.
struct Client {
    port: u16,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    /// Sends a request and reads its response. False if the connection was closed.
    fn ask(&mut self, request: &str) -> bool {
        let asked = self.try_ask(request).is_ok();
        if !asked {
            self.stream = None;
        }
        asked
    }

    fn try_ask(&mut self, request: &str) -> std::io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                none.insert(BufReader::new(stream))
            }
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                return stream.read_exact(&mut vec![0; length]);
            }
        }
    }
}

fn post(verb: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST /api/v1/{verb} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// Keeps `count` connections open, of which each sends a byte of a header each second if `is_slow`. One that the timer closes is
/// opened again within a second.
fn crowd(port: u16, count: usize, is_slow: bool, load: &Load) {
    let mut streams: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
    while load.goes_on() {
        for (number, slot) in streams.iter_mut().enumerate() {
            if number % 10 == 0 {
                pause(Duration::from_millis(10));
            }
            let stream = slot.get_or_insert_with(|| {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection is accepted");
                stream.set_nonblocking(true).unwrap();
                if is_slow {
                    let _ = stream.write_all(b"POST /api/v1/start HTTP/1.1\r\nX: ");
                }
                stream
            });
            let is_closed = match stream.read(&mut [0; 64]) {
                Ok(length) => length == 0,
                Err(error) => error.kind() != ErrorKind::WouldBlock,
            };
            if is_closed || is_slow && stream.write_all(b"x").is_err() {
                *slot = None;
            }
        }
    }
}

fn descriptors() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(0)
}

/// The time from the start of the talk to the first frame of a phase.
fn since_start(house: &Instance, phase: &str) -> Duration {
    let tape = house.tape();
    let started = tape.iter().rposition(|frame| frame.phase == "ready").unwrap_or(0);
    let first = |phase: &str| {
        let frame = tape[started..].iter().find(|frame| frame.phase == phase);
        Moment::from_ns(frame.unwrap_or_else(|| panic!("no frame of {phase}")).t_ns)
    };
    first(phase).since(first("green"))
}

#[test]
#[ignore = "takes a minute and thousands of descriptors"]
fn a_press_stays_quick_and_a_talk_is_not_moved() {
    if descriptors() < DESCRIPTORS {
        eprintln!("skipped: this needs {DESCRIPTORS} descriptors; `.ci/long load` sets them");
        return;
    }
    let web = Web::with(free_port(), CONFIG, "");
    let (port, token) = (web.port, web.token());
    let load = Load::default();
    let paired = format!("Authorization: Bearer {token}\r\n");
    let mut times = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| crowd(port, IDLE, false, &load));
        scope.spawn(|| crowd(port, SLOW, true, &load));
        scope.spawn(|| {
            let mut client = Client::new(port);
            let request = "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
            while load.goes_on() {
                let asked = (0..10).filter(|_| client.ask(request)).count();
                load.requests.fetch_add(asked, Ordering::Relaxed);
                pause(BREATH);
            }
        });
        scope.spawn(|| {
            let mut client = Client::new(port);
            for code in 0.. {
                let request = post("pair", "", &format!("{{\"answer\": \"{:06}\"}}", code % 1_000_000));
                load.codes.fetch_add(usize::from(client.ask(&request)), Ordering::Relaxed);
                if code % 5 == 0 {
                    pause(BREATH);
                }
                if !load.goes_on() {
                    return;
                }
            }
        });
        // Whatever fails here, the threads must end.
        let end = End(&load);
        let mut chair = Client::new(port);
        let mut press = |verb: &str| {
            let request = post(verb, &paired, "");
            let begun = clock::now();
            assert!(chair.ask(&request), "a paired connection is never closed");
            clock::now().since(begun)
        };
        press("reset");
        for number in 0..PRESSES {
            times.push(press(if number % 2 == 0 { "start" } else { "reset" }));
            pause(Duration::from_millis(3));
        }
        press("start");
        until("the talk is over, and enough was asked", || web.house.status()["phase"] == "over" && load.is_done());
        drop(end);
    });
    times.sort_unstable();
    let part = |part: usize| times[times.len() * part / 100];
    let (requests, codes) = (load.requests.into_inner(), load.codes.into_inner());
    println!(
        "{requests} requests, {codes} wrong codes, {IDLE} idle and {SLOW} slow connections; \
         a press: median {:?}, 99 % {:?}, longest {:?}",
        part(50),
        part(99),
        times[times.len() - 1]
    );
    for (phase, seconds) in [("yellow", 10), ("red", 20), ("flash", 25), ("over", 30)] {
        let after = since_start(&web.house, phase);
        let off = after.abs_diff(Duration::from_secs(seconds));
        println!("{phase}: {off:?} off");
        assert!(off < LATE_MAX, "{phase} came after {after:?}");
    }
    assert!(part(50) < Duration::from_millis(1), "the median of a press is {:?}", part(50));
}

/// Ends the load when it is dropped.
struct End<'a>(&'a Load);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
    }
}
