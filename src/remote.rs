//! `talklight remote`: invitations, tokens, the paired devices, and whether a phone gets through.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use talklight::cli::{Exit, Flags, RemoteAction};
use talklight::control::client;
use talklight::control::invite::{self, InvitationCard, QrStyle, own_addresses};
use talklight::control::protocol::{ClientRequest, DeviceStatus, Pass, Reply, Verb};
use talklight::core::clock;
use talklight::screen::style::Style;

use super::{print, send, with_daemon};

/// How often the daemon is asked whether a phone has come.
const LOOK: Duration = Duration::from_millis(500);

/// Does what the flags say; without flags it shows an invitation.
pub fn run(flags: &Flags, action: RemoteAction) -> anyhow::Result<Exit> {
    match action {
        RemoteAction { list: true, .. } => list(flags),
        RemoteAction { remove: Some(id), .. } => send(flags, Verb::Remove(id)),
        RemoteAction { forget: true, .. } => send(flags, Verb::Forget),
        RemoteAction { token: true, .. } => token(flags),
        RemoteAction { reach: true, .. } => reach(flags),
        RemoteAction { .. } => invite(flags),
    }
}

fn ask(flags: &Flags, verb: Verb) -> anyhow::Result<Reply> {
    client::request(with_daemon(flags, client::connect)?, &ClientRequest::new(verb))
}

fn invite(flags: &Flags) -> anyhow::Result<Exit> {
    let card = InvitationCard::from_reply(ask(flags, Verb::Invite)?, clock::now()).map_err(anyhow::Error::msg)?;
    print(&format!("{}{card}", qr(&card)))
}

/// Only the token goes to standard output, so that a script can read it.
fn token(flags: &Flags) -> anyhow::Result<Exit> {
    let reply = ask(flags, Verb::Token)?;
    let Some(Pass::Token(token)) = reply.pass else { anyhow::bail!(reply.message) };
    eprintln!("a token for a program, for the header `Authorization: Bearer TOKEN`");
    print(&token)
}

fn list(flags: &Flags) -> anyhow::Result<Exit> {
    let reply = ask(flags, Verb::Devices)?;
    let Some(Pass::Devices(devices)) = reply.pass else { anyhow::bail!(reply.message) };
    let line = |DeviceStatus { id, name, paired_s, seen_s, .. }: &DeviceStatus| {
        let paired =
            paired_s.map_or("paired by talklight 0.2".into(), |seconds| format!("paired {} ago", span(seconds)));
        let seen = seen_s.map_or("not used since".into(), |seconds| format!("used {} ago", span(seconds)));
        format!("{id}  {name}: {paired}, {seen}\n")
    };
    let lines: String = devices.iter().map(line).collect();
    let hint = if devices.is_empty() { "" } else { "; `talklight remote --remove ID` unpairs one" };
    print(&format!("{lines}{}{hint}", reply.message))
}

/// Shows a QR code to the page `/hello`, and waits for a phone that opens it.
fn reach(flags: &Flags) -> anyhow::Result<Exit> {
    let reply = ask(flags, Verb::Hello(None))?;
    let Some(Pass::Hello { listen, id, seconds }) = reply.pass else { anyhow::bail!(reply.message) };
    let card = InvitationCard::hello(listen, &own_addresses(), id);
    print(&format!("{}{}\nscan it with a phone in the room's Wi-Fi, within {seconds} s", qr(&card), card.address))?;
    let until = clock::now() + Duration::from_secs(seconds);
    while clock::now() < until {
        thread::park_timeout(LOOK);
        let reply = ask(flags, Verb::Hello(Some(id)))?;
        match reply.pass {
            Some(Pass::Arrived(None)) => {}
            Some(Pass::Arrived(Some(_))) => return print(&reply.message),
            _ => anyhow::bail!(reply.message),
        }
    }
    // The service has no network, so this command knows the address better.
    eprintln!("talklight: {}", card.no_phone());
    Ok(Exit::Failure)
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
    invite::render_qr(&card.modules(), paper)
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
