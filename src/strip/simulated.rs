//! A strip in memory. The screen and the tape show what it would look like. Tests read it and make it fail.

use std::sync::{Arc, Mutex, PoisonError};

use super::{StripError, Writer};
use crate::core::drive::{Chip, Wire};
use crate::core::look::{Look, Rgb};

/// Clones are the same strip. Like on a real strip, an LED keeps its colour until it gets another one.
#[derive(Clone, Debug)]
pub struct Simulated(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    leds: Vec<Wire>,
    frames: u64,
    /// The LEDs of the last frame.
    length: usize,
    fault: Option<StripError>,
}

impl Simulated {
    /// A strip of `leds` LEDs, all lit, as an earlier process may have left them.
    pub fn new(leds: usize) -> Self {
        Self(Arc::new(Mutex::new(State { leds: vec![[u8::MAX; 4]; leds], frames: 0, length: 0, fault: None })))
    }

    /// The last bytes of each LED, read in the order red, green, blue.
    pub fn lit(&self) -> Vec<Rgb> {
        self.with(|state| state.leds.iter().map(|&[r, g, b, _]| Rgb::new(r, g, b)).collect())
    }

    /// How many frames were shown.
    pub fn frames(&self) -> u64 {
        self.with(|state| state.frames)
    }

    /// How many LEDs the last frame was for.
    pub fn length(&self) -> usize {
        self.with(|state| state.length)
    }

    /// Makes every frame fail, or none.
    pub fn fail(&self, fault: Option<&str>) {
        self.with(|state| state.fault = fault.map(|text| StripError(text.into())));
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Simulated {
    /// The longest strip.
    fn default() -> Self {
        Self::new(Look::LEDS_MAX)
    }
}

impl Writer for Simulated {
    fn bytes_max(&self) -> usize {
        self.with(|state| state.leds.len()) * Chip::Sk6812Rgbw.channels()
    }

    fn write(&mut self, wire: &[Wire], _: Chip) -> Result<(), StripError> {
        self.with(|state| match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => {
                // Bytes beyond the last LED are ignored, as on a real strip.
                for (led, sent) in state.leds.iter_mut().zip(wire) {
                    *led = *sent;
                }
                state.length = wire.len();
                state.frames += 1;
                Ok(())
            }
        })
    }
}
