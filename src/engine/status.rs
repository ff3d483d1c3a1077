//! The status, for programs and for people.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::look::{Pattern, ReadyLook, Rgb};
use crate::core::plan::{Clock, Plan};
use crate::core::timer::{self, Phase};
use crate::core::words::Words;
use crate::engine::board::{Fault, Health, LastPaired, Snapshot};
use crate::engine::event::PairedBy;

/// How long the line of the status tells that a device was paired.
const PAIRING_TOLD: Duration = Duration::from_secs(60 * 60);

/// How far two statuses may be apart about the same moment, since they tell whole milliseconds.
const ROUNDING_MS: u64 = 2;

/// The state of the daemon for programs. The shape is stable: fields stay, and new ones may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `ready`, `green`, `yellow`, `red`, `flash` or `over`.
    pub phase: Phase,
    /// The version of the daemon.
    pub version: String,
    /// The plan of the talk, or of the next one.
    pub plan: PlanStatus,
    /// Time left of the talk: its length when ready, 0 from the end on.
    pub left_ms: u64,
    /// Time since the end of the talk.
    pub overrun_ms: u64,
    /// Between talks: time since the last talk ended or was reset; null before the first talk and during a talk.
    pub since_end_ms: Option<u64>,
    /// How much was taken off the running talk because it was started too late.
    pub late_ms: u64,
    /// How long a reset can still be undone, or during a talk the last `late`; null if there is nothing to undo.
    pub undo_ms: Option<u64>,
    /// Changes with every change of state. A request that begins with `if GENERATION` is refused once it is another.
    pub generation: u64,
    /// The plan of the next start without a name.
    pub chosen: String,
    /// The names of all plans.
    pub plans: Vec<String>,
    /// The plans with their lengths.
    pub choices: Vec<Choice>,
    /// The demonstration of the colours, if the strip shows it.
    pub demo: Option<DemoStatus>,
    pub strip: StripStatus,
    pub look: LookStatus,
    /// How long codes of invitations are still refused, after too many wrong ones; null if they are not. QR codes always work.
    pub codes_closed_ms: Option<u64>,
    /// How long a phone can still be paired by the button; null if it cannot.
    pub pairing_open_ms: Option<u64>,
    /// The device that was paired last, since the start.
    pub last_paired: Option<PairedStatus>,
    /// Open pages that have their sound on.
    pub pages_with_sound: usize,
    /// What has failed, except the strip.
    pub faults: Vec<Fault>,
    /// What people call this timer: `[web] name`, else the host's name.
    #[serde(default)]
    pub name: String,
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
    /// What people read for each phase.
    pub words: Words,
}

impl PlanStatus {
    fn new(plan: &Plan, words: Words) -> Self {
        Self {
            name: plan.name().into(),
            length_ms: ms(plan.length()),
            yellow_ms: ms(plan.yellow()),
            red_ms: ms(plan.red()),
            flash_ms: ms(plan.flash()),
            words,
        }
    }
}

/// A plan to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub name: String,
    pub length_ms: u64,
}

/// The demonstration: a short talk that the strip shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoStatus {
    pub plan: PlanStatus,
    /// Time left of the short talk. At 0 the strip is dark, as after a talk, until the demonstration has ended.
    pub left_ms: u64,
}

/// A device that was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedStatus {
    /// What it is, such as `Firefox on Android`.
    pub name: String,
    /// `ticket`, `code` or `button`.
    pub by: PairedBy,
    /// When, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
}

/// How the phases look, for programs that show them elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookStatus {
    /// Colours in sRGB, such as `#00ff99`.
    pub green: String,
    pub yellow: String,
    pub red: String,
    /// Half a period of the flash at its fastest; it is stretched so that an even number of halves makes up the phase. Counted
    /// back from the end, the first half is lit, the second dark.
    pub flash_half_ns: u64,
    /// `solid`, or `bar`: the lit part shortens with the time left.
    #[serde(default)]
    pub pattern: String,
    /// What the strip shows before a talk: `dot` or `off`.
    #[serde(default)]
    pub ready: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripStatus {
    /// `simulated` or `spi`.
    pub kind: String,
    pub leds: usize,
    /// `starting`, `sending` or `failing`. Whether an LED is lit cannot be known.
    pub health: String,
    pub error: Option<String>,
    /// The picture of `talklight test-strip`: chip, order, LEDs and sample, as in `ws2812 grb 60 red`.
    pub trial: Option<String>,
}

impl Status {
    pub fn new(snapshot: &Snapshot, now: Moment) -> Self {
        let reading = snapshot.timer.at(now);
        let plan = reading.plan;
        let (health, error) = health_words(&snapshot.strip);
        Self {
            name: snapshot.name.to_string(),
            phase: reading.phase,
            version: env!("CARGO_PKG_VERSION").into(),
            plan: PlanStatus::new(&plan, snapshot.words(&plan)),
            left_ms: ms(reading.left),
            overrun_ms: u64::try_from(reading.overrun.as_millis()).unwrap_or(u64::MAX),
            since_end_ms: reading.idle.map(|idle| u64::try_from(idle.as_millis()).unwrap_or(u64::MAX)),
            late_ms: snapshot.timer.talk.filter(|_| reading.phase.is_running()).map_or(0, |talk| ms(talk.late)),
            undo_ms: reading.undo.map(ms),
            generation: snapshot.timer.generation,
            chosen: snapshot.timer.chosen.name().into(),
            plans: snapshot.plans.iter().map(|plan| plan.name().into()).collect(),
            choices: snapshot
                .plans
                .iter()
                .map(|plan| Choice { name: plan.name().into(), length_ms: ms(plan.length()) })
                .collect(),
            demo: snapshot.demo(now).map(|demo| {
                let reading = demo.at(now);
                DemoStatus { plan: PlanStatus::new(&reading.plan, Words::default()), left_ms: ms(reading.left) }
            }),
            strip: StripStatus {
                kind: snapshot.strip_kind.to_string(),
                leds: snapshot.look.leds,
                health: health.into(),
                error: error.map(Into::into),
                trial: snapshot.trial(now).map(|trial| trial.to_string()),
            },
            look: LookStatus {
                green: hex(snapshot.look.palette.green),
                yellow: hex(snapshot.look.palette.yellow),
                red: hex(snapshot.look.palette.red),
                flash_half_ns: u64::try_from(snapshot.look.flash_half.as_nanos()).unwrap_or(u64::MAX),
                pattern: match snapshot.look.pattern {
                    Pattern::Solid => "solid".into(),
                    Pattern::Bar => "bar".into(),
                },
                ready: match snapshot.look.ready {
                    ReadyLook::Dot => "dot".into(),
                    ReadyLook::Off => "off".into(),
                },
            },
            codes_closed_ms: snapshot.codes_closed_until(now).map(|until| ms(until.since(now))),
            pairing_open_ms: snapshot.pairing_open_until(now).map(|until| ms(until.since(now))),
            last_paired: snapshot.phones.last_paired.as_ref().map(|LastPaired { at, name, by }| PairedStatus {
                name: name.to_string(),
                by: *by,
                at_ns: at.as_ns(),
            }),
            pages_with_sound: snapshot.phones.pages_with_sound,
            faults: snapshot.faults.clone(),
            at_ns: now.as_ns(),
        }
    }

    /// Whether only time has passed between the two.
    pub fn is_same_but_for_time(&self, other: &Status) -> bool {
        let timeless = |status: &Status| Status {
            left_ms: 0,
            overrun_ms: 0,
            since_end_ms: status.since_end_ms.map(|_| 0),
            undo_ms: None,
            demo: status.demo.clone().map(|demo| DemoStatus { left_ms: 0, ..demo }),
            codes_closed_ms: None,
            pairing_open_ms: None,
            at_ns: 0,
            ..status.clone()
        };
        // The end of what is open or closed may move while nothing else changes.
        let has_same_end = |left: fn(&Status) -> Option<u64>| {
            let end = |status: &Status| left(status).map(|left| status.at_ns / 1_000_000 + left);
            match (end(self), end(other)) {
                (Some(one), Some(other)) => one.abs_diff(other) <= ROUNDING_MS,
                (one, other) => one == other,
            }
        };
        timeless(self) == timeless(other)
            && has_same_end(|status| status.codes_closed_ms)
            && has_same_end(|status| status.pairing_open_ms)
    }

    /// One line without times, which stays true until something happens.
    pub fn standing(&self) -> String {
        let Self { phase, plan, strip, .. } = self;
        format!("{phase}, {}, {}; {} strip {}", plan.name, clock(plan.length_ms), strip.kind, self.trouble())
    }

    fn trouble(&self) -> String {
        let mut trouble = match (&self.strip.error, &self.strip.trial) {
            (Some(error), _) => format!("failing: {error}"),
            (None, Some(_)) => "being tested".into(),
            (None, None) => self.strip.health.clone(),
        };
        for fault in &self.faults {
            trouble += &format!("; {} failed: {}", fault.input, fault.error);
        }
        trouble
    }

    /// The status in one line for people.
    pub fn line(&self) -> String {
        let plan = &self.plan.name;
        let mut line = match self.phase {
            Phase::Ready => format!("ready: the next talk is {plan}, {}", clock(self.plan.length_ms)),
            Phase::Over => {
                let overrun = Clock(timer::whole_seconds(Duration::from_millis(self.overrun_ms)));
                format!("over: {plan} ended {overrun} ago")
            }
            phase => format!("{phase}: {} left of {plan}, {}", clock(self.left_ms), clock(self.plan.length_ms)),
        };
        if self.plans.len() > 1 && self.phase == Phase::Ready {
            line += &format!(" (of {})", self.plans.join(", "));
        }
        if self.late_ms > 0 {
            line += &format!("; {} was taken off, because it was started late", clock(self.late_ms));
        }
        if let Some(undo) = self.undo_ms {
            let what = if self.phase.is_running() { "this" } else { "the reset" };
            line += &format!("; {what} can be undone for {} s", undo.div_ceil(1000));
        }
        if let Some(open) = self.pairing_open_ms {
            line += &format!("; a phone can be paired by the button for {} s", open.div_ceil(1000));
        }
        if let Some(closed) = self.codes_closed_ms {
            line += &format!("; codes are refused for {} s, since ten were wrong", closed.div_ceil(1000));
        }
        if let Some(PairedStatus { name, by, at_ns }) = &self.last_paired {
            let ago = Moment::from_ns(self.at_ns).since(Moment::from_ns(*at_ns));
            if ago < PAIRING_TOLD {
                line += &format!("; {name} was paired {by} {} ago", Clock(timer::whole_seconds(ago)));
            }
        }
        line += &format!("; {} strip {}", self.strip.kind, self.trouble());
        line
    }
}

fn hex(Rgb { r, g, b }: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn clock(ms: u64) -> Clock {
    Clock(timer::seconds_left(Duration::from_millis(ms)))
}

/// Whole milliseconds, rounded up, so that a time left is zero only at the end.
fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The health in a word, and the error of a strip that fails.
fn health_words(health: &Health) -> (&'static str, Option<&str>) {
    match health {
        Health::Starting => ("starting", None),
        Health::Sending => ("sending", None),
        Health::Failing(why) => ("failing", Some(why)),
    }
}
