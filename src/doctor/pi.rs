//! The strip and the buttons of a Pi: the device nodes, whose they are, and who uses them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::chip::Chip;
use gpiocdev::line::Value;
use nix::poll::ppoll;
use nix::sys::time::TimeSpec;
use nix::unistd::{AccessFlags, Gid, Group, User, access};

use super::facts::{Gpio, Line, NoLines, Node, Strip, Use, text};
use crate::button::gpio::{NoChip, Wiring, header_chip};
use crate::config::{Config, Kind};
use crate::lock;
use crate::strip::spi;

const SERVICE_USER: &str = "talklight";
/// A pull of 50 kilohms charges the filter of a long lead, 100 nF, in 5 ms.
const SETTLE: Duration = Duration::from_millis(25);

/// The strip that the config means; that of the default device if the config has mistakes.
pub fn strip(config: Option<&Config>) -> Option<Strip> {
    let of_config = match config.map(|config| (&config.strip, config)) {
        Some((Kind::Simulated(_), _)) => return None,
        Some((Kind::Spi(spi), config)) => Some((spi, config)),
        None => None,
    };
    let device = of_config.map_or("/dev/spidev0.0".into(), |(spi, _)| {
        spi.device.path().display().to_string()
    });
    let drive = of_config.map(|(spi, config)| (&spi.drive, &config.look, &config.plans));
    Some(Strip {
        node: node(&device),
        device,
        frame_bytes: drive
            .map(|(drive, look, _)| spi::frame_bytes(look.leds, drive.settings().chip)),
        bufsiz: spi::bufsiz(),
        milliamps: drive.map(|(drive, look, plans)| {
            drive.milliamps(look.leds, &look.brightest(plans).collect::<Vec<_>>())
        }),
        max_milliamps: drive.map_or(0, |(drive, _, _)| drive.settings().max_milliamps),
    })
}

/// The buttons that the config means; none if it means none.
pub fn gpio(config: &Config) -> Option<Gpio> {
    let wiring = config.buttons?.wiring();
    let (path, lines) = match header_chip() {
        Ok(path) => {
            let lines = look(&path, &wiring);
            (
                Some(path),
                lines.map_err(|error| NoLines::Other(error.to_string())),
            )
        }
        Err(NoChip::Denied(path)) => (Some(path), Err(NoLines::Denied)),
        Err(fault) => (None, Err(NoLines::Other(fault.to_string()))),
    };
    let chip = path.and_then(|path| {
        let path = path.display().to_string();
        let node = node(&path)?;
        Some((path, node))
    });
    Some((chip, lines))
}

/// Looks at each line; one that is free is read, and given back.
fn look(chip: &Path, wiring: &Wiring) -> gpiocdev::Result<Vec<Line>> {
    let chip = Chip::from_path(chip)?;
    let state = |gpio| match chip.line_info(gpio) {
        Ok(info) if info.used && info.consumer == "talklight" => Use::Ours,
        Ok(info) if info.used => Use::Taken(info.consumer),
        _ => match read(&chip, gpio, wiring) {
            Ok(Value::Active) => Use::Closed,
            Ok(Value::Inactive) => Use::Open,
            Err(error) => Use::Refused(error.to_string()),
        },
    };
    let lines = wiring.buttons.iter().map(|&(gpio, _)| Line {
        gpio,
        state: state(gpio),
    });
    Ok(lines.collect())
}

fn read(chip: &Chip, gpio: u32, wiring: &Wiring) -> gpiocdev::Result<Value> {
    let mut request = Request::builder();
    request
        .on_chip(chip.path())
        .with_consumer("talklight doctor")
        .with_line(gpio)
        .as_input()
        .with_bias(wiring.bias);
    if wiring.active_low {
        request.as_active_low();
    }
    let line = request.request()?;
    let _ = ppoll(&mut [], Some(TimeSpec::from_duration(SETTLE)), None);
    line.value(gpio)
}

fn node(path: &str) -> Option<Node> {
    let found = std::fs::metadata(path).ok()?;
    let service = User::from_name(SERVICE_USER).ok().flatten();
    let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
    let everybody = found.mode() & 0o006 == 0o006;
    let members = found.mode() & 0o060 == 0o060;
    let service_may = service.map(|user| {
        let member = |group: &Group| group.mem.contains(&user.name);
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

fn process(pid: u32) -> String {
    match text(&format!("/proc/{pid}/comm")) {
        Some(name) => format!("process {pid} ({})", name.trim_end()),
        None => format!("process {pid}"),
    }
}
