//! The strip and the buttons of a Pi: their device nodes, permissions and users.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::{Direction, Value};
use nix::poll::ppoll;
use nix::sys::time::TimeSpec;
use nix::unistd::{AccessFlags, Gid, Group, Uid, User, access};

use super::board::Board;
use super::facts::{Chip, DataPin, Gpio, Line, LineState, NoLines, Node, SPIDEV, Strip};
use super::firmware::Firmware;
use super::gather::text;
use super::tool;
use crate::config::{Config, Kind, SpiConfig};
use crate::input::gpio::{NoChip, Wiring, header_chip};
use crate::os::lock;
use crate::strip::spi;

const SERVICE_USER: &str = "talklight";
/// SPI0's data out (MOSI), data in (MISO) and clock.
const SPI_LINES: [u32; 3] = [DATA_LINE, MISO_LINE, 11];
const DATA_LINE: u32 = 10;
const MISO_LINE: u32 = 9;
/// A pull of 50 kilohms charges the filter of a long lead, 100 nF, in 5 ms.
const SETTLE: Duration = Duration::from_millis(25);

/// What is known about the Pi before its devices are examined.
pub struct Pi<'a> {
    /// The groups that the unit gives the service, separated by blanks.
    pub service_groups: &'a str,
    pub board: &'a Board,
}

impl Pi<'_> {
    /// The strip of the config. None if it is simulated; the default device if the config has mistakes.
    pub fn strip(&self, config: Option<&Config>) -> Option<Strip> {
        let of_config = match config.map(|config| (&config.strip, config)) {
            Some((Kind::Simulated(_), _)) => return None,
            Some((Kind::Spi(spi), config)) => Some((spi, config)),
            None => None,
        };
        let device = of_config.map_or("/dev/spidev0.0".into(), |(spi, _)| spi.device.path().display().to_string());
        let settings = of_config.map(|(spi, _)| spi.drive.settings());
        let milliamps = |(spi, config): (&SpiConfig, &Config)| {
            let pictures: Vec<_> = config.look.brightest(&config.plans).collect();
            spi.drive.milliamps(config.look.leds, &pictures)
        };
        Some(Strip {
            node: self.node(&device),
            device,
            bus: self.bus(),
            data: Header::open().map_or(DataPin::Unknown, |header| header.data()),
            frame_bytes: of_config.map(|(spi, config)| spi::frame_bytes(config.look.leds, spi.drive.settings().chip)),
            bufsiz: spi::bufsiz(),
            cmdline: self.board.cmdline(),
            milliamps: of_config.map(milliamps),
            max_milliamps: settings.map_or(0, |settings| settings.max_milliamps),
        })
    }

    /// The devices on SPI0, by chip select.
    fn bus(&self) -> Vec<Chip> {
        /// At least as many as any Pi has.
        const SELECTS: usize = 8;
        let chip = |name: String| {
            let properties = text(&format!("/sys/bus/spi/devices/{name}/uevent"))?;
            let [driver, alias] = ["DRIVER", "MODALIAS"].map(|key| tool::value(&properties, key));
            let chip = alias.strip_prefix("spi:").unwrap_or(alias).to_owned();
            let line = if driver == SPIDEV { None } else { self.board.overlay_for(&chip) };
            Some(Chip { name, driver: driver.into(), line, chip })
        };
        (0..SELECTS).filter_map(|select| chip(format!("spi0.{select}"))).collect()
    }

    /// The buttons of the config. None if it has none.
    pub fn gpio(&self, config: &Config) -> Option<Gpio> {
        let wiring = config.buttons?.wiring();
        let (path, lines) = match Header::open() {
            Ok(header) => {
                let line = |&(gpio, _)| Line { gpio, state: self.state(&header, gpio, &wiring) };
                let lines = wiring.buttons.iter().map(line).collect();
                (Some(header.chip.path().to_owned()), Ok(lines))
            }
            Err(NoChip::Denied(path)) => (Some(path), Err(NoLines::Denied)),
            Err(fault) => (None, Err(NoLines::Other(fault.to_string()))),
        };
        let chip = path.and_then(|path| {
            let path = path.display().to_string();
            let node = self.node(&path)?;
            Some((path, node))
        });
        Some(Gpio { chip, lines })
    }

    /// Reads a line if it is free. A line with a function is not requested: the request would take the function away.
    fn state(&self, header: &Header, gpio: u32, wiring: &Wiring) -> LineState {
        let is_miso_free = self.board.firmware.as_ref().is_some_and(Firmware::is_miso_free);
        let of_spi = SPI_LINES.contains(&gpio) && !(gpio == MISO_LINE && is_miso_free);
        let function = || header.function(gpio).filter(|function| is_peripheral(function));
        let of_function = || function().map(|function| format!("its function, {function}"));
        match self.board.pin_owner(gpio).or_else(|| header.owner(gpio)).or_else(of_function) {
            Some(owner) if owner == "talklight" => LineState::Ours,
            Some(owner) => LineState::Taken(owner),
            None if of_spi && Path::new("/dev/spidev0.0").exists() => LineState::Taken("SPI".into()),
            None => match read(&header.chip, gpio, wiring) {
                Ok(Value::Active) => LineState::Closed,
                Ok(Value::Inactive) => LineState::Open,
                Err(error) => LineState::Refused(error.to_string()),
            },
        }
    }

    fn node(&self, path: &str) -> Option<Node> {
        let found = fs::metadata(path).ok()?;
        let service = User::from_name(SERVICE_USER).ok().flatten();
        let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
        let everybody = found.mode() & 0o006 == 0o006;
        let members = found.mode() & 0o060 == 0o060;
        let service_may_open = service.map(|user| {
            let member = |group: &Group| {
                let mut groups = self.service_groups.split(' ');
                group.mem.contains(&user.name) || groups.any(|name| name == group.name)
            };
            let joined = user.gid.as_raw() == found.gid() || group.as_ref().is_some_and(member);
            everybody || members && joined
        });
        let user = User::from_uid(Uid::effective()).ok().flatten();
        let is_member = |user: &User| group.as_ref().is_some_and(|group| group.mem.contains(&user.name));
        Some(Node {
            is_member: user.as_ref().is_some_and(is_member),
            group: group.map_or_else(|| found.gid().to_string(), |group| group.name),
            // Opening the node could disturb the process that drives the strip.
            may_open: access(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok(),
            service_may_open,
            held_by: lock::holder(&found).map(process),
        })
    }
}

/// The GPIO chip of the header.
struct Header {
    chip: gpiocdev::chip::Chip,
    /// The kernel's lists of the owners and the functions of pins. Only root can read them; for other users they are empty.
    owners: String,
    functions: String,
}

impl Header {
    fn open() -> Result<Self, NoChip> {
        let chip = gpiocdev::chip::Chip::from_path(header_chip()?);
        let label = chip.and_then(|chip| Ok((chip.info()?.label, chip)));
        let (label, chip) = label.map_err(|error| NoChip::Unlisted(error.to_string()))?;
        let lists = fs::read_dir("/sys/kernel/debug/pinctrl").into_iter().flatten().flatten();
        let mut paths = lists.map(|list| list.path().display().to_string());
        let of_chip = paths.find(|path| path.ends_with(&label));
        let list = |name| text(&format!("{}/{name}", of_chip.as_ref()?));
        let [owners, functions] = ["pinmux-pins", "pins"].map(|name| list(name).unwrap_or_default());
        Ok(Self { chip, owners, functions })
    }

    /// On every model the pin's function `alt0` is SPI.
    fn data(&self) -> DataPin {
        let function = self.function(DATA_LINE);
        let owner = self.owner(DATA_LINE).filter(|owner| !owner.contains("spi"));
        match (owner, function) {
            (_, Some(function)) if function.starts_with("alt0") => DataPin::Spi,
            (Some(owner), _) => DataPin::Taken(owner),
            (None, Some(function)) => DataPin::Set(function),
            (None, None) => DataPin::Unknown,
        }
    }

    /// The function of a pin, in lines like `pin 10 (gpio10) function alt0 in lo; irq 0 (none)` (drivers/pinctrl/bcm). On a
    /// Pi 5 it is `function alt5 (gpio) in hi`.
    fn function(&self, gpio: u32) -> Option<String> {
        let line = pin_line(&self.functions, gpio)?;
        let (_, function) = line.split_once(" function ")?;
        Some(function.split(" in ").next()?.into())
    }

    /// The consumer of a line, else the owner of its pin, in lines like
    /// `pin 14 (gpio14): fe201000.serial (GPIO UNCLAIMED) function alt0 group gpio14` (drivers/pinctrl/pinmux.c).
    fn owner(&self, gpio: u32) -> Option<String> {
        match self.chip.line_info(gpio) {
            Ok(info) if info.used && info.consumer.is_empty() => {
                return Some("another driver".into());
            }
            Ok(info) if info.used => return Some(info.consumer),
            Ok(info) if info.direction == Direction::Output => return Some("what drives it: it is an output".into()),
            _ => {}
        }
        let line = pin_line(&self.owners, gpio)?;
        let (_, owner) = line.split_once("): ")?;
        // Some controllers print `device` first.
        let owner = owner.strip_prefix("device ").unwrap_or(owner);
        let owner = owner.split(' ').next()?;
        let is_free = owner.starts_with('(') || matches!(owner, "GPIO" | "UNCLAIMED");
        (!is_free).then(|| owner.to_owned())
    }
}

fn pin_line(list: &str, gpio: u32) -> Option<&str> {
    let pin = format!("pin {gpio} (");
    list.lines().find(|line| line.starts_with(&pin))
}

/// Whether the function is that of a peripheral, and not GPIO or none.
fn is_peripheral(function: &str) -> bool {
    function.starts_with("alt") && !function.contains("(gpio)") && !function.contains("(none)")
}

fn read(chip: &gpiocdev::chip::Chip, gpio: u32, wiring: &Wiring) -> gpiocdev::Result<Value> {
    let mut request = Request::builder();
    request.on_chip(chip.path()).with_consumer("talklight doctor").with_line(gpio).as_input().with_bias(wiring.bias);
    if wiring.active_low {
        request.as_active_low();
    }
    let line = request.request()?;
    let _ = ppoll(&mut [], Some(TimeSpec::from_duration(SETTLE)), None);
    line.value(gpio)
}

fn process(pid: u32) -> String {
    match text(&format!("/proc/{pid}/comm")) {
        Some(name) => format!("process {pid} ({})", name.trim_end()),
        None => format!("process {pid}"),
    }
}
