//! A button: what its contact's edges mean to the timer. Time is an argument here; the lines are in [`gpio`](super::gpio).

use std::time::Duration;

use crate::core::clock::Moment;

/// A contact that is closed this long after its first edge, and quiet for [`PRESS_QUIET`], is a press: short enough not
/// to be felt, long enough that a spike on three metres of cable is none.
pub const PRESS_CONFIRM: Duration = Duration::from_millis(2);
pub const PRESS_QUIET: Duration = Duration::from_millis(1);
/// A contact that was open and quiet for this long is released. Longer than contacts bounce, which is up to 20 ms.
pub const RELEASE_QUIET: Duration = Duration::from_millis(25);
/// A contact that stays closed for this long is reported as stuck; it is the hold of nobody. A line that does not rest for
/// so long is reported, too: its noise may hide a press.
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
    /// The line has not come to rest.
    Noisy,
    /// The contact that was stuck has opened, or the line has come to rest.
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
    /// It is reported as stuck, or as noisy.
    reported: bool,
}

impl Button {
    /// A contact that is closed from the beginning is no press.
    pub fn new(role: Role, closed: bool, now: Moment) -> Self {
        let contact = if closed { Contact::Closed } else { Contact::Open };
        Self { role, contact, hold: None, closed: closed.then_some(now), reported: false }
    }

    /// An edge, in whatever direction: bouncing contacts tell it wrong.
    pub fn edge(&mut self, at: Moment) {
        self.contact.edge(at);
    }

    /// An edge before which others were lost: the contact may have done anything meanwhile, so it was neither at rest nor
    /// held.
    pub fn edge_after_loss(&mut self, at: Moment) {
        self.hold = None;
        if let Contact::Closing { .. } = self.contact {
            self.contact = Contact::Open;
        }
        self.edge(at);
    }

    /// When to [`look`](Self::look) next, if no edge comes before.
    pub fn due(&self) -> Option<Moment> {
        // A contact that may be opening is held only once it is known not to be.
        let hold = self.hold.map(|(until, _)| self.contact.due().map_or(until, |due| due.max(until)));
        [self.contact.due(), hold, self.report_due()].into_iter().flatten().min()
    }

    fn report_due(&self) -> Option<Moment> {
        let since = self.closed.or(self.contact.restless_since())?;
        (!self.reported).then_some(since + STUCK)
    }

    /// Looks at the contact once it is due. `talk` is the generation of the talk that is running, if one is.
    pub fn look(&mut self, closed: bool, talk: Option<u64>, now: Moment) -> Option<Signal> {
        match self.contact.look(closed, now) {
            Some(Change::Pressed) => {
                self.closed = Some(now);
                return Some(match self.role {
                    Role::Reset => Signal::Reset { generation: None },
                    Role::Start { hold } => {
                        self.hold = hold.zip(talk).map(|(hold, generation)| (now + hold, generation));
                        Signal::Start
                    }
                });
            }
            Some(Change::Open) => {
                self.closed = None;
                self.hold = None;
                if std::mem::take(&mut self.reported) {
                    return Some(Signal::Free);
                }
            }
            None => {}
        }
        let sure = self.contact.due().is_none();
        if let Some((_, generation)) = self.hold.take_if(|(until, _)| sure && *until <= now) {
            return Some(Signal::Reset { generation: Some(generation) });
        }
        if self.report_due().is_none_or(|due| now < due) {
            return None;
        }
        self.reported = true;
        Some(match self.closed {
            Some(_) => Signal::Stuck,
            None => Signal::Noisy,
        })
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
    /// Released, or quiet again after noise.
    Open,
}

impl Contact {
    fn edge(&mut self, at: Moment) {
        *self = match *self {
            Self::Open => Self::Closing { first: at, last: at },
            // One that is told late was no rest, and does not make one.
            Self::Closing { first, last } => Self::Closing { first, last: last.max(at) },
            Self::Closed => Self::Opening { last: at },
            Self::Opening { last } => Self::Opening { last: last.max(at) },
        }
    }

    fn due(&self) -> Option<Moment> {
        match *self {
            Self::Open | Self::Closed => None,
            Self::Closing { first, last } => Some((first + PRESS_CONFIRM).max(last + PRESS_QUIET)),
            Self::Opening { last } => Some(last + RELEASE_QUIET),
        }
    }

    /// Since when it has been neither open nor closed.
    fn restless_since(&self) -> Option<Moment> {
        match *self {
            Self::Closing { first, .. } => Some(first),
            Self::Open | Self::Closed | Self::Opening { .. } => None,
        }
    }

    fn look(&mut self, closed: bool, now: Moment) -> Option<Change> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        let (next, change) = match (*self, closed) {
            (Self::Closing { .. }, true) => (Self::Closed, Some(Change::Pressed)),
            (_, false) => (Self::Open, Some(Change::Open)),
            (_, true) => (Self::Closed, None),
        };
        *self = next;
        change
    }
}
