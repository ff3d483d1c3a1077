//! The core clock, and whether it is fixed.

use super::facts::Facts;
use super::firmware::Firmware;
use super::{Finding, bad, good, note};

/// The bits of `get_throttled` for a Pi that is throttled now, or was since its start.
const THROTTLED: u32 = 1 << 2 | 1 << 18;

/// The behaviour of the core clock, which drives SPI's clock on all models before the Pi 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// SPI has a clock of its own.
    Separate,
    /// The clock changes with the load, by default from `freq_min` to `freq` MHz (documentation, "config.txt: overclocking
    /// options").
    Scales {
        freq: u32,
        freq_min: u32,
        /// Bluetooth uses the better UART. The serial port uses the other one, whose clock is the core clock.
        mini_uart: bool,
    },
    Unknown,
}

/// How the core clock is fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The lines that fix it, or [`BY_DEFAULT`].
    pub by: String,
    /// If None, the clock is at its highest rate, and falls when the Pi is throttled by heat or under-voltage (pelwell in
    /// raspberrypi/linux#4123).
    pub mhz: Option<u32>,
}

/// `config.txt` decides from the next start on. The settings that the Pi was started with are in force now.
pub fn finding(facts: &Facts) -> Finding {
    let core = match facts.model.as_ref().map(|model| model.core) {
        Some(Core::Separate) => return good("SPI has a clock of its own on this model; there is nothing to set"),
        None | Some(Core::Unknown) => {
            return note("the core clock of this model is not known; if the strip flickers, fix the clock");
        }
        Some(core) => core,
    };
    let name = facts.boot("config.txt");
    let file = facts.firmware.as_ref();
    let doubt = file.and_then(|file| core.doubt(file));
    let file = file.filter(|_| doubt.is_none());
    let add = || facts.add_to_config_txt(&core.lines(file));
    let next = file.map(|file| core.fixed_by(file));
    let current = facts.started.as_ref().map(|started| {
        let fixed = core.fixed_by(&started.with);
        // The firmware does not tell of overlays, and one of those can give the serial port another clock.
        fixed.filter(|fixed| fixed.mhz.is_some() || next != Some(None))
    });
    match (next, current) {
        (Some(Some(Fixed { by, .. })), Some(None)) if by == BY_DEFAULT => bad(
            format!("{name} leaves the core clock alone, but the Pi was started with lines that change it"),
            facts.reboot(),
        ),
        (Some(Some(Fixed { by, .. })), Some(None)) => {
            bad(format!("{name} fixes the core clock ({by}), but the Pi was started without that"), facts.reboot())
        }
        (Some(None), Some(Some(Fixed { by, .. }))) => {
            bad(format!("the core clock is fixed ({by}), but will not be after a reboot: {name} has changed"), add())
        }
        (Some(None), _) | (None, Some(None)) => {
            let now = facts.core_mhz().map_or(String::new(), |mhz| format!(" ({mhz} MHz now)"));
            bad(
                format!(
                    "the core clock changes with the load{now}, and SPI's with it: the strip flickers or turns white"
                ),
                add(),
            )
        }
        (None, None) => note(match doubt {
            Some(section) => format!("{name} sets the core clock under {section}; cannot tell whether that applies"),
            None => format!("{name} cannot be read; this model needs {} there", core.lines(None).join(" and ")),
        }),
        (_, Some(Some(fixed))) => hold(facts, &fixed, "", add),
        (Some(Some(fixed)), None) => {
            let unsure = format!(" in {name}, if the Pi was started since");
            hold(facts, &fixed, &unsure, add)
        }
    }
}

/// The finding for a clock that is fixed, unless the Pi is throttled.
fn hold(facts: &Facts, fixed: &Fixed, unsure: &str, add: impl Fn() -> String) -> Finding {
    let by = &fixed.by;
    match (fixed.mhz, facts.core_mhz()) {
        // The measurement is off by some kHz.
        (Some(mhz), Some(now)) if now + 1 < mhz => bad(
            format!("the core clock is fixed at {mhz} MHz, and is at {now}: the Pi is throttled"),
            "cool the Pi, or give it a stronger supply: `vcgencmd get_throttled` shows which",
        ),
        (None, _) if facts.throttled.is_some_and(|bits| bits & THROTTLED != 0) => {
            bad(format!("the core clock is fixed by {by}, but not while the Pi is throttled, and it has been"), add())
        }
        _ if by == BY_DEFAULT => good(format!("the core clock is fixed: {by}")),
        _ => good(format!("the core clock is fixed: {by}{unsure}")),
    }
}

impl Facts {
    fn core_mhz(&self) -> Option<u32> {
        self.started.as_ref()?.core_mhz
    }
}

impl Core {
    /// The lines that are missing from `firmware` to fix the clock; all of them if `firmware` is None. The rate is 500 MHz for
    /// models whose clock falls to 200, and 250 for the others, which keeps them cool.
    pub fn lines(self, firmware: Option<&Firmware>) -> Vec<String> {
        let Self::Scales { freq_min, .. } = self else {
            return Vec::new();
        };
        let wanted = if freq_min < 250 { 500 } else { 250 };
        let set = |keys| rate(firmware?, keys).map(|(_, mhz)| mhz);
        let have = [(FREQ, set(FREQ)), (FREQ_MIN, set(FREQ_MIN).or(Some(freq_min)))];
        have.iter()
            .filter(|(_, mhz)| firmware.is_none() || *mhz != Some(wanted))
            .map(|([key, _], _)| format!("{key}={wanted}"))
            .collect()
    }

    /// The section that may set the clock, if it is unknown whether the section applies.
    pub fn doubt(self, firmware: &Firmware) -> Option<&str> {
        let keys = match self {
            // These two override all the others.
            _ if [FREQ[0], FREQ_MIN[0]].iter().all(|key| firmware.value(key).is_some()) => &KEYS[..2],
            Self::Scales { mini_uart: true, .. } => &KEYS[..],
            _ => &KEYS[..5],
        };
        firmware.doubt(keys)
    }

    /// How the clock is fixed. None if it changes. Both keys must set the same rate (timg236 in raspberrypi/firmware#1256).
    pub fn fixed_by(self, firmware: &Firmware) -> Option<Fixed> {
        let Self::Scales { freq, freq_min, mini_uart } = self else {
            return None;
        };
        let (set, set_min) = (rate(firmware, FREQ), rate(firmware, FREQ_MIN));
        let mhz = |set: &Option<(_, u32)>| set.as_ref().map(|(_, mhz)| *mhz);
        let top = mhz(&set).or((freq == freq_min).then_some(freq));
        let is_set = |key: &str| firmware.number(key) == Some(1);
        // The serial port needs a fixed clock (documentation, "configuring UARTs"; for the Pi 4 pelwell in documentation#1614).
        let serial = mini_uart && !KEYS[6..].iter().any(|key| firmware.value(key).is_some());
        let fixed = |line: &str| Some(Fixed { by: line.into(), mhz: None });
        if top == Some(mhz(&set_min).unwrap_or(freq_min)) {
            let lines: Vec<_> = set.into_iter().chain(set_min).map(|(line, _)| line).collect();
            let by = if lines.is_empty() { BY_DEFAULT.into() } else { lines.join(" and ") };
            Some(Fixed { by, mhz: top })
        } else if is_set("force_turbo") {
            fixed("force_turbo=1")
        } else if serial && is_set("enable_uart") {
            fixed("enable_uart=1")
        } else {
            None
        }
    }
}

/// The line that sets a clock, and the rate in MHz. The second key applies where the first is not set: it is that of the
/// whole GPU.
fn rate(firmware: &Firmware, keys: [&str; 2]) -> Option<(String, u32)> {
    keys.iter().find_map(|key| {
        let mhz = firmware.number(key)?;
        Some((format!("{key}={mhz}"), mhz))
    })
}

const FREQ: [&str; 2] = ["core_freq", "gpu_freq"];
const FREQ_MIN: [&str; 2] = ["core_freq_min", "gpu_freq_min"];
/// The reason where no line is needed.
const BY_DEFAULT: &str = "that of this model does not change by default";

/// Every key with an effect on the core clock.
const KEYS: [&str; 10] = [
    FREQ[0],
    FREQ_MIN[0],
    FREQ[1],
    FREQ_MIN[1],
    "force_turbo",
    "enable_uart",
    "dtoverlay=miniuart-bt",
    "dtoverlay=disable-bt",
    "dtoverlay=pi3-miniuart-bt",
    "dtoverlay=pi3-disable-bt",
];
