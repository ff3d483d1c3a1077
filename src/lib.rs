//! talklight times lightning talks on an LED strip.
//!
//! # The idea
//!
//! The [timer](timer::Timer) is a small value. What it [reads](timer::Timer::at), what the strip
//! [shows](frame::Look::picture) and when that [changes](frame::Look::next_change) are functions of that value and a
//! moment. Nothing counts, nothing ticks.
//!
//! ```
//! use std::time::Duration;
//! use talklight::clock::Moment;
//! use talklight::plan::Plan;
//! use talklight::timer::{Command, Phase, Timer};
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
//! What the strip shows is chosen in one place, [`board::Snapshot::shown`]: the timer's picture, or between talks that of a
//! [trial], which a talk ends at once.
//!
//! # What is absent
//!
//! - The core ([plan], [timer], [frame], [drive]) has no clock, no I/O and no serde, and nothing in it fails once it is
//!   made. Time is an argument; [`clock::now`] is the one reading, and only the edges call it.
//! - The engine never waits for anybody but the strip. Whoever is slow, stuck or gone keeps only himself waiting.
//! - Modules import from those above them in this list and from no other:

// In order: each may import what stands above it. A test holds this.
pub mod clock;
pub mod plan;
pub mod timer;

pub mod frame;

pub mod drive;

pub mod trial;

pub mod event;

pub mod board;

pub mod lock;
pub mod strip;

pub mod engine;

pub mod wire;

pub mod journal;
pub mod notify;
pub mod pairing;
pub mod resume;
pub mod tape;

pub mod button;
pub mod client;
pub mod invite;
pub mod signal;
pub mod socket;

pub mod screen;
#[cfg(feature = "web")]
pub mod web;

pub mod config;

pub mod doctor;

pub mod cli;
pub mod console;
pub mod daemon;
#[cfg(target_os = "linux")]
pub mod tester;
