//! The board: the latest snapshot for observers, posted by the engine whenever something happens.
//!
//! Observers read it at their own pace and evaluate the timer at their own time. The engine never calls them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::core::clock::Moment;
use crate::core::look::{Look, Picture, Rgb};
use crate::core::plan::Plan;
use crate::core::timer::Timer;
use crate::core::words::Words;
use crate::engine::event::{Origin, PairedBy};
pub use crate::engine::log::{Entry, Happening, Tone};
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
    /// What the web tells of phones.
    pub phones: Phones,
    /// What has failed, except the strip.
    pub faults: Vec<Fault>,
    /// The latest log entries, oldest first, numbered without gaps.
    pub log: VecDeque<Entry>,
    /// Counts the snapshots that were posted.
    pub number: u64,
}

/// Phones and their pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phones {
    /// Codes are refused until then, because too many were wrong.
    pub codes_closed_until: Option<Moment>,
    /// The device that was paired last, since the start.
    pub last_paired: Option<LastPaired>,
    /// Open pages that have their sound on.
    pub pages_with_sound: usize,
}

/// A device that was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPaired {
    pub at: Moment,
    /// What it is, such as `Firefox on Android`.
    pub name: Arc<str>,
    pub by: PairedBy,
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

    /// Until when a phone can be paired by the button.
    pub fn pairing_open_until(&self, now: Moment) -> Option<Moment> {
        self.stage.pairing_until(now)
    }

    /// Until when codes are refused.
    pub fn codes_closed_until(&self, now: Moment) -> Option<Moment> {
        self.phones.codes_closed_until.filter(|&until| now < until)
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
