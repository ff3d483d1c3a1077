//! What every kind of strip does: gamma, brightness and the limit of current, and the LEDs beyond a frame.

use super::{Strip, StripError};
use crate::core::drive::{Chip, Drive, Wire};
use crate::core::look::Rgb;
use crate::show::Scene;

/// Frames that must have been sent well before the LEDs beyond them count as dark: a glitch can spoil one.
const CLEARING_FRAMES: u8 = 2;

/// Takes the colour bytes of a frame to the LEDs.
pub trait Writer {
    /// The most colour bytes that one write takes: three or four for each LED.
    fn bytes_max(&self) -> usize;

    /// Writes the whole frame for LEDs of that chip.
    ///
    /// # Errors
    /// What went wrong, and its remedy. Some of the frame may have reached the strip.
    fn write(&mut self, wire: &[Wire], chip: Chip) -> Result<(), StripError>;
}

/// A strip behind a [`Writer`].
pub struct Driven<W> {
    writer: W,
    /// For the pictures of the timer; a scene has its own.
    drive: Drive,
    wire: Vec<Wire>,
    /// The colour bytes up to which an LED may be lit: by a longer frame, or by the process before this one.
    reach: usize,
    /// The colour bytes of the last frame, and how many of that length were sent well in a row.
    last: usize,
    sent_well: u8,
}

impl<W: Writer> Driven<W> {
    pub fn new(writer: W, drive: Drive) -> Self {
        let reach = writer.bytes_max();
        Self { writer, drive, wire: Vec::new(), reach, last: 0, sent_well: 0 }
    }
}

impl<W: Writer> Strip for Driven<W> {
    fn show(&mut self, frame: &[Rgb], scene: Option<&Scene>) -> Result<(), StripError> {
        let other = scene.map(|scene| scene.drive(self.drive.settings(), frame.len())).transpose();
        let other = other.map_err(|error| StripError(format!("`max_milliamps` is {error}")))?;
        let drive = other.as_ref().unwrap_or(&self.drive);
        let chip = drive.settings().chip;
        let (leds, leds_max) = (frame.len(), self.leds_max(chip));
        if leds > leds_max {
            return Err(StripError(format!("a frame of {leds} LEDs is too long; this strip takes at most {leds_max}")));
        }
        let bytes = leds * chip.channels();
        if bytes != self.last {
            (self.last, self.sent_well) = (bytes, 0);
        }
        self.reach = self.reach.max(bytes);
        self.wire.clear();
        self.wire.resize(self.reach.div_ceil(chip.channels()).min(leds_max), [0; 4]);
        drive.apply(frame, &mut self.wire[..leds]);
        let written = self.writer.write(&self.wire, chip);
        self.sent_well = if written.is_ok() { self.sent_well.saturating_add(1) } else { 0 };
        if self.sent_well >= CLEARING_FRAMES {
            self.reach = bytes;
        }
        written
    }

    fn leds_max(&self, chip: Chip) -> usize {
        self.writer.bytes_max() / chip.channels()
    }
}
