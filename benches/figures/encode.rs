//! A frame on its way from a reading to the bytes on the wire, without the wire.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use embedded_hal::spi::{ErrorType, SpiBus};
use smart_leds_trait::{RGB8, SmartLedsWrite};
use talklight::clock::Moment;
use talklight::drive::{Chip, Drive, DriveSettings, Order};
use talklight::frame::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::plan::Plan;
use talklight::strip::spi::frame_bytes;
use talklight::timer::{Command, Timer};
use ws2812_spi::hosted::Ws2812;

use crate::rig::monotonic_ns;

/// The bus is that of a strip at 3.3 MHz.
pub fn wire_ns(leds: usize) -> f64 {
    frame_bytes(leds, Chip::Ws2812) as f64 * 8.0 / 3.3e6 * 1e9
}

/// What reading, picture, paint, drive and encoding of one frame take, the best of many rounds: in ns.
pub fn frame_ns(leds: usize) -> f64 {
    const FRAMES: u64 = 200;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let plan = Plan::new("p", minutes(5), minutes(2), minutes(1), minutes(1) / 2);
    let plan = plan.expect("the built-in plan");
    let mut timer = Timer::new(plan, 0);
    let start = Moment::from_ns(1);
    timer
        .apply(Command::Start(None), start)
        .expect("it was ready");
    let look = Look {
        leds,
        palette: Palette::CLASSIC,
        pattern: Pattern::Bar,
        ready: ReadyLook::Dot,
        flash_half: Look::flash_half(1.0),
    };
    let settings = DriveSettings {
        chip: Chip::Ws2812,
        order: Order::Grb,
        gamma: true,
        brightness: 128,
        max_milliamps: 850,
        milliamps_per_led: 55,
    };
    let brightest: Vec<_> = look.brightest(&[plan]).collect();
    let drive = Drive::new(settings, leds, &brightest).expect("850 mA light every LED");
    let (mut frame, mut wire) = (vec![Rgb::BLACK; leds], vec![[0; 4]; leds]);
    let mut strip = Ws2812::new(Memory);
    let mut round = || {
        let begun = monotonic_ns();
        for _ in 0..FRAMES {
            let picture = look.picture(&timer.at(black_box(start)));
            picture.paint(&mut frame);
            drive.apply(&frame, &mut wire);
            let pixels = wire.iter().map(|&[g, r, b, _]| RGB8 { r, g, b });
            strip.write(pixels).expect("memory takes it");
        }
        monotonic_ns() - begun
    };
    let best = (0..100).map(|_| round()).min().expect("rounds");
    best as f64 / FRAMES as f64
}

/// A bus that takes all and sends nothing.
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
        Ok(())
    }

    fn transfer(&mut self, _: &mut [u8], _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn transfer_in_place(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
