//! What every kind of strip does with a frame: how long it is sent, and what is left lit beyond it.

use talklight::core::drive::{Chip, Drive, DriveSettings, Order};
use talklight::core::look::Rgb;
use talklight::show::Scene;
use talklight::show::sample::{Sample, StripType, Trial};
use talklight::strip::simulated::Simulated;
use talklight::strip::{Driven, Strip};

const RED: Rgb = Rgb::new(255, 0, 0);

/// A strip of 24 LEDs, all lit. Its buffer takes 96 bytes: 32 LEDs with three channels, or 24 with four.
fn strip() -> (Driven<Simulated>, Simulated) {
    let leds = Simulated::new(24);
    let plain = Drive::new(DriveSettings::PLAIN, 8, &[]).unwrap();
    (Driven::new(leds.clone(), plain), leds)
}

fn red(chip: Chip, leds: usize) -> (Vec<Rgb>, Scene) {
    let strip = StripType { chip, order: Order::Rgb, leds };
    (vec![RED; leds], Scene::Sample(Trial { strip, sample: Sample::Red }))
}

/// The lengths of frames with these numbers of red LEDs. Of 0 LEDs is a frame of the timer, which has 8.
fn lengths(frames: &[usize]) -> Vec<usize> {
    let (mut strip, leds) = strip();
    let length = |&count: &usize| {
        match count {
            0 => strip.show(&[RED; 8], None).unwrap(),
            _ => {
                let (frame, scene) = red(Chip::Ws2812, count);
                strip.show(&frame, Some(&scene)).unwrap();
            }
        }
        // Whatever was lit before, what is beyond the frame is dark.
        let shown = if count == 0 { 8 } else { count };
        assert!(leds.lit().iter().skip(shown).all(|led| *led == Rgb::BLACK), "{frames:?}");
        leds.length()
    };
    frames.iter().map(length).collect()
}

#[test]
fn the_first_two_frames_clear_all_that_the_buffer_reaches() {
    assert_eq!(lengths(&[0, 0, 0, 0]), [32, 32, 8, 8]);
}

#[test]
fn two_frames_clear_what_a_longer_one_has_lit() {
    assert_eq!(lengths(&[0, 0, 20, 20, 20, 0, 0, 0]), [32, 32, 20, 20, 20, 20, 20, 8]);
    // Two frames of the same length, and not one each of two lengths.
    assert_eq!(lengths(&[0, 0, 20, 0, 12, 0, 0, 0]), [32, 32, 20, 20, 20, 20, 20, 8]);
    assert_eq!(lengths(&[20, 0, 20, 0, 0, 0]), [32, 32, 32, 32, 32, 8]);
}

#[test]
fn a_frame_that_fails_clears_nothing() {
    let (mut strip, leds) = strip();
    let mut show = |works: bool| {
        leds.fail((!works).then_some("unplugged"));
        let _ = strip.show(&[RED; 8], None);
        leds.length()
    };
    assert_eq!([show(true), show(false), show(true), show(true), show(true)], [32, 32, 32, 32, 8]);
}

#[test]
fn a_frame_fits_or_is_refused_whole() {
    let (mut strip, leds) = strip();
    assert_eq!((strip.leds_max(Chip::Ws2812), strip.leds_max(Chip::Sk6812Rgbw)), (32, 24));
    for (chip, most) in [(Chip::Ws2812, 32), (Chip::Sk6812Rgbw, 24)] {
        let before = leds.frames();
        for too_long in [most + 1, most + 100] {
            let (frame, scene) = red(chip, too_long);
            let why = strip.show(&frame, Some(&scene)).unwrap_err().to_string();
            assert!(why.contains(&format!("{too_long} LEDs")) && why.contains(&format!("{most}")), "{why}");
        }
        assert_eq!(leds.frames(), before);
        let (frame, scene) = red(chip, most);
        strip.show(&frame, Some(&scene)).unwrap();
        assert_eq!(leds.lit(), [RED; 24]);
    }
    // A frame for the other chip reaches as many bytes as the one before.
    strip.show(&[RED; 8], None).unwrap();
    assert_eq!((leds.length(), leds.lit()[8..].to_vec()), (32, vec![Rgb::BLACK; 16]));
}
