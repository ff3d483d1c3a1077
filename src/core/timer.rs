//! The timer: its commands, and what it reads at any moment.
//!
//! It is a value without a clock, and it counts nothing: [`Timer::at`] computes everything from the moment that it is given.
//! So a late call finds the right phase, and an early call changes nothing.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::clock::nanoseconds;
pub use crate::core::command::{Command, Outcome, Refusal, UNDO_WINDOW};
use crate::core::plan::Plan;
pub use crate::core::plan::{seconds_left, whole_seconds};

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
    /// The talk that was reset last, or the running talk before the last [`Command::Late`]. An undo restores it until
    /// `undo_until`.
    pub undo: Option<Talk>,
    #[serde(rename = "undo_until_ns")]
    pub undo_until: Option<Moment>,
    /// When the last talk ended or was reset. `None` before the first one.
    #[serde(rename = "last_end_ns", default)]
    pub last_end: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    pub plan: Plan,
    /// When it was started. An instant that no command changes, so it also identifies the talk.
    #[serde(rename = "started_ns")]
    pub started: Moment,
    /// How much earlier the speaker began.
    #[serde(rename = "late_ns", with = "nanoseconds", default)]
    pub late: Duration,
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
    /// How long a reset can still be undone, or during a talk the last [`Command::Late`]. `None` if there is nothing to undo.
    pub undo: Option<Duration>,
    /// Between talks: time since the last talk ended or was reset, if there was one.
    pub idle: Option<Duration>,
}

impl Timer {
    /// A timer that is ready. `generation` should differ from that of every earlier timer, so that no old command matches.
    pub const fn new(chosen: Plan, generation: u64) -> Self {
        Self { generation, chosen, talk: None, undo: None, undo_until: None, last_end: None }
    }

    /// Executes `command`. `now` must not be earlier than in the call before.
    ///
    /// # Errors
    /// A [`Refusal`]; the timer is then unchanged.
    pub fn apply(&mut self, command: Command, now: Moment) -> Result<Outcome, Refusal> {
        use Command::{Choose, Late, Reset, Start, StartLate, Undo};
        use StateAt::{Over, Ready, Running};

        let done = match (command, self.state_at(now)) {
            (Start(_) | StartLate(..), Running { talk, .. }) => {
                return Err(Refusal::AlreadyRunning { left: talk.left(now) });
            }
            (Start(_) | StartLate(..), Over { overrun, .. }) if overrun < END_GUARD => {
                return Err(Refusal::JustEnded);
            }
            (Start(plan), Ready { .. } | Over { .. }) => {
                let plan = plan.unwrap_or(self.chosen);
                self.begin(Talk { plan, started: now, late: Duration::ZERO });
                Outcome::Started(plan)
            }
            (StartLate(plan, late), Ready { .. } | Over { .. }) => {
                let plan = plan.unwrap_or(self.chosen);
                self.begin(Talk { plan, started: now, late: Duration::ZERO }.later(late, now)?);
                Outcome::StartedLate { plan, late }
            }

            (Reset, Ready { .. }) => return Ok(Outcome::AlreadyReady),
            (Reset, Running { talk, .. }) => {
                (self.talk, self.undo, self.undo_until) = (None, Some(talk), Some(now + UNDO_WINDOW));
                self.last_end = Some(now);
                Outcome::Reset { elapsed: talk.elapsed(now), left: talk.left(now) }
            }
            (Reset, Over { talk, .. }) => {
                (self.talk, self.undo, self.undo_until) = (None, None, None);
                self.last_end = Some(talk.end());
                Outcome::Cleared
            }

            (Late(by), Running { talk, .. }) => {
                let later = talk.later(by, now)?;
                (self.talk, self.undo, self.undo_until) = (Some(later), Some(talk), Some(now + UNDO_WINDOW));
                Outcome::Late { by, left: later.left(now) }
            }
            (Late(_), Ready { .. } | Over { .. }) => return Err(Refusal::LateWithoutTalk),

            (Undo, Ready { undo: Some((_, until)) }) if now >= until => return Err(Refusal::UndoTooLate),
            (Undo, Ready { undo: Some((talk, _)) }) => {
                self.begin(talk);
                Outcome::Undone { left: talk.left(now) }
            }
            (Undo, Running { talk, undo: Some((before, until)) }) if now < until => {
                self.begin(before);
                Outcome::LateUndone { by: talk.late.saturating_sub(before.late), left: before.left(now) }
            }
            (Undo, Running { .. }) => return Err(Refusal::UndoDuringTalk),
            (Undo, Ready { undo: None } | Over { .. }) => return Err(Refusal::NothingToUndo),

            (Choose(_), Running { talk, .. }) => return Err(Refusal::ChooseWhileRunning { left: talk.left(now) }),
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
        let open =
            |undo: Option<(Talk, Moment)>| undo.map(|(_, until)| until.since(now)).filter(|left| !left.is_zero());
        match self.state_at(now) {
            StateAt::Ready { undo } => Reading {
                phase: Phase::Ready,
                plan: self.chosen,
                left: self.chosen.length(),
                overrun: zero,
                undo: open(undo),
                idle: self.last_end.map(|end| now.since(end)),
            },
            StateAt::Running { talk, undo } => {
                let (plan, left) = (talk.plan, talk.left(now));
                Reading { phase: plan.phase(left), plan, left, overrun: zero, undo: open(undo), idle: None }
            }
            StateAt::Over { talk, overrun } => {
                Reading { phase: Phase::Over, plan: talk.plan, left: zero, overrun, undo: None, idle: Some(overrun) }
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

    fn begin(&mut self, talk: Talk) {
        (self.talk, self.undo, self.undo_until) = (Some(talk), None, None);
    }

    fn state_at(&self, now: Moment) -> StateAt {
        let undo = self.undo.zip(self.undo_until);
        match self.talk {
            None => StateAt::Ready { undo },
            Some(talk) if now < talk.end() => StateAt::Running { talk, undo },
            Some(talk) => StateAt::Over { talk, overrun: now.since(talk.end()) },
        }
    }
}

impl Talk {
    pub fn end(&self) -> Moment {
        self.started + self.plan.length().saturating_sub(self.late)
    }

    /// Time left at `now`; zero when the talk is over.
    pub fn left(&self, now: Moment) -> Duration {
        self.end().since(now).min(self.plan.length())
    }

    /// How long the speaker has talked at `now`.
    pub fn elapsed(&self, now: Moment) -> Duration {
        now.since(self.started) + self.late
    }

    /// The running talk with `by` taken off its time.
    fn later(self, by: Duration, now: Moment) -> Result<Self, Refusal> {
        let left = self.left(now);
        // The phase after the next one must not begin by this, so that the speaker sees every colour.
        let next = self.plan.phase_end(left);
        let limit = left - self.plan.phase_end(next);
        if by >= limit {
            return Err(Refusal::LateTooMuch { limit });
        }
        Ok(Self { late: self.late + by, ..self })
    }
}

impl Plan {
    /// The phase of a talk with `left` to go, which is not zero.
    fn phase(&self, left: Duration) -> Phase {
        if left <= self.flash() {
            Phase::Flash
        } else if left <= self.red() {
            Phase::Red
        } else if left <= self.yellow() {
            Phase::Yellow
        } else {
            Phase::Green
        }
    }

    /// The time left at which the phase ends that a talk with `left` to go is in.
    fn phase_end(&self, left: Duration) -> Duration {
        let marks = [self.yellow(), self.red(), self.flash()];
        marks.into_iter().find(|&mark| mark < left).unwrap_or(Duration::ZERO)
    }
}

/// The states of the table of commands. Whether a talk runs or is over depends on the moment.
enum StateAt {
    Ready { undo: Option<(Talk, Moment)> },
    Running { talk: Talk, undo: Option<(Talk, Moment)> },
    Over { talk: Talk, overrun: Duration },
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
