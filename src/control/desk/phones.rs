//! Requests about phones: invitations, paired devices, and whether a phone gets through.

use std::net::IpAddr;
use std::time::Duration;

use super::{Desk, Verdict};
use crate::control::invite::InvitationCard;
use crate::control::protocol::{ClientRequest, DeviceStatus, Pass, Reply, Verb};
use crate::core::clock::{self, Moment, Stamp};
use crate::engine::event::{Action, Event, Origin, PairedBy, PhoneNews};
use crate::os::network::Network;
use crate::store::pairing::{self, Arrival, DeviceInfo, HELLO, INVITATION, Invitation, Pairing, PairingError, Visitor};

/// What a phone answers when it asks to be paired by the button.
pub const BUTTON: &str = "button";
const NO_PORT: &str = "the web server has no port yet; `talklight status` says why";

impl Desk {
    /// Exchanges a ticket or a code for a token, or lets in the first phone that asks after the button has opened pairing. Waits
    /// for the engine only while pairing is open.
    ///
    /// # Errors
    /// Why the device was not paired; [`PairingError::Wrong`] as well if the web is off.
    pub fn redeem(&self, answer: &str, visitor: &Visitor) -> Result<String, PairingError> {
        let pairing = self.pairing.as_ref().ok_or(PairingError::Wrong)?;
        let now = clock::stamp();
        let (token, by) = if answer == BUTTON {
            self.close_pairing()?;
            (pairing.issue(visitor, now).map_err(PairingError::Failed), PairedBy::Button)
        } else {
            let by = if answer.len() == pairing::CODE_DIGITS { PairedBy::Code } else { PairedBy::Ticket };
            (pairing.redeem(answer, visitor, now), by)
        };
        match &token {
            Err(PairingError::Closed { left, is_new: true }) => {
                self.events.post(Event::Phones(PhoneNews::CodesClosed(now.at + *left)));
            }
            // The window of the button is used up, and somebody at the screen waits.
            Err(PairingError::Failed(error)) => {
                let fault = format!("a phone cannot be paired: {error}").into();
                self.events.post(Event::Fault(Origin::Pairing, Some(fault)));
            }
            _ => {}
        }
        let token = token?;
        self.events.post(Event::Phones(PhoneNews::Paired { name: visitor.name.as_str().into(), by }));
        self.events.post(Event::Fault(Origin::Pairing, None));
        Ok(token)
    }

    /// Whether the button has opened pairing.
    pub fn is_pairing_open(&self) -> bool {
        self.board.latest().pairing_open_until(clock::now()).is_some()
    }

    /// Takes the place of the one phone that the button lets in.
    fn close_pairing(&self) -> Result<(), PairingError> {
        // Anybody in the network may ask, so the engine is asked only while pairing is open.
        if !self.is_pairing_open() {
            return Err(PairingError::NotOpen);
        }
        let request = ClientRequest { verb: Verb::Status, generation: None, deadline: None, origin: Origin::Web };
        match self.engine(Action::Pair, &request).0 {
            Verdict::Done { .. } => Ok(()),
            Verdict::Unanswered => Err(PairingError::Unanswered),
            Verdict::Refused | Verdict::Stale | Verdict::Mistake => Err(PairingError::NotOpen),
        }
    }

    /// Creates an invitation.
    ///
    /// # Errors
    /// Why there is none.
    pub fn invite(&self) -> Result<Invitation, String> {
        let pairing = self.pairing.as_ref().ok_or(pairing::OFF)?;
        let now = clock::now();
        let was_closed = pairing.codes_closed(now).is_some();
        let invitation = pairing.invite(now).map_err(|error| format!("cannot create an invitation: {error}"))?;
        if was_closed {
            self.events.post(Event::Phones(PhoneNews::CodesOpen));
        }
        Ok(invitation)
    }

    /// Unpairs one device, and returns what it is.
    ///
    /// # Errors
    /// Why not.
    pub fn remove(&self, id: &str) -> Result<String, String> {
        let pairing = self.pairing.as_ref().ok_or(pairing::OFF)?;
        let removed = pairing.remove(id, clock::stamp()).map_err(|error| {
            format!("unpaired only until the next start, since the file cannot be written: {error}")
        })?;
        let name = removed
            .ok_or_else(|| format!("there is no device `{id}`; `talklight remote --list` lists the paired devices"))?;
        let message = format!("unpaired {name} ({id})");
        self.announce(&message);
        Ok(message)
    }

    /// Unpairs devices that were not used for a month.
    pub fn tidy(&self) {
        let Some(pairing) = &self.pairing else { return };
        for name in pairing.tidy(clock::stamp()) {
            self.announce(&format!("unpaired {name}, which was not used for 30 days"));
        }
    }

    /// Shows a message about pairing on the screen and ends a fault of the pairing file.
    fn announce(&self, text: &str) {
        self.events.post(Event::Note(Origin::Pairing, text.into()));
        self.events.post(Event::Fault(Origin::Pairing, None));
    }

    pub(super) fn pairing(&self, verb: &Verb) -> (Verdict, Reply) {
        match self.pairing.as_ref().map_or(Err(pairing::OFF.into()), |pairing| self.pass(pairing, verb)) {
            Ok((message, pass)) => (Verdict::Done { change: false }, Reply { pass, ..Reply::new(true, message, None) }),
            Err(why) => (Verdict::Refused, Reply::new(false, why, None)),
        }
    }

    /// Carries out a request about phones.
    fn pass(&self, pairing: &Pairing, verb: &Verb) -> Result<(String, Option<Pass>), String> {
        let now = clock::stamp();
        match verb {
            Verb::Invite => {
                let site = pairing.site().ok_or(NO_PORT)?;
                let Invitation { ticket, code, .. } = self.invite()?;
                let pass = Pass::Invitation { site, ticket, code, seconds: INVITATION.as_secs() };
                Ok(("one device can be paired within a minute".into(), Some(pass)))
            }
            Verb::Token => {
                let token = pairing.issue(&Visitor::program(), now);
                let token = token.map_err(|error| format!("the token cannot be saved: {error}"))?;
                let message = "a token for a program was created";
                self.announce(message);
                Ok((message.into(), Some(Pass::Token(token))))
            }
            Verb::Devices => {
                let devices = devices(pairing, now);
                Ok((summary(&devices), Some(Pass::Devices(devices))))
            }
            Verb::Remove(id) => self.remove(id).map(|message| (message, None)),
            Verb::Hello(None) => {
                let site = pairing.site().ok_or(NO_PORT)?;
                let id = pairing.hello(now.at).map_err(|error| format!("cannot begin: {error}"))?;
                let pass = Pass::Hello { site, id, seconds: HELLO.as_secs() };
                Ok(("waiting for a phone".into(), Some(pass)))
            }
            Verb::Hello(Some(id)) => {
                let (message, from) = arrival(pairing, *id, now.at)?;
                Ok((message, Some(Pass::Arrived(from))))
            }
            _ => {
                let count = pairing.count();
                pairing.forget().map_err(|error| {
                    format!("unpaired only until the next start, since the file cannot be removed: {error}")
                })?;
                let message = format!("unpaired all devices and programs ({count})");
                self.announce(&message);
                Ok((message, None))
            }
        }
    }
}

/// What has come of a try whether a phone gets through, in words, and the address of the phone.
///
/// # Errors
/// If no such try is known.
pub fn arrival(pairing: &Pairing, id: u32, now: Moment) -> Result<(String, Option<IpAddr>), String> {
    let site = pairing.site().ok_or(NO_PORT)?;
    Ok(match pairing.arrival(id, now).ok_or("this try has ended; begin again")? {
        Arrival::From(from) => (format!("a phone arrived, from {from}"), Some(from)),
        Arrival::Waiting => ("no phone has arrived yet".into(), None),
        Arrival::Nobody => (InvitationCard::hello(&site, &Network::look(), id).no_phone(), None),
    })
}

/// The paired devices, as programs read them.
pub fn devices(pairing: &Pairing, now: Stamp) -> Vec<DeviceStatus> {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let status = |DeviceInfo { id, name, paired, seen }: DeviceInfo| DeviceStatus {
        id,
        name,
        paired_s: seconds(paired),
        seen_s: seconds(seen),
        is_this: false,
    };
    pairing.devices(now).into_iter().map(status).collect()
}

/// How many devices are paired, in words.
pub fn summary(devices: &[DeviceStatus]) -> String {
    match devices.len() {
        0 => "no device is paired".into(),
        1 => "one device is paired".into(),
        count => format!("{count} devices are paired"),
    }
}
