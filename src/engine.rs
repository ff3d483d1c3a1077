//! The engine: the one owner of the timer and the strip.
//!
//! ```text
//! loop {
//!     wait for an event, but no longer than until `wake`
//!     now = clock::now()
//!     wake = engine.step(event, now)
//! }
//! ```
//!
//! The order within a step is: apply, keep the timer for a restart, show, publish, reply. Time is an argument, so tests run
//! the engine in virtual time.

pub mod board;
pub mod event;
pub mod log;
pub mod status;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::core::clock::{self, Moment};
use crate::core::look::Rgb;
use crate::core::timer::{Command, Outcome, Phase, Refusal, Timer};
use crate::engine::board::{Board, Fault, Happening, Health, LastPaired, Shown, Snapshot, Tone};
use crate::engine::event::{Action, Answer, Done, Event, Inbox, Origin, PhoneNews, Refused, Request, Stop};
use crate::show::{Owner, Rank, Scene, Show, pairing};
use crate::strip::Strip;

/// How often the frame is sent when nothing changes, because a glitch on the wire stays until the next frame. The same beat
/// retries a failed strip and pings the watchdog.
pub const BEAT: Duration = Duration::from_secs(1);

/// Before this moment udev may not have finished, so a device that is missing or forbidden is not reported.
pub const BOOTED: Moment = Moment::from_ns(30 * 1_000_000_000);

/// How many times the last, dark frame is tried.
const LAST_TRIES: usize = 3;

/// An answer that is sent at the end of the step, and its receiver.
type Reply = (SyncSender<Answer>, Result<Done, Refused>);

/// The engine's outputs besides the strip and the board.
pub trait Keeper {
    /// Stores the timer for the next process of this boot.
    ///
    /// # Errors
    /// Why the timer cannot be stored. The talk goes on.
    fn keep(&mut self, timer: &Timer) -> io::Result<()>;

    /// Removes the stored timer.
    fn forget(&mut self);

    /// A frame of `phase` was sent at `at`, or sending failed. Called at least once a beat; must not block.
    fn shown(&mut self, at: Moment, phase: Phase, frame: &[Rgb]);
}

pub struct Engine<'a> {
    strip: &'a mut dyn Strip,
    keeper: &'a mut dyn Keeper,
    board: &'a Board,
    now: Snapshot,
    changed: bool,
    phase: Phase,
    shown: Option<Shown>,
    frame: Vec<Rgb>,
    beat: Moment,
    keeping: bool,
}

impl<'a> Engine<'a> {
    /// Begins with the snapshot on the board. The first [`step`](Self::step) sends the first frame.
    pub fn new(strip: &'a mut dyn Strip, keeper: &'a mut dyn Keeper, board: &'a Board, now: Moment) -> Self {
        let snapshot = Snapshot::clone(&board.latest());
        Self {
            strip,
            keeper,
            board,
            changed: false,
            phase: snapshot.timer.at(now).phase,
            shown: None,
            frame: vec![Rgb::BLACK; snapshot.look.leds],
            beat: now,
            keeping: true,
            now: snapshot,
        }
    }

    /// Handles an event, if there is one, and updates strip and board. Returns the latest moment for the next call; an earlier
    /// call does no harm.
    pub fn step(&mut self, event: Option<Event>, now: Moment) -> Moment {
        // Time comes before the event: a command at the very end of a talk finds the talk over.
        self.advance(now);
        let reply = event.and_then(|event| self.handle(event, now));
        self.advance(now);
        self.show(now);
        self.publish();
        if let Some((to, result)) = reply {
            // The requester may have gone.
            let _ = to.try_send(Answer { result, snapshot: self.board.latest(), at: now });
        }
        let change = self.now.next_change(now);
        let phase = self.now.timer.next_phase(now);
        let lease = self.now.stage.next_end(now);
        [change, phase, lease].into_iter().flatten().fold(self.beat, Moment::min)
    }

    /// Ends: blanks the strip, and removes the stored talk after [`Stop::Quit`].
    pub fn stop(&mut self, stop: Stop, now: Moment) {
        self.advance(now);
        if stop == Stop::Quit {
            self.keeper.forget();
        }
        self.frame.fill(Rgb::BLACK);
        // No later beat repeats a frame that failed.
        let _ = (0..LAST_TRIES).find(|_| self.strip.show(&self.frame, None).is_ok());
        self.keeper.shown(now, self.phase, &self.frame);
        let origin = match stop {
            Stop::Quit => Origin::Keyboard,
            Stop::Terminate => Origin::Signal,
        };
        self.note(now, origin, Happening::Stopping);
        self.publish();
    }

    /// Logs what has changed by time alone.
    fn advance(&mut self, now: Moment) {
        while let Some(show) = self.now.stage.lapse(now) {
            self.note(now, Origin::Clock, Happening::ShowEnded(show.scene));
        }
        let phase = self.now.timer.at(now).phase;
        if phase != self.phase {
            self.phase = phase;
            self.note(now, Origin::Clock, Happening::Phase(phase));
        }
    }

    fn handle(&mut self, event: Event, now: Moment) -> Option<Reply> {
        match event {
            Event::Request(request) => return self.request(request, now),
            Event::Note(origin, text) => self.note(now, origin, Happening::Told(Tone::Done, text)),
            Event::Fault(origin, fault) => self.fault(origin, fault, now),
            Event::SourceEnded(origin, how) => {
                self.now.faults.retain(|fault| fault.input != origin);
                self.now.faults.push(Fault { input: origin, error: Arc::clone(&how) });
                self.note(now, origin, Happening::SourceEnded(how));
            }
            Event::Web(url) => {
                self.now.web = Some(url);
                self.changed = true;
            }
            Event::Phones(news) => self.phones(news, now),
            Event::Retry if self.now.strip != Health::Sending => self.beat = now,
            Event::Retry | Event::Wake => {}
        }
        None
    }

    fn request(&mut self, request: Request, now: Moment) -> Option<Reply> {
        let Request { action, generation, deadline, origin, reply } = request;
        let is_late = deadline.is_some_and(|deadline| now > deadline);
        let is_stale = generation.is_some_and(|meant| meant != self.now.timer.generation);
        // "A talk is running" says more than "the timer has changed".
        let is_covered =
            matches!(action, Action::Show { .. } | Action::OpenPairing) && self.now.timer.at(now).phase.is_running();
        let result = match action {
            _ if is_late => Err(Refused::Command(Refusal::Expired)),
            _ if is_stale && !is_covered => Err(Refused::Command(Refusal::Stale)),
            Action::Command(command) => self.command(command, origin, now),
            Action::Show { scene, owner, lease } => self.offer(Show::new(scene, owner, lease, now), origin, now),
            Action::End(rank) => {
                if let Some(show) = self.now.stage.end(rank) {
                    self.note(now, origin, Happening::ShowEnded(show.scene));
                }
                Ok(Done::Ended)
            }
            Action::OpenPairing => self.open_pairing(origin, now),
            Action::Pair => match self.now.stage.pairing_until(now) {
                Some(_) => {
                    self.now.stage.end(Rank::Test);
                    self.changed = true;
                    Ok(Done::MayPair)
                }
                None => Err(Refused::NotOpen),
            },
        };
        // A person at a button or a key reads the answer in the log; others get a reply.
        match &result {
            _ if origin.is_answered() => {}
            Ok(Done::Command(outcome)) if !outcome.is_change() => self.note(now, origin, Happening::Done(*outcome)),
            Err(refused) => self.note(now, origin, Happening::Refused(refused.clone())),
            Ok(_) => {}
        }
        reply.map(|to| (to, result))
    }

    fn command(&mut self, command: Command, origin: Origin, now: Moment) -> Result<Done, Refused> {
        let outcome = self.now.timer.apply(command, now).map_err(Refused::Command)?;
        if outcome.is_change() {
            // The log line of a command implies its phase, unless an undo restores a talk that has ended meanwhile.
            let phase = self.now.timer.at(now).phase;
            if phase != Phase::Over {
                self.phase = phase;
            }
            self.note(now, origin, Happening::Done(outcome));
            self.keep(now);
        }
        Ok(match outcome {
            Outcome::Started(_) | Outcome::StartedLate { .. } | Outcome::Undone { .. } => {
                self.now.stage.clear();
                Done::Command(outcome)
            }
            Outcome::Cleared | Outcome::AlreadyReady => {
                let shows = self.now.stage.shut_out(now);
                for show in &shows {
                    self.note(now, origin, Happening::ShowEnded(show.scene));
                }
                match outcome {
                    Outcome::AlreadyReady if !shows.is_empty() => Done::ShowReset,
                    _ => Done::Command(outcome),
                }
            }
            Outcome::Reset { .. }
            | Outcome::Late { .. }
            | Outcome::LateUndone { .. }
            | Outcome::Chosen(_)
            | Outcome::AlreadyChosen(_) => Done::Command(outcome),
        })
    }

    fn offer(&mut self, show: Show, origin: Origin, now: Moment) -> Result<Done, Refused> {
        if let Some(strip) = show.scene.strip_type() {
            let (leds, leds_max) = (strip.leds, self.strip.leds_max(strip.chip));
            if leds > leds_max {
                return Err(Refused::TooLong { leds, leds_max });
            }
        }
        let scene = show.scene;
        if self.now.stage.offer(show, &self.now.timer, now).map_err(Refused::Show)? {
            self.note(now, origin, Happening::ShowBegan(scene));
        }
        self.changed = true;
        Ok(Done::Shown)
    }

    /// Shows that a phone can be paired; the scene on the stage is what lets it in.
    fn open_pairing(&mut self, origin: Origin, now: Moment) -> Result<Done, Refused> {
        if self.now.web.is_none() {
            return Err(Refused::NoWeb);
        }
        let show = Show::new(Scene::Pairing, Owner::new("pairing by the button"), pairing::OPEN, now);
        if self.now.stage.offer(show, &self.now.timer, now).map_err(Refused::Show)? {
            self.note(now, origin, Happening::ShowBegan(Scene::Pairing));
        }
        self.changed = true;
        Ok(Done::Opened)
    }

    fn phones(&mut self, news: PhoneNews, now: Moment) {
        let phones = &mut self.now.phones;
        self.changed = true;
        match news {
            PhoneNews::CodesClosed(until) => {
                phones.codes_closed_until = Some(until);
                self.note(now, Origin::Pairing, Happening::CodesClosed);
            }
            PhoneNews::CodesOpen => phones.codes_closed_until = None,
            PhoneNews::Paired { name, by } => {
                let paired = LastPaired { at: now, name, by };
                phones.last_paired = Some(paired.clone());
                self.note(now, Origin::Pairing, Happening::Paired(paired));
            }
            PhoneNews::Sound(count) => phones.pages_with_sound = count,
        }
    }

    fn fault(&mut self, origin: Origin, fault: Option<Arc<str>>, now: Moment) {
        let known = self.now.faults.iter().position(|known| known.input == origin);
        match (known, fault) {
            (None, None) => {}
            (None, Some(error)) => {
                self.now.faults.push(Fault { input: origin, error: Arc::clone(&error) });
                self.note(now, origin, Happening::Failed(error));
            }
            (Some(known), Some(fault)) => {
                let told = &mut self.now.faults[known].error;
                self.changed |= *told != fault;
                *told = fault;
            }
            (Some(known), None) => {
                self.now.faults.remove(known);
                self.note(now, origin, Happening::Recovered);
            }
        }
    }

    fn keep(&mut self, now: Moment) {
        let kept = self.keeper.keep(&self.now.timer);
        self.keeping = kept.is_ok();
        let fault = kept.err().map(|error| format!("a restart would lose the talk: {error}").into());
        self.fault(Origin::Resume, fault, now);
    }

    fn show(&mut self, now: Moment) {
        let shown = self.now.shown(now);
        if self.shown == Some(shown) && now < self.beat {
            return;
        }
        if self.shown != Some(shown) {
            shown.paint(self.now.look.leds, &mut self.frame);
            self.shown = Some(shown);
        }
        let health = match self.strip.show(&self.frame, shown.scene()) {
            Ok(()) => Health::Sending,
            Err(_) if self.now.strip == Health::Starting && now < BOOTED => Health::Starting,
            Err(error) => Health::Failing(error.to_string().into()),
        };
        self.keeper.shown(now, self.phase, &self.frame);
        // Counted from this frame, not from the last beat: the pause between two frames must not grow.
        self.beat = now + BEAT;
        if !self.keeping {
            self.keep(now);
        }
        if health == self.now.strip {
            return;
        }
        let was = std::mem::replace(&mut self.now.strip, health.clone());
        self.changed = true;
        match (was, health) {
            (Health::Failing(_), Health::Failing(_)) | (Health::Starting, Health::Sending) => {}
            (_, Health::Failing(why)) => self.note(now, Origin::Clock, Happening::StripFailed(why)),
            (_, Health::Sending | Health::Starting) => self.note(now, Origin::Clock, Happening::StripBack),
        }
    }

    fn note(&mut self, at: Moment, origin: Origin, what: Happening) {
        self.now.note(at, origin, what);
        self.changed = true;
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.now.number += 1;
            self.board.post(self.now.clone());
        }
    }
}

/// Runs until a stop is requested.
pub fn run(mut engine: Engine<'_>, inbox: &Inbox) -> Stop {
    let mut event = None;
    loop {
        let now = clock::now();
        if let Some(stop) = inbox.stopping() {
            engine.stop(stop, now);
            return stop;
        }
        let wake = engine.step(event, now);
        event = inbox.wait(wake.since(clock::now()));
    }
}
