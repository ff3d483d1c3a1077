//! The computation of a frame, from a reading of the timer to the bytes on the wire.

use std::convert::Infallible;
use std::hint::black_box;

use embedded_hal::spi::{ErrorType, SpiBus};
use smart_leds::{RGB8, SmartLedsWrite};
use talklight::config::{Config, Kind, Origin, Overrides};
use talklight::core::clock::Moment;
use talklight::core::drive::Chip;
use talklight::core::look::Rgb;
use talklight::core::timer::{Command, Timer};
use talklight::strip::spi::frame_bytes;
use ws2812_spi::hosted::Ws2812;

use crate::rig::monotonic_ns;

/// The time on the wire at 3.3 MHz.
pub fn wire_ns(leds: usize) -> f64 {
    frame_bytes(leds, Chip::Ws2812) as f64 * 8.0 / 3.3e6 * 1e9
}

/// The time for picture, paint, drive and encoding of one frame: the best of many rounds.
pub fn frame_ns(leds: usize) -> f64 {
    const FRAMES: u32 = 200;
    let text = format!("strip = {{ kind = \"spi\", leds = {leds}, pattern = \"bar\" }}");
    let config = Config::parse(&text, Origin::BuiltIn, &Overrides::default(), 4096).unwrap();
    let (look, Kind::Spi(spi)) = (config.look, config.strip) else { unreachable!() };
    let (mut timer, start) = (Timer::new(config.chosen, 0), Moment::from_ns(1));
    timer.apply(Command::Start(None), start).unwrap();
    let (mut frame, mut wire) = (vec![Rgb::BLACK; leds], vec![[0; 4]; leds]);
    let mut strip = Ws2812::new(Memory);
    let mut round = || {
        let begun = monotonic_ns();
        for _ in 0..FRAMES {
            let picture = look.picture(&timer.at(black_box(start)));
            picture.paint(&mut frame);
            spi.drive.apply(&frame, &mut wire);
            let pixels = wire.iter().map(|&[g, r, b, _]| RGB8 { r, g, b });
            strip.write(pixels).unwrap();
        }
        monotonic_ns() - begun
    };
    let best = (0..100).map(|_| round()).min().unwrap_or(0);
    best as f64 / f64::from(FRAMES)
}

/// A bus that discards its data.
struct Memory;

impl ErrorType for Memory {
    type Error = Infallible;
}

impl SpiBus for Memory {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        black_box(bytes);
        Ok(())
    }

    fn read(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!()
    }

    fn transfer(&mut self, _: &mut [u8], _: &[u8]) -> Result<(), Infallible> {
        unreachable!()
    }

    fn transfer_in_place(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!()
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
