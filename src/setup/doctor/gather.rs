//! Gathers the facts. The doctor does I/O only here and in `board`, `pi`, `pins` and `tool`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::board::Board;
use super::core_clock::Core;
use super::facts::{BUFSIZ_MAX, Daemon, Facts, Started, Unit, Watchdog, Web};
use super::firmware::Firmware;
use super::model::Model;
#[cfg(target_os = "linux")]
use super::pi;
use super::tool;
use crate::config::{self, Config, Origin, Overrides};
use crate::control::client::{self, Discovery};
use crate::control::protocol::{ClientRequest, Verb};
use crate::core::clock;
use crate::os::network::{self, Network};

const FILE_BYTES_MAX: u64 = 64 * 1024;
/// The properties of the service that the doctor uses.
const PROPERTIES: &str = "--property=LoadState,ActiveState,Result,ExecMainStatus,NRestarts,UnitFileState,\
    FragmentPath,SupplementaryGroups,ExecMainStartTimestampMonotonic";
const SOCKET_PROPERTIES: &str = "--property=LoadState,ActiveState,UnitFileState,Listen";
/// How often systemd is asked. It does not tell the result of a service that it is starting again.
const LOOKS: usize = 5;

/// The facts about this machine, with the config that these flags select.
pub fn facts(named: Option<&Path>, overrides: &Overrides) -> Facts {
    let board = Board::look();
    let started = board.model.as_ref().and_then(started);
    let unit = unit();
    let config = read_config(named, overrides);
    let known = config.as_ref().ok();
    #[cfg(target_os = "linux")]
    let (strip, gpio) = match board.model {
        Some(_) => {
            let groups = unit.as_ref().map(|unit| unit.get("SupplementaryGroups"));
            let pi = pi::Pi { service_groups: groups.unwrap_or_default(), board: &board };
            (pi.strip(known), known.and_then(|config| pi.gpio(config)))
        }
        None => (None, None),
    };
    #[cfg(not(target_os = "linux"))]
    let (strip, gpio) = (None, None);
    Facts {
        kernel: text("/proc/sys/kernel/osrelease").map(|text| text.trim().into()),
        boot: board.boot,
        boot_is_changed: board.is_changed(),
        throttled: throttled(started.is_some()),
        supply_milliamps: supply_milliamps(),
        strip,
        gpio,
        watchdog: Watchdog {
            is_there: Path::new("/dev/watchdog").exists(),
            timeout: unit.as_ref().and_then(|_| watchdog_timeout()),
        },
        config_is_newer: is_newer(unit.as_ref()),
        service_mistakes: unit.as_ref().and_then(|unit| service_mistakes(unit, known?)),
        web: known.and_then(|config| web(config, unit.as_ref())),
        daemon: daemon(match known {
            Some(config) => config.socket.as_deref(),
            None => overrides.socket.as_deref(),
        }),
        config: config.map(|config| config.origin.to_string()),
        unit,
        firmware: board.firmware,
        started,
        model: board.model,
    }
}

/// The text of a file, up to [`FILE_BYTES_MAX`].
pub fn text(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The config. A strip that is too long for the present buffer is no mistake here; the buffer has a check of its own.
fn read_config(named: Option<&Path>, overrides: &Overrides) -> Result<Config, String> {
    let mistakes = match Config::load(named, overrides) {
        Ok(config) => return Ok(config),
        Err(mistakes) => mistakes.to_string(),
    };
    let places = match named {
        Some(path) => vec![PathBuf::from(path)],
        None => config::search_path(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME")),
    };
    match config::find(&places) {
        Ok((Origin::BuiltIn, _)) if named.is_some() => Err(mistakes),
        Ok((origin, text)) => Config::parse(&text, origin, overrides, BUFSIZ_MAX).map_err(|_| mistakes),
        Err(_) => Err(mistakes),
    }
}

/// The mistakes of the service's config, if `config` is another file.
fn service_mistakes(unit: &Unit, config: &Config) -> Option<String> {
    let is_other = config.origin != Origin::File(config::SYSTEM_FILE.into());
    let file = Path::new(config::SYSTEM_FILE);
    let is_read = is_other && unit.get("LoadState") == "loaded" && file.exists();
    let mistakes = is_read.then(|| Config::load(Some(file), &Overrides::default()).err()).flatten();
    mistakes.map(|mistakes| mistakes.to_string())
}

/// `vcgencmd get_config` prints the settings of `config.txt` at the start that are not zero (popcornmix in
/// raspberrypi/firmware#439). `measure_clock` counts for a millisecond and prints Hz (pelwell in raspberrypi/linux#4123).
fn started(model: &Model) -> Option<Started> {
    let settings = tool::output("vcgencmd", &["get_config", "int"])?;
    let core_mhz = || {
        let output = tool::output("vcgencmd", &["measure_clock", "core"])?;
        let (_, hertz) = output.trim().split_once('=')?;
        Some(hertz.parse::<u32>().ok()? / 1_000_000)
    };
    Some(Started {
        with: Firmware::started_with(&settings),
        core_mhz: match model.core {
            Core::Separate => None,
            _ => core_mhz().filter(|mhz| *mhz > 0),
        },
    })
}

/// Asks `vcgencmd`, else the kernel's monitor, which covers only the last two seconds. Reading `get_throttled` in sysfs
/// would write to the kernel's log (drivers/firmware/raspberrypi.c).
fn throttled(has_vcgencmd: bool) -> Option<u32> {
    let from_firmware = || {
        let output = tool::output("vcgencmd", &["get_throttled"])?;
        u32::from_str_radix(output.trim().strip_prefix("throttled=0x")?, 16).ok()
    };
    let from_monitor = || {
        let mut monitors = (0..16).map(|number| format!("/sys/class/hwmon/hwmon{number}"));
        let monitor =
            monitors.find(|folder| text(&format!("{folder}/name")).is_some_and(|name| name.trim() == "rpi_volt"))?;
        let alarm = text(&format!("{monitor}/in0_lcrit_alarm"))?;
        // No alarm now does not exclude one before.
        alarm.trim().parse().ok().filter(|&bits: &u32| bits != 0)
    };
    has_vcgencmd.then(from_firmware).flatten().or_else(from_monitor)
}

/// Only a Pi 5 asks its supply (documentation, "device trees": `/chosen/power`).
fn supply_milliamps() -> Option<u32> {
    let bytes = fs::read("/proc/device-tree/chosen/power/max_current").ok()?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?)).filter(|milliamps| *milliamps > 0)
}

/// The facts about the web, for a config alone.
pub fn web_of(config: &Config) -> Option<Web> {
    let is_service = config.origin == Origin::File(config::SYSTEM_FILE.into());
    web(config, is_service.then(unit).flatten().as_ref())
}

fn web(config: &Config, unit: Option<&Unit>) -> Option<Web> {
    if cfg!(not(feature = "web")) {
        return None;
    }
    let web = config.web.clone().unwrap_or_default();
    let is_service = config.origin == Origin::File(config::SYSTEM_FILE.into())
        && !web.is_flag
        && unit.is_some_and(|unit| unit.get("LoadState") == "loaded");
    let socket = || tool::output("systemctl", &["show", "talklight-web.socket", SOCKET_PROPERTIES]).map(Unit);
    let socket = is_service.then(socket).flatten().filter(|unit| unit.get("LoadState") == "loaded");
    let mut web = Web { config: web, socket, network: Network::look(), listener: None };
    web.listener = web.listen().and_then(network::listener);
    Some(web)
}

fn unit() -> Option<Unit> {
    let look = || tool::output("systemctl", &["show", "talklight", PROPERTIES]).map(Unit);
    let is_starting = |unit: &Unit| unit.get("ActiveState") == "activating" && unit.get("Result") == "success";
    let mut unit = look()?;
    for _ in 1..LOOKS {
        if is_starting(&unit) {
            unit = look()?;
        }
    }
    Some(unit)
}

fn watchdog_timeout() -> Option<String> {
    let output = tool::output("systemctl", &["show", "--property=RuntimeWatchdogUSec"])?;
    Some(tool::value(&output, "RuntimeWatchdogUSec").into())
}

/// Whether the service's config was changed after the service had started. Ages are compared, not times of day: a Pi has no
/// clock of its own, and its time of day jumps after the start.
fn is_newer(unit: Option<&Unit>) -> bool {
    let changed = || {
        let file = fs::metadata(config::SYSTEM_FILE).ok()?;
        file.modified().ok()?.elapsed().ok()
    };
    let started = || {
        let unit = unit.filter(|unit| unit.get("ActiveState") == "active")?;
        let at_us = unit.get("ExecMainStartTimestampMonotonic").parse().ok()?;
        let now = Duration::from_nanos(clock::now().as_ns());
        now.checked_sub(Duration::from_micros(at_us))
    };
    // In this order the time between the two calls makes the file look older, not newer.
    matches!((started(), changed()), (Some(started), Some(changed)) if changed < started)
}

fn daemon(socket: Option<&Path>) -> Daemon {
    let Discovery { places, mut found, refused } = client::discover(socket);
    let list = |places: Vec<PathBuf>, separator: &str| {
        let names: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
        names.join(separator)
    };
    match (found.len(), refused) {
        (0, Some(refused)) => Daemon::Refused(refused),
        (0, None) => Daemon::Absent(list(places, " or ")),
        (1, _) => {
            let ask = ClientRequest::new(Verb::Status);
            let (path, stream) = found.remove(0);
            match client::request(stream, &ask).map(|reply| reply.status) {
                Ok(Some(status)) => Daemon::Answers(path.display().to_string(), status),
                Ok(None) => Daemon::Silent("the daemon sent no status".into()),
                Err(error) => Daemon::Silent(format!("{error:#}")),
            }
        }
        _ => Daemon::Two(list(found.into_iter().map(|(path, _)| path).collect(), " and ")),
    }
}
