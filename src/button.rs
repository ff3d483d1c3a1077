//! A button: what its contact's edges mean to the timer. Time is an argument here; the lines are in [`gpio`].

use std::time::Duration;

use crate::clock::Moment;

#[cfg(target_os = "linux")]
pub mod gpio;

/// A contact that is closed this long after its first edge, and quiet for [`PRESS_QUIET`], is a press: short enough not
/// to be felt, long enough that a spike on three metres of cable is none.
pub const PRESS_CONFIRM: Duration = Duration::from_millis(2);
pub const PRESS_QUIET: Duration = Duration::from_millis(1);
/// A contact that was open and quiet for this long is released. Longer than contacts bounce, which is up to 20 ms.
pub const RELEASE_QUIET: Duration = Duration::from_millis(25);
/// A contact that stays closed for this long is reported as stuck; it is the hold of nobody.
pub const STUCK: Duration = Duration::from_secs(15);

/// What a button is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A press starts; a hold of this long, if there is one, resets the talk that was running when it began.
    Start { hold: Option<Duration> },
    /// A press resets.
    Reset,
}

/// What a button tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Start,
    /// Reset the talk of this generation, or whatever is there.
    Reset {
        generation: Option<u64>,
    },
    Stuck,
    /// The contact that was stuck has opened.
    Free,
}

/// One button. Feed it its edges, and look at its contact when it is due.
#[derive(Debug)]
pub struct Button {
    role: Role,
    contact: Contact,
    /// When the hold that began during a talk resets it, and the generation of that talk.
    hold: Option<(Moment, u64)>,
    closed: Option<Moment>,
    stuck: bool,
}

impl Button {
    /// A contact that is closed from the beginning is no press.
    pub fn new(role: Role, closed: bool, now: Moment) -> Self {
        let contact = if closed {
            Contact::Closed
        } else {
            Contact::Open
        };
        Self {
            role,
            contact,
            hold: None,
            closed: closed.then_some(now),
            stuck: false,
        }
    }

    /// An edge, in whatever direction: bouncing contacts tell it wrong.
    pub fn edge(&mut self, at: Moment) {
        self.contact.edge(at);
    }

    /// When to [`look`](Self::look) next, if no edge comes before.
    pub fn due(&self) -> Option<Moment> {
        let hold = self.hold.map(|(until, _)| until);
        let stuck = self
            .closed
            .filter(|_| !self.stuck)
            .map(|since| since + STUCK);
        [self.contact.due(), hold, stuck]
            .into_iter()
            .flatten()
            .min()
    }

    /// Looks at the contact once it is due. `talk` is the generation of the talk that is running, if one is.
    pub fn look(&mut self, closed: bool, talk: Option<u64>, now: Moment) -> Option<Signal> {
        match self.contact.look(closed, now) {
            Some(Change::Pressed) => {
                self.closed = Some(now);
                return Some(match self.role {
                    Role::Reset => Signal::Reset { generation: None },
                    Role::Start { hold } => {
                        self.hold = hold
                            .zip(talk)
                            .map(|(hold, generation)| (now + hold, generation));
                        Signal::Start
                    }
                });
            }
            Some(Change::Released) => {
                self.closed = None;
                self.hold = None;
                if std::mem::take(&mut self.stuck) {
                    return Some(Signal::Free);
                }
            }
            None => {}
        }
        if let Some((_, generation)) = self.hold.take_if(|(until, _)| *until <= now) {
            return Some(Signal::Reset {
                generation: Some(generation),
            });
        }
        let stuck = self.closed.is_some_and(|since| since + STUCK <= now);
        (stuck && !std::mem::replace(&mut self.stuck, stuck)).then_some(Signal::Stuck)
    }
}

/// A contact and its bouncing.
#[derive(Clone, Copy, Debug)]
enum Contact {
    Open,
    /// Edges after open: closing, or noise.
    Closing {
        first: Moment,
        last: Moment,
    },
    Closed,
    /// Edges after closed: opening, or still bouncing from having closed.
    Opening {
        last: Moment,
    },
}

enum Change {
    Pressed,
    Released,
}

impl Contact {
    fn edge(&mut self, at: Moment) {
        *self = match *self {
            Self::Open => Self::Closing {
                first: at,
                last: at,
            },
            Self::Closing { first, .. } => Self::Closing { first, last: at },
            Self::Closed | Self::Opening { .. } => Self::Opening { last: at },
        }
    }

    fn due(&self) -> Option<Moment> {
        match *self {
            Self::Open | Self::Closed => None,
            Self::Closing { first, last } => Some((first + PRESS_CONFIRM).max(last + PRESS_QUIET)),
            Self::Opening { last } => Some(last + RELEASE_QUIET),
        }
    }

    fn look(&mut self, closed: bool, now: Moment) -> Option<Change> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        let (next, change) = match (*self, closed) {
            (Self::Closing { .. }, true) => (Self::Closed, Some(Change::Pressed)),
            (Self::Opening { .. }, false) => (Self::Open, Some(Change::Released)),
            (_, true) => (Self::Closed, None),
            (_, false) => (Self::Open, None),
        };
        *self = next;
        change
    }
}
