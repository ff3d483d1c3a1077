//! The stage: which shows there are, and which one may be seen.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Owner, Rank, Scene, Show};
use crate::core::clock::Moment;
use crate::core::plan::Clock;
use crate::core::timer::{Phase, Timer, seconds_left};

/// How long after the end of a talk no stream is shown, because the dark strip means "time is up".
pub const STREAM_AFTER_END: Duration = Duration::from_secs(30);

/// The shows, at most one of each rank. A value like the timer: it counts nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The highest rank first.
    shows: Vec<Show>,
    /// Owners whose show was ended by the chair, and the end of their refusal.
    shut_out: Vec<(Owner, Moment)>,
}

/// Why a show is refused. The text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Busy {
    /// A talk is running.
    Talk { left: Duration },
    /// A talk was reset and can be restored for this long.
    Undo { left: Duration },
    /// A talk has ended, and the strip stays dark for this long.
    Ended { left: Duration },
    /// Another owner has a show of the same rank.
    Taken { by: Owner, left: Duration },
    /// The chair has ended this owner's show, which has this lease.
    ShutOut { lease: Duration },
}

impl Stage {
    /// Begins a show, or replaces the show of the same owner. True if there was none of its rank.
    ///
    /// # Errors
    /// [`Busy`]; the show is then neither shown nor remembered.
    pub fn offer(&mut self, show: Show, timer: &Timer, now: Moment) -> Result<bool, Busy> {
        let rank = show.rank();
        free(rank, timer, now)?;
        self.shut_out.retain(|&(_, until)| now < until);
        if let Some((_, until)) = self.shut_out.iter_mut().find(|(owner, _)| *owner == show.owner) {
            *until = now + show.lease;
            return Err(Busy::ShutOut { lease: show.lease });
        }
        let old = self.shows.iter().find(|old| old.rank() == rank && now < old.until);
        if let Some(old) = old
            && old.owner != show.owner
        {
            return Err(Busy::Taken { by: old.owner.clone(), left: old.until.since(now) });
        }
        // Asked for again, a demonstration goes on; it does not begin anew.
        if old.is_some_and(|old| (old.scene, show.scene) == (Scene::Demo, Scene::Demo)) {
            return Ok(false);
        }
        let is_new = old.is_none();
        self.shows.retain(|old| old.rank() != rank);
        self.shows.push(show);
        self.shows.sort_by_key(|show| std::cmp::Reverse(show.rank()));
        Ok(is_new)
    }

    /// Ends the show of a rank and returns it.
    pub fn end(&mut self, rank: Rank) -> Option<Show> {
        let ended = self.shows.iter().position(|show| show.rank() == rank)?;
        Some(self.shows.remove(ended))
    }

    /// Ends every show because a talk begins.
    pub fn clear(&mut self) {
        self.shows.clear();
    }

    /// Ends every show by the chair's command. Each owner is refused until it has been silent for its lease.
    pub fn shut_out(&mut self, now: Moment) -> Vec<Show> {
        let ended = std::mem::take(&mut self.shows);
        // Pairing and the demonstration are the chair's own, who may begin them again.
        let others = ended.iter().filter(|show| !matches!(show.scene, Scene::Pairing | Scene::Demo));
        self.shut_out.extend(others.map(|show| (show.owner.clone(), now + show.lease)));
        ended
    }

    /// Removes a show whose lease is over, and returns it.
    pub fn lapse(&mut self, now: Moment) -> Option<Show> {
        let over = self.shows.iter().position(|show| show.until <= now)?;
        Some(self.shows.remove(over))
    }

    /// The show that is seen at `now`; `None` if the timer is.
    pub fn shown(&self, timer: &Timer, now: Moment) -> Option<&Show> {
        let may_show = |show: &&Show| now < show.until && free(show.rank(), timer, now).is_ok();
        self.shows.iter().find(may_show)
    }

    /// Until when a phone can be paired by the button; `None` if it cannot.
    pub fn pairing_until(&self, now: Moment) -> Option<Moment> {
        let open = self.shows.iter().find(|show| show.scene == Scene::Pairing);
        open.map(|show| show.until).filter(|&until| now < until)
    }

    /// The next moment at which a lease ends.
    pub fn next_end(&self, now: Moment) -> Option<Moment> {
        self.shows.iter().map(|show| show.until).filter(|&until| until > now).min()
    }
}

/// Whether the timer leaves the strip to a show of that rank.
fn free(rank: Rank, timer: &Timer, now: Moment) -> Result<(), Busy> {
    let reading = timer.at(now);
    match (reading.phase, rank) {
        (Phase::Green | Phase::Yellow | Phase::Red | Phase::Flash, _) => Err(Busy::Talk { left: reading.left }),
        (Phase::Ready | Phase::Over, Rank::Test) => Ok(()),
        (Phase::Ready, Rank::Stream) => reading.undo.map_or(Ok(()), |left| Err(Busy::Undo { left })),
        (Phase::Over, Rank::Stream) => match STREAM_AFTER_END.checked_sub(reading.overrun) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(left) => Err(Busy::Ended { left }),
        },
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |left: &Duration| Clock(seconds_left(*left));
        match self {
            Self::Talk { left } => {
                write!(f, "a talk is running, {} left; the strip is free when it has ended", clock(left))
            }
            Self::Undo { left } => {
                write!(f, "a talk was reset and may be brought back; the strip is free in {}", clock(left))
            }
            Self::Ended { left } => {
                write!(f, "a talk has just ended; the strip is free in {}, or after a reset", clock(left))
            }
            Self::Taken { by, left } => write!(f, "{by} has the strip, for {} at least", clock(left)),
            Self::ShutOut { lease } => {
                write!(
                    f,
                    "the chair has taken the strip back; it is free again after {} without a request",
                    clock(lease)
                )
            }
        }
    }
}
