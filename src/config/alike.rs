//! Finds phases whose colours look alike.

use super::values::Values;
use crate::core::drive::{Drive, DriveSettings, gamma};
use crate::core::look::{Look, Palette, Pattern, Picture, ReadyLook, Rgb};

/// One way to see the phases, with a remedy if two of them look alike in it.
struct View {
    /// `None` for the colours as they are meant to look.
    drive: Option<Drive>,
    /// The key to blame. `None` for the colours themselves.
    cause: Option<&'static str>,
    remedy: &'static str,
}

/// Reports phases that look alike, either as they are meant to look or on a strip with `settings`.
pub(super) fn look_alikes(values: &mut Values, look: &Look, settings: Option<DriveSettings>, pictures: &[Picture]) {
    let mut views = vec![View { drive: None, cause: None, remedy: "choose colours further apart" }];
    if let Some(settings) = settings {
        let unlimited = DriveSettings { max_milliamps: 0, ..settings };
        let bright = DriveSettings { brightness: 255, ..unlimited };
        for (settings, cause, remedy) in [
            (bright, None, "choose colours further apart"),
            (unlimited, Some("brightness"), "raise `brightness`"),
            (settings, Some("max_milliamps"), "raise `max_milliamps`, or let fewer LEDs share it"),
        ] {
            // An error means too little current, which is reported elsewhere.
            if let Ok(drive) = Drive::new(settings, look.leds, pictures) {
                let drive = Some(drive);
                views.push(View { drive, cause, remedy });
            }
        }
    }

    let Palette { green, yellow, red, ready } = look.palette;
    let mut colours = vec![("green", green), ("yellow", yellow), ("red", red)];
    // A talk may also show on a single LED.
    if look.ready == ReadyLook::Dot && (look.leds == 1 || look.pattern == Pattern::Bar) {
        colours.push(("ready", ready));
    }
    for (n, &(name, colour)) in colours.iter().enumerate() {
        for &(other, other_colour) in &colours[..n] {
            // The first view in which they look alike names the cause.
            let alike = |view: &&View| alike(view.light(colour), view.light(other_colour));
            if let Some(View { cause, remedy, .. }) = views.iter().find(alike) {
                let [own, others] = [name, other].map(|name| format!("colours.{name}"));
                let keys: Vec<_> = [cause.unwrap_or(&own), &own, &others]
                    .into_iter()
                    .chain(OTHER_CAUSES)
                    .map(|key| format!("strip.{key}"))
                    .collect();
                let keys: Vec<_> = keys.iter().map(String::as_str).collect();
                values.conflict(&keys, format!("`{other}` and `{name}` would look alike; {remedy}"));
            }
        }
    }
}

/// Other keys that affect how the phases look, the likeliest first.
const OTHER_CAUSES: [&str; 10] = [
    "palette",
    "brightness",
    "max_milliamps",
    "leds",
    "gamma",
    "milliamps_per_led",
    "chip",
    "pattern",
    "ready",
    "kind",
];

impl View {
    /// The light of a colour: red, green and blue, in any unit.
    fn light(&self, colour: Rgb) -> [f64; 3] {
        match &self.drive {
            None => light_of(colour),
            Some(drive) => light_sent(drive.level(colour)),
        }
    }
}

/// Whether a person who sees one light now and the other a minute later would take them for the same colour.
///
/// People cannot compare brightness from memory, so both lights are scaled to their full brightness first. Distances in OKLab
/// (Ottosson, 2020) match perceived differences; side by side, 0.02 is just noticeable (CSS Color 4, section 13.2). From
/// memory and across a room the limit is five times that: orange (`#ff8000`) is 0.16 from red, and the shipped colours are at
/// least 0.2 apart.
fn alike(a: [f64; 3], b: [f64; 3]) -> bool {
    const DISTANCE_MIN: f64 = 0.1;
    let [a, b] = [a, b].map(oklab);
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt() < DISTANCE_MIN
}

fn oklab(light: [f64; 3]) -> [f64; 3] {
    let brightest = light.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    let dot = |weights: [f64; 3], x: [f64; 3]| weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let light = light.map(|channel| channel / brightest);
    let cones = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ]
    .map(|weights| dot(weights, light).cbrt());
    [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ]
    .map(|weights| dot(weights, cones))
}

/// The light of a colour on a screen.
fn light_of(Rgb { r, g, b }: Rgb) -> [f64; 3] {
    [r, g, b].map(|channel| gamma(f64::from(channel) / 255.0))
}

/// The light of an LED, which is proportional to the levels it is sent.
fn light_sent([r, g, b, white]: [u8; 4]) -> [f64; 3] {
    [r, g, b].map(|channel| f64::from(channel) + f64::from(white))
}
