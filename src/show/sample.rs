//! Test pictures, by which a person finds out the chip, the colour order and the length of an unknown strip.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::drive::{Chip, Drive, DriveSettings, Order, TooLittleCurrent};
use crate::core::look::{Look, Picture, Rgb};

/// The strip that is assumed while a test picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripType {
    pub chip: Chip,
    pub order: Order,
    /// At least 1.
    pub leds: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    Red,
    Green,
    Blue,
    /// Blocks of [`BLOCK`] LEDs in red, green, blue, red, and so on.
    Tens,
    Dark,
}

/// A test picture on a strip of an assumed type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Trial {
    pub strip: StripType,
    pub sample: Sample,
}

/// How long a test picture is shown after the last request, in case the tester is gone.
pub const LEASE: Duration = Duration::from_secs(10);
/// The LEDs that [`Sample::Tens`] shows in one colour.
pub const BLOCK: usize = 10;

const RED: Rgb = Rgb::new(255, 0, 0);
const GREEN: Rgb = Rgb::new(0, 255, 0);
const BLUE: Rgb = Rgb::new(0, 0, 255);

impl StripType {
    /// The drive for a strip of this type, otherwise with `settings`. A test picture lights one channel of each LED.
    ///
    /// # Errors
    /// [`TooLittleCurrent`] if the limit is too low to light every LED at its dimmest.
    pub fn drive(self, settings: &DriveSettings) -> Result<Drive, TooLittleCurrent> {
        let Self { chip, order, leds } = self;
        // A strip with three channels takes the bytes of four channels for a third more LEDs, and each step draws a third more.
        // A limit of 0 stays 0.
        let max_milliamps = match chip {
            Chip::Ws2812 => settings.max_milliamps,
            Chip::Sk6812Rgbw => settings.max_milliamps * 3 / 4,
        };
        let settings = DriveSettings { chip, order, max_milliamps, ..*settings };
        Drive::new(settings, leds, &[Picture::new(RED, leds)])
    }

    /// The lines of a config: chip, order and LEDs.
    pub fn lines(self) -> [String; 3] {
        let (chip, order) = (name_of(&Chip::ALL, self.chip), name_of(&Order::ALL, self.order));
        [format!("chip = \"{chip}\""), format!("order = \"{order}\""), format!("leds = {}", self.leds)]
    }

    /// In words: `60 LEDs, ws2812 in the order grb`.
    pub fn words(self) -> String {
        let (chip, order) = (name_of(&Chip::ALL, self.chip), name_of(&Order::ALL, self.order));
        let leds = match self.leds {
            1 => "1 LED".into(),
            leds => format!("{leds} LEDs"),
        };
        format!("{leds}, {chip} in the order {order}")
    }
}

impl Sample {
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }

    pub const ALL: [(&'static str, Sample); 5] = [
        ("red", Sample::Red),
        ("green", Sample::Green),
        ("blue", Sample::Blue),
        ("tens", Sample::Tens),
        ("dark", Sample::Dark),
    ];
}

impl Trial {
    /// Fills `frame`, and makes it as long as the assumed strip.
    pub fn paint(&self, frame: &mut Vec<Rgb>) {
        let colour = |led: usize| match self.sample {
            Sample::Red => RED,
            Sample::Green => GREEN,
            Sample::Blue => BLUE,
            Sample::Tens => [RED, GREEN, BLUE][led / BLOCK % 3],
            Sample::Dark => Rgb::BLACK,
        };
        frame.clear();
        frame.extend((0..self.strip.leds).map(colour));
    }
}

/// As in requests: `ws2812 grb 60 red`.
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strip, sample } = self;
        write!(f, "{strip} {}", sample.name())
    }
}

impl fmt::Display for StripType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chip, order) = (name_of(&Chip::ALL, self.chip), name_of(&Order::ALL, self.order));
        write!(f, "{chip} {order} {}", self.leds)
    }
}

impl FromStr for Trial {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        let [chip, order, leds, sample] = words[..] else {
            return Err("a trial is a chip, an order, a number of LEDs and a sample, as in `ws2812 grb 60 red`".into());
        };
        let leds = leds.parse().ok().filter(|leds| (1..=Look::LEDS_MAX).contains(leds));
        Ok(Self {
            strip: StripType {
                chip: named(&Chip::ALL, "chip", chip)?,
                order: named(&Order::ALL, "order", order)?,
                leds: leds.ok_or_else(|| format!("a strip has 1 to {} LEDs", Look::LEDS_MAX))?,
            },
            sample: named(&Sample::ALL, "sample", sample)?,
        })
    }
}

impl From<Trial> for String {
    fn from(trial: Trial) -> Self {
        trial.to_string()
    }
}

impl TryFrom<String> for Trial {
    type Error = String;

    fn try_from(words: String) -> Result<Self, String> {
        words.parse()
    }
}

fn named<T: Copy>(names: &[(&str, T)], what: &str, word: &str) -> Result<T, String> {
    let found = names.iter().find(|(name, _)| *name == word);
    found.map(|&(_, meant)| meant).ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(|&(name, _)| name).collect();
        format!("there is no such {what}; there is {}", names.join(", "))
    })
}

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], meant: T) -> &'static str {
    let found = names.iter().find(|(_, named)| *named == meant);
    found.expect("everything has its name").0
}
