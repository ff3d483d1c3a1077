//! The web server of the real binary, through real connections, as used by programs and hostile pages.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::harness::{Instance, PATIENCE, until};

mod client;
mod crowd;
mod devices;
mod door;
mod flag;
mod load;
mod openapi;
mod pages;
mod pairing;
mod phones;
mod router;

use client::{HttpRequest, HttpResponse};

/// Two plans, longer than any test.
const PLANS: &str = r#"
[[plan]]
name = "lightning"
length = "5m"
yellow = "2m"
red = "1m"
flash = "30s"

[[plan]]
name = "keynote"
length = "1h"
yellow = "10m"
red = "5m"
flash = "1m"

[strip]
leds = 4
"#;

/// A daemon with a web server, and its port.
struct Web {
    house: Instance,
    port: u16,
}

impl Web {
    fn running() -> Self {
        Self::of("")
    }

    /// With additional lines under [web].
    fn of(lines: &str) -> Self {
        Self::at(free_port(), lines)
    }

    fn at(port: u16, lines: &str) -> Self {
        Self::with(port, PLANS, lines)
    }

    fn with(port: u16, plans: &str, lines: &str) -> Self {
        let mut house = Instance::new(&format!("{plans}\n[web]\nlisten = \"127.0.0.1:{port}\"\n{lines}"));
        let state = house.folder.file("state").display().to_string();
        house.env("XDG_STATE_HOME", &state);
        house.start();
        until("the web server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { house, port }
    }

    fn get(&self, path: &str) -> HttpResponse {
        HttpRequest::get(path).send(self.port)
    }

    /// Posts with a bearer token, as a program does.
    fn post(&self, path: &str, token: &str, body: &Value) -> HttpResponse {
        let bearer = format!("Bearer {token}");
        HttpRequest::post(path, &body.to_string()).with("Authorization", &bearer).send(self.port)
    }

    fn token(&self) -> String {
        let reply = self.house.say("token");
        reply["pass"]["token"].as_str().unwrap().to_owned()
    }

    /// The ticket and the code of a new invitation.
    fn invite(&self) -> [String; 2] {
        let reply = self.house.say("invite");
        ["ticket", "code"].map(|name| {
            let said = &reply["pass"]["invitation"][name];
            said.as_str().unwrap().to_owned()
        })
    }

    fn pair(&self, answer: &str) -> HttpResponse {
        let body = json!({ "answer": answer }).to_string();
        HttpRequest::post("/api/v1/pair", &body).send(self.port)
    }

    fn generation(&self) -> u64 {
        self.house.status()["generation"].as_u64().unwrap()
    }
}

/// A free port, below the range of ephemeral ports: a connection of another test could take one of those before the daemon.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run at the same time start far apart.
    let first = (std::process::id() % 100) as u16 * 100;
    let ports = std::iter::repeat_with(|| 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000);
    ports.take(10_000).find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok()).expect("a port is free")
}

#[test]
fn an_unpaired_client_can_read_but_not_change() {
    let web = Web::running();
    let status = web.get("/api/v1/status").json();
    assert_eq!(status["phase"], "ready");
    for verb in ["start", "reset", "undo"] {
        for token in ["", "0", &"0".repeat(64)] {
            let answer = web.post(&format!("/api/v1/{verb}"), token, &json!({}));
            assert_eq!(answer.status, 401, "{verb} by {token:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(web.get("/api/v1/paired").status, 401);
    assert_eq!(web.house.status()["generation"], status["generation"]);
}

#[test]
fn a_program_with_a_token_can_start_reset_and_undo() {
    let web = Web::running();
    let token = web.token();
    let did = |verb: &str, body: Value, status: u16, message: &str| {
        let answer = web.post(&format!("/api/v1/{verb}"), &token, &body);
        let reply = answer.json();
        assert_eq!(answer.status, status, "{verb} {body}: {reply}");
        assert_eq!(reply["ok"], status == 200);
        let said = reply["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{verb} {body}: {said}");
        reply
    };
    did("undo", json!({}), 409, "there is no reset to undo");
    did("start", json!({"plan": "keynot"}), 400, "there is no plan `keynot`; the plans are lightning, keynote");
    let reply = did("start", json!({"plan": "keynote"}), 200, "started keynote, 1:00:00");
    assert_eq!(reply["status"]["phase"], "green");
    assert_eq!(reply["status"]["plan"]["name"], "keynote");
    did("start", json!({}), 409, "a talk is running, ");
    did("reset", json!({}), 200, "reset at 0:");
    did("undo", json!({}), 200, "undone, ");
    did("reset", json!({"plan": "keynote"}), 400, "only `start` and `choose` take a `plan`");
    did("reset", json!({}), 200, "reset at 0:");
    did("reset", json!({}), 200, "ready already");
    did("choose", json!({"plan": "keynote"}), 200, "the next talk is keynote, 1:00:00");
    did("choose", json!({}), 400, "`choose` needs a plan");
    did("late", json!({"by": "30s"}), 409, "no talk is running");
    did("demo", json!({}), 200, "the strip shows the colours of a talk");
    assert!(web.house.status()["demo"]["left_ms"].as_u64().is_some_and(|left| left <= 11_000));
    let reply = did("start", json!({"late": "10m"}), 200, "started keynote, 1:00:00, with 10:00 taken off");
    assert_eq!(reply["status"]["late_ms"], 600_000);
    assert_eq!(reply["status"]["demo"], Value::Null, "a start ends the demonstration");
    did("demo", json!({}), 409, "a talk is running");
    did("late", json!({"by": "1m"}), 200, "1:00 taken off, 4");
    did("undo", json!({}), 200, "1:00 given back, ");
    for by in ["0s", "-1s", "soon", "30", ""] {
        did("late", json!({"by": by}), 400, "expected a length of time with a unit");
    }
    did("late", json!({"by": "50m"}), 409, "less than ");
    did("late", json!({}), 400, "`late` needs the time to take off");
    did("late", json!({"late": "1s"}), 400, "only `start` takes `late`");
    did("reset", json!({"by": "1s"}), 400, "only `late` takes `by`");
    did("reset", json!({}), 200, "reset at ");
    did("choose", json!({"plan": "lightning"}), 200, "the next talk is lightning, 5:00");
    // An empty body is what a Stream Deck sends.
    let bearer = format!("Bearer {token}");
    let ask = HttpRequest::post("/api/v1/start", "").with("Authorization", &bearer);
    assert_eq!(ask.send(web.port).json()["message"], "started lightning, 5:00");
    web.house.wait_log("talk started by the web");
}

#[test]
fn a_repeated_command_is_carried_out_once_and_never_on_the_next_talk() {
    let web = Web::running();
    let token = web.token();
    let press = |verb: &str, generation: u64| {
        let path = format!("/api/v1/{verb}");
        let answer = web.post(&path, &token, &json!({ "generation": generation }));
        (answer.status, answer.json()["message"].as_str().unwrap().to_owned())
    };
    let first = web.generation();
    let started = press("start", first);
    assert_eq!(started, (200, "started lightning, 5:00".into()));
    let running = web.generation();
    assert_eq!(running, first + 1);
    assert_eq!(press("start", first), started);
    assert_eq!(web.generation(), running);
    // The next talk.
    web.house.does(&["reset"]);
    web.house.does(&["start"]);
    let next = web.generation();
    assert_eq!(press("start", first), started);
    let stale = "the timer has changed since you looked; look, and do it again";
    assert_eq!(press("reset", running), (409, stale.into()));
    // Another command with the same generation is not a repeat.
    assert_eq!(press("reset", first), (409, stale.into()));
    assert_eq!(web.generation(), next);
    assert_eq!(web.house.status()["phase"], "green");
}

#[test]
fn a_command_that_comes_after_its_deadline_does_nothing() {
    let web = Web::running();
    let token = web.token();
    let press = |generation: u64, deadline_ns: u64| {
        let body = json!({ "generation": generation, "deadline_ns": deadline_ns });
        let answer = web.post("/api/v1/start", &token, &body);
        (answer.status, answer.json()["message"].as_str().unwrap().to_owned())
    };
    let (generation, now) = (web.generation(), talklight::core::clock::now().as_ns());
    let late = (409, "this came too late and was not done; look, and press again".to_owned());
    assert_eq!(press(generation, now - 1), late);
    assert_eq!(web.house.status()["phase"], "ready");
    let deadline = now + 60_000_000_000;
    let started = (200, "started lightning, 5:00".to_owned());
    assert_eq!(press(generation, deadline), started);
    assert_eq!(press(generation, deadline), started, "a repeat learns that it was done");
    let other = press(generation, deadline + 1);
    assert_eq!(other.0, 409, "the press of another phone was not: {other:?}");
    assert_eq!(web.generation(), generation + 1);
    let line = format!("before {} reset", now - 1);
    assert_eq!(web.house.say(&line)["message"], late.1);
}

#[test]
fn a_repeat_of_a_press_with_a_deadline_gets_the_first_reply_whatever_it_was() {
    let web = Web::running();
    let token = web.token();
    let now = || talklight::core::clock::now().as_ns();
    let press = |verb: &str, body: &Value| {
        let answer = web.post(&format!("/api/v1/{verb}"), &token, body);
        (answer.status, answer.json()["message"].as_str().unwrap().to_owned())
    };
    // A refusal stays one, also when its reason is gone, such as the two seconds after the end of a talk.
    let refused = json!({ "generation": web.generation(), "deadline_ns": now() + 60_000_000_000 });
    assert_eq!(web.house.say("try ws2812 grb 60 red")["ok"], true);
    let first = press("demo", &refused);
    assert_eq!(first.0, 409, "{first:?}");
    assert_eq!(web.house.say("try nothing")["ok"], true);
    assert_eq!(press("demo", &refused), first);
    assert_eq!(web.house.status()["demo"], Value::Null);
    // What was done is not called too late.
    let deadline = now() + 500_000_000;
    let done = json!({ "generation": web.generation(), "deadline_ns": deadline });
    let first = press("demo", &done);
    assert_eq!(first.0, 200, "{first:?}");
    until("the deadline has passed", || now() > deadline);
    assert_eq!(press("demo", &done), first);
    // It needs no generation.
    web.house.does(&["start"]);
    let late = json!({ "by": "10s", "deadline_ns": now() + 60_000_000_000 });
    let first = press("late", &late);
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(press("late", &late), first);
    assert_eq!(web.house.status()["late_ms"], 10_000);
}

#[test]
fn the_event_stream_has_the_status_after_each_change_and_a_beat_each_second() {
    let web = Web::running();
    let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    // Skips the lines of the chunked encoding.
    let mut event = || {
        let name = lines.find_map(|line| Some(line.strip_prefix("event: ")?.to_owned()));
        let data = lines.find_map(|line| Some(line.strip_prefix("data: ")?.to_owned()));
        (name.unwrap(), serde_json::from_str::<Value>(&data.unwrap()).unwrap())
    };
    let (name, first) = event();
    assert_eq!((name.as_str(), &first["phase"]), ("status", &json!("ready")));
    let beats: Vec<u64> = (0..3)
        .map(|_| {
            let (name, beat) = event();
            assert_eq!(name, "beat", "no other event arrives without a change");
            beat.as_u64().unwrap()
        })
        .collect();
    let now = talklight::core::clock::now().as_ns();
    assert!(beats[2] <= now && now - beats[2] < PATIENCE.as_nanos() as u64);
    for pair in beats.windows(2) {
        let apart = pair[1] - pair[0];
        // On a busy machine a beat may be late; the next one follows a second after it.
        assert!(apart >= 900_000_000, "{apart} ns between beats");
    }
    web.house.does(&["start"]);
    let (_, status) = std::iter::repeat_with(&mut event).find(|(name, _)| name == "status").unwrap();
    assert_eq!(status["phase"], "green");
    assert_eq!(status["generation"], first["generation"].as_u64().unwrap() + 1);
}

#[test]
fn an_unavailable_port_is_a_fault_and_the_timer_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut house = Instance::new(&format!("[web]\nlisten = \"127.0.0.1:{port}\""));
    let state = house.folder.file("state").display().to_string();
    house.env("XDG_STATE_HOME", &state);
    house.start();
    let fault = |house: &Instance| {
        let mut fault = serde_json::Value::Null;
        until("the fault is told", || {
            fault = house.status()["faults"][0].clone();
            !fault.is_null()
        });
        fault
    };
    let said = fault(&house);
    assert_eq!(said["input"], "web");
    let why = said["error"].as_str().unwrap();
    let start = format!("web.listen: 127.0.0.1:{port}: ");
    assert!(why.contains(&start), "{said}");
    assert!(why.ends_with(&format!("stop it, or choose another port, as with --web=:{}", port + 1)), "{said}");
    #[cfg(target_os = "linux")]
    {
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        let owner = format!("; process {} ({}) uses this port;", std::process::id(), name.trim());
        assert!(why.contains(&owner), "{said}");
    }
    house.does(&["start"]);
    assert_eq!(house.status()["phase"], "green");
    // Without an open port there is no invitation.
    let refused = house.refuses(&["remote"]);
    assert!(refused.contains("the web server has no port yet"), "{refused}");
    // Once the port is free, the daemon takes it, and the fault is gone.
    drop(taken);
    until("the web server listens", || house.status()["faults"].as_array().is_some_and(Vec::is_empty));
    let web = Web { house, port };
    assert_eq!(web.get("/").status, 200);
    let mut house = web.house;
    house.signal(nix::sys::signal::Signal::SIGTERM);
    std::fs::write(house.folder.file("config.toml"), "[web]\nlisten = \"192.0.2.1:8080\"").unwrap();
    house.start();
    let said = fault(&house)["error"].clone();
    let why = said.as_str().unwrap();
    assert!(why.contains("web.listen: 192.0.2.1:8080: ") && why.contains("no such address"), "{said}");
}
