//! What there is to know about this machine. Here and in `pi` is all that the doctor reads.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::firmware::Firmware;
use super::model::Model;
#[cfg(target_os = "linux")]
use super::pi;
use crate::client::{self, Sought};
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
    /// Where the config comes from, or its mistakes.
    pub config: Result<String, String>,
    /// None if the config means a simulated one.
    pub strip: Option<Strip>,
    /// The chip of the buttons' lines, if it is there and the config has a button.
    pub chip: Option<(String, Node)>,
    /// None if the config has no button.
    pub lines: Option<Result<Vec<Line>, NoLines>>,
    /// The bits of the firmware's `get_throttled`.
    pub throttled: Option<u32>,
    pub watchdog: bool,
    pub daemon: Daemon,
    /// None if systemd does not run here.
    pub unit: Option<File>,
}

/// A strip on SPI. What depends on the config is None if that has mistakes.
#[derive(Clone, Debug)]
pub struct Strip {
    pub device: String,
    /// None if the device is not there.
    pub node: Option<Node>,
    pub frame_bytes: Option<usize>,
    pub bufsiz: usize,
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
    /// By this consumer, who may have left his name out.
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
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Daemon {
    Answers(Status),
    /// It is there, and gives no answer.
    Silent(String),
    /// It may be there; this user may not ask.
    Refused(String),
    Two(String),
    Absent(String),
}

#[derive(Clone, Debug)]
pub enum File {
    There(String),
    Absent(String),
}

/// The chip of the buttons, and its lines.
pub type Gpio = (Option<(String, Node)>, Result<Vec<Line>, NoLines>);

impl File {
    pub fn is_there(&self) -> bool {
        matches!(self, Self::There(_))
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
        let config = read_config(named, overrides);
        let known = config.as_ref().ok();
        let socket = known.map_or(overrides.socket.as_deref(), |config| {
            config.socket.as_deref()
        });
        #[cfg(target_os = "linux")]
        let (strip, gpio) = match model {
            Some(_) => (pi::strip(known), known.and_then(pi::gpio)),
            None => (None, None),
        };
        #[cfg(not(target_os = "linux"))]
        let (strip, gpio): (Option<Strip>, Option<Gpio>) = (None, None);
        let (chip, lines) = gpio.unzip();
        Self {
            kernel: text("/proc/sys/kernel/osrelease").map(|text| text.trim().into()),
            boot,
            firmware: model.as_ref().and_then(|model| {
                let read = |file: &str| text(&format!("{boot}/{file}"));
                Firmware::read(model.sections, "config.txt", &read)
            }),
            strip,
            chip: chip.flatten(),
            lines,
            model,
            config: config
                .as_ref()
                .map(|config| config.origin.to_string())
                .map_err(Clone::clone),
            throttled: throttled(),
            watchdog: Path::new("/dev/watchdog").exists(),
            daemon: daemon(socket),
            unit: Path::new("/run/systemd/system").is_dir().then(unit),
        }
    }

    /// A file of the boot folder.
    pub fn boot(&self, file: &str) -> String {
        format!("{}/{file}", self.boot)
    }

    /// Says to add lines where they are for this model.
    pub fn add_to_config_txt(&self, lines: &[&str]) -> String {
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

/// As the firmware tells it, in hexadecimal; else the alarm of the hardware monitor, which knows of this moment only.
fn throttled() -> Option<u32> {
    let firmware = text("/sys/devices/platform/soc/soc:firmware/get_throttled");
    if let Some(bits) = firmware {
        return u32::from_str_radix(bits.trim().trim_start_matches("0x"), 16).ok();
    }
    let monitor = (0..16)
        .map(|number| format!("/sys/class/hwmon/hwmon{number}"))
        .find(|folder| {
            text(&format!("{folder}/name")).is_some_and(|name| name.trim() == "rpi_volt")
        })?;
    text(&format!("{monitor}/in0_lcrit_alarm"))?
        .trim()
        .parse()
        .ok()
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
            let (_, stream) = found.remove(0);
            match client::request(stream, &ask).map(|reply| reply.status) {
                Ok(Some(status)) => Daemon::Answers(status),
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

fn unit() -> File {
    let places = ["/etc/systemd/system", "/usr/lib/systemd/system"]
        .map(|folder| format!("{folder}/talklight.service"));
    let there = places.iter().find(|path| Path::new(path).exists());
    match there {
        Some(path) => File::There(path.clone()),
        None => File::Absent(places[0].clone()),
    }
}
