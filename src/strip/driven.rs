//! What all kinds of strip have in common: the drive, the current limit, and clearing LEDs beyond the frame.

use super::{Strip, StripError};
use crate::core::drive::{Chip, Drive, Wire};
use crate::core::look::Rgb;
use crate::show::Scene;

/// How many frames must succeed before the LEDs beyond them count as dark. A glitch can spoil one.
const CLEARING_FRAMES: u8 = 2;

/// Sends the colour bytes of a frame.
pub trait Writer {
    /// The most colour bytes of one write; an LED has three or four.
    fn bytes_max(&self) -> usize;

    /// Sends the whole frame for LEDs with that chip.
    ///
    /// # Errors
    /// What went wrong, and the remedy. A part of the frame may have been sent.
    fn write(&mut self, wire: &[Wire], chip: Chip) -> Result<(), StripError>;
}

/// A strip behind a [`Writer`].
pub struct Driven<W> {
    writer: W,
    /// For the timer; a scene has its own.
    drive: Drive,
    wire: Vec<Wire>,
    /// The colour bytes up to which LEDs may be lit, by a longer frame or by an earlier process.
    reach: usize,
    /// The colour bytes of the last frame, and how many frames of this length succeeded in a row.
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
