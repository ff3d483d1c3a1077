//! The drive: the values that are sent to the LEDs so that a person sees the look.
//!
//! Gamma, brightness, the current limit, white and colour order, in that order. The bytes on the wire are proportional to
//! light, so everything is computed on them.

use std::fmt;

use crate::core::look::{Picture, Rgb};

/// The bytes of one LED in the order of the wire. An LED with three channels does not use the last byte.
pub type Wire = [u8; 4];

/// The hardware of a strip, and how bright it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveSettings {
    pub chip: Chip,
    pub order: Order,
    /// Whether colours are sRGB, as on a screen. Otherwise a value is a fraction of full light.
    pub gamma: bool,
    /// 1 to 255; 255 is full light.
    pub brightness: u8,
    /// The most current that the strip may draw, in mA; 0 turns the limit off.
    pub max_milliamps: u32,
    /// The current of one LED with every channel at 255, in mA.
    pub milliamps_per_led: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    Ws2812,
    Sk6812Rgbw,
}

impl Chip {
    pub const ALL: [(&'static str, Chip); 2] = [("ws2812", Chip::Ws2812), ("sk6812-rgbw", Chip::Sk6812Rgbw)];

    pub const fn channels(self) -> usize {
        match self {
            Self::Ws2812 => 3,
            Self::Sk6812Rgbw => 4,
        }
    }
}

/// The order of the colours on the wire. WS2812B uses `Grb`; white always comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Rgb,
    Rbg,
    Grb,
    Gbr,
    Brg,
    Bgr,
}

impl Order {
    pub const ALL: [(&'static str, Order); 6] = [
        ("grb", Order::Grb),
        ("rgb", Order::Rgb),
        ("rbg", Order::Rbg),
        ("gbr", Order::Gbr),
        ("brg", Order::Brg),
        ("bgr", Order::Bgr),
    ];

    /// The positions of red, green and blue on the wire.
    pub const fn places(self) -> [usize; 3] {
        match self {
            Self::Rgb => [0, 1, 2],
            Self::Rbg => [0, 2, 1],
            Self::Grb => [1, 0, 2],
            Self::Gbr => [2, 0, 1],
            Self::Brg => [1, 2, 0],
            Self::Bgr => [2, 1, 0],
        }
    }

    fn wire(self, [r, g, b, w]: [u8; 4]) -> Wire {
        let mut wire = [w; 4];
        for (place, channel) in self.places().into_iter().zip([r, g, b]) {
            wire[place] = channel;
        }
        wire
    }
}

/// A drive for one strip. The scale that keeps the current limit is computed once, for the picture that draws most, so
/// that a bar keeps its brightness while it shortens.
#[derive(Clone, Debug)]
pub struct Drive {
    settings: DriveSettings,
    /// The channel value that is sent for each channel value of the look.
    levels: [u8; 256],
    /// The largest sum of channel values that a frame may have; `None` without a limit.
    budget: Option<u64>,
    scale: f64,
}

/// The current of an LED's controller, lit or dark, in mA. WLED, FastLED and the data sheets agree on 1 mA.
const IDLE_MILLIAMPS: u64 = 1;
/// The sum of channel values of the dimmest white.
const DIMMEST_STEPS: u64 = 3;

/// The light of a channel value on a screen, both from 0 to 1: the power of 2.25. Screens lie between 2.2 and 2.4; 2.25 needs
/// only square roots, and `powf` would add half a megabyte of the C library to memory.
pub fn gamma(part: f64) -> f64 {
    part * part * part.sqrt().sqrt()
}

impl Drive {
    /// A drive that keeps `pictures` on `leds` LEDs within the current limit.
    ///
    /// # Errors
    /// [`TooLittleCurrent`] if the limit is too low to light every LED at its dimmest.
    pub fn new(settings: DriveSettings, leds: usize, pictures: &[Picture]) -> Result<Self, TooLittleCurrent> {
        let leds = leds as u64;
        let budget = match settings.max_milliamps {
            0 => None,
            limit => {
                let full = settings.full_steps();
                let per_led = u64::from(settings.milliamps_per_led);
                let budget = u64::from(limit).saturating_sub(leds * IDLE_MILLIAMPS) * full / per_led;
                if budget < leds * DIMMEST_STEPS {
                    let needed = leds * IDLE_MILLIAMPS + (leds * DIMMEST_STEPS * per_led).div_ceil(full);
                    return Err(TooLittleCurrent { milliamps_needed: needed });
                }
                Some(budget)
            }
        };
        let mut drive = Self { settings, levels: [0; 256], budget, scale: 1.0 };
        drive.fit(|drive| drive.hungriest(pictures));
        Ok(drive)
    }

    pub fn settings(&self) -> &DriveSettings {
        &self.settings
    }

    /// The factor by which the current limit reduces the brightness, from 0 to 1.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The current of the picture that draws most on `leds` LEDs, in mA, by WLED's estimate.
    pub fn milliamps(&self, leds: usize, pictures: &[Picture]) -> u64 {
        let steps = self.hungriest(pictures) * u64::from(self.settings.milliamps_per_led);
        leds as u64 * IDLE_MILLIAMPS + steps.div_ceil(self.settings.full_steps())
    }

    /// The values that are sent for a colour: red, green, blue and white.
    pub fn level(&self, colour: Rgb) -> [u8; 4] {
        let Rgb { r, g, b } = colour;
        let mut sent = [r, g, b].map(|channel| self.levels[usize::from(channel)]);
        let mut white = 0;
        if self.settings.chip == Chip::Sk6812Rgbw {
            white = sent[0].min(sent[1]).min(sent[2]);
            sent = sent.map(|channel| channel - white);
        }
        let [r, g, b] = sent;
        self.light(colour, [r, g, b, white])
    }

    /// Fills `wire` with the bytes for `look`. Both have the same length.
    pub fn apply(&self, look: &[Rgb], wire: &mut [Wire]) {
        let steps = self.fill(look, wire);
        // The scale keeps the pictures that this drive was made for within the limit. This covers all others.
        if self.budget.is_some_and(|budget| steps > budget) {
            let mut dimmed = self.clone();
            dimmed.fit(|dimmed| dimmed.fill(look, wire));
            dimmed.fill(look, wire);
        }
        for wire in wire {
            *wire = self.settings.order.wire(*wire);
        }
    }

    /// Fills `wire` with red, green, blue and white without a limit, and returns the sum of all values.
    fn fill(&self, look: &[Rgb], wire: &mut [Wire]) -> u64 {
        let mut steps = 0;
        let mut last = (Rgb::BLACK, [0; 4]);
        for (&colour, wire) in look.iter().zip(wire) {
            if colour != last.0 {
                last = (colour, self.level(colour));
            }
            steps += sum(last.1);
            *wire = last.1;
        }
        steps
    }

    /// A colour that is not black never rounds to dark: its strongest channels keep the value 1, so that the hue stays.
    fn light(&self, colour: Rgb, mut sent: [u8; 4]) -> [u8; 4] {
        if sent == [0; 4] && colour != Rgb::BLACK {
            let channels = [colour.r, colour.g, colour.b];
            let strongest = channels.map(|channel| u8::from(Some(&channel) == channels.iter().max()));
            sent = match (strongest, self.settings.chip) {
                ([1, 1, 1], Chip::Sk6812Rgbw) => [0, 0, 0, 1],
                ([r, g, b], _) => [r, g, b, 0],
            };
        }
        sent
    }

    /// Sets the largest of 2^16 scales at which the sum of channel values is within the budget, by bisection: the sum grows
    /// with the scale. Where white is split off, the sum may also shrink by one step; the scale that is found then fits, but
    /// may not be the largest. At scale 0 each LED keeps its dimmest light, for which the budget is enough.
    fn fit(&mut self, mut steps: impl FnMut(&Self) -> u64) {
        let mut lights = [0.0; 256];
        for (channel, light) in lights.iter_mut().enumerate() {
            let part = channel as f64 / 255.0;
            *light = if self.settings.gamma { gamma(part) } else { part };
        }
        let (mut fits, mut step) = (0_u32, 1 << 16);
        while step > 0 {
            self.set_scale(f64::from(fits + step) / f64::from(1 << 16), &lights);
            if fits + step <= 1 << 16 && self.budget.is_none_or(|budget| steps(self) <= budget) {
                fits += step;
            }
            step /= 2;
        }
        self.set_scale(f64::from(fits) / f64::from(1 << 16), &lights);
    }

    fn set_scale(&mut self, scale: f64, lights: &[f64; 256]) {
        self.scale = scale;
        let full = f64::from(self.settings.brightness) * scale;
        self.levels = lights.map(|light| (light * full).round() as u8);
    }

    fn hungriest(&self, pictures: &[Picture]) -> u64 {
        let steps = |picture: &Picture| picture.lit() as u64 * sum(self.level(picture.colour()));
        pictures.iter().map(steps).max().unwrap_or(0)
    }
}

impl DriveSettings {
    /// Sends every colour unchanged.
    pub const PLAIN: Self = Self {
        chip: Chip::Ws2812,
        order: Order::Rgb,
        gamma: false,
        brightness: u8::MAX,
        max_milliamps: 0,
        milliamps_per_led: 1,
    };

    /// The sum of channel values at which an LED draws `milliamps_per_led`.
    fn full_steps(&self) -> u64 {
        255 * self.chip.channels() as u64
    }
}

/// The current limit is too low to light every LED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittleCurrent {
    pub milliamps_needed: u64,
}

impl fmt::Display for TooLittleCurrent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too little to light every LED at all; it takes {} mA", self.milliamps_needed)
    }
}

impl std::error::Error for TooLittleCurrent {}

fn sum(wire: Wire) -> u64 {
    wire.iter().map(|&channel| u64::from(channel)).sum()
}
