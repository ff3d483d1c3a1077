//! The strip on SPI: device, data pin, buffer, clock and current.

use super::buttons::access;
use super::cmdline::PARAMETER;
use super::core_clock;
use super::facts::{BUFSIZ_MAX, Chip, Cmdline, Daemon, DataPin, Facts, Node, SPIDEV, Strip};
use super::firmware::Firmware;
use super::{Finding, advice, bad, good, note};

/// The current that the 5 V pins of the weakest Pi can supply (docs/wiring.md; there is no official figure).
const PINS_MILLIAMPS: u64 = 1000;

pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let Some(strip) = &facts.strip else {
        return vec![("spi", note("the config has a simulated strip; a real one needs `kind = \"spi\"`"))];
    };
    let mut found = vec![("spi", spi(facts, strip))];
    if let Some(node) = &strip.node {
        found.push(("spi-access", access("spidev", "spi", &strip.device, node)));
        found.push(("holder", holder(facts, strip, node)));
        found.push(("data-line", data_line(facts, strip)));
    }
    found.extend(buffer(facts, strip).map(|finding| ("buffer", finding)));
    found.push(("core-clock", core_clock::finding(facts)));
    found.extend(current(strip).map(|finding| ("current", finding)));
    found
}

fn spi(facts: &Facts, strip: &Strip) -> Finding {
    let (device, file) = (&strip.device, facts.boot("config.txt"));
    let own = device.trim_start_matches("/dev/").replace(SPIDEV, "spi");
    // A chip without a driver sends nothing, but it may occupy the chip select of the strip.
    let other = strip.bus.iter().find(|chip| match &*chip.driver {
        SPIDEV => false,
        "" => chip.name == own && chip.chip != SPIDEV,
        _ => true,
    });
    if let Some(other) = other {
        return shared_bus(facts, other);
    }
    if strip.node.is_some() {
        return match &facts.firmware {
            Some(firmware) if !firmware.is_spi_on() => advice(
                format!("SPI is enabled: {device}; but {file} has no line for it, so a reboot may end it"),
                facts.add_to_config_txt(&["dtparam=spi=on".into()]),
            ),
            _ => good(format!("SPI is enabled: {device}")),
        };
    }
    if strip.bus.iter().any(|chip| chip.name == own) {
        return bad(
            format!("{device} is not there, since spidev is not loaded"),
            "sudo modprobe spidev; if that fails, `grep -r spidev /etc/modprobe.d` shows what forbids it",
        );
    }
    if let Some(Chip { name, .. }) = strip.bus.first() {
        return bad(
            format!("{device} is not there: SPI0 has {name} and no other"),
            format!("write `device = \"/dev/{}\"` under [strip]", name.replace("spi", SPIDEV)),
        );
    }
    if facts.firmware.as_ref().is_some_and(Firmware::is_spi_on) {
        return bad(
            format!("{device} is not there, though {file} enables SPI"),
            format!("{}; `sudo modprobe {}` and `dmesg | grep -i spi` tell more", facts.reboot(), facts.spi_driver()),
        );
    }
    bad(format!("SPI is off: {device} is not there"), facts.add_to_config_txt(&["dtparam=spi=on".into()]))
}

/// Every chip on the bus receives the strip's data, and the strip receives theirs.
fn shared_bus(facts: &Facts, other: &Chip) -> Finding {
    let Chip { name, chip, driver, line } = other;
    let owner = if driver.is_empty() { chip } else { driver };
    let remedy = match line {
        Some(line) => format!("take out {line}, and reboot"),
        None if facts.boot_is_changed => {
            "if its line has been taken out of config.txt, reboot; otherwise take it out first".into()
        }
        None => format!("take out what sets up `{chip}`: a line of {}, or an add-on board", facts.boot("config.txt")),
    };
    bad(
        format!("{name} belongs to {owner}; the strip takes all data on SPI0 for its own, and must be alone there"),
        remedy,
    )
}

/// The holder is the daemon itself, or a process that keeps the daemon from the strip.
fn holder(facts: &Facts, strip: &Strip, node: &Node) -> Finding {
    let device = &strip.device;
    match (&node.held_by, &facts.daemon) {
        (None, _) => good(format!("no other process drives {device}")),
        (Some(process), Daemon::Answers(_, status)) if status.strip.health != "failing" => {
            good(format!("{process} drives {device}"))
        }
        (Some(process), Daemon::Answers(..)) => bad(
            format!("{process} drives {device}, and the daemon cannot"),
            "if that process is not the daemon itself, stop it",
        ),
        (Some(process), _) => note(format!("{process} drives {device}, and no daemon answers")),
    }
}

fn data_line(facts: &Facts, strip: &Strip) -> Finding {
    const PIN: &str = "GPIO 10, pin 19, by which the strip's data leaves,";
    let driver = facts.spi_driver();
    let reload = format!("sudo modprobe -r {driver} && sudo modprobe {driver}, or reboot");
    match &strip.data {
        DataPin::Spi => good("the strip's data leaves by GPIO 10, pin 19, which is set to SPI"),
        DataPin::Unknown => note(
            "the strip's data leaves by GPIO 10, pin 19; this user cannot see whether it is set to SPI; run it with sudo",
        ),
        DataPin::Taken(by) => bad(
            format!("{PIN} is taken by {by}"),
            format!("stop what takes it, a line of {} or a program; then {reload}", facts.boot("config.txt")),
        ),
        DataPin::Set(function) => bad(
            format!("{PIN} is set to {function}, not to SPI: a program changed it, and the data no longer leaves"),
            reload,
        ),
    }
}

fn buffer(facts: &Facts, strip: &Strip) -> Option<Finding> {
    let (bytes, bufsiz) = (strip.frame_bytes?, strip.bufsiz);
    let Cmdline { file, ignored, .. } = &strip.cmdline;
    let text = format!("a frame of {bytes} bytes, and spidev's buffer takes {bufsiz}");
    let line = format!("and reboot:\n{PARAMETER}={BUFSIZ_MAX}");
    let is_enough = |set: Option<usize>| set.is_some_and(|set| bytes <= set);
    Some(if bytes <= bufsiz {
        good(text)
    } else if bytes > BUFSIZ_MAX {
        bad(text, format!("reduce `leds`: no buffer is longer than {BUFSIZ_MAX}"))
    } else if is_enough(strip.cmdline.running) {
        bad(
            format!("{text}, though the kernel's command line makes it longer"),
            "`grep -r bufsiz /etc/modprobe.d` shows the line that makes it shorter; take that out, then\n\
             sudo modprobe -r spidev && sudo modprobe spidev",
        )
    } else if is_enough(strip.cmdline.bufsiz) {
        bad(format!("{text}, though {file} makes it longer"), facts.reboot())
    } else if let Some(place) = ignored {
        bad(
            format!("{text}; nobody reads {place}, which sets it"),
            format!("move it to the front of the first line of {file} {line}"),
        )
    } else if strip.cmdline.has_init_part {
        bad(text, format!("add to the front of the first line of {file} {line}"))
    } else {
        bad(text, format!("append to the one line of {file} {line}"))
    })
}

fn current(strip: &Strip) -> Option<Finding> {
    let drawn = strip.milliamps?;
    let supply = drawn + drawn.div_ceil(4);
    let pins = match drawn {
        ..=PINS_MILLIAMPS => "",
        _ => "; that is too much for the Pi's own 5 V pins",
    };
    Some(match strip.max_milliamps {
        0 => note(format!(
            "the strip draws up to {drawn} mA, and `max_milliamps = 0` sets no limit; its supply must give {supply} mA{pins}"
        )),
        limit => good(format!(
            "the strip draws up to {drawn} mA, within its limit of {limit} mA; its supply should give {supply} mA{pins}"
        )),
    })
}
