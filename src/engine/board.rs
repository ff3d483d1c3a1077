//! The board: a snapshot of everything an observer may want to know, posted by the engine whenever something happens.
//!
//! Observers read it at their own pace and evaluate the timer at their own now. The engine never calls them.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::core::clock::Moment;
use crate::core::look::{Look, Picture, Rgb};
use crate::core::plan::{Clock, Plan};
use crate::core::timer::{self, Outcome, Phase, Timer};
use crate::engine::event::{Origin, Refused};
use crate::show::sample::Trial;
use crate::show::{Rank, Scene, Stage};

/// The state of the daemon at one moment. A value: readers hold it as long as they like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub timer: Timer,
    pub look: Look,
    /// What the strip shows between talks.
    pub stage: Stage,
    /// The plans to choose from; the first is the default.
    #[serde(deserialize_with = "some_plans")]
    pub plans: Arc<[Plan]>,
    /// The strip's kind as the config names it.
    pub strip_kind: Arc<str>,
    pub strip: Health,
    /// Where the web's pages are, if it is on.
    pub web: Option<Arc<str>>,
    /// What has failed, but for the strip.
    pub faults: Vec<Fault>,
    /// The latest happenings, oldest first, numbered without gaps.
    pub log: VecDeque<Entry>,
    /// The number of this snapshot; each that is posted has the next one.
    pub number: u64,
}

/// Something that has failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub input: Origin,
    pub error: Arc<str>,
}

impl Fault {
    pub fn new(input: Origin, error: &str) -> Self {
        Self { input, error: error.into() }
    }
}

/// What the strip shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shown {
    /// The timer, by the look.
    Timer(Picture),
    Scene(Scene),
}

/// How many happenings a snapshot remembers.
pub const LOG_LENGTH: usize = 64;

/// Whether frames reach the strip, as far as it can be seen from here: a strip cannot be read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Health {
    /// No frame has been sent yet.
    Starting,
    Sending,
    Failing(Arc<str>),
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub number: u64,
    pub at: Moment,
    pub origin: Origin,
    pub what: Happening,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    Done(Outcome),
    /// A person was refused something at a button or a keyboard; whoever asks over the socket is answered there.
    Refused(Refused),
    /// Time turned the talk to this phase.
    Phase(Phase),
    StripFailed(Arc<str>),
    StripBack,
    ShowBegan(Rank),
    ShowEnded(Rank),
    Failed(Arc<str>),
    Recovered,
    SourceEnded(Arc<str>),
    /// Something in words of its own: what was found at start, or what another process tells of its log.
    Told(Tone, Arc<str>),
    Stopping,
}

/// How much of a reader's attention a happening deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// The talk has gone on by itself.
    Quiet,
    Done,
    Refused,
    Warning,
    Fault,
}

impl Entry {
    pub fn tone(&self) -> Tone {
        match &self.what {
            Happening::Done(outcome) if !outcome.is_change() => Tone::Refused,
            Happening::Phase(Phase::Over) | Happening::Done(_) => Tone::Done,
            Happening::Phase(_) => Tone::Quiet,
            Happening::StripBack
            | Happening::Recovered
            | Happening::ShowBegan(_)
            | Happening::ShowEnded(_)
            | Happening::Stopping => Tone::Done,
            Happening::Refused(_) => Tone::Refused,
            Happening::StripFailed(_) | Happening::Failed(_) | Happening::SourceEnded(_) => Tone::Fault,
            Happening::Told(tone, _) => *tone,
        }
    }
}

/// The happening in one line, for logs and screens.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.origin;
        let left = |left: &Duration| Clock(timer::seconds_left(*left));
        match &self.what {
            Happening::Done(Outcome::Started(plan)) => {
                write!(f, "talk started by the {by}: {}, {}", plan.name(), Clock(plan.length()))
            }
            Happening::Done(Outcome::Reset { elapsed, left: rest }) => {
                write!(f, "talk reset at {} by the {by}, {} left", Clock(timer::whole_seconds(*elapsed)), left(rest))
            }
            Happening::Done(Outcome::Cleared) => write!(f, "ready again by the {by}"),
            Happening::Done(Outcome::Undone { left: rest }) => {
                write!(f, "reset undone by the {by}, {} left", left(rest))
            }
            Happening::Done(Outcome::Chosen(plan)) => {
                write!(f, "next talk chosen by the {by}: {}, {}", plan.name(), Clock(plan.length()))
            }
            Happening::Done(outcome @ (Outcome::AlreadyReady | Outcome::AlreadyChosen(_))) => {
                write!(f, "{outcome}")
            }
            Happening::Refused(refusal) => write!(f, "{refusal}"),
            Happening::Phase(Phase::Over) => write!(f, "talk ended"),
            Happening::Phase(phase) => write!(f, "{phase}"),
            Happening::StripFailed(why) => write!(f, "strip failed: {why}"),
            Happening::StripBack => write!(f, "strip is back"),
            Happening::ShowBegan(Rank::Test) => write!(f, "the strip is being tested; a start ends that"),
            Happening::ShowBegan(Rank::Stream) => write!(f, "a program has the strip; a start ends that"),
            Happening::ShowEnded(Rank::Test) => write!(f, "the test of the strip is over"),
            Happening::ShowEnded(Rank::Stream) => write!(f, "the program has given the strip back"),
            Happening::Failed(why) => write!(f, "{by} failed: {why}"),
            Happening::Recovered => write!(f, "{by} is back"),
            Happening::SourceEnded(how) => write!(f, "{by} is lost until the next start: {how}"),
            Happening::Told(_, text) => f.write_str(text),
            Happening::Stopping => write!(f, "stopping"),
        }
    }
}

#[derive(Debug)]
pub struct Board(Mutex<Posted>);

#[derive(Debug)]
struct Posted {
    latest: Arc<Snapshot>,
    bells: Vec<UnixStream>,
}

impl Board {
    pub fn new(first: Snapshot) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Posted { latest: Arc::new(first), bells: Vec::new() })))
    }

    /// Replaces the snapshot and rings everyone's bell. Never waits for a reader.
    pub fn post(&self, snapshot: Snapshot) {
        self.posted().replace(snapshot);
    }

    /// Changes the snapshot, for boards that more than one thread writes on.
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut posted = self.posted();
        let mut snapshot = Snapshot::clone(&posted.latest);
        change(&mut snapshot);
        posted.replace(snapshot);
    }

    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.posted().latest)
    }

    /// A bell that rings with each snapshot from now on.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn subscribe(&self) -> io::Result<Bell> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        self.posted().bells.push(ours);
        Ok(Bell(theirs))
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Posted {
    fn replace(&mut self, snapshot: Snapshot) {
        self.latest = Arc::new(snapshot);
        // A bell that is full has rung already; one that is closed has nobody behind it.
        self.bells.retain_mut(|bell| match bell.write(&[0]) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        });
    }
}

/// Readable once there is something new on the board. To be waited for together with whatever else an observer waits for.
#[derive(Debug)]
pub struct Bell(UnixStream);

impl Bell {
    /// Makes it silent until the next snapshot. Call it before reading the board, lest a snapshot goes unseen.
    pub fn hush(&mut self) {
        let mut rung = [0; 64];
        while self.0.read(&mut rung).is_ok_and(|length| length > 0) {}
    }

    /// Waits until it rings.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self) -> io::Result<()> {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE)?;
        Ok(())
    }
}

/// For who waits in another way: non-blocking, and to be read until there is nothing more, before the board is.
impl From<Bell> for UnixStream {
    fn from(bell: Bell) -> Self {
        bell.0
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn some_plans<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Plan]>, D::Error> {
    let plans = Arc::<[Plan]>::deserialize(deserializer)?;
    if plans.is_empty() { Err(de::Error::custom("there is always a plan")) } else { Ok(plans) }
}

impl Shown {
    /// Fills `frame` for a strip of `leds` LEDs; a test also makes it as long as the strip is taken for.
    pub fn paint(&self, leds: usize, frame: &mut Vec<Rgb>) {
        match self {
            Self::Timer(picture) => {
                frame.resize(leds, Rgb::BLACK);
                picture.paint(frame);
            }
            Self::Scene(scene) => scene.paint(leds, frame),
        }
    }

    /// What is shown, if it is not the timer.
    pub fn scene(&self) -> Option<&Scene> {
        match self {
            Self::Timer(_) => None,
            Self::Scene(scene) => Some(scene),
        }
    }
}

impl Snapshot {
    /// What the strip shows at `now`.
    pub fn shown(&self, now: Moment) -> Shown {
        match self.stage.shown(&self.timer, now) {
            Some(show) => Shown::Scene(show.scene),
            None => Shown::Timer(self.look.picture(&self.timer.at(now))),
        }
    }

    /// The test picture that the strip shows.
    pub fn trial(&self, now: Moment) -> Option<Trial> {
        match self.shown(now) {
            Shown::Scene(Scene::Sample(trial)) => Some(trial),
            Shown::Scene(_) | Shown::Timer(_) => None,
        }
    }

    /// The first moment after `now` at which it shows something else, if time alone ever changes that.
    pub fn next_change(&self, now: Moment) -> Option<Moment> {
        let shown = self.shown(now);
        let mut then = now;
        loop {
            let edges = [self.stage.next_end(then), self.look.next_change(&self.timer, then)];
            then = edges.into_iter().flatten().min()?;
            if self.shown(then) != shown {
                return Some(then);
            }
        }
    }

    /// The happenings after number `seen`.
    pub fn news(&self, seen: u64) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(move |entry| entry.number > seen)
    }

    /// The number of the latest happening; zero before the first.
    pub fn last_entry(&self) -> u64 {
        self.log.back().map_or(0, |entry| entry.number)
    }

    /// Writes a happening into the log, where the oldest makes room for it.
    pub fn note(&mut self, at: Moment, origin: Origin, what: Happening) {
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        let number = self.last_entry() + 1;
        self.log.push_back(Entry { number, at, origin, what });
    }
}
