//! The demonstration: all colours of a talk within twelve seconds, to explain them to the room.

use std::time::Duration;

use crate::core::clock::Moment;
use crate::core::plan::Plan;
use crate::core::timer::{Command, Timer};

/// How long the demonstration lasts: a talk of [`plan`] and a second of the dark strip after it.
pub const LENGTH: Duration = Duration::from_secs(12);

/// Green and yellow for three seconds each, red for two, the flash for three.
pub fn plan() -> Plan {
    let [length, yellow, red, flash] = [11, 8, 5, 3].map(Duration::from_secs);
    Plan::new("demonstration", length, yellow, red, flash).expect("the marks are in order")
}

/// The timer whose picture is the demonstration that began at `began`.
pub fn timer(began: Moment) -> Timer {
    let mut timer = Timer::new(plan(), 0);
    timer.apply(Command::Start(None), began).expect("a new timer can be started");
    timer
}
