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
    /// The lines that do it; empty where nothing has to.
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
    let doubt = file.and_then(|file| file.doubt(core.keys()));
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
            return bad(format!("{name} fixes the core clock ({by}), but the Pi was started without that"), "reboot");
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
        _ if by.is_empty() => good("the core clock of this model does not change unless it is made to"),
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
        let set = |key| firmware?.number(key);
        let have = [("core_freq", set("core_freq")), ("core_freq_min", set("core_freq_min").or(Some(freq_min)))];
        have.iter()
            .filter(|(_, mhz)| firmware.is_none() || *mhz != Some(at))
            .map(|(key, _)| format!("{key}={at}"))
            .collect()
    }

    /// The keys that have a say in it.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Scales { mini_uart: true, .. } => &KEYS,
            _ => &KEYS[..3],
        }
    }

    /// What fixes it, if it is fixed. Both keys have to say the same (timg236 in raspberrypi/firmware#1256).
    pub fn fixed_by(self, firmware: &Firmware) -> Option<Fixed> {
        let Self::Scales { freq, freq_min, mini_uart } = self else {
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
