//! The current invitation, and when codes are refused because too many were wrong.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::{PairingError, secret};
use crate::core::clock::Moment;

/// How long an invitation is valid.
pub const INVITATION: Duration = Duration::from_secs(60);
/// After so many wrong codes within a minute, codes are refused for [`CLOSED`] or until the next invitation: ten guesses for each
/// invitation and minute, among a million codes.
pub const WRONG_MAX: usize = 10;
const WRONG_WINDOW: Duration = Duration::from_secs(60);
pub const CLOSED: Duration = Duration::from_secs(60);

/// Lets one device be paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// 128 bits in hexadecimal.
    pub ticket: String,
    /// Six digits.
    pub code: String,
    pub until: Moment,
}

#[derive(Debug, Default)]
pub struct Codes {
    invitation: Option<Invitation>,
    /// When the recent wrong codes were tried.
    wrong: VecDeque<Moment>,
    closed_until: Option<Moment>,
}

impl Codes {
    /// Creates an invitation, and accepts codes again: somebody at the timer waits for this one.
    pub fn invite(&mut self, now: Moment) -> io::Result<Invitation> {
        let invitation = Invitation { ticket: secret::token::<16>()?, code: secret::code()?, until: now + INVITATION };
        *self = Self { invitation: Some(invitation.clone()), ..Self::default() };
        Ok(invitation)
    }

    pub fn withdraw(&mut self) {
        self.invitation = None;
    }

    /// Makes an invitation valid again that was taken by [`redeem`](Self::redeem).
    pub fn give_back(&mut self, invitation: Invitation) {
        self.invitation = Some(invitation);
    }

    /// Until when codes are refused.
    pub fn closed(&self, now: Moment) -> Option<Moment> {
        self.closed_until.filter(|&until| now < until)
    }

    /// Takes the invitation that has this ticket or code.
    pub fn redeem(&mut self, answer: &str, now: Moment) -> Result<Invitation, PairingError> {
        // Tickets cannot be guessed, so they stay valid while codes are refused.
        let is_code = secret::is_code(answer);
        if let Some(until) = self.closed(now).filter(|_| is_code) {
            return Err(PairingError::Closed { left: until.since(now), is_new: false });
        }
        let invitation = self.invitation.take_if(|invitation| now < invitation.until);
        let is_right = |invitation: &Invitation| {
            let [ticket, code] = [&invitation.ticket, &invitation.code].map(|right| secret::is_same(right, answer));
            (ticket | code).into()
        };
        match invitation {
            Some(invitation) if is_right(&invitation) => return Ok(invitation),
            wrong => self.invitation = wrong,
        }
        if !is_code {
            return Err(PairingError::Wrong);
        }
        self.wrong.retain(|&at| now.since(at) < WRONG_WINDOW);
        self.wrong.push_back(now);
        if self.wrong.len() >= WRONG_MAX {
            self.wrong.clear();
            self.closed_until = Some(now + CLOSED);
            return Err(PairingError::Closed { left: CLOSED, is_new: true });
        }
        Err(PairingError::Wrong)
    }
}
