//! A strip: where frames go.

use std::fmt;

use crate::core::drive::Chip;
use crate::core::look::Rgb;
use crate::show::sample::Make;

pub mod simulated;
#[cfg(target_os = "linux")]
pub mod spi;

/// A strip of LEDs, driven by the engine alone.
pub trait Strip {
    /// Sends one frame of the look, whole, and returns when it is on its way.
    ///
    /// # Errors
    /// What went wrong, and its remedy. The frame is lost; the strip is as good as new for the next one.
    fn show(&mut self, frame: &[Rgb]) -> Result<(), StripError>;

    /// Sends one frame as a strip of that make takes it, whatever this one is taken for. A strip that cannot be taken for
    /// another just shows it.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    fn show_as(&mut self, make: Make, frame: &[Rgb]) -> Result<(), StripError> {
        let _ = make;
        self.show(frame)
    }

    /// The LEDs of the longest frame that can be sent as one of `chip`.
    fn leds_max(&self, chip: Chip) -> usize {
        let _ = chip;
        usize::MAX
    }
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
