//! A strip: where frames go.

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
    /// Sends one frame of the look, whole, and returns when it is on its way. `scene` is what it was painted from, if that is
    /// not the timer.
    ///
    /// # Errors
    /// What went wrong, and its remedy. The frame is lost; the strip is as good as new for the next one.
    fn show(&mut self, frame: &[Rgb], scene: Option<&Scene>) -> Result<(), StripError>;

    /// The LEDs of the longest frame that can be sent as one of `chip`.
    fn leds_max(&self, chip: Chip) -> usize;
}

/// Why a frame did not reach the strip, in words for a technician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripError(pub String);

impl fmt::Display for StripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StripError {}
