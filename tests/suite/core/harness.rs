//! The engine in virtual time, with a simulated strip, a board and a keeper in memory. Scripts drive it, such as
//! `"start +3m yellow +1m red +30s flash +29.999999999s flash +1ns over"`. After every step its state is compared with the
//! [`Model`].
//!
//! | word | meaning |
//! |---|---|
//! | `+1m` | time passes; the engine wakes exactly when it asked to |
//! | `late:1m` | time passes; the engine does not wake |
//! | `poke` | the engine wakes now |
//! | `start` `start:short` `reset` `undo` `choose:short` | a command that succeeds; with `=` it changes nothing, with `!` it is refused |
//! | `green`, `flash`, … | checks the phase on the board and the picture on the strip |
//! | `lit:3` | checks how many LEDs are lit |
//! | `fail` `work` | from now on every write to the strip fails, or succeeds |
//! | `try` `try!` `give` | a trial is accepted, is refused, ends |
//! | `trial` | checks that the strip shows the trial |
//! | `web` | the web listens |
//! | `pair` `pair!` | the button opens pairing, or is refused |
//! | `white` `shut` | checks that the strip shows open pairing and the board says so, or that neither does |
//! | `enter` `enter!` | a phone that asks to be paired by the button is let in, or refused |
//! | `failing` `sending` | checks the strip's health on the board |

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use talklight::core::clock::Moment;
use talklight::core::drive::{Chip, Drive, DriveSettings, Order};
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::timer::{Command, Outcome, Phase, Timer};
use talklight::engine::board::{Board, Happening, Health, LOG_LENGTH, Phones, Snapshot};
use talklight::engine::event::{Action, Answer, Done, Event, Origin, Refused, Request};
use talklight::engine::{BEAT, Engine};
use talklight::show::pairing;
use talklight::show::sample::{self, Sample, StripType, Trial};
use talklight::show::{Owner, Rank, Scene, Stage};
use talklight::strip::Driven;
use talklight::strip::simulated::Simulated;

use super::frames::{bar, trial, two_white};
pub use super::kept::Kept;
use super::model::{Model, Show, Shows, Verdict, ns};
pub use super::script::{command, plan, span};

pub struct Sim {
    pub engine: Engine<'static>,
    pub board: Arc<Board>,
    pub strip: Simulated,
    pub kept: Kept,
    pub model: Model,
    pub now: Moment,
    /// The latest time at which the engine must wake.
    pub wake: Moment,
    pub steps: u64,
    /// Writes to the strip succeed.
    works: bool,
    /// The shows that the stage should hold.
    shows: Shows,
}

impl Sim {
    /// After its first step, with the timer ready.
    pub fn new(look: Look) -> Self {
        Self::resumed(look, Timer::new(plan("lightning"), 7), BOOT)
    }

    /// After its first step at `now`, with a saved `timer`.
    pub fn resumed(look: Look, timer: Timer, now: Moment) -> Self {
        let mut sim = Self::asleep(look, timer, now);
        sim.step(None);
        sim
    }

    /// As [`Self::resumed`], before the first step.
    pub fn asleep(look: Look, timer: Timer, now: Moment) -> Self {
        let board = board(look, timer);
        let (strip, kept) = (Simulated::new(LEDS), Kept::default());
        let plain = Drive::new(DriveSettings::PLAIN, look.leds, &[]).unwrap();
        // The engine borrows these three values. Leaking them keeps a lifetime off `Sim`.
        let engine = Engine::new(
            Box::leak(Box::new(Driven::new(strip.clone(), plain))),
            Box::leak(Box::new(kept.clone())),
            Box::leak(Box::new(Arc::clone(&board))),
            now,
        );
        Self {
            engine,
            board,
            strip,
            kept,
            model: Model::of(&timer),
            now,
            wake: now,
            steps: 0,
            works: true,
            shows: Shows::default(),
        }
    }

    pub fn play(&mut self, script: &str) -> &mut Self {
        for word in script.split_whitespace() {
            self.word(word);
        }
        self
    }

    fn word(&mut self, word: &str) {
        let context = format!("at `{word}`, {:?} after boot", self.now.since(BOOT));
        if let Some(phase) = Phase::ALL.iter().find(|phase| phase.as_str() == word) {
            let reading = self.board.latest().timer.at(self.now);
            assert_eq!(reading.phase, *phase, "{context}");
            assert_eq!(self.strip.lit(), self.picture(), "{context}");
            return;
        }
        let (verb, argument) = word.split_once(':').unwrap_or((word, ""));
        match verb {
            "late" => self.now = self.now + span(argument),
            "poke" => self.step(None),
            "try" | "try!" => {
                let offered = self.offer(Scene::Sample(TRIAL), "tester", sample::LEASE);
                assert_eq!(offered.result.is_ok(), word == "try", "{context}");
            }
            "give" => self.end(Rank::Test),
            "web" => self.step(Some(Event::Web("http://pi:8080".into()))),
            "pair" | "pair!" => {
                let is_open = self.open_pairing();
                assert_eq!(is_open, word == "pair", "{context}");
            }
            "white" => {
                assert_eq!(self.strip.lit(), padded(two_white(self.board.latest().look.leds)), "{context}");
                assert!(self.board.latest().pairing_open_until(self.now).is_some(), "{context}");
            }
            "shut" => assert_eq!(self.board.latest().pairing_open_until(self.now), None, "{context}"),
            "enter" | "enter!" => {
                let is_in = self.request(Action::Pair).result == Ok(Done::MayPair);
                assert_eq!(is_in, word == "enter", "{context}");
            }
            "trial" => assert_eq!(self.strip.lit(), padded(trial()), "{context}"),
            "fail" => self.let_strip_work(false),
            "work" => self.let_strip_work(true),
            "failing" => assert!(matches!(self.board.latest().strip, Health::Failing(_)), "{context}"),
            "sending" => assert_eq!(self.board.latest().strip, Health::Sending, "{context}"),
            "lit" => {
                let lit = self.strip.lit();
                let lit = lit.iter().filter(|&&led| led != Rgb::BLACK).count();
                assert_eq!(lit.to_string(), argument, "{context}");
            }
            _ => match word.strip_prefix('+') {
                Some(time) => self.pass(span(time)),
                None => {
                    let (command, verdict) = command(word);
                    let found = self.command(command);
                    assert_eq!(found, verdict, "{context}");
                }
            },
        }
    }

    /// Lets `span` pass. The engine wakes exactly when it asked to.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while self.wake <= until {
            self.now = self.wake;
            self.step(None);
        }
        self.now = until;
    }

    /// Sends a command from the keyboard, and compares the result with the model.
    pub fn command(&mut self, command: Command) -> Verdict {
        let before = self.board.latest().timer;
        let answer = self.ask(command, None, Origin::Keyboard);
        let verdict = verdict(&answer);
        assert_eq!(answer.at, self.now);
        let timer = answer.snapshot.timer;
        assert_eq!(timer, self.board.latest().timer);
        match verdict {
            Verdict::Done => assert_eq!(timer.generation, before.generation + 1),
            Verdict::Nothing | Verdict::Refused => assert_eq!(timer, before),
        }
        verdict
    }

    pub fn ask(&mut self, command: Command, generation: Option<u64>, origin: Origin) -> Answer {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let stale = generation.is_some_and(|meant| meant != self.board.latest().timer.generation);
        let expected = match stale {
            true => Verdict::Refused,
            false => self.model.apply(command, self.now),
        };
        let over = self.board.latest().timer.at(self.now).phase == Phase::Over;
        match command {
            Command::Start(_) | Command::StartLate(..) | Command::Undo if expected == Verdict::Done => {
                self.shows.on.clear();
            }
            Command::Reset if !stale && (over || expected == Verdict::Nothing) => {
                self.shows.reset(self.now);
            }
            _ => {}
        }
        let action = Action::Command(command);
        self.step(Some(Event::Request(Request { action, generation, deadline: None, origin, reply: Some(reply) })));
        let answer = answer.try_recv().expect("a command is answered in its own step");
        assert_eq!(verdict(&answer), expected, "{command:?}: {answer:?}");
        answer
    }

    /// Offers a show, and compares the result with the model.
    pub fn offer(&mut self, scene: Scene, by: &'static str, lease: Duration) -> Answer {
        let frame = match scene {
            Scene::Sample(_) => Some(trial()),
            Scene::Gauge(gauge) => Some(bar(gauge, self.board.latest().look.leds)),
            Scene::Pairing => Some(two_white(self.board.latest().look.leds)),
            Scene::Demo => None,
        };
        let (rank, until) = (scene.rank(), self.now.as_ns() + ns(lease));
        let show = Show { rank, by, frame, lease: ns(lease), until };
        let expected = self.shows.offer(&self.model, show, self.now);
        let answer = self.request(Action::Show { scene, owner: Owner::new(by), lease });
        assert_eq!(answer.result.is_ok(), expected, "{by}: {answer:?}");
        answer
    }

    /// Opens pairing by the button, and compares the result with the model.
    fn open_pairing(&mut self) -> bool {
        let (by, lease) = ("pairing by the button", pairing::OPEN);
        let frame = Some(two_white(self.board.latest().look.leds));
        let show = Show { rank: Rank::Test, by, frame, lease: ns(lease), until: self.now.as_ns() + ns(lease) };
        let expected = self.board.latest().web.is_some() && self.shows.offer(&self.model, show, self.now);
        let answer = self.request(Action::OpenPairing);
        assert_eq!(answer.result.is_ok(), expected, "{answer:?}");
        expected
    }

    /// Offers a show to the engine alone, without a look at its frame.
    pub fn request_show(&mut self, scene: Scene, by: &str, lease: Duration) -> Result<Done, Refused> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let action = Action::Show { scene, owner: Owner::new(by), lease };
        let request = Request { action, generation: None, deadline: None, origin: Origin::Socket, reply: Some(reply) };
        self.engine.step(Some(Event::Request(request)), self.now);
        answer.try_recv().expect("it is answered in its step").result
    }

    /// Ends the show of a rank.
    pub fn end(&mut self, rank: Rank) {
        self.shows.on.retain(|show| show.rank != rank);
        assert_eq!(self.request(Action::End(rank)).result, Ok(Done::Ended));
    }

    fn request(&mut self, action: Action) -> Answer {
        if action == Action::Pair {
            self.shows.on.retain(|show| show.by != "pairing by the button");
        }
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let reply = Some(reply);
        self.step(Some(Event::Request(Request {
            action,
            generation: None,
            deadline: None,
            origin: Origin::Socket,
            reply,
        })));
        answer.try_recv().expect("a request is answered in its own step")
    }

    /// Runs one step of the engine, and checks every invariant.
    pub fn step(&mut self, event: Option<Event>) {
        let (now, before) = (self.now, self.board.latest());
        self.wake = self.engine.step(event, now);
        self.steps += 1;

        let after = self.board.latest();
        let posted = after.number - before.number;
        assert!(posted <= 1, "one step posted {posted} times");
        assert_eq!(posted == 0, Arc::ptr_eq(&before, &after));
        assert!(after.log.len() <= LOG_LENGTH);
        for (entry, next) in after.log.iter().zip(after.log.iter().skip(1)) {
            assert_eq!(entry.number + 1, next.number);
            assert!(entry.at <= next.at);
        }

        let reading = after.timer.at(now);
        assert_eq!(reading.phase, self.model.phase(now));
        assert_eq!(ns(reading.left), self.model.left(now));
        assert_eq!(ns(reading.overrun), self.model.overrun(now));
        assert_eq!(reading.undo.map(ns), self.model.undo(now));
        assert_eq!(reading.idle.map(ns), self.model.idle(now));

        assert!(now < self.wake && self.wake <= now + BEAT);
        let last = Moment::from_ns(self.wake.as_ns() - 1);
        assert_eq!(self.picture(), self.picture_at(last), "the engine wakes too late");
        if self.works && after.strip == Health::Sending {
            assert_eq!(self.strip.lit(), self.picture());
        }
    }

    /// The frame that the strip should show now.
    pub fn picture(&self) -> Vec<Rgb> {
        self.picture_at(self.now)
    }

    fn picture_at(&self, then: Moment) -> Vec<Rgb> {
        let look = &self.board.latest().look;
        let shown = self.shows.frame(&self.model, look, then);
        padded(shown.unwrap_or_else(|| self.model.frame(look, then)))
    }

    pub fn let_strip_work(&mut self, works: bool) {
        self.works = works;
        self.strip.fail((!works).then_some("unplugged"));
    }

    /// The log from entry `seen` on.
    pub fn news(&self, seen: u64) -> Vec<Happening> {
        let latest = self.board.latest();
        latest.news(seen).map(|entry| entry.what.clone()).collect()
    }

    pub fn phases_noted(&self) -> Vec<Phase> {
        let phase = |what| match what {
            Happening::Phase(phase) => Some(phase),
            _ => None,
        };
        self.news(0).into_iter().filter_map(phase).collect()
    }
}

/// For a strip longer than that of [`look`].
pub const TRIAL: Trial =
    Trial { strip: StripType { chip: Chip::Sk6812Rgbw, order: Order::Bgr, leds: 25 }, sample: Sample::Tens };

/// A frame with dark LEDs up to the length of the simulated strip.
fn padded(mut frame: Vec<Rgb>) -> Vec<Rgb> {
    frame.resize(LEDS, Rgb::BLACK);
    frame
}

/// The length of the simulated strip; longer than any frame.
pub const LEDS: usize = 64;

/// The time of the first step.
pub const BOOT: Moment = Moment::from_ns(1_000_000_000_000);

/// Runs `script` on a strip of eight LEDs.
pub fn play(script: &str) -> Sim {
    let mut sim = Sim::new(look());
    sim.play(script);
    sim
}

pub fn look() -> Look {
    Look {
        leds: 8,
        palette: Palette::CLASSIC,
        pattern: Pattern::Solid,
        ready: ReadyLook::Dot,
        flash_half: Duration::from_millis(500),
    }
}

pub fn board(look: Look, timer: Timer) -> Arc<Board> {
    Board::new(Snapshot {
        timer,
        look,
        plans: [plan("lightning"), plan("short")].into(),
        words: Default::default(),
        stage: Stage::default(),
        web: None,
        strip_kind: "simulated".into(),
        name: "".into(),
        strip: Health::Starting,
        phones: Phones::default(),
        faults: Vec::new(),
        log: VecDeque::new(),
        number: 1,
    })
}

pub fn verdict(answer: &Answer) -> Verdict {
    match answer.result {
        // A reset that only ends a show does not change the timer.
        Ok(Done::Command(Outcome::AlreadyReady | Outcome::AlreadyChosen(_)) | Done::ShowReset) => Verdict::Nothing,
        Ok(_) => Verdict::Done,
        Err(_) => Verdict::Refused,
    }
}
