//! Buttons on GPIO lines, by the kernel's character device.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Offset, Value};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::{Button, Role, STUCK, Signal};
use crate::board::Board;
use crate::clock::{self, Moment};
use crate::event::{Event, Events, Origin, Request as Ask};
use crate::timer::Command;

/// How long a line that cannot be had is left alone before it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Edges taken in at once.
const EDGES: usize = 64;
/// Edges that the kernel keeps for us: a contact may bounce many times before we wake.
const EDGES_KEPT: u32 = 256;

/// The lines and how they are wired.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// The BCM number of each button's line, which is its offset on the header's chip.
    pub buttons: Vec<(Offset, Role)>,
    pub bias: Option<Bias>,
    pub active_low: bool,
}

/// Listens to the buttons for ever. A line that cannot be had, or goes away, is reported and asked for again.
///
/// # Errors
/// When the engine is gone.
pub fn run(wiring: &Wiring, board: &Board, events: &Events) -> anyhow::Result<()> {
    let origin = wiring
        .buttons
        .first()
        .map_or(Origin::Button, |(_, role)| origin(*role));
    let mut told: Option<String> = None;
    loop {
        let fault = match request(wiring) {
            Err(fault) => fault,
            Ok(lines) => {
                if told.take().is_some() {
                    // Of all buttons: one that was stuck may have opened meanwhile.
                    for (_, role) in &wiring.buttons {
                        events.send(Event::Input(self::origin(*role), None))?;
                    }
                }
                listen(wiring, &lines, board, events)?
            }
        };
        if told.as_ref() != Some(&fault) {
            events.send(Event::Input(origin, Some(fault.as_str().into())))?;
            told = Some(fault);
        }
        let _ = ppoll(&mut [], Some(TimeSpec::from_duration(RETRY)), None);
    }
}

/// A button on its line.
struct Wired {
    line: Offset,
    role: Role,
    button: Button,
    /// The contact as it was last seen.
    closed: bool,
}

impl Wired {
    /// What the button has to say of `now`, its contact being as it was last seen.
    fn look(&mut self, board: &Board, now: Moment) -> Option<Event> {
        let timer = board.latest().timer;
        let talk = timer.at(now).phase.is_running().then_some(timer.generation);
        let signal = self.button.look(self.closed, talk, now)?;
        Some(event(signal, self.role, self.line))
    }
}

/// Listens until the lines are lost, and says how.
fn listen(
    wiring: &Wiring,
    lines: &Request,
    board: &Board,
    events: &Events,
) -> anyhow::Result<String> {
    let closed = |line| {
        lines
            .value(line)
            .map(|value| value == Value::Active)
            .map_err(|error| error.to_string())
    };
    let mut buttons = Vec::new();
    for &(line, role) in &wiring.buttons {
        match closed(line) {
            Err(fault) => return Ok(fault),
            Ok(closed) => buttons.push(Wired {
                line,
                role,
                button: Button::new(role, closed, clock::now()),
                closed,
            }),
        }
    }
    let mut edges = lines.new_edge_event_buffer(EDGES);
    'wait: loop {
        let due = buttons.iter().filter_map(|wired| wired.button.due()).min();
        match wait(lines, due) {
            Err(fault) => return Ok(fault.to_string()),
            Ok(false) => {}
            // Not `Request::read_edge_event`: it may read several edges and gives only the first.
            Ok(true) => {
                while let Ok(true) = edges.has_event() {
                    let edge = match edges.read_event() {
                        Err(fault) => return Ok(fault.to_string()),
                        Ok(edge) => edge,
                    };
                    let at = clock::of_kernel_event(edge.timestamp_ns);
                    let of = buttons.iter_mut().find(|wired| wired.line == edge.offset);
                    let Some(wired) = of else { continue };
                    // However late it is now, what was due before this edge comes before it.
                    while let Some(due) = wired.button.due().filter(|&due| due <= at) {
                        if let Some(event) = wired.look(board, due) {
                            events.send(event)?;
                        }
                    }
                    wired.button.edge(at);
                    wired.closed = edge.kind == EdgeKind::Rising;
                }
            }
        }
        for wired in &mut buttons {
            let now = clock::now();
            if wired.button.due().is_none_or(|due| now < due) {
                continue;
            }
            // Bouncing contacts tell the direction of an edge wrong: the level is asked for.
            let closed = match closed(wired.line) {
                Ok(closed) => closed,
                Err(fault) => return Ok(fault),
            };
            // It may be that after an edge which came in the meantime, and so not what was due.
            if let Ok(true) = edges.has_event() {
                continue 'wait;
            }
            wired.closed = closed;
            if let Some(event) = wired.look(board, now) {
                events.send(event)?;
            }
        }
    }
}

/// Waits for an edge until `due`; false if none came.
fn wait(lines: &Request, due: Option<Moment>) -> io::Result<bool> {
    let mut fds = [PollFd::new(lines.as_fd(), PollFlags::POLLIN)];
    let timeout = due.map(|due| TimeSpec::from_duration(due.since(clock::now())));
    match ppoll(&mut fds, timeout, None) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let seen = fds[0].revents().unwrap_or(PollFlags::empty());
    if seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
        return Err(io::Error::other("the line has gone away"));
    }
    Ok(seen.contains(PollFlags::POLLIN))
}

fn event(signal: Signal, role: Role, line: Offset) -> Event {
    let origin = origin(role);
    let command = |command, generation| {
        Event::Command(Ask {
            command,
            generation,
            origin,
            reply: None,
        })
    };
    match signal {
        Signal::Start => command(Command::Start(None), None),
        Signal::Reset { generation } => command(Command::Reset, generation),
        Signal::Stuck => {
            let stuck = format!(
                "the contact on GPIO {line} has been closed for {} s; it is stuck, or `bias` and `active` do not fit its wiring",
                STUCK.as_secs()
            );
            Event::Input(origin, Some(stuck.into()))
        }
        Signal::Free => Event::Input(origin, None),
    }
}

fn origin(role: Role) -> Origin {
    match role {
        Role::Start { .. } => Origin::Button,
        Role::Reset => Origin::ResetButton,
    }
}

/// Why there is no chip to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoChip {
    Absent,
    Denied(PathBuf),
    Unlisted(String),
}

impl fmt::Display for NoChip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no Raspberry Pi's GPIO chip under /dev; leave [button] out where there is no button"),
            Self::Denied(path) => write!(f, "{} may not be opened; is this user in the group `gpio`?", path.display()),
            Self::Unlisted(error) => f.write_str(error),
        }
    }
}

/// The chip of the header: its number differs between models and kernels, its label begins with `pinctrl-` on all.
///
/// # Errors
/// Why there is none.
pub fn header_chip() -> Result<PathBuf, NoChip> {
    let mut denied = None;
    let is_header = |chip: &Chip| {
        chip.info()
            .is_ok_and(|info| info.label.starts_with("pinctrl-"))
    };
    let found = chips()
        .map_err(|error| NoChip::Unlisted(error.to_string()))?
        .into_iter()
        .find(|path| match Chip::from_path(path) {
            Ok(chip) => is_header(&chip),
            Err(_) => {
                denied = Some(path.clone());
                false
            }
        });
    found.ok_or(denied.map_or(NoChip::Absent, NoChip::Denied))
}

/// Asks for all lines at once, on the chip of the header.
fn request(wiring: &Wiring) -> Result<Request, String> {
    let lines: Vec<Offset> = wiring.buttons.iter().map(|(offset, _)| *offset).collect();
    let path = header_chip().map_err(|fault| fault.to_string())?;
    let mut request = Request::builder();
    request
        .on_chip(&path)
        .with_consumer("talklight")
        .with_lines(&lines)
        .as_input();
    request
        .with_bias(wiring.bias)
        .with_edge_detection(EdgeDetection::BothEdges)
        .with_kernel_event_buffer_size(EDGES_KEPT);
    if wiring.active_low {
        request.as_active_low();
    }
    request.request().map_err(|error| {
        let lines: Vec<String> = lines.iter().map(Offset::to_string).collect();
        format!(
            "GPIO {} on {}: {error}; `gpioinfo` tells who else uses it",
            lines.join(" and "),
            path.display()
        )
    })
}
