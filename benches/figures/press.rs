//! The time from the first edge of a contact to the first byte of green.

use std::time::Duration;

use crate::daemon::Daemon;
use crate::figures::{BUTTON, LIGHTNING, at, pi, row, spread};
use crate::floor::{Hops, pause};
use crate::rig::{Level, Profile};

/// The least time that a contact is closed, and the least time that it is open.
const HELD: u64 = 20_000;
const RELEASED: Duration = Duration::from_millis(30);
/// The time from an edge to the reading of the contact, and the quiet time before that, in microseconds.
const CONFIRM: u64 = 2_000;
const QUIET: u64 = 1_000;

pub fn presses(full: bool) {
    let presses = if full { 1000 } else { 100 };
    let (clean, floor) = press(presses, |_| Vec::new());
    row(
        "clean press to first byte",
        "2.5 median, 5 worst",
        &spread(&floor),
        &spread(&clean),
        at(50, &clean) <= 2_500_000 && at(100, &clean) <= 5_000_000,
    );
    let (bounced, floor) = press(presses, bounce);
    row(
        "bouncing press, from its first edge",
        "25 worst; floor: rest",
        &spread(&floor),
        &spread(&bounced),
        at(100, &bounced) <= 25_000_000,
    );
    let (longest, floor) = press(presses, |chance| {
        let mut delays = vec![500; 38];
        delays.extend([chance.between(100, 500), 500]);
        delays
    });
    row(
        "press bouncing 20 ms without rest",
        "25 worst; floor: rest",
        &spread(&floor),
        &spread(&longest),
        at(100, &longest) <= 25_000_000,
    );
}

/// Presses a button that bounces by these delays, in microseconds, when it closes and when it opens. Each press must start one
/// talk and nothing else. Returns the time of each, and the floor: that of a thread which only waits for the debounce.
fn press(presses: usize, bounce: impl Fn(&mut Chance) -> Vec<u64>) -> (Vec<u64>, Vec<u64>) {
    let rig = pi();
    let config = format!("{LIGHTNING}\nbutton = {{ start = {BUTTON}, hold = \"10s\" }}");
    let daemon = Daemon::on_rig(&rig, &config);
    let (mut hops, mut chance) = (Hops::start(), Chance(1));
    let (mut floor, mut toggles) = (Vec::new(), Vec::new());
    let before = daemon.snapshot();
    for _ in 0..presses {
        let closing = bounce(&mut chance);
        let confirm = CONFIRM.max(closing.iter().sum::<u64>() + QUIET);
        let mut delays = closing;
        delays.push(HELD);
        delays.extend(bounce(&mut chance));
        let delays: Vec<Duration> = delays.into_iter().map(Duration::from_micros).collect();
        rig.bounce(BUTTON, Level::Low, &delays);
        toggles.push(delays.len() + 1);
        pause(delays.iter().sum::<Duration>() + RELEASED);
        daemon.does("reset");
        floor.push(hops.once(Duration::from_micros(confirm)));
        pause(Duration::from_micros(chance.between(0, 5_000)));
    }
    let after = daemon.snapshot();
    // One start and one reset for each press, and no other entry: a second press would have been refused in the log.
    let told = after.last_entry() - before.last_entry();
    let changed = after.timer.generation - before.timer.generation;
    assert_eq!((told, changed), (2 * presses as u64, 2 * presses as u64), "presses and starts are not the same");
    let (drives, frames) = (rig.drives(), rig.frames(Profile::LAX, 3).frames);
    let green: Vec<u64> =
        frames.iter().filter(|frame| frame.pixels[59] != [0; 4]).map(|frame| frame.write_ns).collect();
    let mut first = 0;
    let took = toggles.into_iter().map(|toggles| {
        let pressed_ns = drives[first].at_ns;
        first += toggles;
        green[green.partition_point(|&write_ns| write_ns < pressed_ns)] - pressed_ns
    });
    (took.collect(), floor)
}

/// An even number of delays, 1 to 20 ms in total.
fn bounce(chance: &mut Chance) -> Vec<u64> {
    let mut left = chance.between(1_000, 20_000);
    let mut delays = Vec::new();
    while left >= 2 {
        let pair = [chance.between(1, left.min(3_000) / 2), chance.between(1, left.min(3_000) / 2)];
        left -= pair[0] + pair[1];
        delays.extend(pair);
    }
    delays
}

/// A pseudo-random generator with a fixed seed.
struct Chance(u64);

impl Chance {
    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }
}
