//! A plan: the length of a talk and its three marks, counted in time left.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::core::clock::nanoseconds;

/// A talk of `length` that is green, and from its marks on yellow, red and flashing red. A mark is a time left.
///
/// Always true: `0 ≤ flash ≤ red ≤ yellow < length`. So a talk begins green and its phases come in order. If two marks are
/// equal, the phase of the earlier one is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Plan {
    name: Name,
    #[serde(rename = "length_ns", with = "nanoseconds")]
    length: Duration,
    #[serde(rename = "yellow_ns", with = "nanoseconds")]
    yellow: Duration,
    #[serde(rename = "red_ns", with = "nanoseconds")]
    red: Duration,
    #[serde(rename = "flash_ns", with = "nanoseconds")]
    flash: Duration,
}

impl Plan {
    pub const LENGTH_MIN: Duration = Duration::from_secs(1);
    pub const LENGTH_MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// # Errors
    /// The first [`PlanError`] found, in the order of the arguments.
    pub fn new(
        name: &str,
        length: Duration,
        yellow: Duration,
        red: Duration,
        flash: Duration,
    ) -> Result<Self, PlanError> {
        let name = Name::new(name).ok_or(PlanError::Name)?;
        Self { name, length, yellow, red, flash }.checked()
    }

    fn checked(self) -> Result<Self, PlanError> {
        let Self { length, yellow, red, flash, .. } = self;
        if !(Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&length) {
            return Err(PlanError::Length);
        }
        if yellow >= length {
            return Err(PlanError::Yellow { length });
        }
        if red > yellow {
            return Err(PlanError::Red { yellow });
        }
        if flash > red {
            return Err(PlanError::Flash { red });
        }
        Ok(self)
    }

    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    pub fn length(&self) -> Duration {
        self.length
    }

    /// Time left at which the talk turns yellow.
    pub fn yellow(&self) -> Duration {
        self.yellow
    }

    /// Time left at which the talk turns red.
    pub fn red(&self) -> Duration {
        self.red
    }

    /// Time left at which the red begins to flash.
    pub fn flash(&self) -> Duration {
        self.flash
    }
}

// The derived functions read and write the fields; these check what was read.
impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)?.checked().map_err(de::Error::custom)
    }
}

/// The plan with that name; the case of the letters does not matter.
pub fn find(plans: &[Plan], name: &str) -> Option<Plan> {
    plans.iter().find(|plan| plan.name().eq_ignore_ascii_case(name)).copied()
}

/// Why a plan is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    Name,
    Length,
    Yellow { length: Duration },
    Red { yellow: Duration },
    Flash { red: Duration },
}

impl PlanError {
    /// The config key that has to change.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Length => "length",
            Self::Yellow { .. } => "yellow",
            Self::Red { .. } => "red",
            Self::Flash { .. } => "flash",
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => write!(
                f,
                "a plan's name is 1 to {} unaccented letters, digits, `-` and `_`, and begins with a letter or digit",
                Name::LENGTH_MAX
            ),
            Self::Length => write!(f, "a talk lasts from 1s to 24h"),
            Self::Yellow { length } => {
                write!(f, "marks count time left: yellow must be less than the length, {}", Clock(*length))
            }
            Self::Red { yellow } => {
                write!(f, "marks count time left: red must be at most yellow, {}", Clock(*yellow))
            }
            Self::Flash { red } => write!(f, "marks count time left: flash must be at most red, {}", Clock(*red)),
        }
    }
}

impl std::error::Error for PlanError {}

/// A time as a clock shows it: `5:00`, `1:02:03`. Milliseconds are shown if there are any.
pub struct Clock(pub Duration);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, ms) = (self.0.as_secs(), self.0.subsec_millis());
        match s / 3600 {
            0 => write!(f, "{}:{:02}", s / 60, s % 60)?,
            h => write!(f, "{h}:{:02}:{:02}", s / 60 % 60, s % 60)?,
        }
        if ms != 0 { write!(f, ".{ms:03}") } else { Ok(()) }
    }
}

/// Time left in whole seconds, rounded up, so that a clock shows 0:00 only at the end.
pub fn seconds_left(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)))
}

/// Time passed in whole seconds, rounded down.
pub fn whole_seconds(passed: Duration) -> Duration {
    Duration::from_secs(passed.as_secs())
}

/// Lengths of time as people write them.
pub mod spans {
    use std::time::Duration;

    /// Parses a length of time with units, such as `2m 30s`.
    pub fn parse(text: &str) -> Option<Duration> {
        // humantime 2.4.0 panics if the sum of seconds and nanoseconds overflows, which takes more digits than this.
        const DIGITS_MAX: usize = 12;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        (digits <= DIGITS_MAX).then(|| humantime::parse_duration(text).ok()).flatten()
    }
}

/// A name held inline, so that plans and timers are plain values.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Name {
    bytes: [u8; Name::LENGTH_MAX],
    length: u8,
}

impl Name {
    const LENGTH_MAX: usize = 24;

    fn new(name: &str) -> Option<Self> {
        let first = name.bytes().next()?;
        let good = name.len() <= Self::LENGTH_MAX
            && first.is_ascii_alphanumeric()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        good.then(|| {
            let mut bytes = [0; Self::LENGTH_MAX];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            Self { bytes, length: name.len() as u8 }
        })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("names are ASCII")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().into()
    }
}

impl TryFrom<String> for Name {
    type Error = PlanError;

    fn try_from(name: String) -> Result<Self, PlanError> {
        Self::new(&name).ok_or(PlanError::Name)
    }
}
