//! The real binary on the pretend Pi. The bytes on MOSI are decoded as a strip would decode them, and buttons are edges.
//!
//! The expected frame is computed independently from the start of the talk and the time of the frame, which is in the tape.
//! No assertion depends on the speed of the machine.

mod button;
mod end;
mod fault;
#[cfg(feature = "web")]
mod pairing;
mod picture;
mod reach;
mod screen;
mod stop;
mod strip;
mod trial;

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::child;
use crate::harness::{
    Folder, Frame, PATIENCE, TALKLIGHT, WHOLE_TALK, ask, assert_order, connect, end, pause, text, until,
};
use crate::rig::{Builder, Level, Profile, Rig, monotonic_ns};

use picture::{BRISK, CALM, LONG, MILLIAMPS_PER_LED, PLAIN, Plan, Strip, sum};

/// The GPIO number of the start button.
const START: u32 = 17;
const BUTTON: &str = "[button]\nstart = 17\nhold = \"300ms\"\n";

/// A Pi with a strip and a config. One daemon runs at a time.
struct Pi {
    rig: Rig,
    strip: Strip,
    plan: Plan,
    button: String,
    runs: AtomicUsize,
    /// The time of the daemon's last start.
    begun_ns: AtomicU64,
    /// The times of dark frames at a stop, from the tape.
    stops: Mutex<Vec<u64>>,
}

impl Pi {
    fn new(builder: Builder, strip: &Strip, plan: Plan, button: &str) -> Self {
        let pi = Self {
            rig: builder.channels(strip.channels()).leds(strip.leds).build(),
            strip: strip.clone(),
            plan,
            button: button.into(),
            runs: AtomicUsize::new(0),
            begun_ns: AtomicU64::new(0),
            stops: Mutex::default(),
        };
        pi.write_config(plan);
        pi
    }

    /// Writes the config of this strip and `plan`.
    fn write_config(&self, plan: Plan) {
        let [length, yellow, red, flash] =
            [plan.length, plan.yellow, plan.red, plan.flash].map(|ms| format!("\"{ms}ms\""));
        let config = format!(
            "{}{}[[plan]]\nname = \"talk\"\nlength = {length}\nyellow = {yellow}\nred = {red}\nflash = {flash}\n\
             [flash]\nhz = {:.1}\n",
            self.strip.config(),
            self.button,
            500.0 / plan.half as f64,
        );
        std::fs::write(self.rig.path("config.toml"), config).unwrap();
    }

    /// A Pi 4 whose daemon has sent its first frame.
    fn running(strip: &Strip, plan: Plan, button: &str) -> Self {
        let pi = Self::new(Rig::builder(), strip, plan, button);
        pi.start();
        pi
    }

    /// The arguments with this Pi's config and socket.
    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let path = |name| self.rig.path(name).display().to_string();
        let mut all: Vec<String> = arguments.iter().map(|&argument| argument.into()).collect();
        all.extend(["--config".into(), path("config.toml")]);
        all.extend(["--socket".into(), path("s")]);
        all
    }

    /// Starts the daemon, and waits until it answers and has tried to show a frame.
    fn start(&self) {
        let arguments = self.begin(&["--headless"]);
        self.rig.start(TALKLIGHT, arguments);
        self.wait_begun();
    }

    /// Prepares the next run of the daemon, and returns its arguments.
    fn begin(&self, arguments: &[&str]) -> Vec<String> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let tape = self.tape_of(run).display().to_string();
        self.begun_ns.store(monotonic_ns(), Ordering::Relaxed);
        self.arguments(&[arguments, &["--tape", &tape]].concat())
    }

    fn wait_begun(&self) {
        let run = self.runs.load(Ordering::Relaxed) - 1;
        until("the daemon answers", || {
            assert!(!self.rig.has_ended(), "{:#?}", self.rig.output());
            UnixStream::connect(self.rig.path("s")).is_ok() && !read_tape(&self.tape_of(run)).is_empty()
        });
    }

    /// Ends the daemon by a signal that it handles.
    fn stop(&self, signal: Signal) {
        self.rig.signal(signal);
        let status = self.rig.ends();
        assert!(status.success(), "{status}, {:#?}", self.rig.output());
        self.darkened(&signal);
    }

    /// Checks that the last frame of the daemon that ended is dark.
    fn darkened(&self, by: &dyn Display) {
        let last = self.tape().pop().expect("the tape has a frame");
        assert!(last.leds.iter().all(|led| led == "000000"), "{by} left {last:?}");
        self.stops.lock().unwrap().push(last.t_ns);
        assert!(self.is_dark(), "{by} left the strip lit");
    }

    /// Presses a button after the daemon has seen it open: a contact that is closed at the start does not count as a press.
    fn press(&self, line: u32) {
        self.wait_looked(line);
        self.rig.press(line);
    }

    fn wait_looked(&self, line: u32) {
        let begun_ns = self.begun_ns.load(Ordering::Relaxed);
        until("the daemon reads the button", || {
            let looks = self.rig.looks();
            looks.iter().any(|look| look.line == line && look.at_ns >= begun_ns)
        });
    }

    /// Sends one line to the socket, and returns the reply.
    fn say(&self, line: &str) -> serde_json::Value {
        ask(&self.rig.path("s"), line)
    }

    fn status(&self) -> serde_json::Value {
        self.say("status")["status"].clone()
    }

    fn does(&self, command: &str) {
        let answer = self.say(command);
        assert_eq!(answer["ok"], true, "{command}: {answer}");
    }

    /// The faults of inputs in the status.
    fn faults(&self) -> Vec<String> {
        let status = self.status();
        let faults = status["faults"].as_array().unwrap();
        let fault = |fault: &serde_json::Value| {
            format!("{}: {}", fault["input"].as_str().unwrap(), fault["error"].as_str().unwrap())
        };
        faults.iter().map(fault).collect()
    }

    /// How many lines of the log contain `text`. The daemon must have ended, since a running one may still write.
    fn told(&self, text: &str) -> usize {
        assert!(self.rig.has_ended(), "the daemon still writes to the log");
        self.lines_with(text)
    }

    /// Waits until this many lines of the log contain `text`.
    fn wait_told_times(&self, text: &str, times: usize) {
        until(text, || self.lines_with(text) == times);
    }

    fn lines_with(&self, text: &str) -> usize {
        let output = self.rig.output();
        output.iter().filter(|line| line.contains(text)).count()
    }

    fn wait_told(&self, text: &str) -> String {
        self.rig.wait_line(text, PATIENCE)
    }

    /// Every frame of all runs, with those that failed.
    fn tape(&self) -> Vec<Frame> {
        let runs = self.runs.load(Ordering::Relaxed);
        (0..runs).flat_map(|run| read_tape(&self.tape_of(run))).collect()
    }

    fn tape_of(&self, run: usize) -> PathBuf {
        self.rig.path(&format!("tape.{run}"))
    }

    fn assert_order(&self) {
        assert_order(self.phases().iter().map(String::as_str));
    }

    fn phases(&self) -> Vec<String> {
        let mut phases: Vec<String> = self.tape().into_iter().map(|frame| frame.phase).collect();
        phases.dedup();
        phases
    }

    /// Waits until the talk is in this phase or a later one.
    fn wait_phase(&self, phase: &str) {
        let number = |phase: &str| WHOLE_TALK.iter().position(|known| *known == phase).unwrap();
        until(phase, || self.tape().iter().any(|frame| number(&frame.phase) >= number(phase)));
    }

    /// Waits until this time has passed since the start of the talk.
    fn wait_elapsed(&self, ms: u64) {
        self.wait_phase("green");
        let then = self.started_ns().unwrap() + ms * 1_000_000;
        until("the time has passed", || talklight::core::clock::now().as_ns() >= then);
    }

    /// The start of the talk, by the tape's clock.
    fn started_ns(&self) -> Option<u64> {
        let tape = self.tape();
        let first = tape.iter().find(|frame| frame.phase != "ready")?;
        assert_eq!(first.phase, "green");
        Some(first.t_ns)
    }

    /// Checks everything that was sent. Each transfer must be one whole frame within the timing of the data sheet, and show the
    /// picture for its time. There must be at most one talk.
    fn check_wire(&self) {
        let (transfers, tape) = (self.rig.transfers(), self.tape());
        let wire = self.rig.frames(Profile::WS2812B_150, self.strip.channels());
        assert!(wire.faults.is_empty(), "{:#?}", wire.faults);
        assert_eq!(wire.frames.len(), transfers.len(), "each transfer is one frame");
        // The first two frames of a process fill the buffer.
        let (frame, longest) = (self.strip.frame_bytes(), self.strip.frame_bytes_max(self.rig.bufsiz));
        let long = transfers.iter().filter(|transfer| transfer.bytes.len() != frame).count();
        for transfer in &transfers {
            assert!([frame, longest].contains(&transfer.bytes.len()));
            assert!(transfer.dma);
        }
        for refusal in self.rig.refusals() {
            assert!([frame, longest].contains(&refusal.bytes), "{refusal:?}");
        }
        let runs = self.runs.load(Ordering::Relaxed);
        assert!(long <= 2 * (runs + self.rig.refusals().len()), "{long} long frames in {runs} runs");
        let started_ns = self.started_ns();
        let stops = self.stops.lock().unwrap();
        for frame in &tape {
            let elapsed_ns = started_ns.and_then(|started_ns| frame.t_ns.checked_sub(started_ns));
            let mut look = self.strip.look(self.plan, elapsed_ns);
            if stops.contains(&frame.t_ns) {
                look.fill([0; 3]);
            } else {
                let phase = elapsed_ns.map_or("ready", |elapsed_ns| self.plan.phase(elapsed_ns));
                assert_eq!(frame.phase, phase, "{elapsed_ns:?} ns into the talk");
            }
            let hex = |[r, g, b]: &[u8; 3]| format!("{r:02x}{g:02x}{b:02x}");
            let look: Vec<String> = look.iter().map(hex).collect();
            assert_eq!(frame.leds, look, "{elapsed_ns:?} ns into the talk");
        }
        // One thread reads the clock, sends, and reads it again. A transfer belongs to the reading before it.
        let (scale, ahead_ns) = (self.strip.scale(self.plan), boot_time_ahead_ns());
        for frame in &wire.frames {
            let at_ns = frame.write_ns + ahead_ns;
            let shown = tape.iter().rfind(|shown| shown.t_ns <= at_ns).expect("the clock is read before a transfer");
            let sent: Vec<Vec<u8>> =
                frame.pixels.iter().map(|[r, g, b, w]| [*g, *r, *b, *w][..self.strip.channels()].to_vec()).collect();
            let expected: Vec<Vec<u8>> = shown
                .leds
                .iter()
                .map(|led| {
                    let channel = |at| u8::from_str_radix(&led[at..at + 2], 16).unwrap();
                    self.strip.bytes([channel(0), channel(2), channel(4)], scale)
                })
                .collect();
            assert_eq!(sent, expected, "sent at {at_ns}, of {shown:?}");
            assert!(self.strip.current(sum(&sent.concat())) <= self.strip.current_max());
        }
    }

    fn is_dark(&self) -> bool {
        let decoded = self.rig.frames(Profile::LAX, self.strip.channels());
        let last = decoded.frames.last().expect("a frame was sent");
        last.pixels.iter().all(|pixel| *pixel == [0; 4])
    }
}

/// A service manager that receives the watchdog notifications of the daemon.
struct Manager {
    folder: Folder,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.file("notify")).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { folder, socket }
    }

    fn add_to(&self, builder: Builder) -> Builder {
        builder.env("NOTIFY_SOCKET", self.folder.file("notify"))
    }

    /// The notifications since the last call.
    fn pings(&self) -> usize {
        let mut line = [0; 1024];
        let heard = std::iter::from_fn(|| {
            let length = self.socket.recv(&mut line).ok()?;
            Some(text(&line[..length]))
        });
        heard.filter(|line| line == "WATCHDOG=1").count()
    }

    /// Waits for a new notification.
    fn wait_ping(&self) {
        self.pings();
        until("the watchdog is notified", || self.pings() > 0);
    }
}

/// The exit status and the output of a client.
fn output(output: &std::process::Output) -> (Option<i32>, String) {
    let told = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), told.trim_end().into())
}

/// The complete lines of a tape.
fn read_tape(path: &PathBuf) -> Vec<Frame> {
    let tape = std::fs::read_to_string(path).unwrap_or_default();
    let whole = tape.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The difference between the tape's clock and the rig's: the time for which this machine was suspended.
fn boot_time_ahead_ns() -> u64 {
    let read = |clock| {
        let time = clock_gettime(clock).unwrap();
        time.tv_sec() * 1_000_000_000 + time.tv_nsec()
    };
    let once = || {
        let before = read(ClockId::CLOCK_MONOTONIC);
        let ahead = read(ClockId::CLOCK_BOOTTIME) - before;
        (read(ClockId::CLOCK_MONOTONIC) - before, ahead)
    };
    // The least of many measurements; an interrupted one is too large.
    let (_, ahead) = (0..100).map(|_| once()).min().unwrap();
    // A difference of microseconds is the time between the two readings.
    if ahead < 1_000_000 { 0 } else { ahead.cast_unsigned() }
}

/// Runs `job` on all at the same time: most of the time is waiting.
fn in_parallel<T: Sync>(each: &[T], job: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for one in each {
            scope.spawn(|| job(one));
        }
    });
}
