//! Buttons on GPIO lines, through the kernel's character device.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Offset, Value};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::button::{Button, Role, Running, STUCK, Signal};
use crate::core::clock::{self, Moment};
use crate::core::timer::Command;
use crate::engine::BOOTED;
use crate::engine::board::Board;
use crate::engine::event::{Action, Event, Events, Origin, Request as EngineRequest};
use crate::os::nodes::Nodes;

/// The delay before an unavailable line is requested again.
const RETRY: Duration = Duration::from_secs(1);
/// Edges that are read at once.
const EDGES_READ: usize = 64;
/// The size of the kernel's buffer: a contact may bounce many times before this thread wakes.
const EDGES_KEPT: u32 = 256;

/// The lines of the buttons and their wiring.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// The line of each button: its BCM number, which is its offset on the header's chip.
    pub buttons: Vec<(Offset, Role)>,
    pub bias: Option<Bias>,
    pub active_low: bool,
}

/// Reads one button for ever. A line that is unavailable or lost is reported and requested again. Each button has a thread and
/// a line request of its own, so that a line in use by another program disables no other button.
///
/// # Errors
/// If the engine has ended.
pub fn run(wiring: &Wiring, (line, role): (Offset, Role), board: &Board, events: &Events) -> anyhow::Result<()> {
    let origin = origin(role);
    let mut reported: Option<String> = None;
    let nodes = Nodes::watch(Path::new("/dev")).ok();
    loop {
        let fault = match request(wiring, line) {
            Err(fault) => fault,
            Ok(request) => {
                if reported.take().is_some() {
                    events.send(Event::Fault(origin, None))?;
                }
                listen(&request, line, role, board, events)?
            }
        };
        if reported.as_ref() != Some(&fault) && clock::now() >= BOOTED {
            events.send(Event::Fault(origin, Some(fault.as_str().into())))?;
            reported = Some(fault);
        }
        if nodes.as_ref().is_none_or(|nodes| nodes.changed(RETRY).is_err()) {
            thread::park_timeout(RETRY);
        }
    }
}

/// Reads the line until it is lost, and returns the reason.
fn listen(request: &Request, line: Offset, role: Role, board: &Board, events: &Events) -> anyhow::Result<String> {
    let level = || request.value(line).map(|value| value == Value::Active);
    let mut closed = match level() {
        Ok(closed) => closed,
        Err(fault) => return Ok(fault.to_string()),
    };
    let mut button = Button::new(role, closed, clock::now());
    let look = |button: &mut Button, closed, now| -> anyhow::Result<()> {
        let timer = board.latest().timer;
        let running = timer.talk.filter(|_| timer.at(now).phase.is_running());
        let talk = running.map(|talk| Running { started: talk.started, generation: timer.generation });
        if let Some(signal) = button.look(closed, talk, now) {
            events.send(event(signal, role, line))?;
        }
        Ok(())
    };
    let mut edges = request.new_edge_event_buffer(EDGES_READ);
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
            // The kernel numbers all edges, and drops the oldest ones when its buffer is full.
            edges_seen = u32::wrapping_add(edges_seen, 1);
            if edge.line_seqno == edges_seen {
                // What was due before this edge is handled first, even if both are late.
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
        // The direction of an edge is unreliable while a contact bounces, so read the level.
        let is_closed = match level() {
            Ok(is_closed) => is_closed,
            Err(fault) => return Ok(fault.to_string()),
        };
        // A new edge may have changed the level: then it is not the level at the due time.
        if let Ok(true) = edges.has_event() {
            continue;
        }
        if is_closed == closed {
            look(&mut button, closed, now)?;
        } else {
            // The level has changed, but its edge has not arrived yet.
            closed = is_closed;
            button.edge(now);
        }
    }
}

/// Waits for an edge, at most until `due`.
fn wait(request: &Request, due: Option<Moment>) -> io::Result<()> {
    let mut fds = [PollFd::new(request.as_fd(), PollFlags::POLLIN)];
    let timeout = due.map(|due| TimeSpec::from_duration(due.since(clock::now())));
    match ppoll(&mut fds, timeout, None) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let events = fds[0].revents().unwrap_or(PollFlags::empty());
    if events.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
        return Err(io::Error::other("the line has gone away"));
    }
    Ok(())
}

fn event(signal: Signal, role: Role, line: Offset) -> Event {
    let origin = origin(role);
    let request =
        |action, generation| Event::Request(EngineRequest { action, generation, deadline: None, origin, reply: None });
    let command = |command, generation| request(Action::Command(command), generation);
    match signal {
        Signal::Start => command(Command::Start(None), None),
        Signal::Reset { generation } => command(Command::Reset, generation),
        Signal::Pair => request(Action::OpenPairing, None),
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

/// The origin of a button's events.
pub fn origin(role: Role) -> Origin {
    match role {
        Role::Start { .. } => Origin::Button,
        Role::Reset => Origin::ResetButton,
    }
}

/// Why the header's GPIO chip cannot be used.
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
                "there is no Raspberry Pi's GPIO chip under /dev; without buttons, remove [button] from the config",
            ),
            Self::Denied(path) => write!(f, "{} may not be opened; is this user in the group `gpio`?", path.display()),
            Self::Unlisted(error) => f.write_str(error),
        }
    }
}

/// The path of the header's GPIO chip. Its number differs between models and kernels; its label always begins with
/// `pinctrl-`.
///
/// # Errors
/// Why it cannot be used.
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

/// Requests a line of the header's chip.
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
        .map_err(|error| format!("GPIO {line} on {}: {error}; `gpioinfo` shows which program uses it", path.display()))
}
