//! The log: what has happened, in words for logs and screens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::plan::Clock;
use crate::core::timer::{self, Outcome, Phase};
use crate::engine::board::LastPaired;
use crate::engine::event::{Origin, Refused};
use crate::show::Scene;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub number: u64,
    pub at: Moment,
    pub origin: Origin,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    Done(Outcome),
    /// A request by a button or a key was refused. Other requesters get a reply instead.
    Refused(Refused),
    /// The talk has reached this phase by time.
    Phase(Phase),
    StripFailed(Arc<str>),
    StripBack,
    ShowBegan(Scene),
    ShowEnded(Scene),
    Paired(LastPaired),
    CodesClosed,
    Failed(Arc<str>),
    Recovered,
    SourceEnded(Arc<str>),
    /// A message in its own words.
    Told(Tone, Arc<str>),
    Stopping,
}

/// How much attention a log entry needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// A phase of a talk, by time.
    Quiet,
    Done,
    Refused,
    Warning,
    Fault,
}

impl Entry {
    pub fn tone(&self) -> Tone {
        match &self.what {
            Happening::Done(outcome) if !outcome.is_change() => Tone::Refused,
            Happening::Phase(Phase::Over) | Happening::Done(_) => Tone::Done,
            Happening::Phase(_) => Tone::Quiet,
            Happening::StripBack
            | Happening::Recovered
            | Happening::ShowBegan(_)
            | Happening::ShowEnded(_)
            | Happening::Paired(_)
            | Happening::Stopping => Tone::Done,
            Happening::CodesClosed => Tone::Warning,
            Happening::Refused(_) => Tone::Refused,
            Happening::StripFailed(_) | Happening::Failed(_) | Happening::SourceEnded(_) => Tone::Fault,
            Happening::Told(tone, _) => *tone,
        }
    }
}

/// The entry in one line, for logs and screens.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.origin;
        let left = |left: &Duration| Clock(timer::seconds_left(*left));
        match &self.what {
            Happening::Done(Outcome::Started(plan)) => {
                write!(f, "talk started by the {by}: {}, {}", plan.name(), Clock(plan.length()))
            }
            Happening::Done(Outcome::StartedLate { plan, late }) => {
                let length = Clock(plan.length());
                write!(f, "talk started by the {by}: {}, {length}, with {} taken off", plan.name(), Clock(*late))
            }
            Happening::Done(Outcome::Late { by: off, left: rest }) => {
                write!(f, "{} taken off by the {by}, {} left", Clock(*off), left(rest))
            }
            Happening::Done(Outcome::LateUndone { by: off, left: rest }) => {
                write!(f, "{} given back by the {by}, {} left", Clock(*off), left(rest))
            }
            Happening::Done(Outcome::Reset { elapsed, left: rest }) => {
                write!(f, "talk reset at {} by the {by}, {} left", Clock(timer::whole_seconds(*elapsed)), left(rest))
            }
            Happening::Done(Outcome::Cleared) => write!(f, "ready again by the {by}"),
            Happening::Done(Outcome::Undone { left: rest }) => {
                write!(f, "reset undone by the {by}, {} left", left(rest))
            }
            Happening::Done(Outcome::Chosen(plan)) => {
                write!(f, "next talk chosen by the {by}: {}, {}", plan.name(), Clock(plan.length()))
            }
            Happening::Done(outcome @ (Outcome::AlreadyReady | Outcome::AlreadyChosen(_))) => {
                write!(f, "{outcome}")
            }
            Happening::Refused(refusal) => write!(f, "{refusal}"),
            Happening::Phase(Phase::Over) => write!(f, "talk ended"),
            Happening::Phase(phase) => write!(f, "{phase}"),
            Happening::StripFailed(why) => write!(f, "strip failed: {why}"),
            Happening::StripBack => write!(f, "strip is back"),
            Happening::ShowBegan(Scene::Sample(_)) => write!(f, "testing the strip; a start ends it"),
            Happening::ShowBegan(Scene::Demo) => write!(f, "showing the colours of a talk; a start ends it"),
            Happening::ShowBegan(Scene::Gauge(_)) => write!(f, "a program has the strip; a start ends it"),
            Happening::ShowBegan(Scene::Pairing) => {
                f.write_str("pairing is open for a minute: open the remote on a phone and press \"Pair this phone\"")
            }
            Happening::ShowEnded(Scene::Sample(_)) => write!(f, "the test of the strip is over"),
            Happening::ShowEnded(Scene::Demo) => write!(f, "the colours were shown"),
            Happening::ShowEnded(Scene::Gauge(_)) => write!(f, "the program has given the strip back"),
            Happening::ShowEnded(Scene::Pairing) => write!(f, "pairing is closed"),
            Happening::Paired(LastPaired { name, by, .. }) => write!(f, "{name} was paired {by}"),
            Happening::CodesClosed => f.write_str(
                "codes are refused for a minute, because ten were wrong; a new invitation works at once, a QR code always",
            ),
            Happening::Failed(why) => write!(f, "{by} failed: {why}"),
            Happening::Recovered => write!(f, "{by} is back"),
            Happening::SourceEnded(how) => write!(f, "{by} is lost until the next start: {how}"),
            Happening::Told(_, text) => f.write_str(text),
            Happening::Stopping => write!(f, "stopping"),
        }
    }
}
