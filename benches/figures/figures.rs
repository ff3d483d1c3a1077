//! The figures and how they are measured.

use std::fs::{metadata, read_to_string};
use std::iter::successors;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use talklight::core::clock;

use crate::daemon::{Daemon, TALKLIGHT};
use crate::encode::{frame_ns, wire_ns};
use crate::floor::{Hops, beside, pause, wakes_ns};
use crate::rig::{Level, Profile, Rig, monotonic_ns};
use crate::writer::Writers;
use crate::{faults, kill, press};

/// A look that changes with every step and flashes at the highest rate.
const QUICK: &str = r#"
strip = { kind = "spi", leds = 120, pattern = "bar" }
flash = { hz = 3.0 }
button = { start = 17 }
[[plan]]
name = "quick"
length = "3s"
yellow = "2s"
red = "1s"
flash = "500ms"
"#;
/// The built-in plan with a solid strip.
pub const LIGHTNING: &str = r#"strip = { kind = "spi", leds = 60 }"#;
pub const BUTTON: u32 = 17;
const STEP: Duration = Duration::from_millis(25);
const SHORT: Duration = Duration::from_millis(50);
const TENTH_MS: u64 = 100_000;

/// Measures a figure, with more samples if `full`, and prints its rows.
type Figure = fn(bool);

/// The figures by name.
pub const ALL: [(&str, Figure); 10] = [
    ("late", lateness_of_all),
    ("command", |_| commands()),
    ("press", press::presses),
    ("steady", |_| steady()),
    ("start", |_| starts()),
    ("kill", kill::restarts),
    ("faults", faults::frames),
    ("encode", |_| encoding()),
    ("size", |_| size()),
    ("talk", whole_talk),
];

pub fn print(full: bool, names: &[&str]) {
    let known = ALL.map(|(name, _)| name);
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        return eprintln!("no figure has the name `{name}`; there are: {}", known.join(", "));
    }
    let load = || read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned();
    println!("Spreads are median / p99 / worst in ms. Load: {}", load());
    row("figure", "reach", "floor", "measured", None);
    row("---", "---", "---", "---", None);
    for (name, measure) in ALL {
        // A whole talk takes five minutes, so it runs only if it was chosen.
        let wanted = match names {
            [] => full || name != "talk",
            names => names.contains(&name),
        };
        if wanted {
            measure(full);
        }
    }
    println!("Load: {}", load());
}

fn lateness_of_all(full: bool) {
    let talks = if full { 20 } else { 5 };
    lateness(talks, 0, false, "calm");
    let cores = thread::available_parallelism().map_or(2, usize::from);
    lateness(talks, cores, false, "cores busy");
    lateness(talks, cores, true, "busy, in the unit");
}

fn size() {
    let size = metadata(TALKLIGHT).unwrap().len() as f64 / 1048576.0;
    row("release binary", "3 MiB", "", &format!("{size:.2} MiB"), size <= 3.0);
}

pub fn row(figure: &str, reach: &str, floor: &str, measured: &str, met: impl Into<Option<bool>>) {
    let met = met.into().map_or("", |met| if met { "met" } else { "MISSED" });
    println!("| {figure:38} | {reach:22} | {floor:32} | {measured:40} | {met:6} |");
}

/// The percentile of the samples.
pub fn at(percent: usize, samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

pub fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

pub fn spread(samples: &[u64]) -> String {
    let shown = [50, 99, 100].map(|percent| ms(at(percent, samples)));
    format!("{} (n = {})", shown.join(" / "), samples.len())
}

/// A Pi whose button is open.
pub fn pi() -> Rig {
    Rig::builder().level(BUTTON, Level::High).build()
}

/// The delay from each of these instants to the next transfer.
pub fn first_bytes(rig: &Rig, instants: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let transfers = rig.transfers();
    let late = |instant| {
        let next = transfers.partition_point(|transfer| transfer.start_ns < instant);
        transfers[next].start_ns - instant
    };
    instants.into_iter().map(late).collect()
}

/// The difference between the daemon's clock and the rig's, from the fastest of many readings.
pub fn boot_ahead_ns() -> u64 {
    let readings = (0..20).map(|_| (monotonic_ns(), clock::now().as_ns(), monotonic_ns()));
    let (before, boot, after) = readings.min_by_key(|(before, _, after)| after - before).unwrap();
    boot - before - (after - before) / 2
}

/// When the picture of the running talk changes, by the rig's clock.
fn changes(daemon: &Daemon) -> Vec<u64> {
    let (now, ahead) = (daemon.snapshot(), boot_ahead_ns());
    let Some(talk) = now.timer.talk else { panic!("no talk runs") };
    let change = |then: &_| now.look.next_change(&now.timer, *then);
    let instants = successors(change(&talk.started), change);
    instants.map(|instant| instant.as_ns() - ahead).collect()
}

fn lateness(talks: usize, busy: usize, as_service: bool, with: &str) {
    let rig = pi();
    let daemon = Daemon::on_rig(&rig, QUICK);
    if as_service && !daemon.favour() {
        return row(&format!("frame after its instant, {with}"), "", "", "may not be set here", None);
    }
    let mut instants = Vec::new();
    let [bare, exact, working] = beside(STEP, busy, || {
        for _ in 0..talks {
            daemon.does("start");
            instants.extend(changes(&daemon));
            pause(STEP * 121);
            daemon.does("reset");
            pause(SHORT);
        }
    });
    let late = first_bytes(&rig, instants);
    let met = [50, 99].map(|percent| at(percent, &late) <= at(percent, &bare) + TENTH_MS);
    let figure = format!("frame after its instant, {with}");
    row(&figure, "floor + 0.1, both", &spread(&bare), &spread(&late), met == [true; 2]);
    row("  a floor without timer slack", "", &spread(&exact), "", None);
    row("  one that works 0.1 ms, too", "", &spread(&working), "", None);
}

/// The delay from a command on the socket to the strip.
fn commands() {
    const ROUNDS: usize = 40;
    let rig = pi();
    let daemon = Daemon::on_rig(&rig, QUICK);
    let mut hops = Hops::start();
    let [mut said, mut floor] = [(); 2].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        said.push(daemon.does("start"));
        pause(SHORT);
        floor.push(hops.once(Duration::ZERO));
        daemon.does("reset");
        pause(SHORT);
    }
    let late = first_bytes(&rig, said);
    let met = at(50, &late) <= 500_000;
    row("`start` to first byte", "0.5 median", &spread(&floor), &spread(&late), met);
}

/// A steady green: wake-ups, the cost of a beat, and memory.
fn steady() {
    let rig = pi();
    let daemons = [
        Daemon::on_rig(&rig, &format!("{LIGHTNING}\nbutton = {{ start = {BUTTON} }}")),
        Daemon::simulated(&rig, LIGHTNING, &[]),
    ];
    for daemon in &daemons {
        daemon.does("start");
    }
    pause(SHORT * 10);
    let sent = rig.transfers().len();
    let before = daemons.each_ref().map(Daemon::work);
    let writers = Writers::start(6);
    let wake = wakes_ns(6);
    let after = daemons.each_ref().map(Daemon::work);
    let rigs = writers.rigs_share_ns();
    let beats = (rig.transfers().len() - sent) as u64;
    for (place, (before, after)) in ["rig", "simulated"].into_iter().zip(before.iter().zip(&after)) {
        let woken = |name: &String| after.1[name] - before.1[name];
        // The rig simulates the time on the wire by a sleep of the engine's thread.
        let wire = if place == "rig" { beats } else { 0 };
        let list: Vec<_> = after.1.keys().map(|name| format!("{name} {}", woken(name))).collect();
        let met = after.1.keys().map(woken).sum::<u64>() <= beats + wire + 1;
        let figure = format!("wake-ups in {beats} beats, {place}");
        row(&figure, &format!("{beats} + {wire} of the wire"), "", &list.join(", "), met);
        let beat = (after.0 - before.0) / beats;
        let mut measured = format!("{} ms a beat, {} in 330 frames", ms(beat), ms(beat * 330));
        if place == "rig" {
            measured += &format!(", {} of it the rig's", ms(rigs * 330));
        }
        row(
            &format!("CPU time, {place}"),
            "50 in a talk",
            &format!("a bare sleeper: {} a wake", ms(wake)),
            &measured,
            None,
        );
    }
    for (place, daemon) in ["rig", "simulated"].into_iter().zip(&daemons) {
        memory(daemon, place);
    }
}

fn memory(daemon: &Daemon, place: &str) {
    let (all, own) = daemon.memory();
    let measured = format!("{:.2} MiB, {own} KiB of it no file's", all as f64 / 1024.0);
    row(&format!("resident memory, {place}"), "5 MiB, 1 no file's", "", &measured, all <= 5120 && own <= 1024);
}

fn starts() {
    let [mut floor, mut on_rig, mut simulated] = [(); 3].map(|()| Vec::new());
    for _ in 0..10 {
        let rig = pi();
        let begun = monotonic_ns();
        let mut bare = Command::new(TALKLIGHT);
        bare.arg("--version").stdout(Stdio::null()).status().unwrap();
        floor.push(monotonic_ns() - begun);

        let begun = monotonic_ns();
        let _daemon = Daemon::on_rig(&rig, LIGHTNING);
        on_rig.extend(first_bytes(&rig, [begun]));

        let begun = monotonic_ns();
        let _daemon = Daemon::simulated(&rig, LIGHTNING, &["--tape", "tape"]);
        let tape = read_to_string(rig.path("tape")).unwrap();
        let first = tape.split([':', ',']).nth(1).and_then(|ns| ns.parse::<u64>().ok());
        simulated.push(first.unwrap() - boot_ahead_ns() - begun);
    }
    let floor = spread(&floor);
    for (place, late) in [("rig", on_rig), ("simulated", simulated)] {
        let figure = format!("exec to first frame, {place}");
        row(&figure, "10; floor: --version", &floor, &spread(&late), at(50, &late) <= 10_000_000);
    }
}

fn encoding() {
    let lengths = [1, 8, 60, 144, 318];
    let took = lengths.map(frame_ns);
    for (leds, ns) in lengths.into_iter().zip(took) {
        let share = ns / wire_ns(leds) * 100.0;
        let measured = format!("{:.2} us of {:.0}: {share:.3} %", ns / 1e3, wire_ns(leds) / 1e3);
        row(&format!("paint, drive, encode {leds} LEDs"), "1 % of the wire", "", &measured, share <= 1.0);
    }
    let slope = |a: usize, b: usize| (took[b] - took[a]) / (lengths[b] - lengths[a]) as f64;
    let steps = [0, 1, 2, 3].map(|a| slope(a, a + 1));
    let measured = steps.map(|ns| format!("{ns:.1}")).join(", ") + " ns for an LED more";
    row("  linear in LEDs", "equal steps", "", &measured, (0.7..1.4).contains(&(steps[3] / steps[2])));
}

fn whole_talk(_: bool) {
    const MINUTES_5: u64 = 300_000_000_000;
    let rig = pi();
    let daemons = [Daemon::on_rig(&rig, LIGHTNING), Daemon::simulated(&rig, LIGHTNING, &[])];
    let before = daemons.each_ref().map(Daemon::work);
    let writers = Writers::start(300);
    let (mut instants, mut wake) = (Vec::new(), 0);
    let [floor, ..] = beside(SHORT * 20, 0, || {
        for daemon in &daemons {
            daemon.does("start");
        }
        instants = changes(&daemons[0]);
        wake = wakes_ns(300);
        pause(SHORT * 5);
    });
    let after = daemons.each_ref().map(Daemon::work);
    let rigs = writers.rigs_share_ns();
    let frames = rig.frames(Profile::LAX, 3).frames;
    let dark = |frame: &crate::rig::Frame| frame.pixels.iter().all(|pixel| *pixel == [0; 4]);
    let last = frames.iter().rposition(|frame| !dark(frame)).unwrap();
    let end = instants.last().unwrap();
    let took = frames[last + 1].write_ns + MINUTES_5 - end;
    let measured = format!("{:.6} s", took as f64 / 1e9);
    let met = took.abs_diff(MINUTES_5) <= at(100, &floor);
    row("end of a five-minute talk", "300.000 s", &spread(&floor), &measured, met);
    row("  its changes after their instants", "", "", &spread(&first_bytes(&rig, instants)), None);
    for (place, (before, after)) in ["rig", "simulated"].into_iter().zip(before.iter().zip(&after)) {
        let cpu_ns = after.0 - before.0;
        let figure = format!("CPU time of that talk, {place}");
        let floor = format!("330 bare wakes: {}", ms(330 * wake));
        // Subtract what the rig's log and wire cost.
        let (own_ns, measured) = match place {
            "rig" => {
                let own_ns = cpu_ns.saturating_sub(330 * rigs);
                let parts = [cpu_ns, 330 * rigs, own_ns].map(ms);
                let [all, rigs, own] = parts;
                (own_ns, format!("{all}, less {rigs} of the rig: {own}"))
            }
            _ => (cpu_ns, ms(cpu_ns)),
        };
        row(&figure, "50", &floor, &measured, own_ns <= 50_000_000);
    }
    memory(&daemons[1], "simulated, at its end");
}
