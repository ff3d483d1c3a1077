//! Frames among faults: one write in twenty fails, and one in a hundred hangs for a moment. Each frame on the wire is decoded
//! and compared with the talk.

use std::fs::read_to_string;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::figures::{BUTTON, boot_ahead_ns, row, spread};
use crate::floor::pause;
use crate::model::{Bar, Pixels};
use crate::rig::{Level, Profile, Rig};

/// Fifty pictures a second.
const BAR: Bar = Bar { leds: 60, length: 1200, yellow: 900, red: 600, flash: 400, half: 200 };
const PIS: u32 = 8;
const FAIL_PERCENT: u32 = 5;
const HANG_PERCENT: u32 = 1;
const HANG: Duration = Duration::from_millis(30);

#[derive(Default)]
struct Count {
    sent: usize,
    refused: usize,
    hung: usize,
    wrong: usize,
    torn: usize,
    outside: usize,
    /// The delay from the reading of the clock to the start of the frame on the wire.
    late: Vec<u64>,
}

pub fn frames(full: bool) {
    let frames = if full { 10_000 } else { 1_000 };
    let each = frames / PIS as usize;
    let counts = thread::scope(|scope| {
        let pis: Vec<_> = (1..=PIS).map(|seed| scope.spawn(move || evening(seed, each))).collect();
        pis.into_iter().map(|pi| pi.join().unwrap()).collect::<Vec<_>>()
    });
    let sum = |of: fn(&Count) -> usize| counts.iter().map(of).sum::<usize>();
    let (sent, refused, hung) = (sum(|c| c.sent), sum(|c| c.refused), sum(|c| c.hung));
    let (wrong, torn, outside) = (sum(|c| c.wrong), sum(|c| c.torn), sum(|c| c.outside));
    row(
        "frames wrong, torn, outside the window",
        "0 of 10,000",
        &format!("{refused} writes failed, {hung} hung"),
        &format!("{wrong}, {torn}, {outside} of {sent}"),
        wrong + torn + outside == 0 && sent >= frames,
    );
    let late: Vec<u64> = counts.into_iter().flat_map(|count| count.late).collect();
    row("  look to first byte", "", "", &spread(&late), None);
}

/// Runs talks on one Pi until this many frames were sent.
fn evening(seed: u32, frames: usize) -> Count {
    let builder = Rig::builder().level(BUTTON, Level::High).leds(BAR.leds);
    let rig = builder.seed(seed).build();
    let tape = rig.path("tape");
    let config = BAR.config().replace("strip = {", &format!("strip = {{ tape = {tape:?},"));
    let daemon = Daemon::on_rig(&rig, &config);
    rig.spi_fail_percent(FAIL_PERCENT);
    rig.spi_slow_percent(HANG_PERCENT, HANG);
    let mut round = u64::from(seed);
    while rig.transfers().len() < frames {
        daemon.does("start");
        // Some talks run to their end, some are reset.
        round += 1;
        pause(Duration::from_millis(match round % 4 {
            0 => 200 + 37 * (round % 16),
            _ => BAR.length + 50,
        }));
        daemon.does("reset");
        pause(Duration::from_millis(20));
    }
    rig.terminate();
    judge(&rig, &read_to_string(tape).unwrap())
}

/// The tape has the time of each frame, by which the expected picture is computed.
fn judge(rig: &Rig, tape: &str) -> Count {
    let (transfers, refusals) = (rig.transfers(), rig.refusals());
    let wire = rig.frames(Profile::WS2812B_150, 3);
    let ahead_ns = boot_ahead_ns();
    let mut looks: Vec<(u64, Pixels)> = Vec::new();
    let (mut started_ns, mut before) = (0, String::new());
    let mut wrong = 0;
    for line in tape.lines() {
        let frame: Value = serde_json::from_str(line).unwrap();
        let t_ns = frame["t_ns"].as_u64().unwrap() - ahead_ns;
        let phase = frame["phase"].as_str().unwrap();
        if phase != "ready" && before == "ready" {
            started_ns = t_ns;
        }
        let shown = match phase {
            "ready" => BAR.ready(),
            _ => BAR.pixels(t_ns - started_ns),
        };
        let right = phase == "ready" || phase == BAR.phase(t_ns - started_ns).as_str();
        wrong += usize::from(!right);
        before = phase.into();
        looks.push((t_ns, shown));
    }
    // The last frame is that of the stop.
    let (_, last) = looks.last_mut().unwrap();
    last.fill([0; 4]);
    let mut count = Count {
        sent: transfers.len(),
        refused: refusals.len(),
        wrong,
        torn: transfers.len().abs_diff(wire.frames.len()),
        outside: wire.faults.len(),
        ..Count::default()
    };
    // One write for each frame on the tape; the last may be repeated.
    let tries = transfers.len() + refusals.len();
    assert!((looks.len()..looks.len() + 3).contains(&tries), "{tries} writes of {} frames", looks.len());
    for frame in &wire.frames {
        let next = looks.partition_point(|(t_ns, _)| *t_ns <= frame.write_ns);
        let (t_ns, shown) = &looks[next - 1];
        let late = frame.write_ns - t_ns;
        count.hung += usize::from(late >= HANG.as_nanos() as u64);
        count.late.push(late);
        count.torn += usize::from(frame.pixels.len() != BAR.leds);
        count.wrong += usize::from(frame.pixels != *shown);
    }
    count
}
