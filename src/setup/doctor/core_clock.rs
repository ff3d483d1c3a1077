//! The core clock, and whether it stands still.

use super::facts::Facts;
use super::firmware::Firmware;
use super::{Finding, bad, good, note};

/// The bits of `get_throttled` for a Pi that is throttled, or was.
const THROTTLED: u32 = 1 << 2 | 1 << 18;

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
    /// The lines that do it, or why nothing has to.
    pub by: String,
    /// In MHz. Without it the clock stands at the highest, and falls where the Pi is throttled: heat, too little voltage
    /// (pelwell in raspberrypi/linux#4123).
    pub at: Option<u32>,
}

/// What `config.txt` says holds from the next start on; what the Pi was started with holds now.
pub fn finding(facts: &Facts) -> Finding {
    let core = match facts.model.as_ref().map(|model| model.core) {
        Some(Core::Apart) => {
            return good("SPI has a clock of its own on this model; nothing is to be set");
        }
        None | Some(Core::Unknown) => {
            return note("what the core clock of this model does is not known here; if the strip flickers, fix it");
        }
        Some(core) => core,
    };
    let name = facts.boot("config.txt");
    let file = facts.firmware.as_ref();
    let doubt = file.and_then(|file| core.doubt(file));
    let file = file.filter(|_| doubt.is_none());
    let now = facts.started.as_ref().and_then(|started| started.core_mhz);
    let add = || facts.add_to_config_txt(&core.lines(file));
    let to_be = file.map(|file| core.fixed_by(file));
    let is = facts.started.as_ref().map(|started| {
        let fixed = core.fixed_by(&started.with);
        // An overlay that gives the serial port another clock is not among what the firmware tells.
        fixed.filter(|fixed| fixed.at.is_some() || to_be != Some(None))
    });
    let (fixed, is_sure) = match (to_be, is) {
        (Some(Some(Fixed { by, .. })), Some(None)) => {
            let text = match &*by {
                BY_DEFAULT => {
                    format!("{name} leaves the core clock alone, but the Pi was started with lines that change it")
                }
                _ => format!("{name} fixes the core clock ({by}), but the Pi was started without that"),
            };
            return bad(text, facts.reboot());
        }
        (Some(None), Some(Some(Fixed { by, .. }))) => {
            return bad(
                format!("the core clock is fixed ({by}), but will not be after a reboot: {name} has changed"),
                add(),
            );
        }
        (Some(None), _) | (None, Some(None)) => {
            let now = now.map_or(String::new(), |now| format!(" ({now} MHz now)"));
            return bad(
                format!(
                    "the core clock changes with the load{now}, and SPI's with it: the strip flickers or turns white"
                ),
                add(),
            );
        }
        (None, None) => {
            return note(match doubt {
                Some(section) => {
                    format!("{name} sets the core clock under {section}, and whether that applies is not known here")
                }
                None => format!("{name} cannot be read; this model needs {} there", core.lines(None).join(" and ")),
            });
        }
        (Some(Some(fixed)), None) => (fixed, false),
        (_, Some(Some(fixed))) => (fixed, true),
    };
    let by = fixed.by;
    match (fixed.at, now) {
        // A counter over a millisecond is some kHz wrong, not a MHz.
        (Some(at), Some(now)) if now + 1 < at => bad(
            format!("the core clock is fixed at {at} MHz, and is at {now}: the Pi is throttled"),
            "cool the Pi, or give it a stronger supply: `vcgencmd get_throttled` tells which",
        ),
        (None, _) if facts.throttled.is_some_and(|bits| bits & THROTTLED != 0) => bad(
            format!("the core clock is fixed by {by}, which lets go while the Pi is throttled, and it has been"),
            add(),
        ),
        _ if by == BY_DEFAULT => good(format!("the core clock is fixed: {by}")),
        _ if is_sure => good(format!("the core clock is fixed: {by}")),
        _ => good(format!("the core clock is fixed: {by} in {name}, if the Pi was started since")),
    }
}

impl Core {
    /// Raspberry Pi documentation, "config.txt: overclocking options".
    pub const fn scales(freq: u32, freq_min: u32, mini_uart: bool) -> Self {
        Self::Scales { freq, freq_min, mini_uart }
    }

    /// The lines that this file lacks to fix it: at 500 MHz where it falls to 200, else at 250, which is cool. All of them if
    /// it is not known what the file sets.
    pub fn lines(self, firmware: Option<&Firmware>) -> Vec<String> {
        let Self::Scales { freq_min, .. } = self else {
            return Vec::new();
        };
        let at = if freq_min < 250 { 500 } else { 250 };
        let set = |keys| rate(firmware?, keys).map(|(_, mhz)| mhz);
        let have = [(FREQ, set(FREQ)), (FREQ_MIN, set(FREQ_MIN).or(Some(freq_min)))];
        have.iter()
            .filter(|(_, mhz)| firmware.is_none() || *mhz != Some(at))
            .map(|([key, _], _)| format!("{key}={at}"))
            .collect()
    }

    /// The section of which it is not known whether it applies, and which has a say in it.
    pub fn doubt(self, firmware: &Firmware) -> Option<&str> {
        let keys = match self {
            // All else gives way to these two.
            _ if [FREQ[0], FREQ_MIN[0]].iter().all(|key| firmware.value(key).is_some()) => &KEYS[..2],
            Self::Scales { mini_uart: true, .. } => &KEYS[..],
            _ => &KEYS[..5],
        };
        firmware.doubt(keys)
    }

    /// What fixes it, if it is fixed. Both keys have to say the same (timg236 in raspberrypi/firmware#1256).
    pub fn fixed_by(self, firmware: &Firmware) -> Option<Fixed> {
        let Self::Scales { freq, freq_min, mini_uart } = self else {
            return None;
        };
        let number = |key: &str| firmware.number(key);
        let (set, set_min) = (rate(firmware, FREQ), rate(firmware, FREQ_MIN));
        let mhz = |set: &Option<(_, u32)>| set.as_ref().map(|(_, mhz)| *mhz);
        let at = mhz(&set).or((freq == freq_min).then_some(freq));
        let is_fixed = at == Some(mhz(&set_min).unwrap_or(freq_min));
        let fixed = |line: &str| Some(Fixed { by: line.into(), at: None });
        // The serial port holds it still (documentation, "configuring UARTs"; of the Pi 4 pelwell in documentation#1614).
        let serial = mini_uart && !KEYS[6..].iter().any(|key| firmware.value(key).is_some());
        if is_fixed {
            let lines: Vec<_> = set.into_iter().chain(set_min).map(|(line, _)| line).collect();
            let by = if lines.is_empty() { BY_DEFAULT.into() } else { lines.join(" and ") };
            Some(Fixed { by, at })
        } else if number("force_turbo") == Some(1) {
            fixed("force_turbo=1")
        } else if serial && number("enable_uart") == Some(1) {
            fixed("enable_uart=1")
        } else {
            None
        }
    }
}

/// The line that sets a clock, and its MHz. A clock that has no line of its own goes with the whole GPU's.
fn rate(firmware: &Firmware, keys: [&str; 2]) -> Option<(String, u32)> {
    keys.iter().find_map(|key| {
        let mhz = firmware.number(key)?;
        Some((format!("{key}={mhz}"), mhz))
    })
}

const FREQ: [&str; 2] = ["core_freq", "gpu_freq"];
const FREQ_MIN: [&str; 2] = ["core_freq_min", "gpu_freq_min"];
/// What fixes it where no line has to.
const BY_DEFAULT: &str = "that of this model does not change unless it is made to";

/// All that have a say in it.
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
