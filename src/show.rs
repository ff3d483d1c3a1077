//! Shows: what the strip shows between talks.
//!
//! A [`Show`] is a value: a scene, its owner, a lease and the moment at which that ends. The [`Stage`] holds at most one show
//! of each [`Rank`] and is the one place where it is decided whether a show may be seen. A new kind of picture is a new
//! [`Scene`] in a file of its own, and nothing else.

pub mod gauge;
pub mod sample;
mod stage;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::drive::{Drive, DriveSettings, TooLittleCurrent};
use crate::core::look::Rgb;
use gauge::Gauge;
use sample::{Make, Trial};

pub use stage::{Busy, STREAM_AFTER_END, Stage};

/// A picture that a show can have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scene {
    Sample(Trial),
    Gauge(Gauge),
}

/// How important a show is: a higher rank covers a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rank {
    /// What a program sends.
    Stream,
    /// What a person at the strip has asked for, to look at the strip itself.
    Test,
}

/// Whose show it is, in words for people. The same owner goes on with a show; another one waits for its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner(Arc<str>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Show {
    pub scene: Scene,
    pub owner: Owner,
    /// How long it stays without another word of its owner.
    pub lease: Duration,
    pub until: Moment,
}

impl Scene {
    pub fn rank(&self) -> Rank {
        match self {
            Self::Sample(_) => Rank::Test,
            Self::Gauge(_) => Rank::Stream,
        }
    }

    /// What the strip is taken for while it shows this, if not for what the config says.
    pub fn make(&self) -> Option<Make> {
        match self {
            Self::Sample(trial) => Some(trial.make),
            Self::Gauge(_) => None,
        }
    }

    /// Fills `frame` for a strip of `leds` LEDs. A sample makes it as long as the strip is taken for.
    pub fn paint(&self, leds: usize, frame: &mut Vec<Rgb>) {
        match self {
            Self::Sample(trial) => trial.paint(frame),
            Self::Gauge(gauge) => gauge.paint(leds, frame),
        }
    }

    /// How a strip of `leds` LEDs with these settings is driven while it shows this. The limit of current is kept for the
    /// hungriest picture that the scene can show, so that it does not brighten while it shortens.
    ///
    /// # Errors
    /// [`TooLittleCurrent`] if the limit does not let every LED be lit at all.
    pub fn drive(&self, settings: &DriveSettings, leds: usize) -> Result<Drive, TooLittleCurrent> {
        match self {
            Self::Sample(trial) => trial.make.drive(settings),
            Self::Gauge(gauge) => Drive::new(*settings, leds, &[gauge.full(leds)]),
        }
    }
}

impl Show {
    pub fn new(scene: Scene, owner: Owner, lease: Duration, now: Moment) -> Self {
        Self { scene, owner, lease, until: now + lease }
    }

    pub fn rank(&self) -> Rank {
        self.scene.rank()
    }
}

impl Owner {
    pub fn new(words: &str) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
