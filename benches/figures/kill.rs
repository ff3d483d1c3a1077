//! The time from the start of a daemon to the right frame, after another daemon was killed during a talk.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::daemon::{Daemon, TALKLIGHT};
use crate::figures::{BUTTON, at, boot_ahead_ns, row, spread};
use crate::floor::pause;
use crate::model::Bar;
use crate::rig::{Level, Profile, Rig, monotonic_ns};

/// A picture that changes every second.
const BAR: Bar = Bar { leds: 60, length: 60_000, yellow: 40_000, red: 20_000, flash: 5_000, half: 500 };

pub fn restarts(full: bool) {
    let kills = if full { 100 } else { 50 };
    let rig = Rig::builder().level(BUTTON, Level::High).leds(BAR.leds).build();
    let daemon = Daemon::on_rig(&rig, &BAR.config());
    let (mut floor, mut took, mut wrong) = (Vec::new(), Vec::new(), 0);
    let mut started_ns = 0;
    for round in 0..kills {
        // A new talk every 30 kills, which take 30 seconds at most.
        if round % 30 == 0 {
            let daemon = daemon.again();
            if round > 0 {
                daemon.does("reset");
            }
            daemon.does("start");
            let Some(talk) = daemon.snapshot().timer.talk else { panic!("no talk runs") };
            started_ns = talk.started.as_ns() - boot_ahead_ns();
        }
        rig.kill();
        let begun = monotonic_ns();
        let mut bare = Command::new(TALKLIGHT);
        bare.arg("--version").stdout(Stdio::null());
        bare.status().unwrap();
        floor.push(monotonic_ns() - begun);

        let begun = monotonic_ns();
        rig.start(TALKLIGHT, daemon.arguments());
        let limit = Duration::from_secs(10);
        let frame = rig.wait_frame_after(begun, limit, |_| true);
        took.push(frame.write_ns - begun);
        let shown = [begun, frame.write_ns].map(|ns| BAR.pixels(ns - started_ns));
        wrong += usize::from(!shown.contains(&frame.pixels));
        pause(Duration::from_millis(100));
    }
    let decoded = rig.frames(Profile::WS2812B_150, 3);
    assert!(decoded.faults.is_empty(), "{:?}", decoded.faults);
    row(
        "exec to right frame after a kill",
        "10; floor: --version",
        &spread(&floor),
        &format!("{}, {wrong} wrong", spread(&took)),
        at(50, &took) <= 10_000_000 && wrong == 0,
    );
}
