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
//! Within a step the order is: apply the command, keep the timer for a restart, show the picture, publish, reply. Time
//! comes in as an argument, so the whole of it runs in virtual time as well.

pub mod board;
pub mod event;
pub mod status;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use crate::core::clock::{self, Moment};
use crate::core::look::Rgb;
use crate::core::timer::{Phase, Refusal, Timer};
use crate::engine::board::{Board, Guest, Happening, Health, Shown, Snapshot, Tone};
use crate::engine::event::{Answer, Event, NotLent, Origin, Request, Stop};
use crate::show::sample::Trial;
use crate::strip::Strip;

/// How often the picture is sent when nothing changes: a glitch on the wire stays until the next frame. The same beat
/// tries a failed strip again and tells the watchdog that all is well.
pub const BEAT: Duration = Duration::from_secs(1);

/// How often the last, dark frame is tried.
const LAST_TRIES: usize = 3;

/// How long a trial is shown unless it is asked for again: a tester that has gone leaves no colour behind.
pub const TRIAL: Duration = Duration::from_secs(10);

/// An answer and where it goes. Nobody waits for it any more, or somebody does: either way it is done.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Reply {
    Command(SyncSender<Answer>, Answer),
    Try(SyncSender<Result<(), NotLent>>, Result<(), NotLent>),
}

impl Reply {
    fn send(self) {
        match self {
            Self::Command(to, answer) => drop(to.try_send(answer)),
            Self::Try(to, answer) => drop(to.try_send(answer)),
        }
    }
}

/// What the engine works with besides the strip.
pub trait Keeper {
    /// Stores the timer where the next process of this boot finds it.
    ///
    /// # Errors
    /// Why it could not; the talk goes on without.
    fn keep(&mut self, timer: &Timer) -> io::Result<()>;

    /// Forgets what was stored.
    fn forget(&mut self);

    /// A frame of `phase` was shown, or could not be, at `at`. Called at least once a beat; must not block.
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
    /// Goes on from what is on the board. The first [`step`](Self::step) shows the first frame.
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

    /// Takes in what happened, if anything did, and brings strip and board up to date. Returns when to come back at the
    /// latest; to come earlier does no harm.
    pub fn step(&mut self, event: Option<Event>, now: Moment) -> Moment {
        // What time did comes before what people did: a command at the very end of a talk finds it over.
        self.pass(now);
        let reply = event.and_then(|event| self.take(event, now));
        self.pass(now);
        self.show(now);
        self.publish();
        if let Some(reply) = reply {
            reply.send();
        }
        let change = self.now.next_change(now);
        let phase = self.now.timer.next_phase(now);
        [change, phase].into_iter().flatten().fold(self.beat, Moment::min)
    }

    /// Ends: blanks the strip, and forgets the talk if told so.
    pub fn stop(&mut self, stop: Stop, now: Moment) {
        self.pass(now);
        if stop == Stop::Quit {
            self.keeper.forget();
        }
        self.frame.fill(Rgb::BLACK);
        // There is no next beat to make up for a failure.
        let _ = (0..LAST_TRIES).find(|_| self.strip.show(&self.frame).is_ok());
        self.keeper.shown(now, self.phase, &self.frame);
        let origin = match stop {
            Stop::Quit => Origin::Keyboard,
            Stop::Terminate => Origin::Signal,
        };
        self.note(now, origin, Happening::Stopping);
        self.publish();
    }

    /// Notes what time has brought since the last look.
    fn pass(&mut self, now: Moment) {
        if self.now.guest.is_some_and(|guest| guest.until <= now) {
            self.now.guest = None;
            self.note(now, Origin::Clock, Happening::TrialEnded);
        }
        let phase = self.now.timer.at(now).phase;
        if phase != self.phase {
            self.phase = phase;
            self.note(now, Origin::Clock, Happening::Phase(phase));
        }
    }

    fn take(&mut self, event: Event, now: Moment) -> Option<Reply> {
        match event {
            Event::Command(request) => return self.command(request, now),
            Event::Try(trial, generation, to) => {
                return Some(Reply::Try(to, self.try_out(trial, generation, now)));
            }
            Event::Note(origin, text) => {
                self.note(now, origin, Happening::Told(Tone::Done, text));
            }
            Event::Input(origin, fault) => self.input(origin, fault, now),
            Event::SourceEnded(origin, how) => {
                self.now.failed_inputs.retain(|(failed, _)| *failed != origin);
                self.now.failed_inputs.push((origin, Arc::clone(&how)));
                self.note(now, origin, Happening::SourceEnded(how));
            }
            Event::Stop(_) => {}
        }
        None
    }

    fn command(&mut self, request: Request, now: Moment) -> Option<Reply> {
        let Request { command, generation, origin, reply } = request;
        let result = match generation {
            Some(meant) if meant != self.now.timer.generation => Err(Refusal::Stale),
            _ => self.now.timer.apply(command, now),
        };
        match result {
            Ok(outcome) if outcome.is_change() => {
                // A command says itself what it leads to, but for the end of a talk that an undo brings back too late.
                let phase = self.now.timer.at(now).phase;
                if phase != Phase::Over {
                    self.phase = phase;
                }
                if phase.is_running() {
                    self.now.guest = None;
                }
                self.note(now, origin, Happening::Done(outcome));
                self.keep(now);
            }
            // Whoever asks by a program is answered there; whoever presses something looks at a screen.
            _ if origin.is_answered() => {}
            Ok(outcome) => self.note(now, origin, Happening::Done(outcome)),
            Err(refusal) => self.note(now, origin, Happening::Refused(refusal)),
        }
        reply.map(|to| {
            let answer = Answer { result, timer: self.now.timer, at: now };
            Reply::Command(to, answer)
        })
    }

    /// Lends the strip, or takes it back; not from a talk.
    fn try_out(&mut self, trial: Option<Trial>, generation: Option<u64>, now: Moment) -> Result<(), NotLent> {
        let reading = self.now.timer.at(now);
        if reading.phase.is_running() {
            return Err(NotLent::Talk { left: reading.left });
        }
        if generation.is_some_and(|meant| meant != self.now.timer.generation) {
            return Err(NotLent::Changed);
        }
        if let Some(Trial { make, .. }) = trial {
            let (leds, most) = (make.leds, self.strip.leds_max(make.chip));
            if leds > most {
                return Err(NotLent::TooLong { leds, most });
            }
        }
        let until = now + TRIAL;
        let guest = trial.map(|trial| Guest { trial, until });
        match (self.now.guest, guest) {
            (None, Some(_)) => self.note(now, Origin::Socket, Happening::TrialBegan),
            (Some(_), None) => self.note(now, Origin::Socket, Happening::TrialEnded),
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.changed |= self.now.guest != guest;
        self.now.guest = guest;
        Ok(())
    }

    fn input(&mut self, origin: Origin, fault: Option<Arc<str>>, now: Moment) {
        let known = self.now.failed_inputs.iter().position(|(failed, _)| *failed == origin);
        match (known, fault) {
            (None, None) => {}
            (None, Some(fault)) => {
                self.now.failed_inputs.push((origin, Arc::clone(&fault)));
                self.note(now, origin, Happening::InputFailed(fault));
            }
            (Some(known), Some(fault)) => {
                let told = &mut self.now.failed_inputs[known].1;
                self.changed |= *told != fault;
                *told = fault;
            }
            (Some(known), None) => {
                self.now.failed_inputs.remove(known);
                self.note(now, origin, Happening::InputBack);
            }
        }
    }

    fn keep(&mut self, now: Moment) {
        match self.keeper.keep(&self.now.timer) {
            Ok(()) => self.keeping = true,
            Err(error) if self.keeping => {
                self.keeping = false;
                self.note(now, Origin::Clock, Happening::KeepFailed(error.to_string().into()));
            }
            Err(_) => {}
        }
    }

    fn show(&mut self, now: Moment) {
        let shown = self.now.shown(now);
        if self.shown == Some(shown) && now < self.beat {
            return;
        }
        if self.shown != Some(shown) {
            shown.paint(&mut self.frame, self.now.look.leds);
            self.shown = Some(shown);
        }
        let sent = match shown {
            Shown::Timer(_) => self.strip.show(&self.frame),
            Shown::Trial(trial) => self.strip.show_as(trial.make, &self.frame),
        };
        let health = match sent {
            Ok(()) => Health::Sending,
            Err(error) => Health::Failing(error.to_string().into()),
        };
        self.keeper.shown(now, self.phase, &self.frame);
        // Counted from this frame, not from the beat before: it is a pause between frames that must not grow.
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

/// Runs until told to stop.
pub fn run(mut engine: Engine<'_>, events: &Receiver<Event>) -> Stop {
    let mut event = None;
    loop {
        let now = clock::now();
        if let Some(Event::Stop(stop)) = event {
            engine.stop(stop, now);
            return stop;
        }
        let wake = engine.step(event, now);
        event = match events.recv_timeout(wake.since(clock::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => unreachable!("main holds a sender"),
        };
    }
}
