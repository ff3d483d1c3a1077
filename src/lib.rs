//! talklight times lightning talks on an LED strip.
//!
//! # The idea
//!
//! The [timer](core::timer::Timer) is a small value. What it [reads](core::timer::Timer::at), what the strip
//! [shows](core::look::Look::picture) and when that [changes](core::look::Look::next_change) are functions of that value and a
//! moment. Nothing counts, nothing ticks.
//!
//! ```
//! use std::time::Duration;
//! use talklight::core::clock::Moment;
//! use talklight::core::plan::Plan;
//! use talklight::core::timer::{Command, Phase, Timer};
//!
//! let [length, yellow, red, flash] = [300, 120, 60, 30].map(Duration::from_secs);
//! let plan = Plan::new("lightning", length, yellow, red, flash)?;
//! let mut timer = Timer::new(plan, 0);
//! let start = Moment::from_ns(1_000_000_000);
//! timer.apply(Command::Start(None), start)?;
//! assert_eq!(timer.at(start + Duration::from_secs(180)).phase, Phase::Yellow);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The house
//!
//! ```text
//!  screen   button   socket   web   signals        one thread each; they know Event and nothing of the engine
//!       \      |        |      /      /
//!           bounded channel of Event
//!                      |
//!         engine::step(event, now) -> when to wake    the one owner of timer and strip
//!           |           |              |
//!     Timer::apply  Snapshot::shown  Board::post      a snapshot, whenever something happened
//!           |           |              \___ screen, status, web, journal: they read; they are never called
//!   Keeper::keep   drive, Strip::show, Keeper::shown
//! ```
//!
//! What the strip shows is chosen in one place, [`engine::board::Snapshot::shown`]: the timer's picture, or between talks that of a
//! [trial](show::sample), which a talk ends at once.
//!
//! # What is absent
//!
//! - The core ([core]) has no clock, no I/O and no serde, and nothing in it fails once it is
//!   made. Time is an argument; [`core::clock::now`] is the one reading, and only the edges call it.
//! - The engine never waits for anybody but the strip. Whoever is slow, stuck or gone keeps only himself waiting.
//! - Modules import from those above them in this list and from no other:

// In order: each may import what stands above it. A test holds this.
pub mod core;

pub mod os;

pub mod show;

pub mod strip;

pub mod engine;

pub mod store;

pub mod report;

pub mod input;

pub mod control;

pub mod screen;
#[cfg(feature = "web")]
pub mod web;

pub mod config;

pub mod setup;

pub mod cli;
pub mod run;
