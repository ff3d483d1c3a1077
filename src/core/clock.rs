//! The boot-time clock, and the one place that reads it.

use std::ops::{Add, Sub};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Nanoseconds since boot, suspend included.
///
/// The number is the same in every process of one boot and no one can set it, so it can be stored, sent and
/// compared. It says nothing about the time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// How long `earlier` is past; zero if it is still to come.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    /// Saturates: the last representable moment is 584 years after boot.
    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(ns(span)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    /// Saturates at boot.
    fn sub(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(ns(span)))
    }
}

/// The current moment.
pub fn now() -> Moment {
    Moment(read(BOOT_TIME))
}

/// The moment of a kernel event stamped by `CLOCK_MONOTONIC`, as GPIO edges are. That clock stands still during
/// suspend, so it is read beside ours to find the distance between the two.
pub fn of_kernel_event(monotonic_ns: u64) -> Moment {
    // An interruption between the two readings makes the distance too large: the smallest of three is the right one.
    let apart = (0..3).map(|_| {
        let before = read(ClockId::CLOCK_MONOTONIC);
        let apart = read(BOOT_TIME).saturating_sub(before);
        (read(ClockId::CLOCK_MONOTONIC) - before, apart)
    });
    let (_, apart) = apart.min().expect("three are some");
    Moment(monotonic_ns.saturating_add(apart))
}

/// One reading of both clocks. The wall clock can be set, and on a machine without a battery it starts wrong, so it is only
/// for what must outlive a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub at: Moment,
    /// Seconds since 1970 by the wall clock.
    pub wall_s: u64,
}

/// The current moment, with the time of the wall clock.
pub fn stamp() -> Stamp {
    Stamp { at: now(), wall_s: read(ClockId::CLOCK_REALTIME) / 1_000_000_000 }
}

#[cfg(target_os = "linux")]
const BOOT_TIME: ClockId = ClockId::CLOCK_BOOTTIME;
/// Other systems: the monotonic clock, which on macOS runs through sleep as well.
#[cfg(not(target_os = "linux"))]
const BOOT_TIME: ClockId = ClockId::CLOCK_MONOTONIC;

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("every Unix has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Durations in files and on the wire: whole nanoseconds.
pub mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::ns(*span))
    }

    /// # Errors
    /// If the value is not a whole number of nanoseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}
