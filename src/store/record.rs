//! Records: the timer as it is kept for a restart, and the board as a screen in another process gets it.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use crate::core::plan::{Plan, PlanError};
use crate::core::timer::{State, Talk, Timer, Undo};
use crate::engine::board::{Entry, Guest, Happening, Health, Snapshot, Tone};
use crate::engine::event::Origin;
use crate::engine::status::{InputFault, health_words};

/// A snapshot as a screen in another process gets it. Both ends are of one version, or the attempt fails.
#[derive(Serialize, Deserialize)]
pub struct SnapshotRecord {
    number: u64,
    timer: TimerRecord,
    look: LookRecord,
    guest: Option<(String, u64)>,
    plans: Vec<PlanRecord>,
    strip_kind: String,
    strip: (String, Option<String>),
    web: Option<String>,
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
            guest: snapshot.guest.map(|guest| (guest.trial.to_string(), guest.until.as_ns())),
            plans: snapshot.plans.iter().map(PlanRecord::from).collect(),
            strip_kind: snapshot.strip_kind.into(),
            strip: (health.into(), error.map(Into::into)),
            web: snapshot.web.as_deref().map(Into::into),
            faults: snapshot.failed_inputs.iter().map(InputFault::from).collect(),
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
        let plans: Vec<Plan> = record.plans.iter().map(Plan::try_from).collect::<Result<_, _>>()?;
        let fault = |fault: InputFault| Ok((origin(&fault.input)?, fault.error.into()));
        Ok(Self {
            number: record.number,
            timer: (&record.timer).try_into()?,
            look: (&record.look).try_into()?,
            guest: record.guest.map(guest).transpose()?,
            plans: plans.into(),
            strip_kind: if record.strip_kind == "spi" { "spi" } else { "simulated" },
            strip: match record.strip {
                (_, Some(error)) => Health::Failing(error.into()),
                (health, None) if health == "starting" => Health::Starting,
                _ => Health::Sending,
            },
            web: record.web.map(Into::into),
            failed_inputs: record.faults.into_iter().map(fault).collect::<Result<_, Invalid>>()?,
            log: record.log.into_iter().map(Entry::try_from).collect::<Result<VecDeque<_>, _>>()?,
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
            (None, Some(talk), Some(until)) => {
                State::Ready { undo: Some(Undo { talk: talk.try_into()?, until: Moment::from_ns(until) }) }
            }
            (None, None, None) => State::Ready { undo: None },
            _ => return Err(Invalid),
        };
        Ok(Self { chosen: (&record.chosen).try_into()?, state, generation: record.generation })
    }
}

impl From<&Talk> for TalkRecord {
    fn from(talk: &Talk) -> Self {
        Self { plan: (&talk.plan).into(), started_ns: talk.started.as_ns() }
    }
}

impl TryFrom<&TalkRecord> for Talk {
    type Error = Invalid;

    fn try_from(record: &TalkRecord) -> Result<Self, Invalid> {
        Ok(Self { plan: (&record.plan).try_into()?, started: Moment::from_ns(record.started_ns) })
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
        let PlanRecord { name, length_ns, yellow_ns, red_ns, flash_ns } = record;
        let [length, yellow, red, flash] = [*length_ns, *yellow_ns, *red_ns, *flash_ns].map(Duration::from_nanos);
        Ok(Plan::new(name, length, yellow, red, flash)?)
    }
}

impl From<&Look> for LookRecord {
    fn from(look: &Look) -> Self {
        let Palette { green, yellow, red, ready } = look.palette;
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
            palette: Palette { green, yellow, red, ready },
            pattern: if record.bar { Pattern::Bar } else { Pattern::Solid },
            ready: if record.dot { ReadyLook::Dot } else { ReadyLook::Off },
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
        let (_, tone) = TONES.into_iter().find(|(each, _)| *each == tone).expect("all tones are listed");
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
        let (tone, _) = TONES.into_iter().find(|(_, name)| *name == record.tone).ok_or(Invalid)?;
        Ok(Self {
            number: record.number,
            at: Moment::from_ns(record.at_ns),
            origin: origin(&record.origin)?,
            what: Happening::Told(tone, record.text.into()),
        })
    }
}

fn guest((trial, until_ns): (String, u64)) -> Result<Guest, Invalid> {
    Ok(Guest { trial: trial.parse().map_err(|_| Invalid)?, until: Moment::from_ns(until_ns) })
}

fn origin(name: &str) -> Result<Origin, Invalid> {
    Origin::ALL.into_iter().find(|origin| origin.as_str() == name).ok_or(Invalid)
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// What such a line says.
///
/// # Errors
/// If it is of another type, or of another version of it.
pub fn decode<T: DeserializeOwned>(line: &str) -> Result<T, Invalid> {
    serde_json::from_str(line).map_err(|_| Invalid)
}

/// A record that says something no daemon would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it makes no sense; is it of another version?")
    }
}

impl std::error::Error for Invalid {}

impl From<PlanError> for Invalid {
    fn from(_: PlanError) -> Self {
        Self
    }
}
