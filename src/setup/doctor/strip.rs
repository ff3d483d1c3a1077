//! The strip on SPI: what its data needs to get out of the Pi in time.

use super::buttons::access;
use super::core_clock;
use super::facts::{BUFSIZ_MAX, Daemon, Facts, Node, Strip};
use super::firmware::Firmware;
use super::{Finding, advice, bad, good, note};

/// What the supply of the weakest Pi has left over for its 5 V pins (docs/wiring.md; the pins have no official figure).
const PINS_MILLIAMPS: u64 = 1000;

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
    match (&strip.node, facts.firmware.as_ref().map(Firmware::is_spi_on)) {
        (Some(_), Some(false)) => advice(
            format!("SPI is enabled: {device}; but no line for it is seen in {file}, so a reboot may end it"),
            add(),
        ),
        (Some(_), _) => good(format!("SPI is enabled: {device}")),
        (None, Some(true)) => bad(
            format!("{device} is not there, though {file} enables SPI"),
            "reboot; if it is still not there, look with `sudo modprobe spidev` and `dmesg | grep -i spi`",
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
    match &strip.data_taken_by {
        None => good("the strip's data leaves by GPIO 10, pin 19; nobody else is seen to use it"),
        Some(by) => bad(
            format!("GPIO 10, pin 19, by which the strip's data leaves, is taken by {by}"),
            format!("stop what takes it: a line of {}, or a program", facts.boot("config.txt")),
        ),
    }
}

fn buffer(facts: &Facts, strip: &Strip) -> Option<Finding> {
    let (bytes, bufsiz) = (strip.frame_bytes?, strip.bufsiz);
    let text = format!("a frame of {bytes} bytes, and spidev's buffer takes {bufsiz}");
    let file = facts.boot("cmdline.txt");
    Some(if bytes <= bufsiz {
        good(text)
    } else if strip.bufsiz_to_be.is_some_and(|bufsiz| bytes <= bufsiz) {
        bad(format!("{text}, though {file} makes it longer"), "reboot")
    } else if bytes <= BUFSIZ_MAX {
        let remedy = format!("append to the one line of {file} and reboot:\nspidev.bufsiz=65536");
        bad(text, remedy)
    } else {
        let remedy = format!("set `leds` to fewer: no buffer is longer than {BUFSIZ_MAX}");
        bad(text, remedy)
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
