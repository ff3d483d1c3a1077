//! Shows: what the strip shows between talks.
//!
//! A [`Show`] is a value: a scene, its owner, a lease and the end of the lease. The [`Stage`] holds at most one show of each
//! [`Rank`], and it alone decides which show may be seen. A new kind of picture is a new [`Scene`] in its own file.

pub mod demo;
pub mod gauge;
pub mod pairing;
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
use sample::{StripType, Trial};

pub use stage::{Busy, STREAM_AFTER_END, Stage};

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scene {
    Sample(Trial),
    Gauge(Gauge),
    /// The colours of a talk, which [`Snapshot::shown`](crate::engine::board::Snapshot::shown) takes from [`demo::timer`].
    Demo,
    /// A phone can be paired by the button.
    Pairing,
}

/// How important a show is: a higher rank covers a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rank {
    /// Sent by a program.
    Stream,
    /// Requested by a person who looks at the strip itself.
    Test,
}

/// The owner of a show, in words for people. The owner may replace the show; another owner must wait for its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner(Arc<str>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Show {
    pub scene: Scene,
    pub owner: Owner,
    /// How long the show stays after the last request of its owner.
    pub lease: Duration,
    pub until: Moment,
}

impl Scene {
    pub fn rank(&self) -> Rank {
        match self {
            Self::Sample(_) | Self::Demo | Self::Pairing => Rank::Test,
            Self::Gauge(_) => Rank::Stream,
        }
    }

    /// The strip that is assumed while this is shown, if it differs from the config's.
    pub fn strip_type(&self) -> Option<StripType> {
        match self {
            Self::Sample(trial) => Some(trial.strip),
            Self::Gauge(_) | Self::Demo | Self::Pairing => None,
        }
    }

    /// Fills `frame` for a strip of `leds` LEDs. A test picture makes it as long as the assumed strip.
    pub fn paint(&self, leds: usize, frame: &mut Vec<Rgb>) {
        match self {
            Self::Sample(trial) => trial.paint(frame),
            Self::Gauge(gauge) => gauge.paint(leds, frame),
            Self::Pairing => pairing::paint(leds, frame),
            // A demonstration is seen as a picture of the timer; by itself it is the dark at its end.
            Self::Demo => {
                frame.clear();
                frame.resize(leds, Rgb::BLACK);
            }
        }
    }

    /// The drive for this scene on a strip of `leds` LEDs. The current limit is kept for the picture of the scene that draws
    /// most, so that a bar does not brighten while it shortens.
    ///
    /// # Errors
    /// [`TooLittleCurrent`] if the limit is too low to light every LED at its dimmest.
    pub fn drive(&self, settings: &DriveSettings, leds: usize) -> Result<Drive, TooLittleCurrent> {
        match self {
            Self::Sample(trial) => trial.strip.drive(settings),
            Self::Demo => Drive::new(*settings, leds, &[]),
            Self::Gauge(gauge) => Drive::new(*settings, leds, &[gauge.full(leds)]),
            Self::Pairing => Drive::new(*settings, leds, &[pairing::picture(leds)]),
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

    /// When the lease began.
    pub fn began(&self) -> Moment {
        self.until - self.lease
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
