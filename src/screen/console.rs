//! `talklight console`: a screen and keys for a daemon in another process.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::control::client::{self, Lines};
use crate::control::invite::InvitationCard;
use crate::control::protocol::{self, ClientRequest, Verb};
use crate::core::clock;
use crate::core::timer::Command;
use crate::engine::board::{Board, Fault, Happening, Snapshot, Subscription, Tone};
use crate::engine::event::Origin;
use crate::input::signal::{self, Suspend};
use crate::screen::{self, Daemon, Disconnected, Leave, Place, Terminal};

const ATTACH: ClientRequest = request(Verb::Attach, None);

/// How often `--wait` looks for a daemon.
const RETRY: Duration = Duration::from_secs(1);

/// Shows the daemon at `socket` until the user detaches. If no daemon answers and `may_wait` is true, waits for one.
///
/// # Errors
/// If there is no terminal or no daemon, or if the daemon ends and does not come back.
pub fn run(socket: Option<&Path>, may_wait: bool) -> anyhow::Result<()> {
    let terminal = Terminal::open().context("the terminal")?;
    let terminal = terminal.context("the console needs a terminal, as standard input and output")?;
    let (path, stream) = match may_wait {
        true => wait_for_daemon(socket),
        false => client::find(socket)?,
    };
    let mut lines = client::watch(stream, &ATTACH)?;
    let first = lines.next().context("the daemon closed the connection")??;
    let board = Board::new(decode(&first)?);
    let signals = signal::block(Suspend::Screen)?;
    let (to_screen, from_signals) = UnixStream::pair()?;
    thread::spawn(move || {
        let end = signal::wait(&signals, Some(&to_screen)).map_or(0, |signal| signal as u8);
        let _ = (&to_screen).write(&[end]);
    });

    let (requests, to_send) = channel();
    let (answers, invitations) = channel();
    let (ended, end) = channel();
    let mut daemon =
        RemoteDaemon { board: Arc::clone(&board), subscription: board.subscribe()?, end, requests, invitations };
    let (to_answer, daemon_path) = (Arc::clone(&board), path.clone());
    thread::spawn(move || send(&to_send, &daemon_path, &to_answer, &answers));
    thread::spawn(move || {
        let _ = ended.send(format!("{:#}", follow(lines, &path, &board)));
        wake(&board);
    });
    let leave = screen::run(terminal, &mut daemon, from_signals, Place::Console)?;
    screen::restore();
    match leave {
        Leave::Quit | Leave::HungUp | Leave::Signal => Ok(()),
        Leave::Disconnected(why) => bail!(why),
    }
}

const fn request(verb: Verb, generation: Option<u64>) -> ClientRequest {
    ClientRequest { verb, generation, deadline: None, origin: Origin::Console }
}

/// Looks for a daemon until one answers. Prints why none answers, each time that the reason changes.
fn wait_for_daemon(socket: Option<&Path>) -> (PathBuf, UnixStream) {
    let mut printed = String::new();
    loop {
        match client::find(socket) {
            Ok(found) => return found,
            Err(error) if error.to_string() == printed => {}
            Err(error) => {
                printed = error.to_string();
                eprintln!("talklight: {printed}; waiting");
            }
        }
        thread::park_timeout(RETRY);
    }
}

fn decode(line: &str) -> anyhow::Result<Snapshot> {
    protocol::decode::<Snapshot>(line).context("cannot read the snapshot of the daemon")
}

/// Copies the daemon's snapshots to `board` until the daemon has ended, and returns how. A daemon that crashed is waited for: it
/// restarts and continues the talk.
fn follow(mut lines: Lines, path: &Path, board: &Board) -> anyhow::Error {
    loop {
        let read = |line: io::Result<String>| decode(&line?);
        let error = lines.by_ref().map(read).find_map(|next| next.map(|next| board.post(next)).err());
        if let Some(error) = error
            && error.is::<protocol::Unreadable>()
        {
            return error;
        }
        let fault = Fault::new(Origin::Console, "the timer does not answer; waiting for it to restart");
        board.update(|snapshot| snapshot.faults = vec![fault]);
        match client::watch_again(path, &ATTACH) {
            Some(again) => lines = again,
            None => return anyhow!("the daemon has ended"),
        }
    }
}

/// Sends the requests, one after the other. The daemon puts the result of a command on its board; what prevents that is added to
/// the log of this `board`.
fn send(
    requests: &Receiver<ClientRequest>,
    path: &Path,
    board: &Board,
    invitations: &Sender<Result<InvitationCard, String>>,
) {
    for request in requests {
        let reply = client::connect(Some(path)).and_then(|stream| client::request(stream, &request));
        let lost = match reply {
            Ok(reply) if matches!(request.verb, Verb::Invite) => {
                let _ = invitations.send(InvitationCard::from_reply(reply, clock::now()));
                wake(board);
                continue;
            }
            Ok(reply) if reply.ok || reply.status.is_some() => continue,
            Ok(reply) => reply.message,
            Err(error) => format!("{error:#}"),
        };
        board.update(|board| board.note(clock::now(), Origin::Console, Happening::Told(Tone::Refused, lost.into())));
    }
}

fn wake(board: &Board) {
    board.update(|_| ());
}

/// A daemon behind its control socket. Other threads send its requests, and keep `board` up to date.
struct RemoteDaemon {
    board: Arc<Board>,
    subscription: Subscription,
    /// Why the connection has ended.
    end: Receiver<String>,
    requests: Sender<ClientRequest>,
    invitations: Receiver<Result<InvitationCard, String>>,
}

impl Daemon for RemoteDaemon {
    fn wake(&self) -> BorrowedFd<'_> {
        self.subscription.as_fd()
    }

    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Disconnected> {
        self.subscription.clear();
        match self.end.try_recv() {
            Ok(why) => Err(Disconnected(why)),
            Err(_) => Ok(self.board.latest()),
        }
    }

    fn send(&mut self, command: Command, generation: Option<u64>) -> Result<(), String> {
        let what = match command {
            Command::Start(plan) => Verb::Start(plan.map(|plan| plan.name().into())),
            Command::StartLate(plan, late) => Verb::StartLate(plan.map(|plan| plan.name().into()), late),
            Command::Late(by) => Verb::Late(by),
            Command::Reset => Verb::Reset,
            Command::Undo => Verb::Undo,
            Command::Choose(plan) => Verb::Choose(plan.name().into()),
        };
        // The receiving thread lives as long as this sender.
        let _ = self.requests.send(request(what, generation));
        Ok(())
    }

    fn demo(&mut self) -> Result<(), String> {
        let _ = self.requests.send(request(Verb::Demo, None));
        Ok(())
    }

    fn invite(&mut self) {
        let _ = self.requests.send(request(Verb::Invite, None));
    }

    fn invitation(&mut self) -> Option<Result<InvitationCard, String>> {
        self.invitations.try_recv().ok()
    }
}
