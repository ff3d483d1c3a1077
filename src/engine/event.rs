//! What can happen to the engine: the one closed enum that every source sends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::core::clock::Moment;
use crate::core::plan::Clock;
use crate::core::timer::{Command, Outcome, Refusal, Timer, seconds_left};
use crate::show::sample::Trial;

/// How many events may wait for the engine. A source that finds the channel full waits; the strip never does.
pub const QUEUE: usize = 64;

pub type Events = SyncSender<Event>;

#[derive(Debug)]
pub enum Event {
    Command(Request),
    /// Show a trial for a while, or no more, if the timer is still of that generation, and tell how it went.
    Try(Option<Trial>, Option<u64>, SyncSender<Result<(), NotLent>>),
    /// Something that a chair may want to know.
    Note(Origin, Arc<str>),
    /// An input has failed, or works again (`None`).
    Input(Origin, Option<Arc<str>>),
    /// A source of events has come to its end, which none does while all is well.
    SourceEnded(Origin, Arc<str>),
    Stop(Stop),
}

#[derive(Debug)]
pub struct Request {
    pub command: Command,
    /// The generation of the timer that the command was meant for; `None` for whatever it is.
    pub generation: Option<u64>,
    pub origin: Origin,
    /// Where the answer goes, sent once. It must never block: give it room for one.
    pub reply: Option<SyncSender<Answer>>,
}

/// What became of a command, and the timer after it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub result: Result<Outcome, Refusal>,
    pub timer: Timer,
    pub at: Moment,
}

/// Why the strip is not lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLent {
    /// A talk has it.
    Talk { left: Duration },
    /// Somebody has used the timer since.
    Changed,
    /// The strip cannot be sent a frame of so many LEDs.
    TooLong { leds: usize, most: usize },
}

impl fmt::Display for NotLent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Talk { left } => {
                let left = Clock(seconds_left(*left));
                write!(f, "a talk is running, {left} left; test the strip when the talk ends")
            }
            Self::TooLong { leds, most } => {
                write!(f, "{leds} LEDs are more than can be sent to this strip; test it with at most {most}")
            }
            Self::Changed => write!(f, "the timer was used meanwhile, and has its strip back; test again"),
        }
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    Button,
    ResetButton,
    Keyboard,
    /// A screen attached by `talklight console`.
    Console,
    Socket,
    /// A paired phone, or a program with a token.
    Web,
    /// Who may do so.
    Pairing,
    Signal,
    Tape,
    /// Time itself.
    Clock,
}

impl Origin {
    pub const ALL: [Origin; 10] = [
        Origin::Button,
        Origin::ResetButton,
        Origin::Keyboard,
        Origin::Console,
        Origin::Socket,
        Origin::Web,
        Origin::Pairing,
        Origin::Signal,
        Origin::Tape,
        Origin::Clock,
    ];

    /// Whether who asks is told the answer where he asks.
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

/// Runs one source of events on a thread of its own. Should it end, or panic, the engine is told.
pub fn spawn(
    name: &str,
    origin: Origin,
    events: Events,
    source: impl FnOnce(Events) -> anyhow::Result<()> + Send + 'static,
) {
    let run = move || {
        let how: Arc<str> = match catch_unwind(AssertUnwindSafe(|| source(events.clone()))) {
            Ok(Ok(())) => "it came to its end".into(),
            Ok(Err(error)) => format!("{error:#}").into(),
            Err(_) => "it panicked; please report this bug".into(),
        };
        // If the engine is gone there is nobody left to tell.
        let _ = events.send(Event::SourceEnded(origin, how));
    };
    thread::Builder::new().name(name.into()).spawn(run).expect("the system has room for one more thread");
}

/// Asks for a trial, or for its end, and waits for the answer; `None` once the engine is gone.
pub fn try_out(events: &Events, trial: Option<Trial>, generation: Option<u64>) -> Option<Result<(), NotLent>> {
    let (reply, answer) = sync_channel(1);
    events.send(Event::Try(trial, generation, reply)).ok()?;
    answer.recv().ok()
}

/// Sends a command and waits for its answer; `None` once the engine is gone.
pub fn ask(events: &Events, command: Command, generation: Option<u64>, origin: Origin) -> Option<Answer> {
    let (reply, answer) = sync_channel(1);
    events.send(Event::Command(Request { command, generation, origin, reply: Some(reply) })).ok()?;
    answer.recv().ok()
}
