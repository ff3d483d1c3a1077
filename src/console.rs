//! A screen and keys for a daemon in another process.

use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, anyhow, bail};

use crate::board::{Bell, Board, Snapshot};
use crate::event::Origin;
use crate::screen::{self, Gone, House, Leave, Place, Terminal};
use crate::timer::Command;
use crate::wire::{self, Ask, Reply, SnapshotRecord, What};
use crate::{client, signal};

/// Shows the daemon at `socket` until somebody detaches.
///
/// # Errors
/// If there is no daemon or no terminal, or the daemon ends.
pub fn run(socket: Option<&Path>) -> anyhow::Result<()> {
    let stream = client::connect(socket)?;
    let ask = Ask {
        what: What::Attach,
        generation: None,
        origin: Origin::Console,
    };
    let mut lines = client::watch(stream, &ask)?.lines();
    let first = lines.next().context("the daemon hung up")??;
    let board = Board::new(snapshot(&first)?);

    let terminal = Terminal::open()
        .context("the terminal")?
        .context("the console needs a terminal to show itself in")?;
    let signals = signal::block(true)?;
    let (to_screen, from_signals) = UnixStream::pair()?;
    thread::spawn(move || {
        let end = signal::wait(&signals, Some(&to_screen)).map_or(0, |signal| signal as u8);
        let _ = std::io::Write::write(&mut &to_screen, &[end]);
        loop {
            thread::park();
        }
    });

    let bell = board.subscribe()?;
    let gone = Arc::new(Mutex::new(None));
    let mut house = There {
        board: Arc::clone(&board),
        bell,
        gone: Arc::clone(&gone),
        socket: socket.map(Into::into),
    };
    thread::spawn(move || {
        let end = lines
            .map(|line| snapshot(&line?))
            .find_map(|next| next.map(|next| board.post(next)).err());
        let end = end.unwrap_or_else(|| anyhow!("the daemon has ended"));
        *gone.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{end:#}"));
        board.post(Snapshot::clone(&board.latest()));
    });
    let leave = screen::run(terminal, &mut house, from_signals, Place::Console)?;
    screen::restore();
    match leave {
        Leave::Quit | Leave::HungUp | Leave::Signal => Ok(()),
        Leave::Gone(why) => bail!(why),
    }
}

/// The first line may be a refusal instead.
fn snapshot(line: &str) -> anyhow::Result<Snapshot> {
    if let Ok(Reply {
        ok: false, message, ..
    }) = wire::decode(line)
    {
        bail!(message);
    }
    let snapshot = wire::decode::<SnapshotRecord>(line).and_then(Snapshot::try_from);
    snapshot.context("what the daemon shows cannot be read")
}

/// The house as a screen sees it over the socket: its board is a copy that a thread keeps up to date.
struct There {
    board: Arc<Board>,
    bell: Bell,
    gone: Arc<Mutex<Option<String>>>,
    socket: Option<PathBuf>,
}

impl House for There {
    fn wake(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn look(&mut self) -> Result<Arc<Snapshot>, Gone> {
        self.bell.hush();
        match self
            .gone
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(why) => Err(Gone(why)),
            None => Ok(self.board.latest()),
        }
    }

    fn send(&mut self, command: Command, generation: Option<u64>) {
        let what = match command {
            Command::Start(plan) => What::Start(plan.map(|plan| plan.name().into())),
            Command::Reset => What::Reset,
            Command::Undo => What::Undo,
            Command::Choose(plan) => What::Choose(plan.name().into()),
        };
        let ask = Ask {
            what,
            generation,
            origin: Origin::Console,
        };
        let socket = self.socket.clone();
        // The answer is seen on the board, and a daemon that gives none is gone in a moment.
        thread::spawn(move || {
            client::connect(socket.as_deref()).and_then(|stream| client::request(stream, &ask))
        });
    }
}
