//! Trying whether a phone reaches the timer: a number that a QR code carries, and the address of the phone that brought it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::core::clock::Moment;

/// How long the person who tries waits for a phone.
pub const HELLO: Duration = Duration::from_secs(30);
/// How long a try is remembered. Longer than the wait, because the asker looks now and then.
const REMEMBERED: Duration = Duration::from_secs(120);
/// Tries at the same time. A further one replaces the oldest.
const TRIES_MAX: usize = 16;

/// The tries that are under way.
#[derive(Debug, Default)]
pub struct Hellos(VecDeque<Try>);

/// What has come of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first phone came from this address.
    From(IpAddr),
    Waiting,
    /// No phone has come in time.
    Nobody,
}

#[derive(Debug)]
struct Try {
    id: u32,
    begun: Moment,
    arrived: Option<IpAddr>,
}

impl Hellos {
    /// Begins a try under a number.
    pub fn begin(&mut self, id: u32, now: Moment) {
        self.0.retain(|one| now.since(one.begun) < REMEMBERED);
        if self.0.len() == TRIES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Try { id, begun: now, arrived: None });
    }

    /// A phone has opened the page. The first one counts. False if nobody waits for it.
    pub fn arrive(&mut self, id: u32, from: IpAddr, now: Moment) -> bool {
        let found = self.0.iter_mut().find(|one| one.id == id && now.since(one.begun) < REMEMBERED);
        found.map(|one| one.arrived.get_or_insert(from)).is_some()
    }

    /// What has come of a try. `None` if no such try is known.
    pub fn arrival(&self, id: u32, now: Moment) -> Option<Arrival> {
        let one = self.0.iter().find(|one| one.id == id && now.since(one.begun) < REMEMBERED)?;
        Some(match one.arrived {
            Some(from) => Arrival::From(from),
            None if now.since(one.begun) < HELLO => Arrival::Waiting,
            None => Arrival::Nobody,
        })
    }
}
