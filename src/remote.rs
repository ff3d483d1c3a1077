//! `talklight remote`: invitations, tokens, the paired devices, and whether a phone gets through.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use crate::cli::{Exit, RemoteAction};
use crate::control::invite::{self, InvitationCard, NO_NETWORK, QrStyle};
use crate::control::protocol::{DeviceStatus, Pass, Reply, Verb};
use crate::core::clock;
use crate::os::network::Network;
use crate::os::site::Reach;
use crate::screen::style::Style;

/// How often `talklight remote` looks for a network if there is none.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often the daemon is asked whether a phone has come.
const LOOK: Duration = Duration::from_millis(500);

/// How this command reaches the daemon and the person.
pub struct Remote<'a> {
    /// Sends a request to the daemon.
    pub ask: &'a dyn Fn(Verb) -> anyhow::Result<Reply>,
    /// Prints to standard output.
    pub print: &'a dyn Fn(&str) -> anyhow::Result<Exit>,
}

impl Remote<'_> {
    /// Does what the flags say; without flags it shows an invitation.
    ///
    /// # Errors
    /// If the daemon does not answer or refuses.
    pub fn run(&self, action: RemoteAction) -> anyhow::Result<Exit> {
        match action {
            RemoteAction { list: true, .. } => self.list(),
            RemoteAction { remove: Some(id), .. } => self.does(Verb::Remove(id)),
            RemoteAction { forget: true, .. } => self.does(Verb::Forget),
            RemoteAction { token: true, .. } => self.token(),
            RemoteAction { reach: true, .. } => self.reach(),
            RemoteAction { .. } => self.invite(),
        }
    }

    fn does(&self, verb: Verb) -> anyhow::Result<Exit> {
        let Reply { ok, message, .. } = (self.ask)(verb)?;
        if ok { (self.print)(&message) } else { Err(anyhow::Error::msg(message)) }
    }

    fn invite(&self) -> anyhow::Result<Exit> {
        let invite = || InvitationCard::from_reply((self.ask)(Verb::Invite)?, clock::now()).map_err(anyhow::Error::msg);
        let mut card = invite()?;
        if card.reach == Reach::Nobody && io::stdout().is_terminal() {
            eprintln!("{NO_NETWORK}");
            while card.reach == Reach::Nobody {
                thread::park_timeout(LOOK_AGAIN);
                card = invite()?;
            }
        }
        (self.print)(&format!("{}{card}", qr(&card)))
    }

    /// Only the token goes to standard output, so that a script can read it.
    fn token(&self) -> anyhow::Result<Exit> {
        let reply = (self.ask)(Verb::Token)?;
        let Some(Pass::Token(token)) = reply.pass else { anyhow::bail!(reply.message) };
        eprintln!("a token for a program, for the header `Authorization: Bearer TOKEN`");
        (self.print)(&token)
    }

    fn list(&self) -> anyhow::Result<Exit> {
        let reply = (self.ask)(Verb::Devices)?;
        let Some(Pass::Devices(devices)) = reply.pass else { anyhow::bail!(reply.message) };
        let line = |DeviceStatus { id, name, paired_s, seen_s, .. }: &DeviceStatus| {
            let paired =
                paired_s.map_or("paired by talklight 0.2".into(), |seconds| format!("paired {} ago", span(seconds)));
            let seen = seen_s.map_or("not used since".into(), |seconds| format!("used {} ago", span(seconds)));
            format!("{id}  {name}: {paired}, {seen}\n")
        };
        let lines: String = devices.iter().map(line).collect();
        let hint = if devices.is_empty() { "" } else { "; `talklight remote --remove ID` unpairs one" };
        (self.print)(&format!("{lines}{}{hint}", reply.message))
    }

    /// Shows a QR code to the page `/hello`, and waits for a phone that opens it.
    fn reach(&self) -> anyhow::Result<Exit> {
        let reply = (self.ask)(Verb::Hello(None))?;
        let Some(Pass::Hello { site, id, seconds }) = reply.pass else { anyhow::bail!(reply.message) };
        let card = InvitationCard::hello(&site, &Network::look(), id);
        if let Some(trouble) = card.trouble() {
            anyhow::bail!(trouble);
        }
        (self.print)(&format!(
            "{}{}\nscan it with a phone in the room's Wi-Fi, within {seconds} s",
            qr(&card),
            card.address
        ))?;
        let until = clock::now() + Duration::from_secs(seconds);
        while clock::now() < until {
            thread::park_timeout(LOOK);
            let reply = (self.ask)(Verb::Hello(Some(id)))?;
            match reply.pass {
                Some(Pass::Arrived(None)) => {}
                Some(Pass::Arrived(Some(_))) => return (self.print)(&reply.message),
                _ => anyhow::bail!(reply.message),
            }
        }
        // The service has no network, so this command knows the address better.
        eprintln!("talklight: {}", card.no_phone());
        Ok(Exit::Failure)
    }
}

/// The QR code of a card, as the terminal can draw it.
fn qr(card: &InvitationCard) -> String {
    let style = Style::from_env(|name| std::env::var(name).ok());
    let paper = match (io::stdout().is_terminal() && !style.lines, style.plain) {
        (true, false) => QrStyle::HalfBlocks,
        (true, true) => QrStyle::Cells,
        (false, false) => QrStyle::Glyphs,
        (false, true) => QrStyle::Ascii,
    };
    match card.modules() {
        modules if modules.is_empty() => String::new(),
        modules => invite::render_qr(&modules, paper),
    }
}

/// A time in its largest unit.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
