//! The real binary on the pretend Pi: its bytes on MOSI are decoded as a strip would, its buttons are pressed by edges.
//!
//! What a frame should show is computed here anew: from the talk's start and the frame's own time, which the tape tells,
//! to phase, colour and the bytes for the strip. No assertion depends on how fast the machine is.

mod button;
mod end;
mod fault;
mod screen;
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

use crate::harness::{Folder, Frame, PATIENCE, TALKLIGHT, pause, text, until};
use crate::rig::{Builder, Level, Profile, Rig, monotonic_ns};

/// The line of the start button.
const START: u32 = 17;
const BUTTON: &str = "[button]\nstart = 17\nhold = \"300ms\"\n";

/// The plan of a talk, in milliseconds; the marks are time left.
#[derive(Clone, Copy)]
struct Plan {
    length: u64,
    yellow: u64,
    red: u64,
    flash: u64,
    /// Half a period of the flash.
    half: u64,
}

/// Five parts of 200 ms: green, yellow, red, dark, red.
const BRISK: Plan = Plan { length: 1000, yellow: 800, red: 600, flash: 400, half: 200 };

/// The same in parts of half a second.
const CALM: Plan = Plan { length: 2500, yellow: 2000, red: 1500, flash: 1000, half: 500 };

/// Green for an hour.
const LONG: Plan = Plan { length: 3_630_000, yellow: 30_000, red: 20_000, flash: 10_000, half: 500 };

impl Plan {
    fn phase(self, elapsed_ns: u64) -> &'static str {
        match self.left_ns(elapsed_ns) {
            0 => "over",
            left if left <= self.flash * 1_000_000 => "flash",
            left if left <= self.red * 1_000_000 => "red",
            left if left <= self.yellow * 1_000_000 => "yellow",
            _ => "green",
        }
    }

    /// The colour's name; none when dark.
    fn colour(self, elapsed_ns: u64) -> Option<&'static str> {
        let halves = self.left_ns(elapsed_ns).div_ceil(self.half * 1_000_000);
        match self.phase(elapsed_ns) {
            "over" => None,
            // Counted back from the end, the first half is lit, the second dark, and so on.
            "flash" => (halves % 2 == 1).then_some("red"),
            phase => Some(phase),
        }
    }

    fn left_ns(self, elapsed_ns: u64) -> u64 {
        (self.length * 1_000_000).saturating_sub(elapsed_ns)
    }
}

/// A strip, and how it is driven. Unless told otherwise the LEDs are sent the colours as they are.
#[derive(Clone)]
struct Strip {
    leds: usize,
    chip: &'static str,
    order: &'static str,
    gamma: bool,
    brightness: u8,
    max_milliamps: u64,
    bar: bool,
    green: [u8; 3],
    yellow: [u8; 3],
}

const PLAIN: Strip = Strip {
    leds: 8,
    chip: "ws2812",
    order: "grb",
    gamma: false,
    brightness: 255,
    max_milliamps: 0,
    bar: false,
    green: [0x00, 0xff, 0x90],
    yellow: [0xff, 0xaa, 0x00],
};
const RED: [u8; 3] = [0xff, 0x00, 0x00];
const READY: [u8; 3] = [0x40, 0x40, 0x40];
const MILLIAMPS_PER_LED: u64 = 55;

impl Strip {
    fn channels(&self) -> usize {
        if self.chip == "ws2812" { 3 } else { 4 }
    }

    fn frame_bytes(&self) -> usize {
        280 + 4 * self.channels() * self.leds
    }

    /// What the eye should see `elapsed_ns` into the talk; `None` is before it.
    fn look(&self, plan: Plan, elapsed_ns: Option<u64>) -> Vec<[u8; 3]> {
        let (colour, lit) = match elapsed_ns {
            None => (READY, 1),
            Some(elapsed_ns) => {
                let lit = match self.bar {
                    false => self.leds as u64,
                    true => (plan.left_ns(elapsed_ns) * self.leds as u64).div_ceil(plan.length * 1_000_000),
                };
                match plan.colour(elapsed_ns) {
                    None => ([0; 3], 0),
                    Some("green") => (self.green, lit),
                    Some("yellow") => (self.yellow, lit),
                    Some(_) => (RED, lit),
                }
            }
        };
        (0..self.leds).map(|led| if (led as u64) < lit { colour } else { [0; 3] }).collect()
    }

    /// The bytes of an LED of this colour as they go over the wire.
    fn bytes(&self, colour: [u8; 3], scale: f64) -> Vec<u8> {
        let mut channels = colour.map(|channel| {
            let part = f64::from(channel) / 255.0;
            let light = if self.gamma { part.powf(2.25) } else { part };
            (light * f64::from(self.brightness) * scale).round() as u8
        });
        if channels == [0; 3] {
            // Dim is not dark: a step is left to the strongest.
            let strongest = *colour.iter().max().unwrap();
            channels = colour.map(|channel| u8::from(channel > 0 && channel == strongest));
        }
        let mut white = 0;
        if self.channels() == 4 {
            white = *channels.iter().min().unwrap();
            channels = channels.map(|channel| channel - white);
        }
        let mut bytes: Vec<u8> = self.order.chars().map(|channel| channels["rgb".find(channel).unwrap()]).collect();
        if self.channels() == 4 {
            bytes.push(white);
        }
        bytes
    }

    /// What a frame draws with so many channel values in all, in parts of a milliampere: 255 for each channel make one.
    fn draws(&self, sum: u64) -> u64 {
        // One milliampere is for each LED's own controller.
        self.leds as u64 * 255 * self.channels() as u64 + sum * MILLIAMPS_PER_LED
    }

    fn may_draw(&self) -> u64 {
        match self.max_milliamps {
            0 => u64::MAX,
            limit => limit * 255 * self.channels() as u64,
        }
    }

    /// The largest part of the brightness, in steps of 2^-16, at which no phase draws more than the limit as it begins.
    fn scale(&self, plan: Plan) -> f64 {
        let begins = [plan.length, plan.yellow, plan.red].map(|left| {
            let look = self.look(plan, Some((plan.length - left) * 1_000_000));
            let lit = look.iter().filter(|led| **led != [0; 3]).count() as u64;
            (look[0], lit)
        });
        let steps = (0..=1 << 16).rev().map(|step| f64::from(step) / 65536.0);
        let fits = |scale: &f64| {
            begins.iter().all(|&(colour, lit)| self.draws(lit * sum(&self.bytes(colour, *scale))) <= self.may_draw())
        };
        if self.max_milliamps == 0 {
            return 1.0;
        }
        steps.into_iter().find(fits).expect("the limit is not too low")
    }

    fn config(&self) -> String {
        let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
        format!(
            "[strip]\nkind = \"spi\"\nleds = {}\nchip = \"{}\"\norder = \"{}\"\ngamma = {}\nbrightness = {}\n\
             max_milliamps = {}\nmilliamps_per_led = {MILLIAMPS_PER_LED}\npattern = \"{}\"\n\
             colours = {{ green = \"{}\", yellow = \"{}\" }}\n",
            self.leds,
            self.chip,
            self.order,
            self.gamma,
            self.brightness,
            self.max_milliamps,
            if self.bar { "bar" } else { "solid" },
            hex(self.green),
            hex(self.yellow),
        )
    }
}

/// A Pi with a strip and a config, on which one daemon at a time runs.
struct Pi {
    rig: Rig,
    strip: Strip,
    plan: Plan,
    button: String,
    runs: AtomicUsize,
    /// When the daemon was started last.
    begun_ns: AtomicU64,
    /// When the strip was darkened by a stop, as the tape tells it.
    stops: Mutex<Vec<u64>>,
}

impl Pi {
    fn new(builder: Builder, strip: &Strip, plan: Plan, button: &str) -> Self {
        let pi = Self {
            rig: builder.channels(strip.channels()).build(),
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

    /// Starts the daemon, and waits until it has shown a frame, or tried to, and answers.
    fn start(&self) {
        let arguments = self.begin(&["--headless"]);
        self.rig.start(TALKLIGHT, arguments);
        self.wait_begun();
    }

    /// The arguments of the next daemon.
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

    /// Ends the daemon in an orderly way.
    fn stop(&self, signal: Signal) {
        self.rig.signal(signal);
        let status = self.rig.wait_exit(PATIENCE).expect("it ends");
        assert!(status.success(), "{status}, {:#?}", self.rig.output());
        self.darkened(&signal);
    }

    /// The daemon has ended, and its last frame was a dark one.
    fn darkened(&self, by: &dyn Display) {
        let last = self.tape().pop().expect("there is a tape");
        assert!(last.leds.iter().all(|led| led == "000000"), "{by} left {last:?}");
        self.stops.lock().unwrap().push(last.t_ns);
        assert!(self.is_dark(), "{by} left the strip lit");
    }

    /// Presses a button, once the daemon has seen it open: one that is closed from the beginning is none.
    fn press(&self, line: u32) {
        self.wait_looked(line);
        self.rig.press(line);
    }

    fn wait_looked(&self, line: u32) {
        let begun_ns = self.begun_ns.load(Ordering::Relaxed);
        until("the daemon looks at the button", || {
            let looks = self.rig.looks();
            looks.iter().any(|look| look.line == line && look.at_ns >= begun_ns)
        });
    }

    /// One line to the socket, and the line that comes back.
    fn say(&self, line: &str) -> serde_json::Value {
        let mut stream = UnixStream::connect(self.rig.path("s")).unwrap();
        writeln!(stream, "{line}").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn status(&self) -> serde_json::Value {
        self.say("status")["status"].clone()
    }

    fn does(&self, command: &str) {
        let answer = self.say(command);
        assert_eq!(answer["ok"], true, "{command}: {answer}");
    }

    /// The faults of inputs that `status` tells.
    fn faults(&self) -> Vec<String> {
        let status = self.status();
        let faults = status["faults"].as_array().unwrap();
        let fault = |fault: &serde_json::Value| {
            format!("{}: {}", fault["input"].as_str().unwrap(), fault["error"].as_str().unwrap())
        };
        faults.iter().map(fault).collect()
    }

    /// The lines of the log with `text` in them, of the daemon that runs or ran last.
    fn told(&self, text: &str) -> usize {
        let output = self.rig.output();
        output.iter().filter(|line| line.contains(text)).count()
    }

    fn wait_told(&self, text: &str) -> String {
        self.rig.wait_line(text, PATIENCE)
    }

    /// Every frame that was shown or tried, of all runs.
    fn tape(&self) -> Vec<Frame> {
        let runs = self.runs.load(Ordering::Relaxed);
        (0..runs).flat_map(|run| read_tape(&self.tape_of(run))).collect()
    }

    fn tape_of(&self, run: usize) -> PathBuf {
        self.rig.path(&format!("tape.{run}"))
    }

    fn phases(&self) -> Vec<String> {
        let mut phases: Vec<String> = self.tape().into_iter().map(|frame| frame.phase).collect();
        phases.dedup();
        phases
    }

    fn wait_phase(&self, phase: &str) {
        until(phase, || self.tape().iter().any(|frame| frame.phase == phase));
    }

    /// Waits until the talk, which has begun, is this old.
    fn wait_elapsed(&self, ms: u64) {
        self.wait_phase("green");
        let then = self.started_ns().unwrap() + ms * 1_000_000;
        until("the talk goes on", || talklight::core::clock::now().as_ns() >= then);
    }

    /// The beginning of the one talk, in the tape's time.
    fn started_ns(&self) -> Option<u64> {
        let tape = self.tape();
        let first = tape.iter().find(|frame| frame.phase != "ready")?;
        assert_eq!(first.phase, "green");
        Some(first.t_ns)
    }

    /// Holds everything that was sent against what should have been, where at most one talk was given:
    /// each transfer is one whole frame within the timing of the data sheet, and shows what its time asks for.
    fn judge(&self) {
        let (transfers, tape) = (self.rig.transfers(), self.tape());
        let wire = self.rig.frames(Profile::WS2812B_150, self.strip.channels());
        assert!(wire.faults.is_empty(), "{:#?}", wire.faults);
        assert_eq!(wire.frames.len(), transfers.len(), "one frame a transfer");
        for transfer in &transfers {
            assert_eq!(transfer.bytes.len(), self.strip.frame_bytes());
            assert!(transfer.dma);
        }
        for refusal in self.rig.refusals() {
            assert_eq!(refusal.bytes, self.strip.frame_bytes(), "{refusal:?}");
        }
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
        // One thread looks at the clock, sends, and looks again: what is sent between two looks belongs to the first.
        let (scale, ahead_ns) = (self.strip.scale(self.plan), boot_time_ahead_ns());
        for frame in &wire.frames {
            let at_ns = frame.write_ns + ahead_ns;
            let shown = tape.iter().rfind(|shown| shown.t_ns <= at_ns).expect("it was looked at before it was sent");
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
            assert!(self.strip.draws(sum(&sent.concat())) <= self.strip.may_draw());
        }
    }

    fn is_dark(&self) -> bool {
        let decoded = self.rig.frames(Profile::LAX, self.strip.channels());
        let last = decoded.frames.last().expect("a frame was sent");
        last.pixels.iter().all(|pixel| *pixel == [0; 4])
    }
}

/// The service manager that waits for the daemon to ping.
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

    fn of(&self, builder: Builder) -> Builder {
        builder.env("NOTIFY_SOCKET", self.folder.file("notify"))
    }

    /// How many have come since it was last asked.
    fn pings(&self) -> usize {
        let mut line = [0; 1024];
        let heard = std::iter::from_fn(|| {
            let length = self.socket.recv(&mut line).ok()?;
            Some(text(&line[..length]))
        });
        heard.filter(|line| line == "WATCHDOG=1").count()
    }

    /// Waits for one that is still to come.
    fn wait_ping(&self) {
        self.pings();
        until("the watchdog is fed", || self.pings() > 0);
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

const WHOLE_TALK: [&str; 6] = ["ready", "green", "yellow", "red", "flash", "over"];

/// What the client would print, with its exit status.
fn output(output: &std::process::Output) -> (Option<i32>, String) {
    let told = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), told.trim_end().into())
}

/// The frames that are whole.
fn read_tape(path: &PathBuf) -> Vec<Frame> {
    let tape = std::fs::read_to_string(path).unwrap_or_default();
    let whole = tape.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How far the tape's clock is ahead of the rig's: by the time that this machine was suspended.
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
    // The least disturbed of many; what is disturbed is ahead by too much.
    let (_, ahead) = (0..100).map(|_| once()).min().unwrap();
    // A microsecond between one clock's reading and the other's is no suspend.
    if ahead < 1_000_000 { 0 } else { ahead.cast_unsigned() }
}

/// Does it with each at the same time: most of a Pi's time passes in waiting.
fn at_once<T: Sync>(each: &[T], job: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for one in each {
            scope.spawn(|| job(one));
        }
    });
}
