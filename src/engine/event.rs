//! What can happen to the engine: the one closed enum that every source sends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::timer::{Command, Outcome, Refusal};
use crate::engine::board::Snapshot;
use crate::show::{Busy, Owner, Rank, Scene};

/// How many events may wait for the engine. A source that finds the channel full waits; the strip never does.
pub const QUEUE: usize = 64;

#[derive(Debug)]
pub enum Event {
    Request(Request),
    /// Something that a chair may want to know.
    Note(Origin, Arc<str>),
    /// Something has failed, or works again (`None`).
    Fault(Origin, Option<Arc<str>>),
    /// A source of events has come to its end, which none does while all is well.
    SourceEnded(Origin, Arc<str>),
    /// The web's pages are at this address.
    Web(Arc<str>),
    /// Nothing: the engine is to look whether it should stop.
    Wake,
}

#[derive(Debug)]
pub struct Request {
    pub action: Action,
    /// The generation of the timer that the request was meant for; `None` for whatever it is.
    pub generation: Option<u64>,
    pub origin: Origin,
    /// Where the answer goes, sent once. It must never block: give it room for one.
    pub reply: Option<SyncSender<Answer>>,
}

/// What is asked of the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Command(Command),
    /// Show a scene for so long, unless it is offered again.
    Show {
        scene: Scene,
        owner: Owner,
        lease: Duration,
    },
    /// End the show of that rank.
    End(Rank),
}

/// What became of a request, and the board after it.
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
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    Command(Refusal),
    Show(Busy),
    /// The strip takes no frame of so many LEDs.
    TooLong {
        leds: usize,
        leds_max: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(refusal) => refusal.fmt(f),
            Self::Show(busy) => busy.fmt(f),
            Self::TooLong { leds, leds_max } => {
                write!(f, "{leds} LEDs are more than can be sent to this strip; test it with at most {leds_max}")
            }
        }
    }
}

/// Who did it.
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
    /// systemd, which is told that all is well.
    #[serde(rename = "service manager")]
    Service,
    /// Time itself.
    Clock,
}

impl Origin {
    /// Whether the requester gets a direct reply. The others look at a screen.
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

/// Why the engine should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody at the keyboard is done: the talk is forgotten.
    Quit,
    /// The process is told to go: the talk is kept for the next one.
    Terminate,
}

/// The end of the channel that sources have.
#[derive(Clone, Debug)]
pub struct Events {
    queue: SyncSender<Event>,
    stop: Arc<OnceLock<Stop>>,
}

/// The engine's end.
#[derive(Debug)]
pub struct Inbox {
    queue: Receiver<Event>,
    stop: Arc<OnceLock<Stop>>,
}

/// The engine is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl Events {
    pub fn channel() -> (Self, Inbox) {
        let (sender, receiver) = sync_channel(QUEUE);
        let stop = Arc::new(OnceLock::new());
        (Self { queue: sender, stop: Arc::clone(&stop) }, Inbox { queue: receiver, stop })
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

    /// Asks the engine to end. A flag and a wake-up, so that neither a full channel nor a strip that hangs is in its way; the
    /// first one who asks says how.
    pub fn stop(&self, stop: Stop) {
        let _ = self.stop.set(stop);
        // If the channel is full, the engine wakes without this.
        let _ = self.queue.try_send(Event::Wake);
    }

    /// How the engine was asked to end, if it was.
    pub fn stopping(&self) -> Option<Stop> {
        self.stop.get().copied()
    }
}

impl Inbox {
    /// The next event, waited for at most so long. None as well once no source is left.
    pub fn wait(&self, timeout: Duration) -> Option<Event> {
        self.queue.recv_timeout(timeout).ok()
    }

    /// How the engine was asked to end, if it was.
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

/// Runs one source of events on a thread of its own. Should it end, panic, or find no thread, the engine is told.
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
        // If the engine is gone there is nobody left to tell.
        let _ = events.send(Event::SourceEnded(origin, how));
    };
    if let Err(error) = thread::Builder::new().name(name.into()).spawn(run) {
        let _ = told.try_send(Event::SourceEnded(origin, format!("there is no thread for it: {error}").into()));
    }
}
