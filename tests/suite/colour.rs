//! Colours are told apart by everyone, and look like what they are called: as they are meant, and as a strip is sent them
//! from full brightness down to 8 of 255, with and without gamma, by either chip, and dimmed by the limit of current.

use talklight::core::drive::{Chip, Drive, DriveSettings, Order};
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;

/// Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB: protanopia, deuteranopia, tritanopia, and no change.
const VISIONS: [[[f64; 3]; 3]; 4] = [
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
];

/// The saturated colours that Adafruit's LED_Animation library gives names to, as a strip is sent them, gamma or none.
const NAMES: [(&str, [u8; 3]); 12] = [
    ("red", [255, 0, 0]),
    ("orange", [255, 40, 0]),
    ("amber", [255, 100, 0]),
    ("yellow", [255, 150, 0]),
    ("gold", [255, 222, 30]),
    ("green", [0, 255, 0]),
    ("jade", [0, 255, 40]),
    ("teal", [0, 255, 120]),
    ("cyan", [0, 255, 255]),
    ("blue", [0, 0, 255]),
    ("purple", [180, 0, 255]),
    ("magenta", [255, 0, 20]),
];

/// A palette, how far apart any two of its phases are at the least, and what its colours may be called. In OKLab 0.02 is
/// just seen side by side.
struct Promise {
    palette: Palette,
    apart: f64,
    /// Jade and teal lean to blue, as traffic lights do.
    green: &'static [&'static str],
    yellow: &'static [&'static str],
}

const CLASSIC: Promise = Promise {
    palette: Palette::CLASSIC,
    apart: 0.1,
    green: &["green", "jade", "teal"],
    yellow: &["amber", "yellow", "gold"],
};

const COLOUR_BLIND: Promise =
    Promise { palette: Palette::COLOUR_BLIND, apart: 0.2, green: &["cyan", "blue"], yellow: &["yellow", "gold"] };

#[test]
fn every_two_phases_are_meant_to_differ_for_every_kind_of_eye() {
    for promise in [CLASSIC, COLOUR_BLIND] {
        for gamma in [2.25, 1.0] {
            let light = |Rgb { r, g, b }| [r, g, b].map(|channel| (f64::from(channel) / 255.0).powf(gamma));
            promise.differ(light, &format!("gamma {gamma}"));
        }
    }
}

#[test]
fn every_two_phases_are_sent_to_differ_for_every_kind_of_eye() {
    for promise in [CLASSIC, COLOUR_BLIND] {
        for (drive, how) in drives(&promise.palette) {
            promise.differ(|colour| sent(&drive, colour), &how);
        }
    }
}

#[test]
fn colours_are_sent_as_what_they_are_called() {
    for promise in [CLASSIC, COLOUR_BLIND] {
        let Palette { green, yellow, red, ready } = promise.palette;
        for (drive, how) in drives(&promise.palette) {
            for (colour, names) in
                [(green, promise.green), (yellow, promise.yellow), (red, &["red"]), (ready, &["white"])]
            {
                let name = name(sent(&drive, colour));
                assert!(names.contains(&name), "{colour:?} is {name}, {how}");
            }
        }
    }
}

/// The name whose hue is nearest; white has none.
fn name(light: [f64; 3]) -> &'static str {
    let polar = |light| {
        let [_, a, b] = oklab(light);
        (f64::hypot(a, b), f64::atan2(b, a).to_degrees())
    };
    let (chroma, hue) = polar(light);
    if chroma < 0.02 {
        return "white";
    }
    let far = |(_, named): &(&str, [u8; 3])| {
        let (_, named) = polar(named.map(|channel| f64::from(channel) / 255.0));
        let turn = (hue - named).rem_euclid(360.0);
        turn.min(360.0 - turn)
    };
    let nearest = NAMES.iter().min_by(|one, other| far(one).total_cmp(&far(other)));
    nearest.expect("there are names").0
}

impl Promise {
    fn differ(&self, light: impl Fn(Rgb) -> [f64; 3], how: &str) {
        let Palette { green, yellow, red, .. } = self.palette;
        for vision in VISIONS {
            let seen = |colour| oklab(times(vision, light(colour)).map(|channel| channel.max(0.0)));
            for (one, other) in [(green, yellow), (yellow, red), (green, red)] {
                let distance = distance(seen(one), seen(other));
                assert!(distance >= self.apart, "{one:?} and {other:?} are {distance:.3} apart in {vision:?}, {how}");
            }
        }
    }
}

/// Every drive that leaves a brightness of 8 or more, and how it came about.
fn drives(palette: &Palette) -> impl Iterator<Item = (Drive, String)> {
    const LEDS: usize = 60;
    let look = Look {
        leds: LEDS,
        palette: *palette,
        pattern: Pattern::Solid,
        ready: ReadyLook::Dot,
        flash_half: Look::flash_half(1.0),
    };
    let marks = [300, 120, 60, 30].map(std::time::Duration::from_secs);
    let plan = Plan::new("talk", marks[0], marks[1], marks[2], marks[3]).unwrap();
    let pictures: Vec<_> = look.brightest(&[plan]).collect();
    let brightness = (8..=255).map(|brightness| (brightness, 0));
    let limits = (100..3000).step_by(7).map(|limit| (255, limit));
    let ways = brightness.chain(limits).flat_map(|way| {
        [true, false].into_iter().flat_map(move |gamma| [Chip::Ws2812, Chip::Sk6812Rgbw].map(|chip| (way, gamma, chip)))
    });
    ways.filter_map(move |((brightness, max_milliamps), gamma, chip)| {
        let settings =
            DriveSettings { chip, order: Order::Grb, gamma, brightness, max_milliamps, milliamps_per_led: 55 };
        let drive = Drive::new(settings, LEDS, &pictures).ok()?;
        let left = f64::from(brightness) * drive.scale();
        let how = format!("brightness {left}, gamma {gamma}, {chip:?}");
        (left >= 8.0).then_some((drive, how))
    })
}

/// The light of an LED, which is proportional to what it is sent; white is all three. Brightness says nothing when one phase
/// is seen a minute after the other, so each is at its own brightest.
fn sent(drive: &Drive, colour: Rgb) -> [f64; 3] {
    let [r, g, b, white] = drive.level(colour);
    let light = [r, g, b].map(|channel| f64::from(channel) + f64::from(white));
    let brightest = light.into_iter().fold(0.0, f64::max);
    light.map(|channel| channel / brightest)
}

/// Björn Ottosson's OKLab from linear RGB.
fn oklab(light: [f64; 3]) -> [f64; 3] {
    let cones = times(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        light,
    );
    times(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ],
        cones.map(f64::cbrt),
    )
}

fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn distance(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
