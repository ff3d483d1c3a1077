//! Phases that somebody might take for one another.

use super::values::Values;
use crate::drive::{Drive, DriveSettings};
use crate::frame::{Look, Palette, Pattern, Picture, ReadyLook, Rgb};

/// The phases as seen under some circumstances, and what to do if two of them look alike then.
struct View {
    /// None for the look.
    drive: Option<Drive>,
    key: Option<&'static str>,
    remedy: &'static str,
}

/// Tells which phases cannot be told apart: as they are meant to look, or as a strip driven with `settings` shows them.
pub(super) fn look_alikes(
    values: &mut Values,
    look: &Look,
    settings: Option<DriveSettings>,
    pictures: &[Picture],
) {
    let mut views = Vec::new();
    let mut view = |settings: Option<DriveSettings>, key, remedy| {
        // Without enough current there is no drive, which is told elsewhere.
        let drive = settings.map(|settings| Drive::new(settings, look.leds, pictures).ok());
        if drive.as_ref().is_none_or(Option::is_some) {
            views.push(View {
                drive: drive.flatten(),
                key,
                remedy,
            });
        }
    };
    let colours = "choose colours further apart";
    view(None, None, colours);
    if let Some(settings) = settings {
        let unlimited = DriveSettings {
            max_milliamps: 0,
            ..settings
        };
        let bright = DriveSettings {
            brightness: 255,
            ..unlimited
        };
        view(Some(bright), None, colours);
        view(
            Some(unlimited),
            Some("strip.brightness"),
            "raise `brightness`",
        );
        view(
            Some(settings),
            Some("strip.max_milliamps"),
            "raise `max_milliamps`, or let fewer LEDs share it",
        );
    }

    let Palette {
        green,
        yellow,
        red,
        ready,
    } = look.palette;
    let mut colours = vec![("green", green), ("yellow", yellow), ("red", red)];
    // A talk may be down to a single LED, too.
    if look.ready == ReadyLook::Dot && (look.leds == 1 || look.pattern == Pattern::Bar) {
        colours.push(("ready", ready));
    }
    for (n, &(name, colour)) in colours.iter().enumerate() {
        for &(other, other_colour) in &colours[..n] {
            // The first view in which they look alike has the remedy.
            let Some(View { key, remedy, .. }) = views
                .iter()
                .find(|view| alike(view.light(colour), view.light(other_colour)))
            else {
                continue;
            };
            let [own, others] = [name, other].map(|name| format!("strip.colours.{name}"));
            let keys = [
                key.unwrap_or(&own),
                &own,
                &others,
                "strip.palette",
                "strip.brightness",
                "strip.max_milliamps",
                "strip.leds",
                "strip.gamma",
                "strip.pattern",
                "strip.kind",
            ];
            values.conflict(
                &keys,
                format!("`{other}` and `{name}` would look alike; {remedy}"),
            );
        }
    }
}

impl View {
    /// Red, green and blue light, in any unit.
    fn light(&self, colour: Rgb) -> [f64; 3] {
        match &self.drive {
            None => light_of(colour),
            Some(drive) => light_sent(drive.level(colour)),
        }
    }
}

/// Whether two lights, red, green and blue, are of one colour for somebody who sees one now and the other a minute later.
///
/// Brightness says nothing without the other beside it, so both are compared at their brightest. OKLab (Ottosson, 2020)
/// puts colours as far apart as they look; side by side, 0.02 is just noticeable (CSS Color 4, section 13.2). From memory
/// and across a room it takes five times that: orange (`#ff8000`) is 0.15 from red, the shipped colours 0.2 and more.
fn alike(a: [f64; 3], b: [f64; 3]) -> bool {
    const DISTANCE_MIN: f64 = 0.1;
    let [a, b] = [a, b].map(oklab);
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt() < DISTANCE_MIN
}

fn oklab(light: [f64; 3]) -> [f64; 3] {
    let brightest = light.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    let dot =
        |weights: [f64; 3], x: [f64; 3]| weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
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

/// The light of a colour on a screen, by sRGB's transfer function.
fn light_of(Rgb { r, g, b }: Rgb) -> [f64; 3] {
    [r, g, b].map(|channel| match f64::from(channel) / 255.0 {
        dark if dark <= 0.040_45 => dark / 12.92,
        lit => ((lit + 0.055) / 1.055).powf(2.4),
    })
}

/// The light of an LED, which is proportional to what it is sent.
fn light_sent([r, g, b, white]: [u8; 4]) -> [f64; 3] {
    [r, g, b].map(|channel| f64::from(channel) + f64::from(white))
}
