//! The screen: the simulated strip, the clock and the keys in a terminal.
//!
//! One thread waits for the terminal, for the daemon, for signals about the terminal, and for the next change by time alone.
//! It wakes for nothing else, and sends the terminal only what has changed.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyEvent;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgrp, getsid};

use crate::control::invite::{InvitationCard, NO_NETWORK};
use crate::core::clock::{self, Moment};
use crate::core::timer::Command;
use crate::engine::board::Snapshot;
use crate::engine::event::Origin;
use crate::os::site::Reach;

pub mod console;
mod digits;
mod footer;
pub mod grid;
mod head;
mod help;
mod invitation;
pub mod keys;
mod phones;
pub mod style;
mod terminal;
pub mod text;
pub mod view;

use grid::{Grid, Size};
use keys::{Action, Keyboard, Ui};
pub use terminal::{Terminal, is_shown, restore};

/// The daemon that the screen shows: that of this process, or another by its control socket. No method waits for the daemon.
pub trait Daemon {
    /// A descriptor that is readable when there is a new [`snapshot`](Self::snapshot) or [`invitation`](Self::invitation).
    fn wake(&self) -> BorrowedFd<'_>;

    /// The latest snapshot. Makes [`wake`](Self::wake) unreadable until the next.
    ///
    /// # Errors
    /// [`Disconnected`] if there will be no more snapshots.
    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Disconnected>;

    /// Sends a command. It is refused if it is for a `generation` of the timer that has passed. The result appears in the log.
    ///
    /// # Errors
    /// Why the command cannot be sent now.
    fn send(&mut self, command: Command, generation: Option<u64>) -> Result<(), String>;

    /// Shows what the colours mean. The result appears in the log.
    ///
    /// # Errors
    /// Why this cannot be asked for now.
    fn demo(&mut self) -> Result<(), String>;

    /// Requests an invitation for a phone.
    fn invite(&mut self);

    /// The answer to [`invite`](Self::invite), once: the invitation, or why the daemon refused it.
    fn invitation(&mut self) -> Option<Result<InvitationCard, String>>;
}

/// The connection to the daemon is lost for good, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnected(pub String);

/// The process that the screen is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The daemon. It quits when the user leaves the screen.
    Daemon,
    /// A console. The daemon goes on when the user leaves it.
    Console,
}

/// Why the screen has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The user has left it.
    Quit,
    /// The terminal has hung up.
    HungUp,
    /// A signal ends the program.
    Signal,
    /// The daemon is gone, and why.
    Disconnected(String),
}

/// Runs the screen until it is left. The terminal is then as it was before.
///
/// `signals` carries the number of each signal as a byte. SIGWINCH, SIGTSTP and SIGCONT are handled; any other ends the screen.
///
/// # Errors
/// The system's error about the terminal, except that it has hung up.
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
        last_printed: 0,
        suspended: false,
        invite_again: None,
        is_waiting: false,
    };
    match screen.run() {
        Err(error) if terminal::is_hangup(&error) => Ok(Leave::HungUp),
        end => end,
    }
}

struct Screen<'a> {
    terminal: Terminal,
    daemon: &'a mut dyn Daemon,
    /// `None` when no more signals can come.
    signals: Option<UnixStream>,
    keyboard: Keyboard,
    ui: Ui,
    size: Size,
    /// What the terminal shows; `None` if that is unknown.
    shown: Option<Grid>,
    /// The number of the last log entry that was printed, for terminals that get lines.
    last_printed: u64,
    /// Another program has the terminal until SIGCONT.
    suspended: bool,
    /// When to ask for an invitation again, while the machine is in no network.
    invite_again: Option<Moment>,
    /// A terminal that gets lines was told that there is no network.
    is_waiting: bool,
}

impl Screen<'_> {
    fn run(&mut self) -> io::Result<Leave> {
        self.terminal.enter()?;
        let mut snapshot = match self.daemon.snapshot() {
            Ok(snapshot) => snapshot,
            Err(Disconnected(why)) => return Ok(Leave::Disconnected(why)),
        };
        if self.terminal.style().lines {
            self.print_start(&snapshot)?;
        }
        loop {
            let until = self.draw(&snapshot)?.into_iter().chain(self.keyboard.due()).chain(self.invite_again).min();
            let ready = self.wait(until)?;
            let now = clock::now();
            if ready.hung_up {
                return Ok(Leave::HungUp);
            }
            self.terminal.drain()?;
            if ready.signals
                && let Some(leave) = self.handle_signals(&snapshot)?
            {
                return Ok(leave);
            }
            let keys = match ready.keys {
                true => self.read_keys(now)?,
                false => self.keyboard.settle(now).into_iter().collect(),
            };
            if let Some(leave) = self.handle_keys(keys, &snapshot, now)? {
                return Ok(leave);
            }
            self.handle_invitation(now);
            // After the keys: they were pressed for what the screen showed.
            if ready.news {
                let latest = match self.daemon.snapshot() {
                    Ok(latest) => latest,
                    Err(Disconnected(why)) => return Ok(Leave::Disconnected(why)),
                };
                // A phone was paired, or the invitation was cancelled.
                if latest.news(snapshot.last_entry()).any(|entry| entry.origin == Origin::Pairing) {
                    self.ui.invited = None;
                }
                snapshot = latest;
            }
        }
    }

    /// Takes an invitation that has come. Without a network it asks again each second, until a key hides it.
    fn handle_invitation(&mut self, now: Moment) {
        match self.daemon.invitation() {
            Some(Ok(invited)) => {
                self.invite_again = (invited.reach == Reach::Nobody).then(|| now + Duration::from_secs(1));
                self.is_waiting &= self.invite_again.is_some();
                self.ui.invited = Some(invited);
            }
            Some(Err(why)) => self.ui.say(&why, true, now + footer::NEWS),
            None => {}
        }
        if self.ui.invited.is_none() && !self.is_waiting {
            self.invite_again = None;
        } else if self.invite_again.take_if(|again| *again <= now).is_some() {
            self.daemon.invite();
        }
    }

    /// Updates the terminal, unless it has not taken the last frame yet. Returns when to draw again.
    fn draw(&mut self, snapshot: &Snapshot) -> io::Result<Option<Moment>> {
        if self.suspended || !self.terminal.is_drained() {
            return Ok(None);
        }
        let style = self.terminal.style();
        if style.lines {
            self.print_news(snapshot)?;
            return Ok(None);
        }
        let (grid, until) = view::view(snapshot, &self.ui, clock::now(), self.size, style);
        self.terminal.send(&grid::diff(self.shown.as_ref(), &grid, style.depth))?;
        self.shown = Some(grid);
        Ok(until)
    }

    fn wait(&self, until: Option<Moment>) -> io::Result<Ready> {
        let timeout = match until {
            None => PollTimeout::NONE,
            // In milliseconds, rounded up: a wake-up that is too early needs a second one.
            Some(until) => {
                let left = until.since(clock::now()) + Duration::from_nanos(999_999);
                PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX)
            }
        };
        let keys = match (self.suspended, self.terminal.is_drained()) {
            (true, _) => PollFlags::empty(),
            (false, true) => PollFlags::POLLIN,
            (false, false) => PollFlags::POLLIN | PollFlags::POLLOUT,
        };
        let mut fds =
            vec![PollFd::new(self.terminal.as_fd(), keys), PollFd::new(self.daemon.wake(), PollFlags::POLLIN)];
        fds.extend(self.signals.iter().map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = |i: usize| fds.get(i).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        Ok(Ready {
            keys: flags(0).contains(PollFlags::POLLIN),
            hung_up: flags(0).intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL),
            news: !flags(1).is_empty(),
            signals: !flags(2).is_empty(),
        })
    }

    fn read_keys(&mut self, now: Moment) -> io::Result<Vec<KeyEvent>> {
        let mut bytes = [0; 4096];
        let length = self.terminal.read(&mut bytes)?;
        Ok(self.keyboard.take(&bytes[..length], now))
    }

    fn say_unsent(&mut self, sent: Result<(), String>, now: Moment) {
        if let Err(why) = sent {
            self.ui.say(&why, true, now + footer::NEWS);
        }
    }

    fn handle_keys(&mut self, keys: Vec<KeyEvent>, snapshot: &Snapshot, now: Moment) -> io::Result<Option<Leave>> {
        for key in keys {
            self.is_waiting = false;
            match self.ui.press(key, snapshot, now) {
                Action::Nothing => {}
                Action::Send(command, generation) => {
                    let sent = self.daemon.send(command, generation);
                    self.say_unsent(sent, now);
                }
                Action::Demo => {
                    let sent = self.daemon.demo();
                    self.say_unsent(sent, now);
                }
                Action::Invite => self.daemon.invite(),
                Action::Repaint => self.repaint(),
                Action::Suspend => {
                    self.suspend(Pid::from_raw(0), snapshot)?;
                    break;
                }
                Action::Leave => return Ok(Some(Leave::Quit)),
            }
        }
        Ok(None)
    }

    fn handle_signals(&mut self, snapshot: &Snapshot) -> io::Result<Option<Leave>> {
        let mut numbers = [0; 64];
        let length = match self.signals.as_mut().map(|signals| signals.read(&mut numbers)) {
            Some(Ok(length @ 1..)) => length,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            _ => {
                // The other end is closed.
                self.signals = None;
                return Ok(None);
            }
        };
        for &number in &numbers[..length] {
            match Signal::try_from(i32::from(number)) {
                Ok(Signal::SIGWINCH) => self.repaint(),
                Ok(Signal::SIGTSTP) => self.suspend(Pid::this(), snapshot)?,
                Ok(Signal::SIGCONT) => {
                    self.suspended = false;
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

    /// Restores the terminal and stops a process until SIGCONT: this one, or with 0 its whole process group, as Ctrl-Z does.
    /// The shell waits for the group; if only this process stopped, a `cargo run` in front of it would keep the terminal.
    fn suspend(&mut self, process: Pid, snapshot: &Snapshot) -> io::Result<()> {
        let drives_strip = self.ui.place == Place::Daemon && *snapshot.strip_kind != *"simulated";
        let why_not = if drives_strip {
            Some("not suspended: the strip would keep its colour; press q to quit")
        } else if getsid(None).is_ok_and(|session| session == getpgrp()) {
            Some("not suspended: there is no shell that could continue it; press q to quit")
        } else {
            None
        };
        if let Some(why) = why_not {
            self.ui.say(why, true, clock::now() + footer::NEWS);
            return Ok(());
        }
        self.terminal.leave();
        self.suspended = true;
        self.shown = None;
        kill(process, Signal::SIGSTOP)?;
        Ok(())
    }

    fn print_start(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let reading = snapshot.timer.at(clock::now());
        let time = view::shown_time(&reading);
        self.last_printed = snapshot.last_entry();
        self.print(&format!("talklight: {}, {} {time}", reading.phase, reading.plan.name()))?;
        self.print("keys: space starts, r resets, u undoes, ? lists the keys, q quits")
    }

    /// Prints what has happened since the last call.
    fn print_news(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        for entry in snapshot.news(self.last_printed) {
            self.print(&entry.to_string())?;
        }
        self.last_printed = snapshot.last_entry();
        if let Some(notice) = self.ui.notice.take() {
            self.print(&notice.text)?;
        }
        match self.ui.invited.take() {
            Some(invited) if invited.reach != Reach::Nobody => self.print(&invited.to_string())?,
            Some(_) if !std::mem::replace(&mut self.is_waiting, true) => self.print(NO_NETWORK)?,
            Some(_) | None => {}
        }
        if std::mem::take(&mut self.ui.help) {
            self.print(&help::text(snapshot, self.ui.place))?;
        }
        Ok(())
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            let line = text::sanitized(line, self.terminal.style().plain);
            self.terminal.send(format!("{line}\r\n").as_bytes())?;
        }
        Ok(())
    }
}

/// What [`Screen::wait`] has found.
struct Ready {
    keys: bool,
    hung_up: bool,
    news: bool,
    signals: bool,
}
