//! The models of the Raspberry Pi, as far as their set-up differs.

use super::firmware::Firmware;

/// A Raspberry Pi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// As the device tree has it.
    pub name: String,
    /// The names by which sections of `config.txt` mean it.
    pub sections: &'static [&'static str],
    pub core: Core,
}

/// What the core clock does, which the clock of SPI is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// It does not change, or SPI does not depend on it.
    Fixed,
    /// From 200 to 500 MHz: much too slow for a strip when idle.
    Pi4,
    /// From 250 to 400 MHz.
    Pi3 {
        bluetooth: bool,
    },
    Unknown,
}

const BLUETOOTH: Core = Core::Pi3 { bluetooth: true };
const NO_BLUETOOTH: Core = Core::Pi3 { bluetooth: false };

/// The first whose words are in the name is meant. The sections are those of Raspberry Pi's documentation of `config.txt`.
const MODELS: [(&str, &[&str], Core); 20] = [
    ("Compute Module 5", &["cm5", "pi5"], Core::Fixed),
    ("Compute Module 4S", &["cm4s", "pi4"], Core::Pi4),
    ("Compute Module 4", &["cm4", "pi4"], Core::Pi4),
    (
        "Compute Module 3 Plus",
        &["cm3+", "cm3", "pi3"],
        NO_BLUETOOTH,
    ),
    ("Compute Module 3", &["cm3", "pi3"], NO_BLUETOOTH),
    ("Compute Module 0", &["cm0"], NO_BLUETOOTH),
    ("Compute Module", &["cm1", "pi1"], Core::Unknown),
    ("Pi 500", &["pi500", "pi5"], Core::Fixed),
    ("Pi 5", &["pi5"], Core::Fixed),
    ("Pi 400", &["pi400", "pi4"], Core::Pi4),
    ("Pi 4", &["pi4"], Core::Pi4),
    ("Pi 3 Model B Plus", &["pi3+", "pi3"], BLUETOOTH),
    ("Pi 3 Model A Plus", &["pi3+", "pi3"], BLUETOOTH),
    ("Pi 3", &["pi3"], BLUETOOTH),
    ("Pi 2", &["pi2"], Core::Fixed),
    ("Pi Zero 2", &["pi02", "pi0w", "pi0"], BLUETOOTH),
    ("Pi Zero W", &["pi0w", "pi0"], BLUETOOTH),
    ("Pi Zero", &["pi0"], NO_BLUETOOTH),
    ("Pi Model", &["pi1"], Core::Unknown),
    ("Raspberry Pi", &[], Core::Unknown),
];

impl Model {
    /// `None` if this is the name of something else.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim_end_matches('\0').trim();
        if !name.starts_with("Raspberry Pi") {
            return None;
        }
        let found = MODELS.iter().find(|(words, _, _)| name.contains(words));
        found.map(|&(_, sections, core)| Self {
            name: name.into(),
            sections,
            core,
        })
    }
}

impl Core {
    /// What fixes it, as lines of `config.txt`.
    pub fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Fixed | Self::Unknown => &[],
            Self::Pi4 => &["core_freq=500", "core_freq_min=500"],
            Self::Pi3 { .. } => &["core_freq=250"],
        }
    }

    /// The keys that have a say in it.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Pi3 { bluetooth: true } => &KEYS,
            _ => &KEYS[..3],
        }
    }

    /// The lines that fix it, if it is fixed.
    pub fn fixed_by(self, firmware: &Firmware) -> Option<&'static str> {
        let number = |key| firmware.number(key);
        let turbo = number("force_turbo") == Some(1);
        // Where Bluetooth has the better UART, the other one, which is made from the core clock, holds that still.
        let uart = number("enable_uart") == Some(1)
            && !KEYS[4..]
                .iter()
                .any(|overlay| firmware.value(overlay).is_some());
        match (self, number("core_freq"), number("core_freq_min")) {
            (Self::Pi4, Some(500), Some(500)) => Some("core_freq=500 and core_freq_min=500"),
            (Self::Pi3 { .. }, Some(250), None | Some(..=250)) => Some("core_freq=250"),
            (Self::Pi3 { .. }, Some(400), Some(400)) => Some("core_freq=400 and core_freq_min=400"),
            _ if turbo => Some("force_turbo=1"),
            (Self::Pi3 { bluetooth: true }, _, _) if uart => Some("enable_uart=1"),
            _ => None,
        }
    }
}

const KEYS: [&str; 8] = [
    "core_freq",
    "core_freq_min",
    "force_turbo",
    "enable_uart",
    "dtoverlay=miniuart-bt",
    "dtoverlay=disable-bt",
    "dtoverlay=pi3-miniuart-bt",
    "dtoverlay=pi3-disable-bt",
];
