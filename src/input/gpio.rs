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

use super::button::{Button, Role, STUCK, Signal};
use crate::core::clock::{self, Moment};
use crate::core::timer::Command;
use crate::engine::board::Board;
use crate::engine::event::{Action, Event, Events, Origin, Request as Ask};

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

/// Listens to one of the buttons for ever. A line that cannot be had, or goes away, is reported and asked for again. Each
/// button has a thread and a request of its own, so that a line which is taken takes no other with it.
///
/// # Errors
/// When the engine is gone.
pub fn run(wiring: &Wiring, (line, role): (Offset, Role), board: &Board, events: &Events) -> anyhow::Result<()> {
    let origin = origin(role);
    let mut told: Option<String> = None;
    loop {
        let fault = match request(wiring, line) {
            Err(fault) => fault,
            Ok(request) => {
                if told.take().is_some() {
                    events.send(Event::Fault(origin, None))?;
                }
                listen(&request, line, role, board, events)?
            }
        };
        if told.as_ref() != Some(&fault) {
            events.send(Event::Fault(origin, Some(fault.as_str().into())))?;
            told = Some(fault);
        }
        let _ = ppoll(&mut [], Some(TimeSpec::from_duration(RETRY)), None);
    }
}

/// Listens until the line is lost, and says how.
fn listen(request: &Request, line: Offset, role: Role, board: &Board, events: &Events) -> anyhow::Result<String> {
    let level = || request.value(line).map(|value| value == Value::Active);
    let mut closed = match level() {
        Ok(closed) => closed,
        Err(fault) => return Ok(fault.to_string()),
    };
    let mut button = Button::new(role, closed, clock::now());
    let look = |button: &mut Button, closed, now| -> anyhow::Result<()> {
        let timer = board.latest().timer;
        let talk = timer.at(now).phase.is_running().then_some(timer.generation);
        if let Some(signal) = button.look(closed, talk, now) {
            events.send(event(signal, role, line))?;
        }
        Ok(())
    };
    let mut edges = request.new_edge_event_buffer(EDGES);
    let mut edges_seen = 0;
    loop {
        if let Err(fault) = wait(request, button.due()) {
            return Ok(fault.to_string());
        }
        // Not `Request::read_edge_event`: it may read several edges and gives only the first.
        while let Ok(true) = edges.has_event() {
            let edge = match edges.read_event() {
                Err(fault) => return Ok(fault.to_string()),
                Ok(edge) => edge,
            };
            let at = clock::of_kernel_event(edge.timestamp_ns);
            // The kernel numbers all edges, and drops the oldest when we have not read them for too long.
            edges_seen = u32::wrapping_add(edges_seen, 1);
            if edge.line_seqno == edges_seen {
                // However late it is now, what was due before this edge comes before it.
                while let Some(due) = button.due().filter(|&due| due <= at) {
                    look(&mut button, closed, due)?;
                }
                button.edge(at);
            } else {
                edges_seen = edge.line_seqno;
                button.edge_after_loss(at);
            }
            closed = edge.kind == EdgeKind::Rising;
        }
        let now = clock::now();
        if button.due().is_none_or(|due| now < due) {
            continue;
        }
        // Bouncing contacts tell the direction of an edge wrong: the level is asked for.
        let is_closed = match level() {
            Ok(is_closed) => is_closed,
            Err(fault) => return Ok(fault.to_string()),
        };
        // It may be that after an edge which came in the meantime, and so not what was due.
        if let Ok(true) = edges.has_event() {
            continue;
        }
        if is_closed == closed {
            look(&mut button, closed, now)?;
        } else {
            // So it may before that edge is told: the line has changed just now.
            closed = is_closed;
            button.edge(now);
        }
    }
}

/// Waits for an edge until `due`.
fn wait(request: &Request, due: Option<Moment>) -> io::Result<()> {
    let mut fds = [PollFd::new(request.as_fd(), PollFlags::POLLIN)];
    let timeout = due.map(|due| TimeSpec::from_duration(due.since(clock::now())));
    match ppoll(&mut fds, timeout, None) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let seen = fds[0].revents().unwrap_or(PollFlags::empty());
    if seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
        return Err(io::Error::other("the line has gone away"));
    }
    Ok(())
}

fn event(signal: Signal, role: Role, line: Offset) -> Event {
    let origin = origin(role);
    let command =
        |command, generation| Event::Request(Ask { action: Action::Command(command), generation, origin, reply: None });
    match signal {
        Signal::Start => command(Command::Start(None), None),
        Signal::Reset { generation } => command(Command::Reset, generation),
        Signal::Stuck => Event::Fault(
            origin,
            Some(
                format!(
                    "the contact on GPIO {line} has been closed for {} s; it is stuck, or `bias` and `active` do not fit its wiring",
                    STUCK.as_secs()
                )
                .into(),
            ),
        ),
        Signal::Noisy => Event::Fault(
            origin,
            Some(
                format!(
                    "GPIO {line} has not come to rest for {} s; its lead is loose, or long and in need of a filter",
                    STUCK.as_secs()
                )
                .into(),
            ),
        ),
        Signal::Free => Event::Fault(origin, None),
    }
}

pub fn origin(role: Role) -> Origin {
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
            Self::Absent => f.write_str(
                "there is no Raspberry Pi's GPIO chip under /dev; leave [button] out where there is no button",
            ),
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
    let is_header = |chip: &Chip| chip.info().is_ok_and(|info| info.label.starts_with("pinctrl-"));
    let found = chips().map_err(|error| NoChip::Unlisted(error.to_string()))?.into_iter().find(|path| {
        match Chip::from_path(path) {
            Ok(chip) => is_header(&chip),
            Err(_) => {
                denied = Some(path.clone());
                false
            }
        }
    });
    found.ok_or(denied.map_or(NoChip::Absent, NoChip::Denied))
}

/// Asks for a line, on the chip of the header.
fn request(wiring: &Wiring, line: Offset) -> Result<Request, String> {
    let path = header_chip().map_err(|fault| fault.to_string())?;
    let mut request = Request::builder();
    request.on_chip(&path).with_consumer("talklight").with_line(line).as_input();
    request
        .with_bias(wiring.bias)
        .with_edge_detection(EdgeDetection::BothEdges)
        .with_kernel_event_buffer_size(EDGES_KEPT);
    if wiring.active_low {
        request.as_active_low();
    }
    request
        .request()
        .map_err(|error| format!("GPIO {line} on {}: {error}; `gpioinfo` tells who else uses it", path.display()))
}
