//! The terminal: raw mode, reading and writing without blocking, and restoring it at the end.

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

/// How often [`restore`] waits for a slow terminal, and for how many milliseconds each time.
const RESTORE_TRIES: usize = 5;
const RESTORE_WAIT_MS: u8 = 50;

/// What to restore. While it is `None` nothing may be written to the terminal.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

struct Taken {
    file: File,
    /// The bytes that restore it.
    leave: Vec<u8>,
}

/// A terminal that is written to without blocking: what it does not take at once is kept for later.
pub struct Terminal {
    file: File,
    style: Style,
    unsent: Vec<u8>,
}

impl Terminal {
    /// The terminal of this process; `None` if standard input or output is not a terminal, or if this process runs in the
    /// background of its shell.
    ///
    /// It is opened a second time: O_NONBLOCK belongs to the open file, and other processes share that of standard input.
    ///
    /// # Errors
    /// The system's error.
    pub fn open() -> io::Result<Option<Self>> {
        let input = io::stdin();
        if !input.is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let open = |path: &Path| open(path, flags, Mode::empty());
        let file = ttyname(&input).and_then(|name| open(&name)).or_else(|_| open(Path::new("/dev/tty")))?;
        let in_background = tcgetpgrp(&file).is_ok_and(|group| group != getpgrp());
        let style = Style::from_env(|name| env::var(name).ok());
        Ok((!in_background).then(|| Self { file: file.into(), style, unsent: Vec::new() }))
    }

    /// What it can show, according to the environment.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Its present size.
    pub fn size(&self) -> Size {
        window_size().map_or(Size::new(0, 0), |size| Size::new(size.columns, size.rows))
    }

    /// Prepares the terminal: raw mode, the alternate screen, no cursor. Drops what was typed before, because it was not meant
    /// for this screen and could start a talk.
    ///
    /// # Errors
    /// The system's error.
    pub fn enter(&mut self) -> io::Result<()> {
        let (mut enter, mut leave) = (Vec::new(), Vec::new());
        if !self.style.lines {
            queue!(enter, EnterAlternateScreen, Hide, DisableLineWrap, EnableBracketedPaste)?;
            queue!(enter, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
            // A console without an alternate screen is cleared instead.
            queue!(leave, SetAttribute(Attribute::Reset), Clear(ClearType::All), MoveTo(0, 0))?;
            queue!(leave, DisableBracketedPaste, EnableLineWrap, Show, LeaveAlternateScreen)?;
        }
        let file = self.file.try_clone()?;
        taken().get_or_insert(Taken { file, leave });
        // After SIGCONT the shell may have changed the modes. crossterm sets them again only if raw mode was off.
        disable_raw_mode()?;
        enable_raw_mode()?;
        tcflush(&self.file, FlushArg::TCIFLUSH)?;
        self.unsent.clear();
        self.send(&enter)
    }

    /// Restores the terminal.
    pub fn leave(&mut self) {
        self.unsent.clear();
        restore();
    }

    /// Whether the terminal has taken all that was sent.
    pub fn is_drained(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends bytes, and keeps what the terminal does not take now.
    ///
    /// # Errors
    /// The system's error: EIO or ENXIO if the terminal has hung up.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.drain()
    }

    /// Sends as much of the kept bytes as the terminal takes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn drain(&mut self) -> io::Result<()> {
        // Locked while writing, so that nothing is written after another thread has called `restore`.
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

    /// Reads what was typed, and returns the number of bytes; 0 if nothing was typed.
    ///
    /// # Errors
    /// The system's error: EIO or ENXIO if the terminal has hung up.
    pub fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match (&self.file).read(bytes) {
            Ok(0) => Err(nix::Error::EIO.into()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            result => result,
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

/// Whether the error means that the terminal has hung up.
pub fn is_hangup(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(nix::Error::from_raw), Some(nix::Error::EIO | nix::Error::ENXIO))
}

/// Restores the terminal if it is shown, and stops all later output to it. Any thread may call this, so a panic hook can too.
/// Takes at most a quarter of a second, even if the terminal does not read.
pub fn restore() {
    let Some(Taken { mut file, leave }) = taken().take() else {
        return;
    };
    let mut leave = &leave[..];
    for _ in 0..RESTORE_TRIES {
        match file.write(leave) {
            Ok(sent) => leave = &leave[sent..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        if leave.is_empty() {
            break;
        }
        let _ = poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLOUT)], RESTORE_WAIT_MS);
    }
    let _ = disable_raw_mode();
}

/// Whether the screen is shown, so that other output to the terminal would damage it.
pub fn is_shown() -> bool {
    taken().is_some()
}

fn taken() -> MutexGuard<'static, Option<Taken>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
