//! A button: turns the edges of its contact into presses and holds. Time is an argument; [`gpio`](super::gpio) reads the
//! lines.

use std::time::Duration;

use crate::core::clock::Moment;

/// A contact counts as pressed if it is closed this long after its first edge and without edges for [`PRESS_QUIET`]. People do
/// not feel this delay; a spike on three metres of cable is shorter.
pub const PRESS_CONFIRM: Duration = Duration::from_millis(2);
pub const PRESS_QUIET: Duration = Duration::from_millis(1);
/// A contact counts as released if it is open and without edges for this long. Contacts bounce for up to 20 ms.
pub const RELEASE_QUIET: Duration = Duration::from_millis(25);
/// A contact that stays closed for this long is reported as stuck: no person holds a button so long. A line that keeps
/// changing for this long is reported as noisy: noise may hide a press.
pub const STUCK: Duration = Duration::from_secs(15);

/// A button that is held for so long opens pairing, if it has reset before: the same hold resets first.
pub const PAIR_HOLD: Duration = Duration::from_secs(5);
/// If the reset itself takes long, pairing opens so long after it.
const PAIR_AFTER_RESET: Duration = Duration::from_secs(2);

/// What a button is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A press starts a talk. With `hold`, holding it this long resets the talk that was running when the hold began. Held on for
    /// [`PAIR_HOLD`], it opens pairing.
    Start { hold: Option<Duration> },
    /// A press resets. Held for [`PAIR_HOLD`], it opens pairing.
    Reset,
}

/// A running talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// When it was started, by which it is known again: time taken off it changes the generation, too.
    pub started: Moment,
    pub generation: u64,
}

/// What a button reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Start,
    /// Reset the timer; with a generation, only if the timer still has it.
    Reset {
        generation: Option<u64>,
    },
    /// Let a phone be paired.
    Pair,
    Stuck,
    /// The line keeps changing.
    Noisy,
    /// The stuck contact has opened, or the noisy line is quiet.
    Free,
}

/// The state of one button. Call [`edge`](Self::edge) at each edge, and [`look`](Self::look) when it is due.
#[derive(Debug)]
pub struct Button {
    role: Role,
    contact: Contact,
    /// What the current hold does next, and when.
    hold: Option<(Moment, Held)>,
    /// Since when the contact is closed.
    closed: Option<Moment>,
    /// The contact was reported as stuck or noisy.
    reported: bool,
}

/// What a hold does.
#[derive(Clone, Copy, Debug)]
enum Held {
    /// Resets this talk. Then, at the given moment, it opens pairing.
    Reset {
        talk: Running,
        pair: Moment,
    },
    Pair,
}

impl Button {
    /// A contact that is closed at first does not count as pressed.
    pub fn new(role: Role, closed: bool, now: Moment) -> Self {
        let contact = if closed { Contact::Closed } else { Contact::Open };
        Self { role, contact, hold: None, closed: closed.then_some(now), reported: false }
    }

    /// An edge. Its direction is not used, since it is unreliable while a contact bounces.
    pub fn edge(&mut self, at: Moment) {
        self.contact.edge(at);
    }

    /// An edge before which others were lost. The contact may have opened meanwhile, so a hold ends and a press begins anew.
    pub fn edge_after_loss(&mut self, at: Moment) {
        self.hold = None;
        if let Contact::Closing { .. } = self.contact {
            self.contact = Contact::Open;
        }
        self.edge(at);
    }

    /// When to [`look`](Self::look) next, if no edge comes before.
    pub fn due(&self) -> Option<Moment> {
        // While the contact may be opening, a hold completes only after that is decided.
        let hold = self.hold.map(|(until, _)| self.contact.due().map_or(until, |due| due.max(until)));
        [self.contact.due(), hold, self.report_due()].into_iter().flatten().min()
    }

    fn report_due(&self) -> Option<Moment> {
        let since = self.closed.or(self.contact.unsettled_since())?;
        (!self.reported).then_some(since + STUCK)
    }

    /// Evaluates the contact, which is `closed` or not at `now`. `talk` is the running talk.
    pub fn look(&mut self, closed: bool, talk: Option<Running>, now: Moment) -> Option<Signal> {
        match self.contact.look(closed, now) {
            Some(Change::Pressed) => {
                self.closed = Some(now);
                return Some(match self.role {
                    Role::Reset => {
                        self.hold = Some((now + PAIR_HOLD, Held::Pair));
                        Signal::Reset { generation: None }
                    }
                    Role::Start { hold } => {
                        self.hold = hold.zip(talk).map(|(hold, talk)| {
                            let pair = now + PAIR_HOLD.max(hold + PAIR_AFTER_RESET);
                            (now + hold, Held::Reset { talk, pair })
                        });
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
        let is_settled = self.contact.due().is_none();
        if let Some((_, held)) = self.hold.take_if(|(until, _)| is_settled && *until <= now) {
            return Some(match held {
                Held::Reset { talk: held, pair } => {
                    self.hold = Some((pair, Held::Pair));
                    let same = talk.filter(|talk| talk.started == held.started);
                    Signal::Reset { generation: Some(same.unwrap_or(held).generation) }
                }
                Held::Pair => Signal::Pair,
            });
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

/// The debounced state of a contact.
#[derive(Clone, Copy, Debug)]
enum Contact {
    Open,
    /// Edges while open: the contact closes, or the line is noisy.
    Closing {
        first: Moment,
        last: Moment,
    },
    Closed,
    /// Edges while closed: the contact opens, or still bounces from closing.
    Opening {
        last: Moment,
    },
}

enum Change {
    Pressed,
    /// Released, or quiet after noise.
    Open,
}

impl Contact {
    fn edge(&mut self, at: Moment) {
        *self = match *self {
            Self::Open => Self::Closing { first: at, last: at },
            // Edges may arrive out of order; an older one must not shorten the wait.
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

    /// Since when the contact has been between open and closed.
    fn unsettled_since(&self) -> Option<Moment> {
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
