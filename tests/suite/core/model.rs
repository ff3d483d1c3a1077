//! A second, naive implementation of the timer and the shows, in nanoseconds since boot. It computes each LED by itself. Tests
//! compare the core with it.

use std::time::Duration;

use talklight::core::clock::Moment;
use talklight::core::look::{Look, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;
use talklight::core::timer::{self, Command, Phase, Timer};
use talklight::show::Rank;

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Accepted without a change.
    Nothing,
    Refused,
}

#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub chosen: Plan,
    pub talk: Option<Talk>,
    /// The running talk that was reset last, and the time of the reset.
    pub reset: Option<(Talk, u64)>,
    /// Time taken off the running talk by the last `late`, and when.
    pub late: Option<(u64, u64)>,
    /// When the last talk ended or was reset.
    pub ended: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Talk {
    pub plan: Plan,
    pub started: u64,
    /// All the time that was taken off.
    pub late: u64,
}

pub const SECOND: u64 = 1_000_000_000;

pub fn ns(span: Duration) -> u64 {
    span.as_nanos().try_into().expect("the span is less than 500 years")
}

/// The shows, and the owners that a reset has blocked.
#[derive(Clone, Debug, Default)]
pub struct Shows {
    pub on: Vec<Show>,
    /// Owner, and the end of the block.
    pub blocked: Vec<(&'static str, u64)>,
}

#[derive(Clone, Debug)]
pub struct Show {
    pub rank: Rank,
    pub by: &'static str,
    /// None for the demonstration, which is a talk of this plan.
    pub frame: Option<Vec<Rgb>>,
    pub lease: u64,
    pub until: u64,
}

impl Shows {
    /// Accepts a show if it is allowed. Every offer of a blocked owner extends the block by a lease.
    pub fn offer(&mut self, model: &Model, mut show: Show, now: Moment) -> bool {
        let at = now.as_ns();
        self.on.retain(|old| at < old.until);
        let is_taken = self.on.iter().any(|old| old.rank == show.rank && old.by != show.by);
        let blocked = self.blocked.iter_mut().find(|(by, until)| *by == show.by && at < *until);
        if !model.allows(show.rank, now) {
            return false;
        }
        if let Some((_, until)) = blocked {
            *until = at + show.lease;
            return false;
        }
        if !is_taken {
            let old = self.on.iter().find(|old| old.rank == show.rank && old.frame.is_none());
            if let Some(old) = old.filter(|_| show.frame.is_none()) {
                show.until = old.until;
            }
            self.on.retain(|old| old.rank != show.rank);
            self.on.push(show);
        }
        !is_taken
    }

    /// A reset ends all shows and blocks their owners.
    pub fn reset(&mut self, now: Moment) {
        let at = now.as_ns();
        let live = std::mem::take(&mut self.on).into_iter().filter(|show| at < show.until);
        // The chair may open pairing and show the colours again.
        let theirs = live.filter(|show| show.by != "pairing by the button" && show.frame.is_some());
        self.blocked.extend(theirs.map(|show| (show.by, at + show.lease)));
    }

    /// The frame of the show with the highest rank. None if the timer is shown.
    pub fn frame(&self, model: &Model, look: &Look, now: Moment) -> Option<Vec<Rgb>> {
        let live = self.on.iter().filter(|show| now.as_ns() < show.until && model.allows(show.rank, now));
        let show = live.max_by_key(|show| show.rank)?;
        Some(show.frame.clone().unwrap_or_else(|| {
            // Green at 0 s, yellow at 3 s, red at 6 s, flashing from 8 s to 11 s, then dark.
            let [length, yellow, red, flash] = [11, 8, 5, 3].map(Duration::from_secs);
            let plan = Plan::new("model", length, yellow, red, flash).unwrap();
            let mut demo = Model::new(plan);
            demo.talk = Some(Talk { plan, started: show.until - 12 * SECOND, late: 0 });
            demo.frame(look, now)
        }))
    }
}

impl Model {
    pub fn new(chosen: Plan) -> Self {
        Self { chosen, talk: None, reset: None, late: None, ended: None }
    }

    /// The state of `timer`.
    pub fn of(timer: &Timer) -> Self {
        let talk = |talk: timer::Talk| Talk { plan: talk.plan, started: talk.started.as_ns(), late: ns(talk.late) };
        let mut model = Self::new(timer.chosen);
        model.talk = timer.talk.map(talk);
        model.ended = timer.last_end.map(Moment::as_ns);
        let undo = timer.undo.zip(timer.undo_until);
        let undo = undo.map(|(before, until)| (talk(before), until.as_ns() - 10 * SECOND));
        match model.talk {
            None => model.reset = undo,
            Some(now) => model.late = undo.map(|(before, at)| (now.late - before.late, at)),
        }
        model
    }

    pub fn apply(&mut self, command: Command, now: Moment) -> Verdict {
        let at = now.as_ns();
        let phase = self.phase(now);
        let ready = phase == Phase::Ready;
        let over = phase == Phase::Over;
        match command {
            Command::Start(plan) if ready || over && self.passed(at) >= self.length() + 2 * SECOND => {
                let plan = plan.unwrap_or(self.chosen);
                self.talk = Some(Talk { plan, started: at, late: 0 });
                (self.reset, self.late) = (None, None);
                Verdict::Done
            }
            Command::StartLate(plan, by) => {
                let before = *self;
                if self.apply(Command::Start(plan), now) == Verdict::Refused {
                    return Verdict::Refused;
                }
                let verdict = self.apply(Command::Late(by), now);
                match verdict {
                    Verdict::Refused => *self = before,
                    // It is one command: an undo would not leave the talk without its lateness.
                    _ => self.late = None,
                }
                verdict
            }
            Command::Late(by) if !ready && !over && self.late_is_allowed(ns(by), now) => {
                let talk = self.talk.as_mut().expect("a talk runs");
                talk.late += ns(by);
                self.late = Some((ns(by), at));
                Verdict::Done
            }
            Command::Reset if ready => Verdict::Nothing,
            Command::Reset => {
                let end = at - self.overrun(now);
                self.reset = self.talk.filter(|_| !over).map(|talk| (talk, at));
                (self.talk, self.late, self.ended) = (None, None, Some(end));
                Verdict::Done
            }
            Command::Undo if !ready && !over && self.undo(now).is_some() => {
                let (by, _) = self.late.take().expect("there is something to undo");
                self.talk.as_mut().expect("a talk runs").late -= by;
                Verdict::Done
            }
            Command::Undo if ready && self.undo(now).is_some() => {
                self.talk = self.reset.map(|(talk, _)| talk);
                self.reset = None;
                Verdict::Done
            }
            Command::Choose(plan) if ready || over => {
                let other = plan != self.chosen;
                self.chosen = plan;
                if other { Verdict::Done } else { Verdict::Nothing }
            }
            Command::Start(_) | Command::Late(_) | Command::Undo | Command::Choose(_) => Verdict::Refused,
        }
    }

    pub fn phase(&self, now: Moment) -> Phase {
        let Some(Talk { plan, .. }) = self.talk else {
            return Phase::Ready;
        };
        match self.left(now) {
            0 => Phase::Over,
            left if left <= ns(plan.flash()) => Phase::Flash,
            left if left <= ns(plan.red()) => Phase::Red,
            left if left <= ns(plan.yellow()) => Phase::Yellow,
            _ => Phase::Green,
        }
    }

    /// Time left of the talk; the length of the chosen plan when ready.
    pub fn left(&self, now: Moment) -> u64 {
        match self.talk {
            None => ns(self.chosen.length()),
            Some(_) => self.length().saturating_sub(self.passed(now.as_ns())),
        }
    }

    pub fn overrun(&self, now: Moment) -> u64 {
        self.talk.map_or(0, |_| self.passed(now.as_ns()).saturating_sub(self.length()))
    }

    /// Whether so much can be taken off: the talk does not end by it, and at least a part of each phase is seen.
    fn late_is_allowed(&self, by: u64, now: Moment) -> bool {
        let plan = self.talk.expect("a talk runs").plan;
        let left = self.left(now);
        let then = left.saturating_sub(by);
        // The time left from which on each phase is seen, to which it is seen.
        let phases = [(ns(plan.yellow()), ns(plan.red())), (ns(plan.red()), ns(plan.flash())), (ns(plan.flash()), 0)];
        let skips = phases.iter().any(|&(from, to)| from > to && from < left && then <= to);
        then > 0 && !skips
    }

    /// Time since the last talk, between talks.
    pub fn idle(&self, now: Moment) -> Option<u64> {
        match self.phase(now) {
            Phase::Ready => self.ended.map(|ended| now.as_ns() - ended),
            Phase::Over => Some(self.overrun(now)),
            _ => None,
        }
    }

    /// Time in which the last reset, or the last `late`, can still be undone.
    pub fn undo(&self, now: Moment) -> Option<u64> {
        let at = match self.phase(now) {
            Phase::Ready => self.reset?.1,
            Phase::Over => return None,
            _ => self.late?.1,
        };
        (10 * SECOND).checked_sub(now.as_ns() - at).filter(|&rest| rest > 0)
    }

    /// Whether a show of this rank is allowed. None is allowed during a talk. A stream is also not allowed while a reset can be
    /// undone, and for 30 s after the end.
    pub fn allows(&self, rank: Rank, now: Moment) -> bool {
        match (self.phase(now), rank) {
            (Phase::Ready, Rank::Test) | (Phase::Over, Rank::Test) => true,
            (Phase::Ready, Rank::Stream) => self.undo(now).is_none(),
            (Phase::Over, Rank::Stream) => self.overrun(now) >= 30 * SECOND,
            _ => false,
        }
    }

    /// Every time at which the state can change without a command.
    pub fn boundaries(&self) -> Vec<u64> {
        let mut all = Vec::new();
        if let Some(Talk { plan, started, late }) = self.talk {
            let end = started + ns(plan.length()) - late;
            all.extend([plan.yellow(), plan.red(), plan.flash()].map(|left| end - ns(left)));
            all.extend([end, end + 2 * SECOND]);
        }
        if let Some((_, at)) = self.late {
            all.push(at + 10 * SECOND);
        }
        if let Some((_, at)) = self.reset {
            all.push(at + 10 * SECOND);
        }
        all
    }

    /// The frame that the strip should show.
    pub fn frame(&self, look: &Look, now: Moment) -> Vec<Rgb> {
        let (palette, left) = (look.palette, self.left(now));
        let (colour, lit) = match self.phase(now) {
            Phase::Ready => (palette.ready, u64::from(look.ready == ReadyLook::Dot)),
            Phase::Green => (palette.green, self.bar(look, left)),
            Phase::Yellow => (palette.yellow, self.bar(look, left)),
            Phase::Red => (palette.red, self.bar(look, left)),
            // The last half-period is lit, the one before it is dark, and so on.
            Phase::Flash if self.half(look, left) % 2 == 1 => (palette.red, self.bar(look, left)),
            Phase::Flash | Phase::Over => (Rgb::BLACK, 0),
        };
        (0..look.leds as u64).map(|led| if led < lit { colour } else { Rgb::BLACK }).collect()
    }

    /// The number of the half-period of the flash, counted back from the end; the last is 1. The whole periods that fit share
    /// the phase evenly. If none fits, the whole phase is one lit half.
    fn half(&self, look: &Look, left: u64) -> u128 {
        let flash = ns(self.talk.expect("a talk runs or is over").plan.flash());
        let mut halves = 0;
        while (halves + 2) * ns(look.flash_half) <= flash {
            halves += 2;
        }
        let (left, halves, flash) = (u128::from(left), u128::from(halves), u128::from(flash));
        (left * halves).div_ceil(flash).max(1)
    }

    /// LED i of n is lit while more than i/n of the talk is left.
    fn bar(&self, look: &Look, left: u64) -> u64 {
        let leds = look.leds as u128;
        let (left, length) = (u128::from(left), u128::from(self.length()));
        match look.pattern {
            Pattern::Solid => look.leds as u64,
            Pattern::Bar => (0..leds).filter(|led| left * leds > led * length).count() as u64,
        }
    }

    fn passed(&self, at: u64) -> u64 {
        let talk = self.talk.expect("a talk runs or is over");
        at - talk.started + talk.late
    }

    fn length(&self) -> u64 {
        ns(self.talk.map_or(self.chosen, |talk| talk.plan).length())
    }
}
