//! A screen and keys for a daemon in another process.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::control::client::{self, Lines};
use crate::control::invite::InvitationCard;
use crate::control::protocol::{self, ClientRequest, Verb};
use crate::core::clock;
use crate::core::timer::Command;
use crate::engine::board::{Board, Happening, Health, Snapshot, Subscription, Tone};
use crate::engine::event::Origin;
use crate::input::signal::{self, Suspend};
use crate::screen::{self, Daemon, Disconnected, Leave, Place, Terminal};

const ATTACH: ClientRequest = ClientRequest { verb: Verb::Attach, generation: None, origin: Origin::Console };

/// How often to look whether there is a daemon now.
const LOOK: Duration = Duration::from_secs(1);

/// Shows the daemon at `socket` until somebody detaches. Where there is none it waits, if it `may_wait`.
///
/// # Errors
/// If there is no daemon or no terminal, or the daemon ends and does not come back.
pub fn run(socket: Option<&Path>, may_wait: bool) -> anyhow::Result<()> {
    let terminal = Terminal::open().context("the terminal")?;
    let terminal = terminal.context("the console needs a terminal to show itself in")?;
    let (path, stream) = match may_wait {
        true => await_daemon(socket),
        false => client::find(socket)?,
    };
    let mut lines = client::watch(stream, &ATTACH)?;
    let first = lines.next().context("the daemon hung up")??;
    let board = Board::new(snapshot(&first)?);
    let signals = signal::block(Suspend::Screen)?;
    let (to_screen, from_signals) = UnixStream::pair()?;
    thread::spawn(move || {
        let end = signal::wait(&signals, Some(&to_screen)).map_or(0, |signal| signal as u8);
        let _ = (&to_screen).write(&[end]);
        // The screen takes a closed stream for nothing to come; it needs the time to take the byte.
        loop {
            thread::park();
        }
    });

    let (asks, to_send) = channel();
    let invited = Answered::default();
    let gone = Arc::new(Mutex::new(None));
    let mut daemon = RemoteDaemon {
        board: Arc::clone(&board),
        subscription: board.subscribe()?,
        gone: Arc::clone(&gone),
        asks,
        invited: Arc::clone(&invited),
    };
    let (theirs, there) = (Arc::clone(&board), path.clone());
    thread::spawn(move || send(&to_send, &there, &theirs, &invited));
    thread::spawn(move || {
        let end = follow(lines, &path, &board);
        *gone.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{end:#}"));
        board.update(|_| ());
    });
    let leave = screen::run(terminal, &mut daemon, from_signals, Place::Console)?;
    screen::restore();
    match leave {
        Leave::Quit | Leave::HungUp | Leave::Signal => Ok(()),
        Leave::Disconnected(why) => bail!(why),
    }
}

/// Looks until a daemon answers, and says why it does not whenever that is news.
fn await_daemon(socket: Option<&Path>) -> (PathBuf, UnixStream) {
    let mut told = String::new();
    loop {
        match client::find(socket) {
            Ok(found) => return found,
            Err(error) if error.to_string() == told => {}
            Err(error) => {
                told = error.to_string();
                eprintln!("talklight: {told}; waiting");
            }
        }
        thread::park_timeout(LOOK);
    }
}

fn snapshot(line: &str) -> anyhow::Result<Snapshot> {
    protocol::decode::<Snapshot>(line).context("what the daemon shows cannot be read")
}

/// Copies the daemon's board until there is no daemon any more, and says so. One that crashed comes back with its talk.
fn follow(mut lines: Lines, path: &Path, board: &Board) -> anyhow::Error {
    loop {
        let read = |line: io::Result<String>| snapshot(&line?);
        let end = lines.by_ref().map(read).find_map(|next| next.map(|next| board.post(next)).err());
        if let Some(error) = end
            && error.is::<protocol::Unreadable>()
        {
            return error;
        }
        board.update(|alone| alone.strip = Health::Failing("the timer does not answer; it may come back".into()));
        match client::watch_again(path, &ATTACH) {
            Some(back) => lines = back,
            None => return anyhow!("the daemon has ended"),
        }
    }
}

/// Sends what the keys asked for, one after the other. What becomes of it is seen on the board; what does not even get
/// there is written on ours.
fn send(asks: &Receiver<ClientRequest>, path: &Path, board: &Board, invited: &Answered) {
    for ask in asks {
        let reply = client::connect(Some(path)).and_then(|stream| client::request(stream, &ask));
        if let (Verb::Invite, Ok(reply)) = (&ask.verb, &reply) {
            let answer = InvitationCard::from_reply(reply.clone(), clock::now());
            *invited.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            board.update(|_| ());
            continue;
        }
        let lost = match reply {
            Ok(reply) if reply.ok || reply.status.is_some() => continue,
            Ok(reply) => reply.message,
            Err(error) => format!("{error:#}"),
        };
        board.update(|told| told.note(clock::now(), Origin::Console, Happening::Told(Tone::Refused, lost.into())));
    }
}

/// The daemon as a screen sees it over the socket: its board is a copy that a thread keeps up to date.
struct RemoteDaemon {
    board: Arc<Board>,
    subscription: Subscription,
    gone: Arc<Mutex<Option<String>>>,
    asks: Sender<ClientRequest>,
    invited: Answered,
}

/// The answer to `invite`, left by one thread for another.
type Answered = Arc<Mutex<Option<Result<InvitationCard, String>>>>;

impl Daemon for RemoteDaemon {
    fn wake(&self) -> BorrowedFd<'_> {
        self.subscription.as_fd()
    }

    fn look(&mut self) -> Result<Arc<Snapshot>, Disconnected> {
        self.subscription.clear();
        match self.gone.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(why) => Err(Disconnected(why)),
            None => Ok(self.board.latest()),
        }
    }

    fn send(&mut self, command: Command, generation: Option<u64>) {
        let what = match command {
            Command::Start(plan) => Verb::Start(plan.map(|plan| plan.name().into())),
            Command::Reset => Verb::Reset,
            Command::Undo => Verb::Undo,
            Command::Choose(plan) => Verb::Choose(plan.name().into()),
        };
        // The thread at the other end lives as long as this.
        let _ = self.asks.send(ClientRequest { verb: what, generation, origin: Origin::Console });
    }

    fn invite(&mut self) {
        let _ = self.asks.send(ClientRequest { verb: Verb::Invite, generation: None, origin: Origin::Console });
    }

    fn invited(&mut self) -> Option<Result<InvitationCard, String>> {
        self.invited.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
