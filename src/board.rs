//! The board: a snapshot of everything an observer may want to know, posted by the engine whenever something happens.
//!
//! Observers read it at their own pace and evaluate the timer at their own now. The engine never calls them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::event::Origin;
use crate::frame::Look;
use crate::plan::Plan;
use crate::timer::{Outcome, Phase, Refusal, Timer};

/// The state of the house at one moment. A value: readers hold it as long as they like.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub timer: Timer,
    pub look: Look,
    /// The plans to choose from; the first is the default.
    pub plans: Arc<[Plan]>,
    /// The strip's kind as the config names it.
    pub strip_kind: &'static str,
    pub strip: Health,
    /// Inputs that have failed, and how.
    pub failed_inputs: Vec<(Origin, Arc<str>)>,
    /// The latest happenings, oldest first, numbered without gaps.
    pub log: VecDeque<Entry>,
    /// The number of this snapshot; each has the next one.
    pub number: u64,
}

/// How many happenings a snapshot remembers.
pub const LOG_LENGTH: usize = 64;

/// Whether frames reach the strip, as far as it can be seen from here: a strip cannot be read back.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// No frame has been sent yet.
    Starting,
    Sending,
    Failing(Arc<str>),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub number: u64,
    pub at: Moment,
    pub origin: Origin,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Done(Outcome),
    /// A person was refused something at a button or a keyboard; whoever asks over the socket is answered there.
    Refused(Refusal),
    /// Time turned the talk to this phase.
    Phase(Phase),
    StripFailed(Arc<str>),
    StripBack,
    InputFailed(Arc<str>),
    InputBack,
    SourceEnded(Arc<str>),
    /// The talk cannot be kept for a restart.
    KeepFailed(Arc<str>),
    /// Worth saying, and said at start.
    Note(Arc<str>),
    Stopping,
}

#[derive(Debug)]
pub struct Board {
    latest: Mutex<Arc<Snapshot>>,
    changed: Condvar,
}

impl Board {
    pub fn new(first: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            latest: Mutex::new(Arc::new(first)),
            changed: Condvar::new(),
        })
    }

    pub fn post(&self, snapshot: Arc<Snapshot>) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.changed.notify_all();
    }

    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a snapshot later than number `seen`; after `timeout` gives the latest, whatever its number.
    pub fn wait(&self, seen: u64, timeout: Option<Duration>) -> Arc<Snapshot> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = |latest: &mut Arc<Snapshot>| latest.number <= seen;
        let latest = match timeout {
            None => self
                .changed
                .wait_while(latest, stale)
                .unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.changed
                    .wait_timeout_while(latest, timeout, stale)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        Arc::clone(&latest)
    }
}

impl Snapshot {
    /// The happenings after number `seen`.
    pub fn news(&self, seen: u64) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(move |entry| entry.number > seen)
    }

    /// The number of the latest happening; zero before the first.
    pub fn last_entry(&self) -> u64 {
        self.log.back().map_or(0, |entry| entry.number)
    }

    /// Writes a happening into the log, where the oldest makes room for it.
    pub fn note(&mut self, at: Moment, origin: Origin, what: Happening) {
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        let number = self.last_entry() + 1;
        self.log.push_back(Entry {
            number,
            at,
            origin,
            what,
        });
    }
}
