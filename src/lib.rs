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
//! # Structure
//!
//! ```text
//!  screen  button  socket  web  signals     one thread each; they send events and read the board
//!      \      |       |      |     /
//!          bounded channel of Event         a stop is a flag and a wake-up
//!                     |
//!        engine::step(event, now) -> when to wake       the one owner of timer, stage and strip
//!           |           |             |
//!     Timer::apply   Stage::shown   Board::post         a snapshot whenever something happened
//!           |           |             \___ screen, status, web, log: they read; they are never called
//!     Keeper::keep   Strip::show
//! ```
//!
//! The order within a step: apply, keep, show, publish, reply. What the strip shows is chosen in one place,
//! [`Snapshot::shown`](engine::board::Snapshot::shown): a talk's picture, or between talks a [show](show::Show). A request of a
//! program or a phone becomes an event and a reply in one place, the [desk](control::desk::Desk).
//!
//! # What is absent
//!
//! - [`core`] has no clock and no I/O, and nothing in it fails after construction. Time is an argument;
//!   [`core::clock::now`] is the one reading, and only the edges call it.
//! - The engine waits for nothing but the strip. A slow or dead client delays only itself.
//! - A module imports only from modules above it in this list:

// The order of the layers. A test holds it.
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
pub mod remote;
pub mod run;
