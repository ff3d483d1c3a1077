//! What goes over the control socket and into files: types of their own, in text and JSON.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::board::{Entry, Happening, Health, Snapshot, Tone};
use crate::clock::Moment;
use crate::event::Origin;
use crate::frame::{Look, Palette, Pattern, ReadyLook, Rgb};
use crate::plan::{Clock, Plan, PlanError};
use crate::timer::{self, State, Talk, Timer, Undo};

/// The longest request in bytes, its newline included.
pub const REQUEST_MAX: usize = 256;

/// What a client asks for, in one line of words: `start lightning`, or `if 17 as console reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub what: What,
    /// Refuse if the timer is of another generation.
    pub generation: Option<u64>,
    /// [`Origin::Socket`] or [`Origin::Console`].
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Start(Option<String>),
    Reset,
    Undo,
    Choose(String),
    Status,
    /// The status now and after each change, a line each.
    Watch,
    /// Snapshots, for a screen in another process.
    Attach,
}

impl Ask {
    /// The line that says it, newline included.
    pub fn line(&self) -> String {
        let generation = self
            .generation
            .map_or(String::new(), |n| format!("if {n} "));
        let origin = if self.origin == Origin::Console {
            "as console "
        } else {
            ""
        };
        let what = match &self.what {
            What::Start(None) => "start".into(),
            What::Start(Some(plan)) => format!("start {plan}"),
            What::Reset => "reset".into(),
            What::Undo => "undo".into(),
            What::Choose(plan) => format!("choose {plan}"),
            What::Status => "status".into(),
            What::Watch => "watch".into(),
            What::Attach => "attach".into(),
        };
        format!("{generation}{origin}{what}\n")
    }
}

impl FromStr for Ask {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace().peekable();
        let mut generation = None;
        if words.next_if_eq(&"if").is_some() {
            let number = words.next().and_then(|word| word.parse().ok());
            generation = Some(
                number
                    .ok_or("`if` takes the generation that `status` shows, as in `if 17 reset`")?,
            );
        }
        let mut origin = Origin::Socket;
        if words.next_if_eq(&"as").is_some() {
            words.next_if_eq(&"console").ok_or("`as` takes `console`")?;
            origin = Origin::Console;
        }
        let mut plan = None;
        let what = match words.next() {
            Some("start") => {
                plan = words.next();
                What::Start(plan.map(Into::into))
            }
            Some("choose") => {
                plan = words.next();
                What::Choose(plan.ok_or("`choose` takes the name of a plan")?.into())
            }
            Some("reset") => What::Reset,
            Some("undo") => What::Undo,
            Some("status") => What::Status,
            Some("watch") => What::Watch,
            Some("attach") => What::Attach,
            _ => return Err("say start, reset, undo, choose, status, watch or attach".into()),
        };
        match words.next() {
            None => Ok(Self {
                what,
                generation,
                origin,
            }),
            Some(_) if plan.is_some() => Err("a plan's name is one word".into()),
            Some(_) => Err("there is a word too many".into()),
        }
    }
}

/// The daemon's answer to a command or to `status`, in one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub ok: bool,
    /// What was done, or why not and what to do instead.
    pub message: String,
    pub status: Option<Status>,
}

/// Anything that goes over the socket, in one line of JSON, newline included.
pub fn encode(what: &impl Serialize) -> String {
    let mut line = serde_json::to_string(what)
        .expect("the types of this module have no unnamed maps or odd keys");
    line.push('\n');
    line
}

/// What such a line says.
///
/// # Errors
/// If it is of another type, or of another version of it.
pub fn decode<T: DeserializeOwned>(line: &str) -> Result<T, Invalid> {
    serde_json::from_str(line).map_err(|_| Invalid)
}

/// The state of the timer for programs. The shape is stable: names stay, new ones may come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `ready`, `green`, `yellow`, `red`, `flash` or `over`.
    pub phase: String,
    /// The plan of the talk, or of the next one.
    pub plan: PlanStatus,
    /// Time left of the talk: its length when ready, 0 from the end on.
    pub left_ms: u64,
    /// Time since the end of the talk.
    pub overrun_ms: u64,
    /// How long a reset can still be undone; null if there is none to undo.
    pub undo_ms: Option<u64>,
    /// Changes with every change of state. A request that begins with `if GENERATION` is refused once it is another.
    pub generation: u64,
    /// The plan of the next start without a name.
    pub chosen: String,
    /// The names of all plans.
    pub plans: Vec<String>,
    pub strip: StripStatus,
    /// Inputs that have failed.
    pub faults: Vec<InputFault>,
    /// The moment of this status, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStatus {
    pub name: String,
    pub length_ms: u64,
    pub yellow_ms: u64,
    pub red_ms: u64,
    pub flash_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripStatus {
    /// `simulated` or `spi`.
    pub kind: String,
    pub leds: usize,
    /// `starting`, `sending` or `failing`; whether an LED is lit cannot be seen from here.
    pub health: String,
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputFault {
    pub input: String,
    pub error: String,
}

impl Status {
    pub fn new(snapshot: &Snapshot, now: Moment) -> Self {
        let reading = snapshot.timer.at(now);
        let plan = reading.plan;
        let (health, error) = health_words(&snapshot.strip);
        Self {
            phase: reading.phase.as_str().into(),
            plan: PlanStatus {
                name: plan.name().into(),
                length_ms: ms(plan.length()),
                yellow_ms: ms(plan.yellow()),
                red_ms: ms(plan.red()),
                flash_ms: ms(plan.flash()),
            },
            left_ms: ms(reading.left),
            overrun_ms: u64::try_from(reading.overrun.as_millis()).unwrap_or(u64::MAX),
            undo_ms: reading.undo.map(ms),
            generation: snapshot.timer.generation,
            chosen: snapshot.timer.chosen.name().into(),
            plans: snapshot
                .plans
                .iter()
                .map(|plan| plan.name().into())
                .collect(),
            strip: StripStatus {
                kind: snapshot.strip_kind.into(),
                leds: snapshot.look.leds,
                health: health.into(),
                error: error.map(Into::into),
            },
            faults: snapshot
                .failed_inputs
                .iter()
                .map(InputFault::from)
                .collect(),
            at_ns: now.as_ns(),
        }
    }

    /// Whether nothing has happened between the two but time.
    pub fn is_same_but_for_time(&self, other: &Status) -> bool {
        let timeless = |status: &Status| Status {
            left_ms: 0,
            overrun_ms: 0,
            undo_ms: None,
            at_ns: 0,
            ..status.clone()
        };
        timeless(self) == timeless(other)
    }

    /// What holds until something happens, in one line: no times.
    pub fn standing(&self) -> String {
        let Self {
            phase, plan, strip, ..
        } = self;
        format!(
            "{phase}, {}, {}; {} strip {}",
            plan.name,
            clock(plan.length_ms),
            strip.kind,
            self.trouble()
        )
    }

    fn trouble(&self) -> String {
        let mut trouble = match &self.strip.error {
            None => self.strip.health.clone(),
            Some(error) => format!("failing: {error}"),
        };
        for fault in &self.faults {
            trouble += &format!("; {} failed: {}", fault.input, fault.error);
        }
        trouble
    }

    /// The status in one line for people.
    pub fn line(&self) -> String {
        let plan = &self.plan.name;
        let mut line = match self.phase.as_str() {
            "ready" => format!(
                "ready: the next talk is {plan}, {}",
                clock(self.plan.length_ms)
            ),
            "over" => {
                let overrun = Clock(timer::whole_seconds(Duration::from_millis(self.overrun_ms)));
                format!("over: {plan} ended {overrun} ago")
            }
            phase => format!(
                "{phase}: {} left of {plan}, {}",
                clock(self.left_ms),
                clock(self.plan.length_ms)
            ),
        };
        if let Some(undo) = self.undo_ms {
            line += &format!("; the reset can be undone for {} s", undo.div_ceil(1000));
        }
        line += &format!("; {} strip {}", self.strip.kind, self.trouble());
        line
    }
}

impl From<&(Origin, Arc<str>)> for InputFault {
    fn from((origin, error): &(Origin, Arc<str>)) -> Self {
        Self {
            input: origin.as_str().into(),
            error: error.to_string(),
        }
    }
}

/// A snapshot as a screen in another process gets it. Both ends are of one version, or the attempt fails.
#[derive(Serialize, Deserialize)]
pub struct SnapshotRecord {
    number: u64,
    timer: TimerRecord,
    look: LookRecord,
    plans: Vec<PlanRecord>,
    strip_kind: String,
    strip: (String, Option<String>),
    faults: Vec<InputFault>,
    log: Vec<EntryRecord>,
}

/// A timer as it is kept for a restart, and sent to a screen.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimerRecord {
    generation: u64,
    chosen: PlanRecord,
    talk: Option<TalkRecord>,
    undo: Option<TalkRecord>,
    undo_until_ns: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TalkRecord {
    plan: PlanRecord,
    started_ns: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlanRecord {
    name: String,
    length_ns: u64,
    yellow_ns: u64,
    red_ns: u64,
    flash_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct LookRecord {
    leds: usize,
    colours: [[u8; 3]; 4],
    bar: bool,
    dot: bool,
    flash_half_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct EntryRecord {
    number: u64,
    at_ns: u64,
    origin: String,
    tone: String,
    text: String,
}

impl From<&Snapshot> for SnapshotRecord {
    fn from(snapshot: &Snapshot) -> Self {
        let (health, error) = health_words(&snapshot.strip);
        Self {
            number: snapshot.number,
            timer: (&snapshot.timer).into(),
            look: (&snapshot.look).into(),
            plans: snapshot.plans.iter().map(PlanRecord::from).collect(),
            strip_kind: snapshot.strip_kind.into(),
            strip: (health.into(), error.map(Into::into)),
            faults: snapshot
                .failed_inputs
                .iter()
                .map(InputFault::from)
                .collect(),
            log: snapshot.log.iter().map(EntryRecord::from).collect(),
        }
    }
}

impl TryFrom<SnapshotRecord> for Snapshot {
    type Error = Invalid;

    fn try_from(record: SnapshotRecord) -> Result<Self, Invalid> {
        if record.plans.is_empty() {
            return Err(Invalid);
        }
        let plans: Vec<Plan> = record
            .plans
            .iter()
            .map(Plan::try_from)
            .collect::<Result<_, _>>()?;
        let fault = |fault: InputFault| Ok((origin(&fault.input)?, fault.error.into()));
        Ok(Self {
            number: record.number,
            timer: (&record.timer).try_into()?,
            look: (&record.look).try_into()?,
            plans: plans.into(),
            strip_kind: if record.strip_kind == "spi" {
                "spi"
            } else {
                "simulated"
            },
            strip: match record.strip {
                (_, Some(error)) => Health::Failing(error.into()),
                (health, None) if health == "starting" => Health::Starting,
                _ => Health::Sending,
            },
            failed_inputs: record
                .faults
                .into_iter()
                .map(fault)
                .collect::<Result<_, Invalid>>()?,
            log: record
                .log
                .into_iter()
                .map(Entry::try_from)
                .collect::<Result<VecDeque<_>, _>>()?,
        })
    }
}

impl From<&Timer> for TimerRecord {
    fn from(timer: &Timer) -> Self {
        let (talk, undo) = match timer.state {
            State::Talk(talk) => (Some(talk), None),
            State::Ready { undo } => (None, undo),
        };
        Self {
            generation: timer.generation,
            chosen: (&timer.chosen).into(),
            talk: talk.as_ref().map(TalkRecord::from),
            undo: undo.map(|undo| (&undo.talk).into()),
            undo_until_ns: undo.map(|undo| undo.until.as_ns()),
        }
    }
}

impl TryFrom<&TimerRecord> for Timer {
    type Error = Invalid;

    fn try_from(record: &TimerRecord) -> Result<Self, Invalid> {
        let state = match (&record.talk, &record.undo, record.undo_until_ns) {
            (Some(talk), None, None) => State::Talk(talk.try_into()?),
            (None, Some(talk), Some(until)) => State::Ready {
                undo: Some(Undo {
                    talk: talk.try_into()?,
                    until: Moment::from_ns(until),
                }),
            },
            (None, None, None) => State::Ready { undo: None },
            _ => return Err(Invalid),
        };
        Ok(Self {
            chosen: (&record.chosen).try_into()?,
            state,
            generation: record.generation,
        })
    }
}

impl From<&Talk> for TalkRecord {
    fn from(talk: &Talk) -> Self {
        Self {
            plan: (&talk.plan).into(),
            started_ns: talk.started.as_ns(),
        }
    }
}

impl TryFrom<&TalkRecord> for Talk {
    type Error = Invalid;

    fn try_from(record: &TalkRecord) -> Result<Self, Invalid> {
        Ok(Self {
            plan: (&record.plan).try_into()?,
            started: Moment::from_ns(record.started_ns),
        })
    }
}

impl From<&Plan> for PlanRecord {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.name().into(),
            length_ns: ns(plan.length()),
            yellow_ns: ns(plan.yellow()),
            red_ns: ns(plan.red()),
            flash_ns: ns(plan.flash()),
        }
    }
}

impl TryFrom<&PlanRecord> for Plan {
    type Error = Invalid;

    fn try_from(record: &PlanRecord) -> Result<Self, Invalid> {
        let PlanRecord {
            name,
            length_ns,
            yellow_ns,
            red_ns,
            flash_ns,
        } = record;
        let [length, yellow, red, flash] =
            [*length_ns, *yellow_ns, *red_ns, *flash_ns].map(Duration::from_nanos);
        Ok(Plan::new(name, length, yellow, red, flash)?)
    }
}

impl From<&Look> for LookRecord {
    fn from(look: &Look) -> Self {
        let Palette {
            green,
            yellow,
            red,
            ready,
        } = look.palette;
        Self {
            leds: look.leds,
            colours: [green, yellow, red, ready].map(|Rgb { r, g, b }| [r, g, b]),
            bar: look.pattern == Pattern::Bar,
            dot: look.ready == ReadyLook::Dot,
            flash_half_ns: ns(look.flash_half),
        }
    }
}

impl TryFrom<&LookRecord> for Look {
    type Error = Invalid;

    fn try_from(record: &LookRecord) -> Result<Self, Invalid> {
        // A screen of another process makes room for as many LEDs as it is told of.
        if record.leds == 0 || record.leds > Look::LEDS_MAX || record.flash_half_ns == 0 {
            return Err(Invalid);
        }
        let [green, yellow, red, ready] = record.colours.map(|[r, g, b]| Rgb::new(r, g, b));
        Ok(Self {
            leds: record.leds,
            palette: Palette {
                green,
                yellow,
                red,
                ready,
            },
            pattern: if record.bar {
                Pattern::Bar
            } else {
                Pattern::Solid
            },
            ready: if record.dot {
                ReadyLook::Dot
            } else {
                ReadyLook::Off
            },
            flash_half: Duration::from_nanos(record.flash_half_ns),
        })
    }
}

const TONES: [(Tone, &str); 5] = [
    (Tone::Quiet, "quiet"),
    (Tone::Done, "done"),
    (Tone::Refused, "refused"),
    (Tone::Warning, "warning"),
    (Tone::Fault, "fault"),
];

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        let tone = entry.tone();
        let (_, tone) = TONES
            .into_iter()
            .find(|(each, _)| *each == tone)
            .expect("all tones are listed");
        Self {
            number: entry.number,
            at_ns: entry.at.as_ns(),
            origin: entry.origin.as_str().into(),
            tone: tone.into(),
            text: entry.to_string(),
        }
    }
}

impl TryFrom<EntryRecord> for Entry {
    type Error = Invalid;

    fn try_from(record: EntryRecord) -> Result<Self, Invalid> {
        let (tone, _) = TONES
            .into_iter()
            .find(|(_, name)| *name == record.tone)
            .ok_or(Invalid)?;
        Ok(Self {
            number: record.number,
            at: Moment::from_ns(record.at_ns),
            origin: origin(&record.origin)?,
            what: Happening::Told(tone, record.text.into()),
        })
    }
}

/// A record that says something no daemon would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it makes no sense; is it of another version?")
    }
}

impl std::error::Error for Invalid {}

impl From<PlanError> for Invalid {
    fn from(_: PlanError) -> Self {
        Self
    }
}

fn origin(name: &str) -> Result<Origin, Invalid> {
    Origin::ALL
        .into_iter()
        .find(|origin| origin.as_str() == name)
        .ok_or(Invalid)
}

fn health_words(health: &Health) -> (&'static str, Option<&str>) {
    match health {
        Health::Starting => ("starting", None),
        Health::Sending => ("sending", None),
        Health::Failing(why) => ("failing", Some(why)),
    }
}

fn clock(ms: u64) -> Clock {
    Clock(timer::seconds_left(Duration::from_millis(ms)))
}

/// Whole milliseconds, begun ones counted, so that nothing left reads as zero before it is.
fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
