//! The screen: the simulated strip, the clock and the keys in a terminal.
//!
//! One thread waits for the terminal, for news from the daemon, for signals about the terminal, and for the next moment at
//! which something on the screen changes; there is no other reason to wake, and nothing is drawn that did not change.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyEvent;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, getsid};

use crate::control::invite::InvitationCard;
use crate::core::clock::{self, Moment};
use crate::core::timer::Command;
use crate::engine::board::Snapshot;
use crate::engine::event::Origin;

pub mod console;
mod digits;
mod foot;
pub mod grid;
mod help;
mod invitation;
pub mod keys;
pub mod style;
mod terminal;
pub mod text;
pub mod view;

use grid::{Grid, Size};
use keys::{Act, Keyboard, Ui};
use terminal::Input;
pub use terminal::{Terminal, is_shown, restore};

/// What the screen looks at and acts on: the engine of this process, or a daemon's over a socket.
pub trait Daemon {
    /// Readable when there is something new.
    fn wake(&self) -> BorrowedFd<'_>;

    /// What there is now; [`wake`](Self::wake) is not readable then until there is more.
    ///
    /// # Errors
    /// When nothing will ever be new again.
    fn look(&mut self) -> Result<Arc<Snapshot>, Disconnected>;

    /// Sends a command, without waiting for what becomes of it: that is seen in the log. A command for a generation that
    /// has passed is refused.
    fn send(&mut self, command: Command, generation: Option<u64>);

    /// Asks for an invitation, without waiting for it: it is there once [`invited`](Self::invited) says so.
    fn invite(&mut self);

    /// The invitation that was asked for, or why there is none; once.
    fn invited(&mut self) -> Option<Result<InvitationCard, String>>;
}

/// Why there is no daemon any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnected(pub String);

/// Where the screen is up: in the daemon, which ends with it, or beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Daemon,
    Console,
}

/// Why the screen is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    Quit,
    HungUp,
    Signal,
    Disconnected(String),
}

/// Puts the screen up until somebody or something takes it down. The terminal is as it was found when this returns.
///
/// On `signals` comes the number of each signal as a byte: SIGWINCH, SIGTSTP, SIGCONT; any other ends the screen.
///
/// # Errors
/// What the system says about the terminal.
pub fn run(terminal: Terminal, daemon: &mut dyn Daemon, signals: UnixStream, place: Place) -> io::Result<Leave> {
    signals.set_nonblocking(true)?;
    let mut screen = Screen {
        size: terminal.size(),
        terminal,
        daemon,
        signals: Some(signals),
        keyboard: Keyboard::default(),
        ui: Ui::new(place),
        shown: None,
        told: 0,
        away: false,
    };
    match screen.run() {
        Err(error) if terminal::is_hangup(&error) => Ok(Leave::HungUp),
        end => end,
    }
}

struct Screen<'a> {
    terminal: Terminal,
    daemon: &'a mut dyn Daemon,
    signals: Option<UnixStream>,
    keyboard: Keyboard,
    ui: Ui,
    size: Size,
    /// What the terminal shows; unknown at first and after it was another's.
    shown: Option<Grid>,
    /// The last happening told line by line.
    told: u64,
    /// The terminal is another's until we are continued.
    away: bool,
}

impl Screen<'_> {
    fn run(&mut self) -> io::Result<Leave> {
        self.terminal.enter()?;
        let mut snapshot = match self.daemon.look() {
            Ok(snapshot) => snapshot,
            Err(Disconnected(why)) => return Ok(Leave::Disconnected(why)),
        };
        if self.terminal.style().lines {
            self.greet(&snapshot)?;
        }
        loop {
            let until = self.draw(&snapshot)?.into_iter().chain(self.keyboard.due()).min();
            let ready = self.wait(until)?;
            let now = clock::now();
            if ready.hung_up {
                return Ok(Leave::HungUp);
            }
            self.terminal.drain()?;
            if ready.signals
                && let Some(leave) = self.heed_signals(&snapshot)?
            {
                return Ok(leave);
            }
            let keys = match ready.keys {
                true => self.read_keys(now)?,
                false => self.keyboard.settle(now).into_iter().collect(),
            };
            if let Some(leave) = self.heed_keys(keys, &snapshot, now)? {
                return Ok(leave);
            }
            match self.daemon.invited() {
                Some(Ok(invited)) => self.ui.invited = Some(invited),
                Some(Err(why)) => self.ui.say(&why, true, now + foot::NEWS),
                None => {}
            }
            // After the keys, which were meant for what was on the screen.
            if ready.news {
                match self.daemon.look() {
                    Ok(_) if ready.deserted => return Ok(Leave::Disconnected("it fell silent".into())),
                    Ok(latest) => {
                        // Used up, or void.
                        let mut news = latest.news(snapshot.last_entry());
                        if news.any(|entry| entry.origin == Origin::Pairing) {
                            self.ui.invited = None;
                        }
                        drop(news);
                        snapshot = latest;
                    }
                    Err(Disconnected(why)) => return Ok(Leave::Disconnected(why)),
                }
            }
        }
    }

    /// Brings the terminal up to date, unless it still has to take the last picture. Returns when to do so again.
    fn draw(&mut self, snapshot: &Snapshot) -> io::Result<Option<Moment>> {
        if self.away || !self.terminal.is_drained() {
            return Ok(None);
        }
        let style = self.terminal.style();
        if style.lines {
            self.tell(snapshot)?;
            return Ok(None);
        }
        let now = clock::now();
        let (grid, until) = view::view(snapshot, &self.ui, now, self.size, style);
        self.terminal.send(&grid::diff(self.shown.as_ref(), &grid, style.depth))?;
        self.shown = Some(grid);
        Ok(until)
    }

    fn wait(&self, until: Option<Moment>) -> io::Result<Ready> {
        let timeout = match until {
            None => PollTimeout::NONE,
            // In milliseconds, rounded up: to wake early would be to wake twice.
            Some(until) => {
                let left = until.since(clock::now()) + Duration::from_nanos(999_999);
                PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
            }
        };
        let keys = match (self.away, self.terminal.is_drained()) {
            (true, _) => PollFlags::empty(),
            (false, true) => PollFlags::POLLIN,
            (false, false) => PollFlags::POLLIN | PollFlags::POLLOUT,
        };
        let signals = self.signals.as_ref().map(AsFd::as_fd);
        let mut fds =
            vec![PollFd::new(self.terminal.as_fd(), keys), PollFd::new(self.daemon.wake(), PollFlags::POLLIN)];
        fds.extend(signals.map(|signals| PollFd::new(signals, PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let none = PollFlags::empty();
        let ended = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        let flags = |i: usize| fds.get(i).and_then(PollFd::revents).unwrap_or(none);
        Ok(Ready {
            keys: flags(0).contains(PollFlags::POLLIN),
            hung_up: flags(0).intersects(ended),
            news: flags(1) != none,
            deserted: flags(1).intersects(ended),
            signals: flags(2) != none,
        })
    }

    fn read_keys(&mut self, now: Moment) -> io::Result<Vec<KeyEvent>> {
        let mut bytes = [0; 4096];
        match self.terminal.read(&mut bytes)? {
            Input::Bytes(length) => Ok(self.keyboard.take(&bytes[..length], now)),
            Input::Nothing => Ok(Vec::new()),
            Input::HungUp => Err(nix::Error::EIO.into()),
        }
    }

    fn heed_keys(&mut self, keys: Vec<KeyEvent>, snapshot: &Snapshot, now: Moment) -> io::Result<Option<Leave>> {
        for key in keys {
            match self.ui.press(key, snapshot, now) {
                Act::Nothing => {}
                Act::Send(command, generation) => self.daemon.send(command, generation),
                Act::Invite => self.daemon.invite(),
                Act::Repaint => self.repaint(),
                Act::Suspend => {
                    self.suspend(Pid::from_raw(0), snapshot)?;
                    break;
                }
                Act::Leave => return Ok(Some(Leave::Quit)),
            }
        }
        Ok(None)
    }

    fn heed_signals(&mut self, snapshot: &Snapshot) -> io::Result<Option<Leave>> {
        let mut numbers = [0; 64];
        let length = match self.signals.as_mut().map(|signals| signals.read(&mut numbers)) {
            Some(Ok(length @ 1..)) => length,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            _ => {
                // Nobody is left who would write.
                self.signals = None;
                return Ok(None);
            }
        };
        for &number in &numbers[..length] {
            match Signal::try_from(i32::from(number)) {
                Ok(Signal::SIGWINCH) => self.repaint(),
                Ok(Signal::SIGTSTP) => self.suspend(Pid::this(), snapshot)?,
                Ok(Signal::SIGCONT) => {
                    self.away = false;
                    self.terminal.enter()?;
                    self.repaint();
                }
                _ => return Ok(Some(Leave::Signal)),
            }
        }
        Ok(None)
    }

    fn repaint(&mut self) {
        self.size = self.terminal.size();
        self.shown = None;
    }

    /// Gives the terminal back and stops `who`: this process, or with it the whole job, as Ctrl-Z does elsewhere, lest the
    /// shell waits for a `cargo` that waits for us. From here on it is for SIGCONT to go on.
    fn suspend(&mut self, who: Pid, snapshot: &Snapshot) -> io::Result<()> {
        let drives_strip = self.ui.place == Place::Daemon && *snapshot.strip_kind != *"simulated";
        let why_not = if drives_strip {
            Some("not suspended: the strip would keep its colour, whatever the time")
        } else if getsid(None).is_ok_and(|session| session == getpgrp()) {
            Some("not suspended: there is no shell to come back from")
        } else {
            None
        };
        if let Some(why) = why_not {
            self.ui.say(why, true, clock::now() + foot::NEWS);
            return Ok(());
        }
        self.terminal.leave();
        self.away = true;
        self.shown = None;
        kill(who, Signal::SIGSTOP)?;
        Ok(())
    }

    fn greet(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let reading = snapshot.timer.at(clock::now());
        let time = view::shown_time(&reading);
        let text = format!("talklight: {}, {} {time}", reading.phase, reading.plan.name());
        self.told = snapshot.last_entry();
        self.line(&text)?;
        self.line("keys: space starts, r resets, u undoes, ? explains, q ends")
    }

    /// Tells line by line what has happened since.
    fn tell(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        for entry in snapshot.news(self.told) {
            self.line(&entry.to_string())?;
        }
        self.told = snapshot.last_entry();
        if let Some(notice) = self.ui.notice.take() {
            self.line(&notice.text)?;
        }
        if let Some(invited) = self.ui.invited.take() {
            for line in invited.to_string().lines() {
                self.line(line)?;
            }
        }
        if std::mem::take(&mut self.ui.help) {
            for line in help::lines(snapshot, self.ui.place) {
                self.line(&line)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        let text = text::tamed(text, self.terminal.style().plain);
        self.terminal.send(format!("{text}\r\n").as_bytes())
    }
}

/// What there is to do after a wait.
struct Ready {
    keys: bool,
    hung_up: bool,
    news: bool,
    /// There is nobody any more who could wake us with news.
    deserted: bool,
    signals: bool,
}
