//! The strip and the buttons of a Pi: the device nodes, whose they are, and who uses them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::chip::Chip;
use gpiocdev::line::Value;
use nix::poll::ppoll;
use nix::sys::time::TimeSpec;
use nix::unistd::{AccessFlags, Gid, Group, User, access};

use super::facts::{Gpio, Line, NoLines, Node, Strip, Use};
use super::gather::text;
use crate::config::{Config, Kind};
use crate::input::gpio::{NoChip, Wiring, header_chip};
use crate::os::lock;
use crate::strip::spi;

const SERVICE_USER: &str = "talklight";
/// SPI0's data to the strip, its data back, and its clock.
const SPI_LINES: [u32; 3] = [DATA_LINE, 9, 11];
const DATA_LINE: u32 = 10;
/// A pull of 50 kilohms charges the filter of a long lead, 100 nF, in 5 ms.
const SETTLE: Duration = Duration::from_millis(25);

/// What else is known of it by then.
pub struct Pi<'a> {
    /// The groups that the service has beside those of its user.
    pub service_groups: &'a str,
    pub is_miso_free: bool,
    pub cmdline: String,
}

impl Pi<'_> {
    /// The strip that the config means; that of the default device if the config has mistakes.
    pub fn strip(&self, config: Option<&Config>) -> Option<Strip> {
        let of_config = match config.map(|config| (&config.strip, config)) {
            Some((Kind::Simulated(_), _)) => return None,
            Some((Kind::Spi(spi), config)) => Some((spi, config)),
            None => None,
        };
        let device = of_config.map_or("/dev/spidev0.0".into(), |(spi, _)| spi.device.path().display().to_string());
        let drive = of_config.map(|(spi, config)| (&spi.drive, &config.look, &config.plans));
        Some(Strip {
            node: self.node(&device),
            device,
            data_taken_by: Header::open().ok().and_then(|header| {
                let owner = header.owner(DATA_LINE);
                owner.filter(|owner| !owner.contains("spi"))
            }),
            frame_bytes: drive.map(|(drive, look, _)| spi::frame_bytes(look.leds, drive.settings().chip)),
            bufsiz: spi::bufsiz(),
            bufsiz_to_be: spi::bufsiz_in(&self.cmdline),
            milliamps: drive
                .map(|(drive, look, plans)| drive.milliamps(look.leds, &look.brightest(plans).collect::<Vec<_>>())),
            max_milliamps: drive.map_or(0, |(drive, _, _)| drive.settings().max_milliamps),
        })
    }

    /// The buttons that the config means; none if it means none.
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

    /// Looks at a line. One that is free is read, and given back; one that a driver has would be taken from it by that.
    fn state(&self, header: &Header, gpio: u32, wiring: &Wiring) -> Use {
        let of_spi = SPI_LINES.contains(&gpio) && !(gpio == 9 && self.is_miso_free);
        match header.owner(gpio) {
            Some(owner) if owner == "talklight" => Use::Ours,
            Some(owner) => Use::Taken(owner),
            None if of_spi && Path::new("/dev/spidev0.0").exists() => Use::Taken("SPI".into()),
            None => match read(&header.chip, gpio, wiring) {
                Ok(Value::Active) => Use::Closed,
                Ok(Value::Inactive) => Use::Open,
                Err(error) => Use::Refused(error.to_string()),
            },
        }
    }

    fn node(&self, path: &str) -> Option<Node> {
        let found = fs::metadata(path).ok()?;
        let service = User::from_name(SERVICE_USER).ok().flatten();
        let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
        let everybody = found.mode() & 0o006 == 0o006;
        let members = found.mode() & 0o060 == 0o060;
        let service_may = service.map(|user| {
            let member = |group: &Group| {
                let mut groups = self.service_groups.split(' ');
                group.mem.contains(&user.name) || groups.any(|name| name == group.name)
            };
            let joined = user.gid.as_raw() == found.gid() || group.as_ref().is_some_and(member);
            everybody || members && joined
        });
        Some(Node {
            group: group.map_or_else(|| found.gid().to_string(), |group| group.name),
            // The node is not opened: that might disturb who drives the strip.
            may: access(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok(),
            service_may,
            held_by: lock::holder(&found).map(process),
        })
    }
}

/// The chip of the header, and which drivers its pins are set up for.
struct Header {
    chip: Chip,
    /// The kernel's list; empty for who may not read it.
    pins: String,
}

impl Header {
    fn open() -> Result<Self, NoChip> {
        let chip = Chip::from_path(header_chip()?);
        let label = chip.and_then(|chip| Ok((chip.info()?.label, chip)));
        let (label, chip) = label.map_err(|error| NoChip::Unlisted(error.to_string()))?;
        let lists = fs::read_dir("/sys/kernel/debug/pinctrl").into_iter().flatten().flatten();
        let mut paths = lists.map(|list| list.path().display().to_string());
        let of_chip = paths.find(|path| path.ends_with(&label));
        let pins = of_chip.and_then(|path| text(&format!("{path}/pinmux-pins")));
        Ok(Self { chip, pins: pins.unwrap_or_default() })
    }

    /// Who has asked for a line, or else for its pin, in lines like
    /// `pin 14 (gpio14): fe201000.serial (GPIO UNCLAIMED) function alt0 group gpio14` (drivers/pinctrl/pinmux.c).
    fn owner(&self, gpio: u32) -> Option<String> {
        match self.chip.line_info(gpio) {
            Ok(info) if info.used && info.consumer.is_empty() => {
                return Some("another driver".into());
            }
            Ok(info) if info.used => return Some(info.consumer),
            _ => {}
        }
        let pin = format!("pin {gpio} (");
        let line = self.pins.lines().find(|line| line.starts_with(&pin))?;
        let (_, owner) = line.split_once("): ")?;
        // Some controllers name the kind first.
        let owner = owner.strip_prefix("device ").unwrap_or(owner);
        let owner = owner.split(' ').next()?;
        let nobody = owner.starts_with('(') || matches!(owner, "GPIO" | "UNCLAIMED");
        (!nobody).then(|| owner.to_owned())
    }
}

fn read(chip: &Chip, gpio: u32, wiring: &Wiring) -> gpiocdev::Result<Value> {
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
