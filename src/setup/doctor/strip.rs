//! The strip on SPI: what its data needs to get out of the Pi in time.

use super::buttons::access;
use super::core_clock;
use super::facts::{BUFSIZ_MAX, Chip, Cmdline, Daemon, DataPin, Facts, Node, SPIDEV, Strip};
use super::firmware::Firmware;
use super::{Finding, advice, bad, good, note};

/// What the supply of the weakest Pi has left over for its 5 V pins (docs/wiring.md; the pins have no official figure).
const PINS_MILLIAMPS: u64 = 1000;

/// What makes the buffer as long as any strip needs it.
const BUFSIZ: &str = "spidev.bufsiz=65536";

pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let Some(strip) = &facts.strip else {
        let simulated = "the strip of the config is simulated; a real one takes `kind = \"spi\"`";
        return vec![("spi", note(simulated))];
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
    let add = || facts.add_to_config_txt(&["dtparam=spi=on".into()]);
    let own = device.trim_start_matches("/dev/").replace(SPIDEV, "spi");
    // A chip without a driver is quiet, but has the place of the strip's own device.
    let other = strip.bus.iter().find(|chip| match &*chip.driver {
        SPIDEV => false,
        "" => chip.name == own && chip.chip != SPIDEV,
        _ => true,
    });
    if let Some(Chip { name, chip, driver, line }) = other {
        let by = if driver.is_empty() { chip } else { driver };
        let remedy = match line {
            Some(line) => format!("take out {line}, and reboot"),
            None if facts.boot_is_changed => "reboot, if its line was taken out of config.txt; else take it out".into(),
            None => format!("take out what sets up `{chip}`: a line of {file}, or an add-on board"),
        };
        return bad(
            format!("{name} belongs to {by}; the strip takes all data on SPI0 for its own, and must be alone there"),
            remedy,
        );
    }
    let is_bound = strip.bus.iter().any(|chip| chip.name == own);
    match (&strip.node, facts.firmware.as_ref().map(Firmware::is_spi_on)) {
        (Some(_), Some(false)) => advice(
            format!("SPI is enabled: {device}; but no line for it is seen in {file}, so a reboot may end it"),
            add(),
        ),
        (Some(_), _) => good(format!("SPI is enabled: {device}")),
        (None, _) if is_bound => bad(
            format!("{device} is not there, since spidev is not loaded"),
            "sudo modprobe spidev; where that fails, `grep -r spidev /etc/modprobe.d` tells who forbids it",
        ),
        (None, _) if !strip.bus.is_empty() => {
            let chip = &strip.bus[0].name;
            bad(
                format!("{device} is not there: SPI0 has {chip} and no other"),
                format!("write `device = \"/dev/{}\"` under [strip]", chip.replace("spi", SPIDEV)),
            )
        }
        (None, Some(true)) => bad(
            format!("{device} is not there, though {file} enables SPI"),
            format!("{}; `sudo modprobe {}` and `dmesg | grep -i spi` tell more", facts.reboot(), facts.spi_driver()),
        ),
        (None, _) => bad(format!("SPI is off: {device} is not there"), add()),
    }
}

/// A holder is the daemon, or a second one that keeps the first from its strip.
fn holder(facts: &Facts, strip: &Strip, node: &Node) -> Finding {
    let device = &strip.device;
    match (&node.held_by, &facts.daemon) {
        (None, _) => good(format!("no other process is seen to drive {device}")),
        (Some(who), Daemon::Answers(_, status)) if status.strip.health != "failing" => {
            good(format!("{who} drives {device}"))
        }
        (Some(who), Daemon::Answers(..)) => bad(
            format!("{who} drives {device}, and the daemon cannot"),
            "stop that process, if it is not the daemon itself",
        ),
        (Some(who), _) => note(format!("{who} drives {device}, and does not answer here")),
    }
}

fn data_line(facts: &Facts, strip: &Strip) -> Finding {
    const PIN: &str = "GPIO 10, pin 19, by which the strip's data leaves,";
    let reload = || {
        let driver = facts.spi_driver();
        format!("sudo modprobe -r {driver} && sudo modprobe {driver}, or reboot")
    };
    match &strip.data {
        DataPin::Spi => good("the strip's data leaves by GPIO 10, pin 19, which is set to SPI"),
        DataPin::Unseen => note(
            "the strip's data leaves by GPIO 10, pin 19; whether that is still set to SPI cannot be told by this user; ask with sudo",
        ),
        DataPin::Taken(by) => bad(
            format!("{PIN} is taken by {by}"),
            format!("stop what takes it, a line of {} or a program; then {}", facts.boot("config.txt"), reload()),
        ),
        DataPin::Set(function) => bad(
            format!("{PIN} is set to {function}, not to SPI: a program took it, and every write since is lost"),
            reload(),
        ),
    }
}

fn buffer(facts: &Facts, strip: &Strip) -> Option<Finding> {
    let (bytes, bufsiz) = (strip.frame_bytes?, strip.bufsiz);
    let Cmdline { file, unread, .. } = &strip.cmdline;
    let text = format!("a frame of {bytes} bytes, and spidev's buffer takes {bufsiz}");
    let is_enough = |told: Option<usize>| told.is_some_and(|told| bytes <= told);
    Some(if bytes <= bufsiz {
        good(text)
    } else if bytes > BUFSIZ_MAX {
        bad(text, format!("set `leds` to fewer: no buffer is longer than {BUFSIZ_MAX}"))
    } else if is_enough(strip.cmdline.running) {
        bad(
            format!("{text}, though the kernel was told to make it longer"),
            "`grep -r bufsiz /etc/modprobe.d` tells what makes it shorter; take that out, then\n\
             sudo modprobe -r spidev && sudo modprobe spidev",
        )
    } else if is_enough(strip.cmdline.bufsiz) {
        bad(format!("{text}, though {file} makes it longer"), facts.reboot())
    } else if let Some(unread) = unread {
        let remedy = format!("move it to the front of the first line of {file} and reboot:\n{BUFSIZ}");
        bad(format!("{text}; nobody reads {unread}, which sets it"), remedy)
    } else if strip.cmdline.has_rest {
        bad(text, format!("add to the front of the first line of {file} and reboot:\n{BUFSIZ}"))
    } else {
        bad(text, format!("append to the one line of {file} and reboot:\n{BUFSIZ}"))
    })
}

fn current(strip: &Strip) -> Option<Finding> {
    let drawn = strip.milliamps?;
    let supply = drawn + drawn.div_ceil(4);
    let pins = match drawn {
        ..=PINS_MILLIAMPS => "",
        _ => "; the Pi's own 5 V pins cannot be relied on for that",
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
