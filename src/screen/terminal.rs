//! The terminal: raw bytes in, a screenful out, and everything as it was found afterwards.

use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, window_size,
};
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::stat::Mode;
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{getpgrp, tcgetpgrp, ttyname};

use super::grid::Size;
use super::style::Style;

/// How often, and how long in milliseconds, a slow terminal is waited for when leaving it.
const PATIENCE: (usize, u8) = (5, 50);

/// What there is to put back. None: the terminal is not ours to write to.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

struct Taken {
    file: File,
    /// What is written last.
    leave: Vec<u8>,
}

/// A terminal that never blocks: what it does not take is kept until it does.
pub struct Terminal {
    file: File,
    style: Style,
    unsent: Vec<u8>,
}

/// What came of reading the keyboard.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    Bytes(usize),
    Nothing,
    HungUp,
}

impl Terminal {
    /// The terminal we were started in; none where standard input or output is something else, or where it belongs to
    /// another job of the shell.
    ///
    /// It is opened anew, as not to block is a property of the open file, and the one we were given is shared with others.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> io::Result<Option<Self>> {
        let input = io::stdin();
        if !input.is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let open = |path: &Path| open(path, flags, Mode::empty());
        let file = ttyname(&input).and_then(|name| open(&name)).or_else(|_| open(Path::new("/dev/tty")))?;
        let elsewhere = tcgetpgrp(&file).is_ok_and(|group| group != getpgrp());
        let style = Style::from_env(|name| env::var(name).ok());
        Ok((!elsewhere).then(|| Self { file: file.into(), style, unsent: Vec::new() }))
    }

    /// What it can show, by its environment.
    pub fn style(&self) -> Style {
        self.style
    }

    /// How large it is now.
    pub fn size(&self) -> Size {
        match window_size() {
            Ok(size) => Size::new(size.columns, size.rows),
            Err(_) => Size::new(0, 0),
        }
    }

    /// Takes the terminal: every key as it comes, the whole screen, no cursor. What was typed before is dropped, so that
    /// no stray key starts a talk.
    ///
    /// # Errors
    /// What the system says.
    pub fn enter(&mut self) -> io::Result<()> {
        let (mut enter, mut leave) = (Vec::new(), Vec::new());
        if !self.style.lines {
            queue!(enter, EnterAlternateScreen, Hide, DisableLineWrap, EnableBracketedPaste)?;
            queue!(enter, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
            // Cleared first, for consoles that have one screen only.
            queue!(leave, SetAttribute(Attribute::Reset), Clear(ClearType::All), MoveTo(0, 0))?;
            queue!(leave, DisableBracketedPaste, EnableLineWrap, Show, LeaveAlternateScreen)?;
        }
        let file = self.file.try_clone()?;
        taken().get_or_insert(Taken { file, leave });
        // Without the first call the second does nothing after SIGCONT, although a shell may have changed the modes.
        disable_raw_mode()?;
        enable_raw_mode()?;
        tcflush(&self.file, FlushArg::TCIFLUSH)?;
        self.unsent.clear();
        self.send(&enter)
    }

    /// Leaves the terminal as it was found.
    pub fn leave(&mut self) {
        self.unsent.clear();
        restore();
    }

    /// Whether the terminal has taken all it was sent.
    pub fn is_drained(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends bytes, or keeps what the terminal does not take now.
    ///
    /// # Errors
    /// What the system says; `EIO` when the terminal has hung up.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.drain()
    }

    /// Sends of what was kept as much as the terminal takes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn drain(&mut self) -> io::Result<()> {
        // Held while writing, so that nothing follows a `restore` of another thread.
        let taken = taken();
        if taken.is_none() {
            self.unsent.clear();
        }
        while !self.unsent.is_empty() {
            match (&self.file).write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// What the system says, but for a hang-up.
    pub fn read(&mut self, bytes: &mut [u8]) -> io::Result<Input> {
        match (&self.file).read(bytes) {
            Ok(0) => Ok(Input::HungUp),
            Ok(length) => Ok(Input::Bytes(length)),
            Err(error) if is_hangup(&error) => Ok(Input::HungUp),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Input::Nothing),
                _ => Err(error),
            },
        }
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether this is how a terminal says that it is gone.
pub fn is_hangup(error: &io::Error) -> bool {
    [nix::Error::EIO, nix::Error::ENXIO].iter().any(|gone| error.raw_os_error() == Some(*gone as i32))
}

/// Puts the terminal back as it was found, if it is taken; nothing is written to it after. For any thread, so also for a
/// panic hook. A terminal that is slow gets a moment, one that is stuck does not.
pub fn restore() {
    let Some(Taken { mut file, leave }) = taken().take() else {
        return;
    };
    let mut leave = &leave[..];
    for _ in 0..PATIENCE.0 {
        match file.write(leave) {
            Ok(sent) => leave = &leave[sent..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        if leave.is_empty() {
            break;
        }
        let _ = poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLOUT)], PATIENCE.1);
    }
    let _ = disable_raw_mode();
}

/// Whether the terminal is taken, so that whatever else is written to it would spoil the picture.
pub fn is_shown() -> bool {
    taken().is_some()
}

fn taken() -> MutexGuard<'static, Option<Taken>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
