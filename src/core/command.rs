//! What a chair can ask of the timer, and the answers in words.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::plan::{Clock, Plan, seconds_left, whole_seconds};

/// How long a reset, or a [`Command::Late`], can be undone.
pub const UNDO_WINDOW: Duration = Duration::from_secs(10);

/// What a chair can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A talk of this plan, or of the chosen one.
    Start(Option<Plan>),
    /// The same, for a speaker who began that much earlier.
    StartLate(Option<Plan>, Duration),
    Reset,
    /// The running talk was started that much too late: takes this time off.
    Late(Duration),
    /// Restores the talk that was reset, or takes the last [`Command::Late`] back.
    Undo,
    /// Sets the plan of later starts.
    Choose(Plan),
}

/// What a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Started(Plan),
    StartedLate {
        plan: Plan,
        late: Duration,
    },
    /// A running talk was reset after `elapsed`, with `left` to go.
    Reset {
        elapsed: Duration,
        left: Duration,
    },
    /// A talk that was over was removed.
    Cleared,
    Undone {
        left: Duration,
    },
    /// Time was taken off the running talk.
    Late {
        by: Duration,
        left: Duration,
    },
    /// The last [`Outcome::Late`] was taken back.
    LateUndone {
        by: Duration,
        left: Duration,
    },
    Chosen(Plan),
    /// There was no talk to reset.
    AlreadyReady,
    /// The plan was the chosen one already.
    AlreadyChosen(Plan),
}

/// Why a command was refused. The text says what to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    AlreadyRunning {
        left: Duration,
    },
    JustEnded,
    ChooseWhileRunning {
        left: Duration,
    },
    NothingToUndo,
    UndoTooLate,
    UndoDuringTalk,
    LateWithoutTalk,
    /// A phase would be left out, or the talk would end. Less than `limit` may be taken off.
    LateTooMuch {
        limit: Duration,
    },
    /// The request named another generation.
    Stale,
    /// The request came after its deadline.
    Expired,
}

impl Outcome {
    /// Whether the timer has changed.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::AlreadyReady | Self::AlreadyChosen(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(plan) => write!(f, "started {}, {}", plan.name(), Clock(plan.length())),
            Self::StartedLate { plan, late } => {
                write!(f, "started {}, {}, with {} taken off", plan.name(), Clock(plan.length()), Clock(*late))
            }
            Self::Reset { elapsed, left } => {
                write!(f, "reset at {}, {} left", Clock(whole_seconds(*elapsed)), Clock(seconds_left(*left)))
            }
            Self::Cleared => write!(f, "reset after the end"),
            Self::Undone { left } => write!(f, "undone, {} left", Clock(seconds_left(*left))),
            Self::Late { by, left } => write!(f, "{} taken off, {} left", Clock(*by), Clock(seconds_left(*left))),
            Self::LateUndone { by, left } => {
                write!(f, "{} given back, {} left", Clock(*by), Clock(seconds_left(*left)))
            }
            Self::Chosen(plan) => write!(f, "the next talk is {}, {}", plan.name(), Clock(plan.length())),
            Self::AlreadyReady => write!(f, "ready already; there is no talk to reset"),
            Self::AlreadyChosen(plan) => write!(f, "{} is chosen already", plan.name()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning { left } => {
                write!(f, "a talk is running, {} left; reset it first", Clock(seconds_left(*left)))
            }
            Self::JustEnded => write!(f, "the talk has just ended; to start the next one, start again"),
            Self::ChooseWhileRunning { left } => {
                write!(f, "a talk is running, {} left; choose when it is over, or reset it", Clock(seconds_left(*left)))
            }
            Self::NothingToUndo => write!(f, "there is no reset to undo; start a talk"),
            Self::UndoTooLate => {
                write!(f, "a reset can be undone for {} seconds only; start a new talk", UNDO_WINDOW.as_secs())
            }
            Self::UndoDuringTalk => {
                write!(
                    f,
                    "there is nothing to undo: a `late` can be taken back for {} seconds; to end this talk, reset it",
                    UNDO_WINDOW.as_secs()
                )
            }
            Self::LateWithoutTalk => {
                write!(f, "no talk is running; to start one that began earlier, use `start --late 30s`")
            }
            Self::LateTooMuch { limit } => {
                write!(
                    f,
                    "less than {} can be taken off now, so that no colour is left out; to end the talk, reset it",
                    Clock(seconds_left(*limit))
                )
            }
            Self::Stale => write!(f, "the timer has changed since you looked; look, and do it again"),
            Self::Expired => write!(f, "this came too late and was not done; look, and press again"),
        }
    }
}

impl std::error::Error for Refusal {}
