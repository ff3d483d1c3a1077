//! The models of the Raspberry Pi whose set-up differs.

use super::core_clock::Core;

/// A Raspberry Pi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// From the device tree, such as `Raspberry Pi 4 Model B Rev 1.5`.
    pub name: String,
    /// The sections of `config.txt` that apply to it.
    pub sections: &'static [&'static str],
    pub core: Core,
}

const PI4: Core = Core::Scales { freq: 500, freq_min: 200, mini_uart: true };
const CM4: Core = Core::Scales { freq: 500, freq_min: 200, mini_uart: false };
const PI3: Core = Core::Scales { freq: 400, freq_min: 250, mini_uart: true };
const ZERO: Core = Core::Scales { freq: 400, freq_min: 250, mini_uart: false };
const PI1: Core = Core::Scales { freq: 250, freq_min: 250, mini_uart: false };

/// The first entry whose words are in the name applies. The sections are from the documentation, "conditional filters".
const MODELS: [(&str, &[&str], Core); 20] = [
    ("Compute Module 5", &["cm5", "pi5"], Core::Separate),
    ("Compute Module 4S", &["cm4s", "pi4"], CM4),
    ("Compute Module 4", &["cm4", "pi4"], CM4),
    ("Compute Module 3 Plus", &["cm3+", "pi3+", "pi3"], ZERO),
    ("Compute Module 3", &["cm3", "pi3"], ZERO),
    ("Compute Module 0", &["cm0", "pi02", "pi0w", "pi0"], ZERO),
    ("Compute Module", &["cm1", "pi1"], PI1),
    ("Pi 500", &["pi500", "pi5"], Core::Separate),
    ("Pi 5", &["pi5"], Core::Separate),
    ("Pi 400", &["pi400", "pi4"], PI4),
    ("Pi 4", &["pi4"], PI4),
    ("Pi 3 Model B Plus", &["pi3+", "pi3"], PI3),
    ("Pi 3 Model A Plus", &["pi3+", "pi3"], PI3),
    ("Pi 3", &["pi3"], PI3),
    ("Pi 2", &["pi2"], PI1),
    ("Pi Zero 2", &["pi02", "pi0w", "pi0"], PI3),
    ("Pi Zero W", &["pi0w", "pi0"], PI3),
    ("Pi Zero", &["pi0"], ZERO),
    ("Pi Model", &["pi1"], PI1),
    ("Raspberry Pi", &[], Core::Unknown),
];

impl Model {
    /// `None` if the name is not a Raspberry Pi's.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim_end_matches('\0').trim();
        if !name.starts_with("Raspberry Pi") {
            return None;
        }
        let found = MODELS.iter().find(|(words, _, _)| name.contains(words));
        found.map(|&(_, sections, core)| Self { name: name.into(), sections, core })
    }
}
