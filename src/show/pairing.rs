//! Two white LEDs: a phone can be paired by the button.

use std::time::Duration;

use crate::core::look::{Picture, Rgb};

/// How long pairing stays open.
pub const OPEN: Duration = Duration::from_secs(60);
/// White is no colour of a talk; a dot of the timer is one LED.
const LEDS: usize = 2;
const WHITE: Rgb = Rgb::new(255, 255, 255);

/// Fills `frame` for `leds` LEDs.
pub fn paint(leds: usize, frame: &mut Vec<Rgb>) {
    frame.clear();
    frame.resize(leds, Rgb::BLACK);
    picture(leds).paint(frame);
}

pub fn picture(leds: usize) -> Picture {
    Picture::new(WHITE, LEDS.min(leds))
}
