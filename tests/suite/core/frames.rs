//! The frames that shows should paint, computed a second time.

use talklight::core::look::Rgb;
use talklight::show::gauge::Gauge;

/// The frame of [`TRIAL`](super::harness::TRIAL).
pub fn trial() -> Vec<Rgb> {
    // The strip assumed there has blue first.
    let blocks = [(0, 0, 255), (0, 255, 0), (255, 0, 0)];
    let block = |led: usize| blocks[led / 10];
    (0..25).map(block).map(|(r, g, b)| Rgb::new(r, g, b)).collect()
}

/// Two white LEDs, while pairing is open.
pub fn two_white(leds: usize) -> Vec<Rgb> {
    (0..leds).map(|led| if led < 2 { Rgb::new(255, 255, 255) } else { Rgb::BLACK }).collect()
}

/// The brightness of each LED is the part of it that the bar covers.
pub fn bar(gauge: Gauge, leds: usize) -> Vec<Rgb> {
    let Rgb { r, g, b } = gauge.colour();
    let part = |led: usize| (gauge.value() * leds as f64 - led as f64).clamp(0.0, 1.0);
    let blend = |led, channel| (f64::from(channel) * part(led)).round() as u8;
    (0..leds).map(|led| Rgb::new(blend(led, r), blend(led, g), blend(led, b))).collect()
}
