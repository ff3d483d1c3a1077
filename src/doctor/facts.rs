//! What there is to know about this machine. Here, in `pi` and in `tool` is all that the doctor reads.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::core_clock::Core;
use super::firmware::Firmware;
use super::model::Model;
#[cfg(target_os = "linux")]
use super::pi;
use super::tool;
use crate::client::{self, Sought};
use crate::clock;
use crate::config::{self, Config, Origin, Overrides};
use crate::event;
use crate::wire::{Ask, Status, What};

const FILE_BYTES_MAX: u64 = 64 * 1024;
/// rppal documents it as the longest buffer; a config is read for this one, and the buffer has a check of its own.
pub const BUFSIZ_MAX: usize = 65_536;

#[derive(Clone, Debug)]
pub struct Facts {
    /// None on other machines.
    pub model: Option<Model>,
    pub kernel: Option<String>,
    /// The boot folder: `/boot/firmware`, before Bookworm `/boot`.
    pub boot: &'static str,
    /// None if there is no `config.txt`, or it may not be read.
    pub firmware: Option<Firmware>,
    /// What the Pi runs with; None if its firmware cannot be asked.
    pub started: Option<Started>,
    /// The bits of the firmware's `get_throttled`; of the hardware monitor the first one alone.
    pub throttled: Option<u32>,
    /// What the Pi's own supply says that it gives.
    pub supply_milliamps: Option<u32>,
    /// Where the config comes from, or its mistakes.
    pub config: Result<String, String>,
    /// It was changed after the service had read it.
    pub config_is_newer: bool,
    /// None if the config means a simulated one.
    pub strip: Option<Strip>,
    /// None if the config has no button.
    pub gpio: Option<Gpio>,
    pub watchdog: Watchdog,
    pub daemon: Daemon,
    /// None if systemd cannot be asked.
    pub unit: Option<Unit>,
}

/// What `config.txt` was when the Pi was started, and what came of it.
#[derive(Clone, Debug)]
pub struct Started {
    pub with: Firmware,
    /// The core clock as it is now.
    pub core_mhz: Option<u32>,
}

/// A strip on SPI. What depends on the config is None if that has mistakes.
#[derive(Clone, Debug)]
pub struct Strip {
    pub device: String,
    /// None if the device is not there.
    pub node: Option<Node>,
    /// Who has taken the line of its data from SPI.
    pub data_taken_by: Option<String>,
    pub frame_bytes: Option<usize>,
    pub bufsiz: usize,
    /// What `cmdline.txt` makes it at the next start.
    pub bufsiz_to_be: Option<usize>,
    pub milliamps: Option<u64>,
    /// 0 is no limit.
    pub max_milliamps: u32,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub group: String,
    /// This process may open it.
    pub may: bool,
    /// The service's user may; None if there is no such user.
    pub service_may: Option<bool>,
    /// The process that has locked it.
    pub held_by: Option<String>,
}

/// The lines of the buttons.
#[derive(Clone, Debug)]
pub struct Gpio {
    /// None if there is none.
    pub chip: Option<(String, Node)>,
    pub lines: Result<Vec<Line>, NoLines>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub gpio: u32,
    pub state: Use,
}

#[derive(Clone, Debug)]
pub enum Use {
    /// Free, and its contact open.
    Open,
    Closed,
    /// A talklight listens on it.
    Ours,
    /// By this consumer or driver.
    Taken(String),
    Refused(String),
}

#[derive(Clone, Debug)]
pub enum NoLines {
    /// The chip may not be opened.
    Denied,
    Other(String),
}

#[derive(Clone, Debug)]
pub struct Watchdog {
    pub is_there: bool,
    /// The time after which it strikes, as systemd says it: `1min`, or `0` if it is left alone.
    pub timeout: Option<String>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Daemon {
    /// At this socket.
    Answers(String, Status),
    /// It is there, and gives no answer.
    Silent(String),
    /// It may be there; this user may not ask.
    Refused(String),
    Two(String),
    Absent(String),
}

/// The service as `systemctl show` tells it, a property a line.
#[derive(Clone, Debug)]
pub struct Unit(pub String);

impl Unit {
    const PROPERTIES: &str = "--property=LoadState,ActiveState,Result,ExecMainStatus,NRestarts,UnitFileState,\
        FragmentPath,SupplementaryGroups,ExecMainStartTimestampMonotonic";
    /// A service that ends as soon as it is started is mostly just being started, when nothing is told of its end.
    const LOOKS: usize = 5;

    fn look() -> Option<Self> {
        let mut unit = None;
        for _ in 0..Self::LOOKS {
            let seen = Self(tool::ask(
                "systemctl",
                &["show", "talklight", Self::PROPERTIES],
            )?);
            let starting =
                seen.get("ActiveState") == "activating" && seen.get("Result") == "success";
            unit = Some(seen);
            if !starting {
                break;
            }
        }
        unit
    }

    /// Empty if systemd does not tell it.
    pub fn get(&self, property: &str) -> &str {
        tool::value(&self.0, property)
    }

    /// How long ago its process was started; None if it is not running.
    fn age(&self) -> Option<Duration> {
        let started_us = self.get("ExecMainStartTimestampMonotonic").parse().ok()?;
        let now = Duration::from_nanos(clock::now().as_ns());
        let age = now.checked_sub(Duration::from_micros(started_us))?;
        (self.get("ActiveState") == "active").then_some(age)
    }
}

impl Facts {
    /// Looks at this machine, under the config that these flags mean.
    pub fn gather(named: Option<&Path>, overrides: &Overrides) -> Self {
        let model = [
            "/proc/device-tree/model",
            "/sys/firmware/devicetree/base/model",
        ]
        .iter()
        .find_map(|path| Model::new(&text(path)?));
        let boot = match Path::new("/boot/firmware").is_dir() {
            true => "/boot/firmware",
            false => "/boot",
        };
        let read = |file: &str| text(&format!("{boot}/{file}"));
        let firmware = model
            .as_ref()
            .and_then(|model| Firmware::read(model.sections, "config.txt", &read));
        let started = model.as_ref().and_then(started);
        let config = read_config(named, overrides);
        let known = config.as_ref().ok();
        let socket = known.map_or(overrides.socket.as_deref(), |config| {
            config.socket.as_deref()
        });
        let unit = Unit::look();
        #[cfg(target_os = "linux")]
        let (strip, gpio) = match model {
            Some(_) => {
                let pi = pi::Pi {
                    service_groups: unit
                        .as_ref()
                        .map_or("", |unit| unit.get("SupplementaryGroups")),
                    is_miso_free: firmware.as_ref().is_some_and(Firmware::is_miso_free),
                    cmdline: read("cmdline.txt").unwrap_or_default(),
                };
                (pi.strip(known), known.and_then(|config| pi.gpio(config)))
            }
            None => (None, None),
        };
        #[cfg(not(target_os = "linux"))]
        let (strip, gpio) = (None, None);
        Self {
            kernel: text("/proc/sys/kernel/osrelease").map(|text| text.trim().into()),
            boot,
            throttled: throttled(started.is_some()),
            supply_milliamps: supply_milliamps(),
            strip,
            gpio,
            config_is_newer: known.is_some_and(|config| is_newer(config, unit.as_ref())),
            config: config
                .as_ref()
                .map(|config| config.origin.to_string())
                .map_err(Clone::clone),
            watchdog: Watchdog {
                is_there: Path::new("/dev/watchdog").exists(),
                timeout: unit.as_ref().and_then(|_| {
                    let said = tool::ask("systemctl", &["show", "--property=RuntimeWatchdogUSec"])?;
                    Some(tool::value(&said, "RuntimeWatchdogUSec").to_owned())
                }),
            },
            daemon: daemon(socket),
            unit,
            firmware,
            started,
            model,
        }
    }

    /// A file of the boot folder.
    pub fn boot(&self, file: &str) -> String {
        format!("{}/{file}", self.boot)
    }

    /// Says to add lines where they are for this model.
    pub fn add_to_config_txt(&self, lines: &[String]) -> String {
        let all = match &self.firmware {
            Some(file) if !file.ends_in_all => "[all]\n",
            _ => "",
        };
        format!(
            "add to the end of {} and reboot:\n{all}{}",
            self.boot("config.txt"),
            lines.join("\n")
        )
    }
}

/// The text of a file that is no longer than it should be.
pub fn text(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The config, also where its only mistake is a strip too long for the buffer of now.
fn read_config(named: Option<&Path>, overrides: &Overrides) -> Result<Config, String> {
    let mistakes = match Config::load(named, overrides) {
        Ok(config) => return Ok(config),
        Err(mistakes) => mistakes.to_string(),
    };
    let places = match named {
        Some(path) => vec![PathBuf::from(path)],
        None => config::search_path(
            std::env::var_os("XDG_CONFIG_HOME"),
            std::env::var_os("HOME"),
        ),
    };
    match config::find(&places) {
        Ok((Origin::BuiltIn, _)) if named.is_some() => Err(mistakes),
        Ok((origin, text)) => {
            Config::parse(&text, origin, overrides, BUFSIZ_MAX).map_err(|_| mistakes)
        }
        Err(_) => Err(mistakes),
    }
}

/// By `vcgencmd`, whose settings are those of `config.txt` at the start that are not zero (popcornmix in
/// raspberrypi/firmware#439), and whose `measure_clock` counts in Hz for a millisecond (pelwell in raspberrypi/linux#4123).
fn started(model: &Model) -> Option<Started> {
    let settings = tool::ask("vcgencmd", &["get_config", "int"])?;
    let core_mhz = || {
        let said = tool::ask("vcgencmd", &["measure_clock", "core"])?;
        let (_, hertz) = said.trim().split_once('=')?;
        Some(hertz.parse::<u32>().ok()? / 1_000_000)
    };
    Some(Started {
        with: Firmware::started_with(&settings),
        core_mhz: match model.core {
            Core::Apart => None,
            _ => core_mhz().filter(|mhz| *mhz > 0),
        },
    })
}

/// Not by sysfs' `get_throttled`: the kernel fills its log where that is read (drivers/firmware/raspberrypi.c). The monitor
/// knows of the last two seconds only.
fn throttled(has_vcgencmd: bool) -> Option<u32> {
    let told = || {
        let said = tool::ask("vcgencmd", &["get_throttled"])?;
        u32::from_str_radix(said.trim().strip_prefix("throttled=0x")?, 16).ok()
    };
    let monitored = || {
        let mut monitors = (0..16).map(|number| format!("/sys/class/hwmon/hwmon{number}"));
        let monitor = monitors.find(|folder| {
            text(&format!("{folder}/name")).is_some_and(|name| name.trim() == "rpi_volt")
        })?;
        let alarm = text(&format!("{monitor}/in0_lcrit_alarm"))?;
        alarm.trim().parse().ok()
    };
    has_vcgencmd.then(told).flatten().or_else(monitored)
}

/// A Pi 5 asks its supply (documentation, "device trees": `/chosen/power`).
fn supply_milliamps() -> Option<u32> {
    let bytes = std::fs::read("/proc/device-tree/chosen/power/max_current").ok()?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?)).filter(|milliamps| *milliamps > 0)
}

/// Both ages are of this moment, so that a clock which was wrong at first, as that of a Pi is, makes no file look newer.
fn is_newer(config: &Config, unit: Option<&Unit>) -> bool {
    let Origin::File(path) = &config.origin else {
        return false;
    };
    let changed = std::fs::metadata(path).and_then(|file| file.modified());
    let changed = changed.ok().and_then(|changed| changed.elapsed().ok());
    let started = unit.and_then(Unit::age);
    path == Path::new(config::SYSTEM_FILE)
        && matches!((changed, started), (Some(changed), Some(started)) if changed < started)
}

fn daemon(socket: Option<&Path>) -> Daemon {
    let Sought {
        places,
        mut found,
        refused,
    } = client::seek(socket);
    let list = |places: Vec<PathBuf>, and: &str| {
        let names: Vec<_> = places
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.join(and)
    };
    match (found.len(), refused) {
        (0, Some(refused)) => Daemon::Refused(refused),
        (0, None) => Daemon::Absent(list(places, " or ")),
        (1, _) => {
            let ask = Ask {
                what: What::Status,
                generation: None,
                origin: event::Origin::Socket,
            };
            let (path, stream) = found.remove(0);
            match client::request(stream, &ask).map(|reply| reply.status) {
                Ok(Some(status)) => Daemon::Answers(path.display().to_string(), status),
                Ok(None) => Daemon::Silent("the daemon tells no status".into()),
                Err(error) => Daemon::Silent(format!("{error:#}")),
            }
        }
        _ => Daemon::Two(list(
            found.into_iter().map(|(path, _)| path).collect(),
            " and ",
        )),
    }
}
