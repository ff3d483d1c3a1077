//! The colours of the phases can be told apart with every kind of colour vision, and look like their names. This holds for the
//! palette, and for the values sent to a strip: at a brightness of 8 to 255, with and without gamma, for both chips, and with
//! the limit of current.

use talklight::core::drive::{Chip, Drive, DriveSettings, Order};
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;

/// Protanopia, deuteranopia, tritanopia and normal vision, as matrices on linear RGB (Machado, Oliveira and Fernandes 2009,
/// severity 1).
const VISIONS: [[[f64; 3]; 3]; 4] = [
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
];

/// The saturated colours of Adafruit's LED_Animation library, as values sent to a strip.
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

/// The requirements on a palette.
struct Requirement {
    palette: Palette,
    /// The least distance of two phases in OKLab. A distance of 0.02 is just visible side by side.
    apart: f64,
    /// The allowed names of green. Jade and teal are bluish, like traffic lights.
    green: &'static [&'static str],
    yellow: &'static [&'static str],
}

const CLASSIC: Requirement = Requirement {
    palette: Palette::CLASSIC,
    apart: 0.1,
    green: &["green", "jade", "teal"],
    yellow: &["amber", "yellow", "gold"],
};

const COLOUR_BLIND: Requirement =
    Requirement { palette: Palette::COLOUR_BLIND, apart: 0.2, green: &["cyan", "blue"], yellow: &["yellow", "gold"] };

#[test]
fn the_phases_of_a_palette_differ_for_every_kind_of_vision() {
    for requirement in [CLASSIC, COLOUR_BLIND] {
        for gamma in [2.25, 1.0] {
            let light = |Rgb { r, g, b }| [r, g, b].map(|channel| (f64::from(channel) / 255.0).powf(gamma));
            requirement.differ(light, &format!("gamma {gamma}"));
        }
    }
}

#[test]
fn the_phases_on_the_wire_differ_for_every_kind_of_vision() {
    for requirement in [CLASSIC, COLOUR_BLIND] {
        for (drive, how) in drives(&requirement.palette) {
            requirement.differ(|colour| sent(&drive, colour), &how);
        }
    }
}

#[test]
fn colours_on_the_wire_look_like_their_names() {
    for requirement in [CLASSIC, COLOUR_BLIND] {
        let Palette { green, yellow, red, ready } = requirement.palette;
        for (drive, how) in drives(&requirement.palette) {
            for (colour, names) in
                [(green, requirement.green), (yellow, requirement.yellow), (red, &["red"]), (ready, &["white"])]
            {
                let name = name(sent(&drive, colour));
                assert!(names.contains(&name), "{colour:?} is {name}, {how}");
            }
        }
    }
}

/// The name with the nearest hue.
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

impl Requirement {
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

/// Every drive with a brightness of 8 or more, and its settings in words.
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

/// The light of an LED, which is proportional to the values sent; white adds to all three. It is scaled to full brightness,
/// since nobody compares the brightness of phases that are minutes apart.
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
