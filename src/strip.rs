//! Strips: the outputs for frames.

use std::fmt;

use crate::core::drive::Chip;
use crate::core::look::Rgb;
use crate::show::Scene;

mod driven;
pub mod simulated;
#[cfg(target_os = "linux")]
pub mod spi;

pub use driven::{Driven, Writer};

/// A strip of LEDs, driven by the engine alone.
pub trait Strip {
    /// Sends one whole frame and returns when it is on the wire. `scene` is the scene that painted it; `None` is the timer.
    ///
    /// # Errors
    /// What went wrong, and the remedy. The frame is lost; the next one is not affected.
    fn show(&mut self, frame: &[Rgb], scene: Option<&Scene>) -> Result<(), StripError>;

    /// The length of the longest frame for LEDs with this chip.
    fn leds_max(&self, chip: Chip) -> usize;
}

/// Why a frame was not sent, in words for a technician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripError(pub String);

impl fmt::Display for StripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StripError {}
