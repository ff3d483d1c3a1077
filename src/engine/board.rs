//! The board: the latest snapshot for observers, posted by the engine whenever something happens.
//!
//! Observers read it at their own pace and evaluate the timer at their own time. The engine never calls them.

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
use crate::core::words::Words;
use crate::engine::event::{Origin, Refused};
use crate::show::sample::Trial;
use crate::show::{Scene, Show, Stage, demo};

/// The state of the daemon at one moment. A value that readers may keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub timer: Timer,
    pub look: Look,
    /// What the strip shows between talks.
    pub stage: Stage,
    /// The plans to choose from; the first is the default.
    #[serde(deserialize_with = "some_plans")]
    pub plans: Arc<[Plan]>,
    /// The words of each plan, in the order of `plans`.
    pub words: Arc<[Words]>,
    /// The strip's kind as the config names it.
    pub strip_kind: Arc<str>,
    pub strip: Health,
    /// What people call this timer: `[web] name`, else the host's name.
    #[serde(default = "nameless")]
    pub name: Arc<str>,
    /// The address of the web pages, if there are any.
    pub web: Option<Arc<str>>,
    /// What has failed, except the strip.
    pub faults: Vec<Fault>,
    /// The latest log entries, oldest first, numbered without gaps.
    pub log: VecDeque<Entry>,
    /// Counts the snapshots that were posted.
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
    /// The timer's picture.
    Timer(Picture),
    Scene(Scene),
}

/// How many log entries a snapshot holds.
pub const LOG_LENGTH: usize = 64;

/// Whether sending frames succeeds. Whether an LED is lit cannot be known: a strip cannot be read.
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
    /// A request by a button or a key was refused. Other requesters get a reply instead.
    Refused(Refused),
    /// The talk has reached this phase by time.
    Phase(Phase),
    StripFailed(Arc<str>),
    StripBack,
    ShowBegan(Scene),
    ShowEnded(Scene),
    Failed(Arc<str>),
    Recovered,
    SourceEnded(Arc<str>),
    /// A message in its own words.
    Told(Tone, Arc<str>),
    Stopping,
}

/// How much attention a log entry needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// A phase of a talk, by time.
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

/// The entry in one line, for logs and screens.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.origin;
        let left = |left: &Duration| Clock(timer::seconds_left(*left));
        match &self.what {
            Happening::Done(Outcome::Started(plan)) => {
                write!(f, "talk started by the {by}: {}, {}", plan.name(), Clock(plan.length()))
            }
            Happening::Done(Outcome::StartedLate { plan, late }) => {
                let length = Clock(plan.length());
                write!(f, "talk started by the {by}: {}, {length}, with {} taken off", plan.name(), Clock(*late))
            }
            Happening::Done(Outcome::Late { by: off, left: rest }) => {
                write!(f, "{} taken off by the {by}, {} left", Clock(*off), left(rest))
            }
            Happening::Done(Outcome::LateUndone { by: off, left: rest }) => {
                write!(f, "{} given back by the {by}, {} left", Clock(*off), left(rest))
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
            Happening::ShowBegan(Scene::Sample(_)) => write!(f, "testing the strip; a start ends it"),
            Happening::ShowBegan(Scene::Demo) => write!(f, "showing the colours of a talk; a start ends it"),
            Happening::ShowBegan(Scene::Gauge(_)) => write!(f, "a program has the strip; a start ends it"),
            Happening::ShowEnded(Scene::Sample(_)) => write!(f, "the test of the strip is over"),
            Happening::ShowEnded(Scene::Demo) => write!(f, "the colours were shown"),
            Happening::ShowEnded(Scene::Gauge(_)) => write!(f, "the program has given the strip back"),
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
    subscribers: Vec<UnixStream>,
}

impl Board {
    pub fn new(first: Snapshot) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Posted { latest: Arc::new(first), subscribers: Vec::new() })))
    }

    /// Replaces the snapshot and wakes all subscribers. Never waits for a reader.
    pub fn post(&self, snapshot: Snapshot) {
        self.posted().replace(snapshot);
    }

    /// Changes the snapshot. For boards that several threads write.
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut posted = self.posted();
        let mut snapshot = Snapshot::clone(&posted.latest);
        change(&mut snapshot);
        posted.replace(snapshot);
    }

    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.posted().latest)
    }

    /// A subscription to the snapshots from now on.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn subscribe(&self) -> io::Result<Subscription> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        self.posted().subscribers.push(ours);
        Ok(Subscription(theirs))
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Posted {
    fn replace(&mut self, snapshot: Snapshot) {
        self.latest = Arc::new(snapshot);
        // A full pipe has woken its reader already; a closed one has no reader.
        self.subscribers.retain_mut(|subscriber| match subscriber.write(&[0]) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        });
    }
}

/// A descriptor that is readable when the board has a new snapshot, for `poll` together with others.
#[derive(Debug)]
pub struct Subscription(UnixStream);

impl Subscription {
    /// Resets it until the next snapshot. Call this before you read the board; otherwise a snapshot may be missed.
    pub fn clear(&mut self) {
        let mut bytes = [0; 64];
        while self.0.read(&mut bytes).is_ok_and(|length| length > 0) {}
    }

    /// Waits for a new snapshot.
    ///
    /// # Errors
    /// The system's error.
    pub fn wait(&self) -> io::Result<()> {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE)?;
        Ok(())
    }
}

/// For callers with an event loop of their own. The stream is non-blocking; read it empty before you read the board.
impl From<Subscription> for UnixStream {
    fn from(subscription: Subscription) -> Self {
        subscription.0
    }
}

impl AsFd for Subscription {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The name of a daemon of an older version, which sends none.
fn nameless() -> Arc<str> {
    "talklight".into()
}

fn some_plans<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Plan]>, D::Error> {
    let plans = Arc::<[Plan]>::deserialize(deserializer)?;
    if plans.is_empty() { Err(de::Error::custom("there is always a plan")) } else { Ok(plans) }
}

impl Shown {
    /// Fills `frame` for a strip of `leds` LEDs. A test picture makes it as long as the assumed strip.
    pub fn paint(&self, leds: usize, frame: &mut Vec<Rgb>) {
        match self {
            Self::Timer(picture) => {
                frame.resize(leds, Rgb::BLACK);
                picture.paint(frame);
            }
            Self::Scene(scene) => scene.paint(leds, frame),
        }
    }

    /// The scene; `None` for the timer.
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
        match (self.demo(now), self.show(now)) {
            (Some(demo), _) => Shown::Timer(self.look.picture(&demo.at(now))),
            (None, Some(show)) => Shown::Scene(show.scene),
            (None, None) => Shown::Timer(self.look.picture(&self.timer.at(now))),
        }
    }

    /// The words of `plan`; the usual ones if the plan is no longer in the config.
    pub fn words(&self, plan: &Plan) -> Words {
        let place = self.plans.iter().position(|known| known.name() == plan.name());
        place.and_then(|place| self.words.get(place)).cloned().unwrap_or_default()
    }

    /// The show that is seen at `now`; `None` if the timer is.
    pub fn show(&self, now: Moment) -> Option<&Show> {
        self.stage.shown(&self.timer, now)
    }

    /// The timer of the demonstration, if the strip shows one.
    pub fn demo(&self, now: Moment) -> Option<Timer> {
        self.show(now).filter(|show| show.scene == Scene::Demo).map(|show| demo::timer(show.began()))
    }

    /// The test picture, if the strip shows one.
    pub fn trial(&self, now: Moment) -> Option<Trial> {
        match self.shown(now) {
            Shown::Scene(Scene::Sample(trial)) => Some(trial),
            Shown::Scene(_) | Shown::Timer(_) => None,
        }
    }

    /// The first moment after `now` at which the strip shows something else by time alone.
    pub fn next_change(&self, now: Moment) -> Option<Moment> {
        let shown = self.shown(now);
        let mut then = now;
        loop {
            let demo = self.demo(then).and_then(|demo| self.look.next_change(&demo, then));
            let edges = [self.stage.next_end(then), self.look.next_change(&self.timer, then), demo];
            then = edges.into_iter().flatten().min()?;
            if self.shown(then) != shown {
                return Some(then);
            }
        }
    }

    /// The log entries after number `seen`.
    pub fn news(&self, seen: u64) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(move |entry| entry.number > seen)
    }

    /// The number of the latest log entry; zero before the first.
    pub fn last_entry(&self) -> u64 {
        self.log.back().map_or(0, |entry| entry.number)
    }

    /// Adds an entry to the log, and removes the oldest if the log is full.
    pub fn note(&mut self, at: Moment, origin: Origin, what: Happening) {
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        let number = self.last_entry() + 1;
        self.log.push_back(Entry { number, at, origin, what });
    }
}
