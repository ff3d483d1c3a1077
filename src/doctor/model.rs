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

/// What the core clock does, which the clock of SPI is made from on all models but the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// SPI has a clock of its own.
    Apart,
    /// It changes with the load, from `freq_min` to `freq` MHz where nothing is set.
    Scales {
        freq: u32,
        freq_min: u32,
        /// Bluetooth has the better UART; the other one, which is made from the core clock, is the serial port.
        mini_uart: bool,
    },
    Unknown,
}

/// Something that holds the core clock still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The lines that do it; empty where nothing has to.
    pub by: String,
    /// In MHz. Without it the clock stands at the highest, and falls where the Pi is throttled: heat, too little voltage
    /// (pelwell in raspberrypi/linux#4123).
    pub at: Option<u32>,
}

impl Core {
    /// Raspberry Pi documentation, "config.txt: overclocking options".
    const fn scales(freq: u32, freq_min: u32, mini_uart: bool) -> Self {
        Self::Scales {
            freq,
            freq_min,
            mini_uart,
        }
    }
}

const PI4: Core = Core::scales(500, 200, true);
const CM4: Core = Core::scales(500, 200, false);
const PI3: Core = Core::scales(400, 250, true);
const ZERO: Core = Core::scales(400, 250, false);
const PI1: Core = Core::scales(250, 250, false);

/// The first whose words are in the name is meant. The sections are those of the documentation, "conditional filters".
const MODELS: [(&str, &[&str], Core); 20] = [
    ("Compute Module 5", &["cm5", "pi5"], Core::Apart),
    ("Compute Module 4S", &["cm4s", "pi4"], CM4),
    ("Compute Module 4", &["cm4", "pi4"], CM4),
    ("Compute Module 3 Plus", &["cm3+", "pi3+", "pi3"], ZERO),
    ("Compute Module 3", &["cm3", "pi3"], ZERO),
    ("Compute Module 0", &["cm0", "pi02", "pi0w", "pi0"], ZERO),
    ("Compute Module", &["cm1", "pi1"], PI1),
    ("Pi 500", &["pi500", "pi5"], Core::Apart),
    ("Pi 5", &["pi5"], Core::Apart),
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
    /// The lines that this file lacks to fix it: at 500 MHz where it falls to 200, else at 250, which is cool. All of them if
    /// it is not known what the file sets.
    pub fn lines(self, firmware: Option<&Firmware>) -> Vec<String> {
        let Self::Scales { freq_min, .. } = self else {
            return Vec::new();
        };
        let at = if freq_min < 250 { 500 } else { 250 };
        let set = |key| firmware?.number(key);
        let have = [
            ("core_freq", set("core_freq")),
            ("core_freq_min", set("core_freq_min").or(Some(freq_min))),
        ];
        have.iter()
            .filter(|(_, mhz)| firmware.is_none() || *mhz != Some(at))
            .map(|(key, _)| format!("{key}={at}"))
            .collect()
    }

    /// The keys that have a say in it.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Scales {
                mini_uart: true, ..
            } => &KEYS,
            _ => &KEYS[..3],
        }
    }

    /// What fixes it, if it is fixed. Both keys have to say the same (timg236 in raspberrypi/firmware#1256).
    pub fn fixed_by(self, firmware: &Firmware) -> Option<Fixed> {
        let Self::Scales {
            freq,
            freq_min,
            mini_uart,
        } = self
        else {
            return None;
        };
        let number = |key: &str| firmware.number(key);
        let set = number("core_freq").or((freq == freq_min).then_some(freq));
        let set_min = number("core_freq_min").unwrap_or(freq_min);
        let fixed = |keys: &[&str], at| {
            let line = |key: &&str| Some(format!("{key}={}", number(key)?));
            let lines: Vec<_> = keys.iter().filter_map(line).collect();
            let by = lines.join(" and ");
            Some(Fixed { by, at })
        };
        // The serial port holds it still (documentation, "configuring UARTs"; of the Pi 4 pelwell in documentation#1614).
        let serial = mini_uart && !KEYS[4..].iter().any(|key| firmware.value(key).is_some());
        if set == Some(set_min) {
            fixed(&KEYS[..2], set)
        } else if number("force_turbo") == Some(1) {
            fixed(&["force_turbo"], None)
        } else if serial && number("enable_uart") == Some(1) {
            fixed(&["enable_uart"], None)
        } else {
            None
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
