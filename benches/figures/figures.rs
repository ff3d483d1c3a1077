//! The figures, each as it is measured.

use std::collections::BTreeMap;
use std::fs;
use std::iter::successors;
use std::process::{Command, Stdio};
use std::time::Duration;

use talklight::timer::State;

use crate::daemon::{BUTTON, Daemon, TALKLIGHT, Thread, ask, boot_ahead_ns, pi};
use crate::encode::{frame_ns, wire_ns};
use crate::floor::{Busy, Hops, Sleeper, pause};
use crate::rig::{Level, Profile, Rig, monotonic_ns};
use crate::stats::{Samples, Table, ms};

/// Sixty LEDs. `quick` changes its picture every 50 ms and flashes as fast as may be; `lightning` is the built-in plan.
const CONFIG: &str = r#"
strip = { kind = "spi", leds = 60, pattern = "bar" }
flash = { hz = 3.0 }

[[plan]]
name = "quick"
length = "3s"
yellow = "2s"
red = "1s"
flash = "500ms"
"#;
const STEADY: &str = "strip = { kind = \"spi\", leds = 60 }\n";
const BUTTONS: &str = "[button]\nstart = 17\n";
const STEP: Duration = Duration::from_millis(50);
const TALK: Duration = Duration::from_secs(3);
const TALKS: usize = 5;
const ROUNDS: usize = 40;
const STEADY_BEATS: Duration = Duration::from_secs(6);
const A_TENTH_MS: u64 = 100_000;

pub fn print(full: bool) {
    let mut table = Table::new();
    let load = || fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let before = load();
    {
        let rig = pi();
        let daemon = Daemon::on_rig(&rig, &format!("{CONFIG}{BUTTONS}"));
        let (fresh, _) = daemon.memory_kib();
        lateness(&mut table, &rig, &daemon, false);
        let (later, own) = daemon.memory_kib();
        commands(&mut table, &rig, &daemon);
        presses(&mut table, &rig, &daemon);
        let memory = format!("{fresh} KiB, after {TALKS} talks {later} KiB, {own} its own");
        table.row("resident memory, on the rig", "", "", memory, None);
    }
    let after = load();
    {
        let rig = pi();
        let daemon = Daemon::on_rig(&rig, CONFIG);
        lateness(&mut table, &rig, &daemon, true);
    }
    steady(&mut table);
    starts(&mut table);
    frames(&mut table);
    let size = fs::metadata(TALKLIGHT).expect("the release binary").len();
    let measured = format!("{:.2} MiB", size as f64 / f64::from(1 << 20));
    table.row(
        "stripped release binary",
        "3 MiB",
        "",
        measured,
        size <= 3 << 20,
    );
    if full {
        whole_talk(&mut table);
    }
    table.print();
    println!(
        "Spreads are median / p99 / worst. Load before: {}; after the calm part: {}.",
        before.trim(),
        after.trim()
    );
}

/// How late each frame of some talks began after the instant at which the picture changed.
fn lateness(table: &mut Table, rig: &Rig, daemon: &Daemon, busy: bool) {
    let _busy = busy.then(Busy::start);
    let bare = Sleeper::start(STEP, None);
    pause(STEP / 3);
    let exact = Sleeper::start(STEP, Some(1));
    let mut instants = Vec::new();
    for _ in 0..TALKS {
        daemon.say("start");
        instants.extend(changes(daemon));
        pause(TALK + STEP);
        daemon.say("reset");
        pause(STEP);
    }
    let (bare, exact) = (bare.late(), exact.late());
    let late = after(rig, instants);
    let met =
        late.median() <= bare.median() + A_TENTH_MS && late.at(99) <= bare.at(99) + A_TENTH_MS;
    let with = if busy { "both cores busy" } else { "calm" };
    let figure = format!("first byte after its instant, {with}");
    let reach = "floor + 0.1 ms, median and p99";
    table.row(&figure, reach, &bare.spread(), late.spread(), met);
    let floor = format!("the same floor without timer slack, {with}");
    table.row(&floor, "", &exact.spread(), String::new(), None);
}

/// The instants at which the picture of the running talk changes, by the rig's clock.
fn changes(daemon: &Daemon) -> Vec<u64> {
    let (now, ahead) = (daemon.snapshot(), boot_ahead_ns());
    let State::Talk(talk) = now.timer.state else {
        panic!("no talk runs")
    };
    let change = |then: &_| now.look.next_change(&now.timer, *then);
    let instants = successors(change(&talk.started), change);
    instants.map(|instant| instant.as_ns() - ahead).collect()
}

/// How long after each of these instants the next transfer began.
fn after(rig: &Rig, instants: impl IntoIterator<Item = u64>) -> Samples {
    let starts: Vec<u64> = rig
        .transfers()
        .iter()
        .map(|transfer| transfer.start_ns)
        .collect();
    let mut late = Samples::default();
    late.extend(instants.into_iter().map(|instant| {
        let next = starts.partition_point(|&start| start < instant);
        starts.get(next).expect("a frame follows") - instant
    }));
    late
}

fn commands(table: &mut Table, rig: &Rig, daemon: &Daemon) {
    let (mut hops, mut floor) = (Hops::start(Duration::ZERO), Samples::default());
    let mut asked = Vec::new();
    for _ in 0..ROUNDS {
        let stream = daemon.connect();
        asked.push(monotonic_ns());
        ask(stream, "start");
        pause(STEP / 2);
        floor.push(hops.once());
        daemon.say("reset");
        pause(STEP / 2);
    }
    let late = after(rig, asked);
    let met = late.median() <= 500_000;
    table.row(
        "`start` to first byte",
        "0.5 ms median",
        &floor.spread(),
        late.spread(),
        met,
    );
}

fn presses(table: &mut Table, rig: &Rig, daemon: &Daemon) {
    let (mut hops, mut floor) = (Hops::start(Duration::from_millis(2)), Samples::default());
    let from = monotonic_ns();
    for _ in 0..ROUNDS {
        rig.bounce(BUTTON, Level::Low, &[Duration::from_millis(40)]);
        pause(STEP * 2);
        daemon.say("reset");
        floor.push(hops.once());
        pause(STEP / 2);
    }
    let drives = rig.drives();
    let pressed = drives
        .iter()
        .filter(|drive| drive.level == Level::Low && drive.at_ns > from);
    let late = after(rig, pressed.map(|drive| drive.at_ns));
    let met = late.median() <= 2_500_000;
    table.row(
        "button edge to first byte",
        "2.5 ms median",
        &floor.spread(),
        late.spread(),
        met,
    );
}

/// Green and nothing else: who wakes, and what a beat costs.
fn steady(table: &mut Table) {
    let rig = pi();
    let on_rig = Daemon::on_rig(&rig, &format!("{STEADY}{BUTTONS}"));
    let simulated = Daemon::simulated(&rig, STEADY, &[]);
    let both = [&on_rig, &simulated];
    let (fresh, _) = simulated.memory_kib();
    both.iter().for_each(|daemon| daemon.say("start"));
    pause(STEP * 5);
    let sent = rig.transfers().len();
    let before = both.map(Work::of);
    pause(STEADY_BEATS);
    let spent = both.map(Work::of);
    let beats = (rig.transfers().len() - sent) as u64;
    for ((place, waits), (before, after)) in [("the rig", 1), ("no rig", 0)]
        .into_iter()
        .zip(before.iter().zip(&spent))
    {
        let woken = after.woken_since(before);
        let engine = woken.get("engine").copied().unwrap_or(0);
        // The rig's wire takes its time, which is a sleep of the engine's thread.
        let own = engine.saturating_sub(beats * waits);
        let others: u64 = woken.values().sum::<u64>() - engine;
        let list: Vec<String> = woken
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let measured = format!("{own} in {beats} beats; switches: {}", list.join(", "));
        let figure = format!("wake-ups while green, {place}");
        table.row(
            &figure,
            "the beat alone",
            "",
            measured,
            own <= beats + 1 && others == 0,
        );
        let per_beat = (after.cpu_ns - before.cpu_ns) / beats;
        let figure = format!("CPU time of a beat, 60 LEDs, {place}");
        let measured = format!(
            "{} ms; 330 frames of a talk would take {} ms",
            ms(per_beat),
            ms(330 * per_beat)
        );
        table.row(&figure, "", "", measured, None);
    }
    let (later, own) = simulated.memory_kib();
    let measured = format!("{fresh} KiB, later {later} KiB, {own} its own");
    table.row(
        "resident memory, simulated strip",
        "4 MiB",
        "",
        measured,
        later <= 4096,
    );
}

/// What a daemon has done so far, without the rig's own thread.
struct Work {
    cpu_ns: u64,
    threads: Vec<Thread>,
}

impl Work {
    fn of(daemon: &Daemon) -> Self {
        let cpu_ns = daemon.cpu_ns();
        let (rig, threads): (Vec<_>, Vec<_>) = daemon
            .threads()
            .into_iter()
            .partition(|thread| thread.name == "rig");
        let of_rig: u64 = rig.iter().map(|thread| thread.cpu_ns).sum();
        Self {
            cpu_ns: cpu_ns - of_rig,
            threads,
        }
    }

    fn woken_since<'a>(&'a self, before: &'a Self) -> BTreeMap<&'a str, u64> {
        let mut woken = BTreeMap::new();
        self.threads
            .iter()
            .for_each(|thread| *woken.entry(&*thread.name).or_default() += thread.voluntary);
        before
            .threads
            .iter()
            .for_each(|thread| *woken.entry(&*thread.name).or_default() -= thread.voluntary);
        woken
    }
}

fn starts(table: &mut Table) {
    let rig = pi();
    let [mut on_rig, mut simulated, mut floor] = [(); 3].map(|()| Samples::default());
    for round in 0..ROUNDS / 4 {
        let begun = monotonic_ns();
        let mut bare = Command::new(TALKLIGHT);
        bare.arg("--version").stdout(Stdio::null());
        bare.status().expect("it runs");
        floor.push(monotonic_ns() - begun);

        let begun = monotonic_ns();
        let daemon = Daemon::on_rig(&rig, CONFIG);
        on_rig.push(after(&rig, [begun]).median());
        drop(daemon);
        rig.terminate();

        let tape = rig.path(&format!("tape.{round}"));
        let begun = monotonic_ns();
        let daemon = Daemon::simulated(&rig, CONFIG, &["--tape", &tape.display().to_string()]);
        let frames = fs::read_to_string(&tape).expect("a tape");
        let first = frames
            .split_once("\"t_ns\":")
            .and_then(|(_, rest)| rest.split_once(','));
        let first: u64 = first
            .and_then(|(ns, _)| ns.parse().ok())
            .expect("a first frame");
        simulated.push(first - boot_ahead_ns() - begun);
        drop(daemon);
    }
    let bare = format!("--version: {}", floor.spread());
    let met = |samples: &Samples| samples.median() <= 10_000_000;
    table.row(
        "exec to first frame, on the rig",
        "10 ms",
        &bare,
        on_rig.spread(),
        met(&on_rig),
    );
    table.row(
        "exec to first frame, simulated",
        "10 ms",
        &bare,
        simulated.spread(),
        met(&simulated),
    );
}

fn frames(table: &mut Table) {
    let mut per_led = Vec::new();
    let mut before: Option<(usize, f64)> = None;
    for leds in [1, 8, 60, 144, 318] {
        let (ns, wire) = (frame_ns(leds), wire_ns(leds));
        let share = ns / wire;
        let figure = format!("paint, drive and encode {leds} LEDs");
        let measured = format!(
            "{:.2} us of {:.2} ms: {:.3} %",
            ns / 1e3,
            wire / 1e6,
            share * 100.0
        );
        table.row(&figure, "1 % of its wire time", "", measured, share <= 0.01);
        if let Some((fewer, less)) = before.replace((leds, ns)) {
            per_led.push((ns - less) / (leds - fewer) as f64);
        }
    }
    let list: Vec<String> = per_led.iter().map(|ns| format!("{ns:.1}")).collect();
    let (last, long) = (per_led[per_led.len() - 1], per_led[per_led.len() - 2]);
    let measured = format!("{} ns for each LED more", list.join(", "));
    table.row(
        "the same, linear in LEDs",
        "equal steps",
        "",
        measured,
        (0.7..1.4).contains(&(last / long)),
    );
}

fn whole_talk(table: &mut Table) {
    const MINUTES_5: u64 = 300_000_000_000;
    let rig = pi();
    let on_rig = Daemon::on_rig(&rig, &format!("{STEADY}{BUTTONS}"));
    let simulated = Daemon::simulated(&rig, STEADY, &[]);
    let both = [&on_rig, &simulated];
    let before = both.map(Work::of);
    let floor = Sleeper::start(Duration::from_secs(1), None);
    both.iter().for_each(|daemon| daemon.say("start"));
    let instants = changes(&on_rig);
    let started = instants.last().expect("an end") - MINUTES_5;
    pause(Duration::from_nanos(MINUTES_5) + STEP * 5);
    let after_it = both.map(Work::of);
    let floor = floor.late();
    let frames = rig.frames(Profile::LAX, 3).frames;
    let lit = frames
        .iter()
        .rposition(|frame| frame.pixels.iter().any(|pixel| *pixel != [0; 4]))
        .expect("light");
    let took = frames[lit + 1].write_ns - started;
    let met = took.abs_diff(MINUTES_5) <= floor.at(100);
    let measured = format!("{:.6} s", took as f64 / 1e9);
    table.row(
        "end of a five-minute talk",
        "300.000 s to within the floor",
        &floor.spread(),
        measured,
        met,
    );
    let late = after(&rig, instants);
    table.row(
        "its changes, each after its instant",
        "",
        &floor.spread(),
        late.spread(),
        None,
    );
    for (place, (before, after)) in ["the rig", "no rig"]
        .into_iter()
        .zip(before.iter().zip(&after_it))
    {
        let spent = after.cpu_ns - before.cpu_ns;
        let figure = format!("CPU time of that talk, 60 LEDs, {place}");
        table.row(
            &figure,
            "50 ms",
            "",
            format!("{} ms", ms(spent)),
            spent <= 50_000_000,
        );
    }
    let (memory, own) = simulated.memory_kib();
    table.row(
        "resident memory at its end, simulated strip",
        "4 MiB",
        "",
        format!("{memory} KiB, {own} its own"),
        memory <= 4096,
    );
}
