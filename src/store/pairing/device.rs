//! A paired device, and how long it was not used.
//!
//! The file holds times of the wall clock, since they must outlive a boot. A Pi has no battery for its clock: after a boot
//! without a network the clock is behind, and it may jump by months when the network comes. So what happened in this process is
//! measured by boot time, and its times in the file follow the wall clock when that jumps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::{self, Hash};
use crate::core::clock::{Moment, Stamp};

/// A device that is not used for so long is unpaired.
pub const UNUSED_MAX: Duration = Duration::from_secs(30 * DAY_S);
/// The file is not written for a use that is nearer to the last one in the file, to spare the card.
pub const DAY_S: u64 = 24 * 60 * 60;

/// A device or program as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// In words, such as `Firefox on Android`.
    pub name: String,
    /// It reaches the timer by HTTPS, through a proxy.
    pub is_https: bool,
}

impl Visitor {
    /// A program that gets its token by hand.
    pub fn program() -> Self {
        Self { name: "a program".into(), is_https: false }
    }
}

/// A paired device or program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The hash of its token.
    #[serde(with = "secret")]
    hash: Hash,
    /// What it is, in words.
    pub browser: String,
    /// When it was paired and when it was used last, in seconds since 1970. A file of talklight 0.2 does not say it.
    since_s: Option<u64>,
    seen_s: Option<u64>,
    /// Its cookie is for HTTPS only.
    #[serde(default)]
    pub https: bool,
    /// The same in this process, by a clock that does not jump.
    #[serde(skip)]
    since: Option<Moment>,
    #[serde(skip)]
    seen: Option<Moment>,
}

impl Device {
    /// A device that is paired now.
    pub fn new(hash: Hash, visitor: &Visitor, now: Stamp) -> Self {
        Self {
            hash,
            browser: visitor.name.clone(),
            since_s: Some(now.wall_s),
            seen_s: Some(now.wall_s),
            https: visitor.is_https,
            since: Some(now.at),
            seen: Some(now.at),
        }
    }

    /// A device of which only the hash is known.
    pub fn unknown(hash: Hash) -> Self {
        let browser = "a device".into();
        Self { hash, browser, since_s: None, seen_s: None, https: false, since: None, seen: None }
    }

    /// Names the device to people and programs. It opens nothing.
    pub fn id(&self) -> String {
        secret::hex(&self.hash[..4])
    }

    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// It is used now. True if the file should be told.
    pub fn visit(&mut self, now: Stamp) -> bool {
        self.seen = Some(now.at);
        self.is_behind(now)
    }

    /// Whether the times of the file are a day away from those of this process.
    pub fn is_behind(&self, now: Stamp) -> bool {
        let is_off = |kept: Option<u64>, at: Option<Moment>| {
            at.is_some_and(|at| kept.is_none_or(|kept| kept.abs_diff(wall_of(at, now)) >= DAY_S))
        };
        is_off(self.since_s, self.since) || is_off(self.seen_s, self.seen)
    }

    /// Takes over the times of this process for the file.
    pub fn catch_up(&mut self, now: Stamp) {
        for (kept, at) in [(&mut self.since_s, self.since), (&mut self.seen_s, self.seen)] {
            *kept = at.map(|at| wall_of(at, now)).or(*kept);
        }
    }

    /// The latest time in the file.
    pub fn latest_s(&self) -> Option<u64> {
        self.since_s.max(self.seen_s)
    }

    /// How long ago it was paired, if that is known.
    pub fn age(&self, now: Stamp) -> Option<Duration> {
        ago(self.since, self.since_s, now)
    }

    /// How long ago it was used, if that is known.
    pub fn unused(&self, now: Stamp) -> Option<Duration> {
        ago(self.seen, self.seen_s, now)
    }
}

/// The time of the wall clock, as it is set now, at a moment of this process.
fn wall_of(at: Moment, now: Stamp) -> u64 {
    now.wall_s.saturating_sub(now.at.since(at).as_secs())
}

fn ago(at: Option<Moment>, kept_s: Option<u64>, now: Stamp) -> Option<Duration> {
    let by_wall = || kept_s.map(|kept_s| Duration::from_secs(now.wall_s.saturating_sub(kept_s)));
    at.map(|at| now.at.since(at)).or_else(by_wall)
}
