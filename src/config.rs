//! The config: reads a file of settings, and reports every mistake in it with a remedy.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::core::drive::{Drive, DriveSettings};
use crate::core::look::Look;
use crate::core::plan::Plan;
use crate::core::words::Words;
#[cfg(target_os = "linux")]
use crate::input::{button::Role, gpio};
use crate::os::network;
#[cfg(target_os = "linux")]
use crate::strip::spi;
#[cfg(target_os = "linux")]
use crate::strip::spi::SpiWriter;
use crate::strip::{Driven, Strip, simulated::Simulated};

use values::Values;
pub use values::{Mistake, Mistakes};
use web::url_host;

mod alike;
mod convert;
mod describe;
mod meaning;
mod values;
mod web;

/// The built-in values, with a comment for each key.
const BUILT_IN: &str = include_str!("../config/default.toml");

/// The config of the machine, used if the user has none of their own.
pub const SYSTEM_FILE: &str = "/etc/talklight/config.toml";
/// A longer file is not a config, which takes a few kilobytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A config without mistakes.
#[derive(Clone, Debug)]
pub struct Config {
    pub origin: Origin,
    pub strip: Kind,
    pub look: Look,
    /// At least one. Their names differ, ignoring upper and lower case.
    pub plans: Vec<Plan>,
    /// The words of each plan, in the order of `plans`.
    pub words: Vec<Words>,
    /// One of `plans`, which the button starts: that of the flag `--plan`, else the first.
    pub chosen: Plan,
    /// The file in which every frame is recorded.
    pub tape: Option<PathBuf>,
    /// `None` if no button has a pin.
    pub buttons: Option<Buttons>,
    /// The path of the control socket. `None` leaves it to the daemon.
    pub socket: Option<PathBuf>,
    /// `None` if the config says nothing about the web.
    pub web: Option<WebConfig>,
}

/// The web server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// `None` if systemd opens the port. All addresses of the machine are `[::]`, which is IPv4, too.
    pub listen: Option<SocketAddr>,
    /// The flag `--web` was given.
    pub is_flag: bool,
    /// What people call this timer.
    pub name: Option<String>,
    /// The URL that phones are told, where a proxy stands in front; without a slash at the end.
    pub address: Option<String>,
    /// The host names that a proxy uses, besides this machine's own and that of `address`; in lower case, without a dot at the
    /// end.
    pub hosts: Vec<String>,
}

impl WebConfig {
    /// All names that a proxy uses.
    pub fn all_hosts(&self) -> Vec<String> {
        let of_address = self.address.as_deref().map(|address| network::canonical(url_host(address)));
        self.hosts.iter().cloned().chain(of_address).collect()
    }
}

/// Where a config comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File(PathBuf),
}

/// The kind of the strip.
#[derive(Clone, Debug)]
pub enum Kind {
    /// With the drive that a real strip of these settings would have. `None` if the current limit is too low for any light.
    Simulated(Option<Drive>),
    #[cfg(target_os = "linux")]
    Spi(SpiConfig),
}

/// A strip on an SPI bus.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug)]
pub struct SpiConfig {
    pub device: spi::Device,
    /// Within the range of the chip.
    pub clock_hz: u32,
    pub drive: Drive,
}

/// The buttons. `start` and `reset` are GPIO (BCM) numbers from 2 to 27, and differ. At least one is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buttons {
    pub start: Option<u32>,
    pub reset: Option<u32>,
    pub bias: Bias,
    pub active: Active,
    /// From 300 ms to 10 s. Unused if a second button resets.
    pub hold: Duration,
}

/// The resistor inside the Pi that sets the level of a line while its button is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    PullUp,
    PullDown,
    None,
}

/// The level of a line while its button is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    Low,
    High,
}

/// Flags that override the file, as typed.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub strip: Option<String>,
    pub tape: Option<PathBuf>,
    pub leds: Option<usize>,
    pub socket: Option<PathBuf>,
    pub plan: Option<String>,
    /// The flag `--web`, and its address if it has one.
    pub web: Option<Option<String>>,
}

impl Config {
    /// What people call this timer: the name in the config, else the host's.
    pub fn name(&self) -> String {
        let name = self.web.as_ref().and_then(|web| web.name.clone());
        name.or_else(network::host_name).unwrap_or_else(|| "talklight".into())
    }

    /// Reads the file at `explicit`, else the user's or the machine's file, else the built-in config.
    ///
    /// # Errors
    /// All mistakes in the file and the flags, or why the file cannot be read. A file that exists is never skipped.
    pub fn load(explicit: Option<&Path>, overrides: &Overrides) -> Result<Self, Mistakes> {
        let env = |name| std::env::var_os(name);
        let (origin, text) = match explicit {
            Some(path) => match read(path)? {
                Some(text) => (Origin::File(path.into()), text),
                None => return Err(Mistakes::of_file(path, "no such file")),
            },
            None => find(&search_path(env("XDG_CONFIG_HOME"), env("HOME")))?,
        };
        #[cfg(target_os = "linux")]
        let bufsiz = spi::bufsiz();
        #[cfg(not(target_os = "linux"))]
        let bufsiz = 0;
        Self::parse(&text, origin, overrides, bufsiz)
    }

    /// Parses `text` for a machine whose spidev takes writes of `bufsiz` bytes. Reads no files.
    ///
    /// # Errors
    /// All mistakes in the text and the flags.
    pub fn parse(text: &str, origin: Origin, overrides: &Overrides, bufsiz: usize) -> Result<Self, Mistakes> {
        let source = origin.to_string();
        let mut values = Values::new(BUILT_IN, text, &source);
        let leds = overrides.leds.map(|leds| leds.to_string());
        values.add_flags(overrides, leds.as_deref());
        let config = meaning::config(&mut values, origin.clone(), bufsiz);
        values.finish(config)
    }

    /// Opens the strip. Its current limit covers the plans of the config and the plan of `talk`, which may have begun under an
    /// older config.
    ///
    /// # Errors
    /// If another process drives the strip.
    pub fn open_strip(&self, talk: Option<Plan>) -> anyhow::Result<Box<dyn Strip>> {
        let leds = self.look.leds;
        match &self.strip {
            Kind::Simulated(_) => {
                let plain = Drive::new(DriveSettings::PLAIN, leds, &[])?;
                Ok(Box::new(Driven::new(Simulated::default(), plain)))
            }
            #[cfg(target_os = "linux")]
            Kind::Spi(spi) => {
                let plans: Vec<_> = self.plans.iter().copied().chain(talk).collect();
                let pictures: Vec<_> = self.look.brightest(&plans).collect();
                let drive = Drive::new(*spi.drive.settings(), leds, &pictures)?;
                let writer = SpiWriter::new(spi.device.clone(), spi.clock_hz);
                let writer = writer.with_context(|| {
                    format!(
                        "another process drives the strip on {}; `talklight console` shows it",
                        spi.device.path().display()
                    )
                })?;
                Ok(Box::new(Driven::new(writer, drive)))
            }
        }
    }
}

impl Kind {
    /// The value of `strip.kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "simulated",
            #[cfg(target_os = "linux")]
            Self::Spi(_) => "spi",
        }
    }
}

#[cfg(target_os = "linux")]
impl Buttons {
    /// The buttons as lines of the GPIO chip.
    pub fn wiring(&self) -> gpio::Wiring {
        let start = self.start.map(|gpio| (gpio, Role::Start { hold: self.reset.is_none().then_some(self.hold) }));
        let reset = self.reset.map(|gpio| (gpio, Role::Reset));
        gpio::Wiring {
            buttons: start.into_iter().chain(reset).collect(),
            bias: Some(match self.bias {
                Bias::PullUp => gpiocdev::line::Bias::PullUp,
                Bias::PullDown => gpiocdev::line::Bias::PullDown,
                Bias::None => gpiocdev::line::Bias::Disabled,
            }),
            active_low: self.active == Active::Low,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in config"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Where a config is looked for: the user's path by the XDG base directory specification, then the machine's.
pub fn search_path(xdg_config_home: Option<OsString>, home: Option<OsString>) -> Vec<PathBuf> {
    let absolute = |dir: Option<OsString>| dir.map(PathBuf::from).filter(|dir| dir.is_absolute());
    absolute(xdg_config_home)
        .or_else(|| Some(absolute(home)?.join(".config")))
        .map(|dir| dir.join("talklight/config.toml"))
        .into_iter()
        .chain([SYSTEM_FILE.into()])
        .collect()
}

/// Reads the first of `paths` that exists, else the built-in config.
///
/// # Errors
/// Why a file that exists cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<(Origin, String), Mistakes> {
    for path in paths {
        if let Some(text) = read(path)? {
            return Ok((Origin::File(path.clone()), text));
        }
    }
    Ok((Origin::BuiltIn, String::new()))
}

/// The text of a file. `None` if it does not exist.
fn read(path: &Path) -> Result<Option<String>, Mistakes> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let what = match read.map_err(|error| (error.kind(), error)) {
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
            format!("is longer than {FILE_BYTES_MAX} bytes, the limit for a config")
        }
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Some(text)),
            Err(error) => {
                let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
                format!("line {line} is not UTF-8; save the file as UTF-8 text")
            }
        },
        Err((ErrorKind::NotFound | ErrorKind::NotADirectory, _)) if !path.is_symlink() => {
            return Ok(None);
        }
        Err((ErrorKind::NotFound, _)) => "is a link to a file that does not exist".into(),
        Err((ErrorKind::IsADirectory, _)) => "is a directory; give the file in it".into(),
        Err((ErrorKind::PermissionDenied, _)) => {
            format!("may not be read by this user; `sudo chmod a+r {}` lets everybody read it", path.display())
        }
        Err((_, error)) => format!("cannot be read: {error}"),
    };
    Err(Mistakes::of_file(path, &what))
}
