//! The timer: its commands, and what it reads at any moment.
//!
//! It is a value without a clock, and it counts nothing: [`Timer::at`] computes everything from the moment that it is given.
//! So a late call finds the right phase, and an early call changes nothing.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::plan::{Clock, Plan};

/// How long a reset can be undone.
pub const UNDO_WINDOW: Duration = Duration::from_secs(10);
/// How long after the end a start is refused, because it was probably meant as "stop".
pub const END_GUARD: Duration = Duration::from_secs(2);

/// The whole state of the timer. Its JSON is that of the resume file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Counts every change of state; a command meant for an older generation is refused.
    pub generation: u64,
    /// The plan that a start without a name takes.
    pub chosen: Plan,
    /// The talk since the last start, until a reset. It stays when the talk is over.
    pub talk: Option<Talk>,
    /// The talk that was reset last; an undo restores it until `undo_until`.
    pub undo: Option<Talk>,
    #[serde(rename = "undo_until_ns")]
    pub undo_until: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    pub plan: Plan,
    #[serde(rename = "started_ns")]
    pub started: Moment,
}

/// What a chair can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A talk of this plan, or of the chosen one.
    Start(Option<Plan>),
    Reset,
    Undo,
    /// Sets the plan of later starts.
    Choose(Plan),
}

/// What a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Started(Plan),
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
    Chosen(Plan),
    /// There was no talk to reset.
    AlreadyReady,
    /// The plan was the chosen one already.
    AlreadyChosen(Plan),
}

/// Why a command was refused. The text says what to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    AlreadyRunning { left: Duration },
    JustEnded,
    ChooseWhileRunning { left: Duration },
    NothingToUndo,
    UndoTooLate,
    UndoDuringTalk,
    Stale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Ready,
    Green,
    Yellow,
    Red,
    Flash,
    Over,
}

/// What the timer reads at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub phase: Phase,
    /// The plan of the talk, or of the next one.
    pub plan: Plan,
    /// Time left of the talk: its length when ready, zero when over.
    pub left: Duration,
    /// Time since the end of the talk; zero before.
    pub overrun: Duration,
    /// How long a reset can still be undone, if there is one to undo.
    pub undo: Option<Duration>,
}

impl Timer {
    /// A timer that is ready. `generation` should differ from that of every earlier timer, so that no old command matches.
    pub const fn new(chosen: Plan, generation: u64) -> Self {
        Self { generation, chosen, talk: None, undo: None, undo_until: None }
    }

    /// Executes `command`. `now` must not be earlier than in the call before.
    ///
    /// # Errors
    /// A [`Refusal`]; the timer is then unchanged.
    pub fn apply(&mut self, command: Command, now: Moment) -> Result<Outcome, Refusal> {
        use Command::{Choose, Reset, Start, Undo};
        use StateAt::{Over, Ready, Running};

        let done = match (command, self.state_at(now)) {
            (Start(plan), Ready { .. }) => self.start(plan, now),
            (Start(_), Running { left, .. }) => return Err(Refusal::AlreadyRunning { left }),
            (Start(_), Over { overrun, .. }) if overrun < END_GUARD => {
                return Err(Refusal::JustEnded);
            }
            (Start(plan), Over { .. }) => self.start(plan, now),

            (Reset, Ready { .. }) => return Ok(Outcome::AlreadyReady),
            (Reset, Running { talk, left }) => {
                (self.talk, self.undo, self.undo_until) = (None, Some(talk), Some(now + UNDO_WINDOW));
                Outcome::Reset { elapsed: now.since(talk.started), left }
            }
            (Reset, Over { .. }) => {
                self.talk = None;
                Outcome::Cleared
            }

            (Undo, Ready { undo: None }) => return Err(Refusal::NothingToUndo),
            (Undo, Ready { undo: Some((_, until)) }) if now >= until => return Err(Refusal::UndoTooLate),
            (Undo, Ready { undo: Some((talk, _)) }) => {
                self.begin(talk);
                Outcome::Undone { left: talk.left(now) }
            }
            (Undo, Running { .. }) => return Err(Refusal::UndoDuringTalk),
            (Undo, Over { .. }) => return Err(Refusal::NothingToUndo),

            (Choose(_), Running { left, .. }) => return Err(Refusal::ChooseWhileRunning { left }),
            (Choose(plan), Ready { .. } | Over { .. }) if plan == self.chosen => {
                return Ok(Outcome::AlreadyChosen(plan));
            }
            (Choose(plan), Ready { .. } | Over { .. }) => {
                self.chosen = plan;
                Outcome::Chosen(plan)
            }
        };
        self.generation = self.generation.wrapping_add(1);
        Ok(done)
    }

    /// What the timer reads at `now`.
    pub fn at(&self, now: Moment) -> Reading {
        let zero = Duration::ZERO;
        match self.state_at(now) {
            StateAt::Ready { undo } => Reading {
                phase: Phase::Ready,
                plan: self.chosen,
                left: self.chosen.length(),
                overrun: zero,
                undo: undo.filter(|&(_, until)| now < until).map(|(_, until)| until.since(now)),
            },
            StateAt::Running { talk: Talk { plan, .. }, left } => {
                let phase = if left <= plan.flash() {
                    Phase::Flash
                } else if left <= plan.red() {
                    Phase::Red
                } else if left <= plan.yellow() {
                    Phase::Yellow
                } else {
                    Phase::Green
                };
                Reading { phase, plan, left, overrun: zero, undo: None }
            }
            StateAt::Over { talk, overrun } => {
                Reading { phase: Phase::Over, plan: talk.plan, left: zero, overrun, undo: None }
            }
        }
    }

    /// The talk that runs or is over, else the one that was reset last.
    pub fn last_talk(&self) -> Option<Talk> {
        self.talk.or(self.undo)
    }

    /// The next moment at which the phase changes by itself.
    pub fn next_phase(&self, now: Moment) -> Option<Moment> {
        let talk = self.talk?;
        [talk.plan.yellow(), talk.plan.red(), talk.plan.flash(), Duration::ZERO]
            .map(|left| talk.end() - left)
            .into_iter()
            .find(|&mark| mark > now)
    }

    fn start(&mut self, plan: Option<Plan>, now: Moment) -> Outcome {
        let plan = plan.unwrap_or(self.chosen);
        self.begin(Talk { plan, started: now });
        Outcome::Started(plan)
    }

    fn begin(&mut self, talk: Talk) {
        (self.talk, self.undo, self.undo_until) = (Some(talk), None, None);
    }

    fn state_at(&self, now: Moment) -> StateAt {
        match self.talk {
            None => StateAt::Ready { undo: self.undo.zip(self.undo_until) },
            Some(talk) if now < talk.end() => StateAt::Running { talk, left: talk.left(now) },
            Some(talk) => StateAt::Over { talk, overrun: now.since(talk.end()) },
        }
    }
}

impl Talk {
    pub fn end(&self) -> Moment {
        self.started + self.plan.length()
    }

    /// Time left at `now`; zero when the talk is over.
    pub fn left(&self, now: Moment) -> Duration {
        self.end().since(now).min(self.plan.length())
    }
}

/// The states of the table of commands. Whether a talk runs or is over depends on the moment.
enum StateAt {
    Ready { undo: Option<(Talk, Moment)> },
    Running { talk: Talk, left: Duration },
    Over { talk: Talk, overrun: Duration },
}

impl Outcome {
    /// Whether the timer has changed.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::AlreadyReady | Self::AlreadyChosen(_))
    }
}

impl Phase {
    pub const ALL: [Phase; 6] = [Phase::Ready, Phase::Green, Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over];

    /// The phase in one word, for programs and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Flash => "flash",
            Self::Over => "over",
        }
    }

    /// Whether a talk runs: from its start to its end.
    pub fn is_running(self) -> bool {
        match self {
            Self::Green | Self::Yellow | Self::Red | Self::Flash => true,
            Self::Ready | Self::Over => false,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(plan) => write!(f, "started {}, {}", plan.name(), Clock(plan.length())),
            Self::Reset { elapsed, left } => {
                write!(f, "reset at {}, {} left", Clock(whole_seconds(*elapsed)), Clock(seconds_left(*left)))
            }
            Self::Cleared => write!(f, "reset after the end"),
            Self::Undone { left } => write!(f, "undone, {} left", Clock(seconds_left(*left))),
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
                write!(f, "only a reset can be undone; to end this talk, reset it")
            }
            Self::Stale => write!(f, "the timer has changed since you looked; look, and do it again"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Time left in whole seconds, rounded up, so that a clock shows 0:00 only at the end.
pub fn seconds_left(left: Duration) -> Duration {
    Duration::from_secs(left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)))
}

/// Time passed in whole seconds, rounded down.
pub fn whole_seconds(passed: Duration) -> Duration {
    Duration::from_secs(passed.as_secs())
}
