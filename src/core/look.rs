//! The look: what a person should see on the strip at any moment.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::core::clock::Moment;
use crate::core::plan::Plan;
use crate::core::timer::{Phase, Reading, Timer};

/// A colour in sRGB, as on a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rgb {
    pub r: u8,
    pub g: u8,
    pub b: u8,
}

impl Rgb {
    pub const BLACK: Rgb = Rgb::new(0, 0, 0);

    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }
}

/// The colours of the phases. Flash is red, over is dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Palette {
    pub green: Rgb,
    pub yellow: Rgb,
    pub red: Rgb,
    /// The dot that says "powered, waiting".
    pub ready: Rgb,
}

impl Palette {
    /// The colours of a traffic light. The green leans to blue and the yellow to amber: in Machado's simulation of the three
    /// kinds of colour blindness (2009, severity 1) any two stay 0.1 or more apart in OKLab, where 0.02 is just visible side by
    /// side. This also holds for the few levels that a brightness of 8 leaves.
    pub const CLASSIC: Palette = Palette {
        green: Rgb::new(0x00, 0xff, 0x99),
        yellow: Rgb::new(0xff, 0xaa, 0x00),
        red: Rgb::new(0xff, 0x00, 0x00),
        ready: Rgb::new(0x40, 0x40, 0x40),
    };

    /// Blue instead of green, and a brighter yellow: 0.2 or more apart in OKLab for every kind of colour vision.
    pub const COLOUR_BLIND: Palette = Palette {
        green: Rgb::new(0x00, 0xb0, 0xff),
        yellow: Rgb::new(0xff, 0xd8, 0x00),
        red: Rgb::new(0xff, 0x00, 0x00),
        ready: Rgb::new(0x40, 0x40, 0x40),
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Every LED in the phase's colour.
    Solid,
    /// A bar that begins at the first LED and shortens with the time left.
    Bar,
}

/// What the strip shows before a talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadyLook {
    Dot,
    Off,
}

/// How a reading becomes a picture on a strip of `leds` LEDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Look {
    /// At least 1.
    pub leds: usize,
    pub palette: Palette,
    pub pattern: Pattern,
    pub ready: ReadyLook,
    /// Half a period of the flash; it is lit as long as dark. Not zero. The flash is stretched so that the phase is a whole
    /// number of periods; this is the shortest.
    pub flash_half: Duration,
}

impl Look {
    /// The LEDs with three channels that fit into 65536 bytes, the largest buffer that spidev can be given. A simulated strip
    /// has the same limit.
    pub const LEDS_MAX: usize = (65_536 - 280) / 12;
    /// The most flashes a second that WCAG 2.1 allows (success criterion 2.3.1).
    pub const FLASH_HZ_MAX: f64 = 3.0;
    /// A slower flash looks like a colour that changes.
    pub const FLASH_HZ_MIN: f64 = 0.2;

    /// Half a period at `hz` flashes a second, rounded up to keep the limit.
    pub fn flash_half(hz: f64) -> Duration {
        Duration::from_nanos((0.5e9 / hz).ceil() as u64)
    }

    /// The picture of a reading.
    pub fn picture(&self, reading: &Reading) -> Picture {
        let Palette { green, yellow, red, .. } = self.palette;
        let lit = self.lit(reading.left, &reading.plan);
        match reading.phase {
            Phase::Ready => self.waiting(),
            Phase::Green => Picture::new(green, lit),
            Phase::Yellow => Picture::new(yellow, lit),
            Phase::Red => Picture::new(red, lit),
            Phase::Flash if self.halves_left(reading.left, &reading.plan).is_multiple_of(2) => Picture::new(red, lit),
            Phase::Flash | Phase::Over => Picture::DARK,
        }
    }

    /// The first moment after `now` at which the picture differs from that of `now`, if time alone ever changes it.
    pub fn next_change(&self, timer: &Timer, now: Moment) -> Option<Moment> {
        let shown = self.picture(&timer.at(now));
        let mut then = now;
        loop {
            then = self.next_edge(timer, then)?;
            if self.picture(&timer.at(then)) != shown {
                return Some(then);
            }
        }
    }

    /// Pictures that include the one of these plans that draws most: each phase as it begins, and ready.
    pub fn brightest<'a>(&'a self, plans: &'a [Plan]) -> impl Iterator<Item = Picture> + 'a {
        let Palette { green, yellow, red, .. } = self.palette;
        let phases = plans.iter().flat_map(move |plan| {
            [
                (green, plan.length(), plan.yellow()),
                (yellow, plan.yellow(), plan.red()),
                (red, plan.red(), Duration::ZERO),
            ]
            .into_iter()
            .filter(|(_, first, last)| first > last)
            .map(|(colour, first, _)| Picture::new(colour, self.lit(first, plan)))
        });
        phases.chain([self.waiting()])
    }

    fn waiting(&self) -> Picture {
        match self.ready {
            ReadyLook::Dot => Picture::new(self.palette.ready, 1),
            ReadyLook::Off => Picture::DARK,
        }
    }

    /// The next moment at which a phase, half a flash or a step of the bar ends. The picture may stay the same.
    fn next_edge(&self, timer: &Timer, now: Moment) -> Option<Moment> {
        let phase_ends = timer.next_phase(now)?;
        let Reading { phase, plan, left, .. } = timer.at(now);
        let left_ns = left.as_nanos();
        let mut next = phase_ends;
        if phase == Phase::Flash && self.halves(&plan) > 0 {
            let edge = self.halves_left(left, &plan) * plan.flash().as_nanos() / self.halves(&plan);
            next = next.min(now + nanos(left_ns - edge));
        }
        if self.pattern == Pattern::Bar {
            let shorter = self.lit(left, &plan) as u128 - 1;
            let step = shorter * plan.length().as_nanos() / self.leds as u128;
            next = next.min(now + nanos(left_ns - step));
        }
        Some(next)
    }

    /// The half-periods of the flash: an even number, so that it begins and ends with a visible edge. Zero if the phase is
    /// too short for a flash; then the strip is steady.
    fn halves(&self, plan: &Plan) -> u128 {
        plan.flash().as_nanos() / (2 * self.flash_half.as_nanos()) * 2
    }

    /// The whole half-periods between now and the end. The strip is lit where the number is even.
    fn halves_left(&self, left: Duration, plan: &Plan) -> u128 {
        (left.as_nanos() * self.halves(plan)).saturating_sub(1) / plan.flash().as_nanos()
    }

    fn lit(&self, left: Duration, plan: &Plan) -> usize {
        match self.pattern {
            Pattern::Solid => self.leds,
            Pattern::Bar => (left.as_nanos() * self.leds as u128).div_ceil(plan.length().as_nanos()) as usize,
        }
    }
}

// The derived functions read and write the fields; these check what was read.
impl Serialize for Look {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Look {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let look = Self::deserialize(deserializer)?;
        // A console allocates as many LEDs as it reads here.
        match (1..=Self::LEDS_MAX).contains(&look.leds) && !look.flash_half.is_zero() {
            true => Ok(look),
            false => Err(de::Error::custom("`leds` or `flash_half` is out of range")),
        }
    }
}

/// The first `lit` LEDs in one colour, the others dark. Two pictures that look equal are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    colour: Rgb,
    lit: usize,
}

impl Picture {
    pub const DARK: Picture = Picture { colour: Rgb::BLACK, lit: 0 };

    pub fn new(colour: Rgb, lit: usize) -> Self {
        if colour == Rgb::BLACK || lit == 0 { Self::DARK } else { Self { colour, lit } }
    }

    pub fn colour(&self) -> Rgb {
        self.colour
    }

    /// How many LEDs are lit.
    pub fn lit(&self) -> usize {
        self.lit
    }

    /// Fills the whole of `frame`.
    pub fn paint(&self, frame: &mut [Rgb]) {
        let lit = self.lit.min(frame.len());
        frame[..lit].fill(self.colour);
        frame[lit..].fill(Rgb::BLACK);
    }
}

fn nanos(ns: u128) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}
