//! The strip on SPI: what its data needs to get out of the Pi in time.

use super::buttons::access;
use super::facts::{BUFSIZ_MAX, Daemon, Facts, Node, Strip};
use super::firmware::Firmware;
use super::model::Core;
use super::{Finding, advice, bad, good, note};

/// What the supply of the weakest Pi has left over for its 5 V pins (docs/wiring.md; the pins have no official figure).
const PINS_MILLIAMPS: u64 = 1000;
/// The bits of `get_throttled` for a Pi that is throttled, or was.
const THROTTLED: u32 = 1 << 2 | 1 << 18;

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
    found.push(("core-clock", core_clock(facts)));
    found.extend(current(strip).map(|finding| ("current", finding)));
    found
}

fn spi(facts: &Facts, strip: &Strip) -> Finding {
    let (device, file) = (&strip.device, facts.boot("config.txt"));
    let add = || facts.add_to_config_txt(&["dtparam=spi=on".into()]);
    match (
        &strip.node,
        facts.firmware.as_ref().map(Firmware::is_spi_on),
    ) {
        (Some(_), Some(false)) => advice(
            format!(
                "SPI is enabled: {device}; but no line for it is seen in {file}, so a reboot may end it"
            ),
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
            format!(
                "stop what takes it: a line of {}, or a program",
                facts.boot("config.txt")
            ),
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

/// What `config.txt` says holds from the next start on; what the Pi was started with holds now.
fn core_clock(facts: &Facts) -> Finding {
    let core = match facts.model.as_ref().map(|model| model.core) {
        Some(Core::Apart) => {
            return good("SPI has a clock of its own on this model; nothing is to be set");
        }
        None | Some(Core::Unknown) => {
            return note(
                "what the core clock of this model does is not known here; if the strip flickers, fix it",
            );
        }
        Some(core) => core,
    };
    let name = facts.boot("config.txt");
    let doubt = facts
        .firmware
        .as_ref()
        .and_then(|file| file.doubt(core.keys()));
    let file = facts.firmware.as_ref().filter(|_| doubt.is_none());
    let started = facts.started.as_ref();
    let now = started.and_then(|started| started.core_mhz);
    let add = || facts.add_to_config_txt(&core.lines(file));
    let changing = || {
        let now = now.map_or(String::new(), |now| format!(", which is {now} MHz now"));
        bad(
            format!(
                "the core clock{now}, changes with the load, and SPI's with it: the strip flickers or turns white"
            ),
            add(),
        )
    };
    let to_be = file.map(|file| core.fixed_by(file));
    let is = started.map(|started| core.fixed_by(&started.with));
    match (to_be, is) {
        (Some(None), Some(Some(fixed))) => bad(
            format!(
                "the core clock is fixed by {}, which is no more in {name}: it will change after a reboot",
                fixed.by
            ),
            add(),
        ),
        (Some(None), _) | (None, Some(None)) => changing(),
        (Some(Some(fixed)), Some(None)) => bad(
            format!(
                "{name} fixes the core clock by {}, and the Pi was started before it did",
                fixed.by
            ),
            "reboot",
        ),
        (Some(Some(fixed)), _) | (None, Some(Some(fixed))) => {
            let throttled = facts.throttled.is_some_and(|bits| bits & THROTTLED != 0);
            match fixed.at {
                // A counter over a millisecond is some kHz wrong, not a MHz.
                Some(at) if now.is_some_and(|now| now + 1 < at) => bad(
                    format!(
                        "the core clock is fixed at {at} MHz, and is {} now: the Pi is throttled",
                        now.unwrap_or_default()
                    ),
                    "cool the Pi, or give it a stronger supply: `vcgencmd get_throttled` tells which",
                ),
                None if throttled => bad(
                    format!(
                        "the core clock is held by {}, which does not hold while the Pi is throttled, as it was",
                        fixed.by
                    ),
                    add(),
                ),
                _ if fixed.by.is_empty() => {
                    good("the core clock of this model does not change unless it is made to")
                }
                _ if started.is_none() => good(format!(
                    "the core clock is fixed: {} in {name}, from the start after that on",
                    fixed.by
                )),
                _ => good(format!("the core clock is fixed: {}", fixed.by)),
            }
        }
        (None, None) => note(match doubt {
            Some(section) => format!(
                "{name} sets the core clock under {section}, and whether that applies is not known here"
            ),
            None => format!(
                "{name} cannot be read; this model needs {} there",
                core.lines(None).join(" and ")
            ),
        }),
    }
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
