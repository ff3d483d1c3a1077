//! A strip held in memory. The screen and the tape show what it would look like; tests see it and make it fail.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Strip, StripError};
use crate::core::look::Rgb;

/// Clones are the same strip.
#[derive(Clone, Debug, Default)]
pub struct Simulated(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    lit: Vec<Rgb>,
    frames: u64,
    fault: Option<StripError>,
}

impl Simulated {
    /// The last frame shown.
    pub fn lit(&self) -> Vec<Rgb> {
        self.with(|state| state.lit.clone())
    }

    /// How many frames were shown.
    pub fn frames(&self) -> u64 {
        self.with(|state| state.frames)
    }

    /// Makes every frame fail, or none.
    pub fn fail(&self, fault: Option<&str>) {
        self.with(|state| state.fault = fault.map(|text| StripError(text.into())));
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Strip for Simulated {
    fn show(&mut self, frame: &[Rgb]) -> Result<(), StripError> {
        self.with(|state| match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => {
                state.lit.clear();
                state.lit.extend_from_slice(frame);
                state.frames += 1;
                Ok(())
            }
        })
    }
}
