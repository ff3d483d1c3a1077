//! A gauge: a bar that begins at the first LED and whose length shows a number.

use serde::{Deserialize, Serialize};

use crate::core::look::{Picture, Rgb};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// The part of the strip that is lit, from 0 to 1.
    value: f64,
    colour: Rgb,
}

impl Gauge {
    /// `None` if the value is not from 0 to 1.
    pub fn new(value: f64, colour: Rgb) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self { value, colour })
    }

    pub fn value(&self) -> f64 {
        self.value
    }

    pub fn colour(&self) -> Rgb {
        self.colour
    }

    /// The picture that draws most: the whole strip.
    pub fn full(&self, leds: usize) -> Picture {
        Picture::new(self.colour, leds)
    }

    /// Fills `frame` for `leds` LEDs. The last lit LED is blended, so that the bar grows without steps.
    pub fn paint(&self, leds: usize, frame: &mut Vec<Rgb>) {
        let length = self.value * leds as f64;
        let colour = |led: usize| {
            let part = (length - led as f64).clamp(0.0, 1.0);
            let blend = |channel| (f64::from(channel) * part).round() as u8;
            Rgb::new(blend(self.colour.r), blend(self.colour.g), blend(self.colour.b))
        };
        frame.clear();
        frame.extend((0..leds).map(colour));
    }
}
