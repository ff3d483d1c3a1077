//! Events: all that sources can send to the engine.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::timer::{Command, Outcome, Refusal};
use crate::engine::board::Snapshot;
use crate::show::{Busy, Owner, Rank, Scene};

/// The capacity of the channel. A source waits if the channel is full; the strip never waits.
pub const QUEUE: usize = 64;
/// The capacity for events of [`Events::post`]. If nobody takes them, the oldest are lost.
pub const POSTED_MAX: usize = 64;

#[derive(Debug)]
pub enum Event {
    Request(Request),
    /// A message for the chair.
    Note(Origin, Arc<str>),
    /// Something has failed, or works again (`None`).
    Fault(Origin, Option<Arc<str>>),
    /// A source has ended, which is a fault.
    SourceEnded(Origin, Arc<str>),
    /// The web pages are at this address.
    Web(Arc<str>),
    /// Something about phones and their pages.
    Phones(PhoneNews),
    /// A failed strip should be tried again now.
    Retry,
    /// Wakes the engine, so that it sees a stop.
    Wake,
}

/// What the web tells of phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneNews {
    /// Too many codes were wrong. Codes are refused until then.
    CodesClosed(Moment),
    /// A new invitation was made, so codes are accepted again.
    CodesOpen,
    /// A device was paired: what it is, and by what.
    Paired { name: Arc<str>, by: PairedBy },
    /// So many open pages have their sound on.
    Sound(usize),
}

/// What has let a device in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairedBy {
    /// The QR code of an invitation.
    Ticket,
    /// The six digits of an invitation.
    Code,
    /// The timer's button.
    Button,
}

#[derive(Debug)]
pub struct Request {
    pub action: Action,
    /// The generation of the timer that the request is for; `None` for any.
    pub generation: Option<u64>,
    /// After this moment the request is refused. A request may reach the daemon long after it was sent.
    pub deadline: Option<Moment>,
    pub origin: Origin,
    /// The receiver of the answer, which is sent once. Its channel needs room for one, so that sending never blocks.
    pub reply: Option<SyncSender<Answer>>,
}

/// What the engine can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Command(Command),
    /// Show a scene until `lease` has passed without another request.
    Show {
        scene: Scene,
        owner: Owner,
        lease: Duration,
    },
    /// End the show of that rank.
    End(Rank),
    /// Let the next phone that asks be paired, for a minute.
    OpenPairing,
    /// Pair the phone that asks, if pairing is open, and close it.
    Pair,
}

/// The result of a request, and the snapshot after it.
#[derive(Clone, Debug)]
pub struct Answer {
    pub result: Result<Done, Refused>,
    pub snapshot: Arc<Snapshot>,
    pub at: Moment,
}

/// What a request has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Command(Outcome),
    /// A reset has ended a show.
    ShowReset,
    Shown,
    Ended,
    /// Pairing is open.
    Opened,
    /// The phone that asks may be paired; pairing is closed again.
    MayPair,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    Command(Refusal),
    Show(Busy),
    /// Pairing cannot be opened, because the web is off.
    NoWeb,
    /// Pairing is not open.
    NotOpen,
    /// The frame is longer than the strip can take.
    TooLong {
        leds: usize,
        leds_max: usize,
    },
}

impl fmt::Display for PairedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket => "by a QR code",
            Self::Code => "by a code",
            Self::Button => "by the button",
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(refusal) => refusal.fmt(f),
            Self::Show(busy) => busy.fmt(f),
            Self::NoWeb => {
                f.write_str("no phone can be paired, because the web is off; `talklight remote` says how to turn it on")
            }
            Self::NotOpen => f.write_str(
                "pairing is not open, or another phone was faster; hold the button that resets for five seconds (a single button while a talk runs), until two LEDs are white",
            ),
            Self::TooLong { leds, leds_max } => {
                write!(f, "{leds} LEDs are more than can be sent to this strip; test it with at most {leds_max}")
            }
        }
    }
}

/// The source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Button,
    #[serde(rename = "reset button")]
    ResetButton,
    Keyboard,
    /// A screen attached by `talklight console`.
    Console,
    Socket,
    /// A paired phone, or a program with a token.
    Web,
    /// The paired devices.
    Pairing,
    Signal,
    Tape,
    /// The file that keeps the talk for a restart.
    #[serde(rename = "resume file")]
    Resume,
    /// systemd, which gets the watchdog's pings.
    #[serde(rename = "service manager")]
    Service,
    /// Time itself.
    Clock,
}

impl Origin {
    /// Whether the requester gets a direct reply. The others see the answer in the log.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Socket | Self::Web)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::ResetButton => "reset button",
            Self::Keyboard => "keyboard",
            Self::Console => "console",
            Self::Socket => "socket",
            Self::Web => "web",
            Self::Pairing => "pairing",
            Self::Signal => "signal",
            Self::Tape => "tape",
            Self::Resume => "resume file",
            Self::Service => "service manager",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the engine should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody quits at the keyboard: the stored talk is removed.
    Quit,
    /// The system ends the process: the talk is kept for the next one.
    Terminate,
}

/// The sending end of the channel.
#[derive(Clone, Debug)]
pub struct Events {
    queue: SyncSender<Event>,
    posted: Posted,
    stop: Arc<OnceLock<Stop>>,
}

/// Events that wait outside the channel, the oldest first.
type Posted = Arc<Mutex<VecDeque<Event>>>;

/// The receiving end, for the engine.
#[derive(Debug)]
pub struct Inbox {
    queue: Receiver<Event>,
    posted: Posted,
    stop: Arc<OnceLock<Stop>>,
}

/// The engine has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl Events {
    pub fn channel() -> (Self, Inbox) {
        let (sender, receiver) = sync_channel(QUEUE);
        let (posted, stop) = (Posted::default(), Arc::new(OnceLock::new()));
        let inbox = Inbox { queue: receiver, posted: Arc::clone(&posted), stop: Arc::clone(&stop) };
        (Self { queue: sender, posted, stop }, inbox)
    }

    /// Waits while the channel is full.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn send(&self, event: Event) -> Result<(), Stopped> {
        self.queue.send(event).map_err(|SendError(_)| Stopped)
    }

    /// Never waits. False if the channel is full.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn try_send(&self, event: Event) -> Result<bool, Stopped> {
        match self.queue.try_send(event) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(TrySendError::Disconnected(_)) => Err(Stopped),
        }
    }

    /// Never waits, and loses nothing while the channel is full: for news that nobody would repeat. A count replaces the one that
    /// still waits.
    pub fn post(&self, event: Event) {
        let mut posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_count = |event: &Event| matches!(event, Event::Phones(PhoneNews::Sound(_)));
        if is_count(&event) {
            posted.retain(|waiting| !is_count(waiting));
        }
        if posted.len() == POSTED_MAX {
            posted.pop_front();
        }
        posted.push_back(event);
        drop(posted);
        // If the channel is full, the engine is awake already, and it looks here first.
        let _ = self.queue.try_send(Event::Wake);
    }

    /// Requests a stop: a flag and a wake-up, so that it works with a full channel too. The first request decides how.
    pub fn stop(&self, stop: Stop) {
        let _ = self.stop.set(stop);
        // If the channel is full, the engine is awake already.
        let _ = self.queue.try_send(Event::Wake);
    }

    /// The stop that was requested, if there was one.
    pub fn stopping(&self) -> Option<Stop> {
        self.stop.get().copied()
    }
}

impl Inbox {
    /// The next event, or `None` after `timeout`.
    pub fn wait(&self, timeout: Duration) -> Option<Event> {
        if let Some(posted) = self.posted() {
            return Some(posted);
        }
        match self.queue.recv_timeout(timeout) {
            Ok(Event::Wake) => Some(self.posted().unwrap_or(Event::Wake)),
            event => event.ok(),
        }
    }

    fn posted(&self) -> Option<Event> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// The stop that was requested, if there was one.
    pub fn stopping(&self) -> Option<Stop> {
        self.stop.get().copied()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timer is stopping")
    }
}

impl std::error::Error for Stopped {}

/// Runs a source in its own thread. If the source ends, panics, or gets no thread, the engine receives `SourceEnded`.
pub fn spawn(
    name: &str,
    origin: Origin,
    events: Events,
    source: impl FnOnce(Events) -> anyhow::Result<()> + Send + 'static,
) {
    let told = events.clone();
    let run = move || {
        let how: Arc<str> = match catch_unwind(AssertUnwindSafe(|| source(events.clone()))) {
            Ok(Ok(())) => "it came to its end".into(),
            Ok(Err(error)) => format!("{error:#}").into(),
            Err(_) => "it panicked; please report this bug".into(),
        };
        // The engine may have ended before.
        let _ = events.send(Event::SourceEnded(origin, how));
    };
    if let Err(error) = thread::Builder::new().name(name.into()).spawn(run) {
        let _ = told.try_send(Event::SourceEnded(origin, format!("there is no thread for it: {error}").into()));
    }
}
