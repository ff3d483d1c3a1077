//! What is wrong with the set-up of this machine, and the line that mends it.
//!
//! [`examine`] gathers [`Facts`] and judges them: [`judge`] reads nothing and is all there is to know about good and bad.
//! Nothing here changes anything.

use std::path::Path;

use crate::config::Overrides;
use crate::wire::{Check, Report, Verdict};
use facts::{BUFSIZ_MAX, Daemon, File, Line, NoLines, Node, Strip, Use};

pub use facts::Facts;
pub use firmware::Firmware;
pub use model::{Core, Model};

pub mod facts;
mod firmware;
mod model;
#[cfg(target_os = "linux")]
mod pi;

/// Looks at this machine, under the config that these flags mean.
pub fn examine(config: Option<&Path>, overrides: &Overrides) -> Report {
    Report::new(judge(&Facts::gather(config, overrides)))
}

/// What the facts mean, a check for each thing that can be right or wrong.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![machine(facts), config(facts)];
    if facts.model.is_some() {
        match &facts.strip {
            None => checks.push(unknown(
                "spi",
                "the strip of the config is simulated; a real one takes `kind = \"spi\"`",
            )),
            Some(strip) => checks.extend(strip_checks(facts, strip)),
        }
        checks.extend(gpio(facts));
        checks.push(supply(facts));
        checks.push(match facts.watchdog {
            true => good("watchdog", "the hardware watchdog is there"),
            false => unknown("watchdog", "no hardware watchdog is seen: no /dev/watchdog"),
        });
    }
    checks.push(daemon(facts));
    checks.extend(unit(facts));
    checks
}

fn machine(facts: &Facts) -> Check {
    let kernel = facts.kernel.as_deref().unwrap_or("unknown");
    match &facts.model {
        Some(model) => good("model", format!("{}, kernel {kernel}", model.name)),
        None => unknown(
            "model",
            format!("no Raspberry Pi, kernel {kernel}: its strip and buttons are not looked for"),
        ),
    }
}

fn config(facts: &Facts) -> Check {
    match &facts.config {
        Ok(origin) => good("config", format!("{origin} is good")),
        Err(mistakes) => bad(
            "config",
            format!("the config has mistakes:\n{mistakes}"),
            "mend these lines; `talklight check` says whether it is good".to_owned(),
        ),
    }
}

fn strip_checks(facts: &Facts, strip: &Strip) -> Vec<Check> {
    let mut checks = vec![spi(facts, strip)];
    if let Some(node) = &strip.node {
        checks.push(access("spi-access", &strip.device, node));
        checks.push(holder(facts, strip, node));
    }
    checks.extend(buffer(facts, strip));
    checks.push(core_clock(facts));
    checks.extend(current(strip));
    checks
}

fn spi(facts: &Facts, strip: &Strip) -> Check {
    let device = &strip.device;
    if strip.node.is_some() {
        return good("spi", format!("SPI is enabled: {device}"));
    }
    match &facts.firmware {
        Some(firmware) if firmware.is_spi_on() => bad(
            "spi",
            format!(
                "{device} is not there, though {} enables SPI",
                facts.boot("config.txt")
            ),
            "reboot; if it is still not there, look with `sudo modprobe spidev` and `dmesg | grep -i spi`",
        ),
        _ => bad(
            "spi",
            format!("SPI is off: {device} is not there"),
            facts.add_to_config_txt(&["dtparam=spi=on"]),
        ),
    }
}

/// The service has to open the device, and where there is no service, who asks.
fn access(name: &'static str, device: &str, node: &Node) -> Check {
    let group = &node.group;
    let may = |may| if may { "may" } else { "may not" };
    let mut text = format!(
        "{device} belongs to the group {group}; this user {} open it",
        may(node.may)
    );
    if let Some(service) = node.service_may {
        text += &format!(", the user talklight {}", may(service));
    }
    if node.service_may.unwrap_or(node.may) {
        return good(name, text);
    }
    let remedy = match (group.as_str(), node.service_may) {
        // Nobody should join that one.
        ("root", _) => {
            let (subsystem, group) = if name == "spi-access" {
                ("spidev", "spi")
            } else {
                ("gpio", "gpio")
            };
            format!(
                "add to /etc/udev/rules.d/60-talklight.rules and reboot:\nSUBSYSTEM==\"{subsystem}\", GROUP=\"{group}\", MODE=\"0660\""
            )
        }
        (_, Some(_)) => {
            format!("sudo usermod -aG {group} talklight && sudo systemctl restart talklight")
        }
        (_, None) => format!("sudo usermod -aG {group} $USER, and log in again"),
    };
    bad(name, text, remedy)
}

/// A holder is the daemon, or a second one that keeps the first from its strip.
fn holder(facts: &Facts, strip: &Strip, node: &Node) -> Check {
    let device = &strip.device;
    match (&node.held_by, &facts.daemon) {
        (None, _) => good(
            "holder",
            format!("no other process is seen to drive {device}"),
        ),
        (Some(who), Daemon::Answers(status)) if status.strip.health != "failing" => {
            good("holder", format!("{who} drives {device}"))
        }
        (Some(who), Daemon::Answers(_)) => bad(
            "holder",
            format!("{who} drives {device}, and the daemon cannot"),
            "stop that process, if it is not the daemon itself",
        ),
        (Some(who), _) => unknown(
            "holder",
            format!("{who} drives {device}, and does not answer here"),
        ),
    }
}

fn buffer(facts: &Facts, strip: &Strip) -> Option<Check> {
    let (bytes, bufsiz) = (strip.frame_bytes?, strip.bufsiz);
    let text = format!("a frame of {bytes} bytes, and spidev's buffer takes {bufsiz}");
    Some(if bytes <= bufsiz {
        good("buffer", text)
    } else if bytes <= BUFSIZ_MAX {
        let file = facts.boot("cmdline.txt");
        let remedy = format!("append to the one line of {file} and reboot:\nspidev.bufsiz=65536");
        bad("buffer", text, remedy)
    } else {
        let remedy = format!("set `leds` to fewer: no buffer is longer than {BUFSIZ_MAX}");
        bad("buffer", text, remedy)
    })
}

fn core_clock(facts: &Facts) -> Check {
    let name = "core-clock";
    let file = facts.boot("config.txt");
    let core = facts
        .model
        .as_ref()
        .map_or(Core::Unknown, |model| model.core);
    match (core, &facts.firmware) {
        (Core::Fixed, _) => {
            let text = "SPI's clock is steady on this model; nothing is to be set";
            good(name, text)
        }
        (Core::Unknown, _) => {
            let text = "what the core clock of this model does is not known here; if the strip flickers, fix it";
            unknown(name, text)
        }
        (_, None) => {
            let lines = core.lines().join(" and ");
            unknown(
                name,
                format!("{file} cannot be read; this model needs {lines} there"),
            )
        }
        (_, Some(firmware)) => match (firmware.doubt(core.keys()), core.fixed_by(firmware)) {
            (Some(section), _) => unknown(
                name,
                format!(
                    "{file} sets the core clock under {section}, and whether that applies is not known here"
                ),
            ),
            (None, Some(by)) => good(name, format!("the core clock is fixed: {by} in {file}")),
            (None, None) => bad(
                name,
                "the core clock changes with the load, and SPI's with it: the strip flickers or turns white",
                facts.add_to_config_txt(core.lines()),
            ),
        },
    }
}

fn current(strip: &Strip) -> Option<Check> {
    let drawn = strip.milliamps?;
    Some(match strip.max_milliamps {
        0 => unknown(
            "current",
            format!(
                "the strip draws up to {drawn} mA without a limit; its supply must give that and a quarter more"
            ),
        ),
        limit => good(
            "current",
            format!(
                "the strip draws up to {drawn} mA, within its limit of {limit} mA; its supply should give {} mA",
                limit + limit.div_ceil(4)
            ),
        ),
    })
}

fn gpio(facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some((path, node)) = &facts.chip {
        checks.push(access("gpio-access", path, node));
    }
    match &facts.lines {
        None if facts.config.is_err() => {}
        None => checks.push(unknown("gpio", "the config has no button")),
        Some(Err(NoLines::Denied)) => checks.push(unknown(
            "gpio",
            "the buttons cannot be looked at by this user; ask with sudo",
        )),
        Some(Err(NoLines::Other(fault))) => checks.push(bad(
            "gpio",
            fault.clone(),
            "a Pi has one; look with `ls -l /dev/gpiochip*` and `gpiodetect`",
        )),
        Some(Ok(lines)) => checks.extend(lines.iter().map(|line| button(facts, line))),
    }
    checks
}

fn button(facts: &Facts, line: &Line) -> Check {
    let gpio = line.gpio;
    match &line.state {
        Use::Open => good(
            "button",
            format!("GPIO {gpio} is free, and its contact is open"),
        ),
        Use::Closed => bad(
            "button",
            format!(
                "the contact on GPIO {gpio} is closed: pressed, stuck, or wired to the wrong side"
            ),
            "let go of it and ask again; a press must change the level that `bias` gives the line, and `active` name that level",
        ),
        Use::Ours => match &facts.daemon {
            Daemon::Answers(status) if status.faults.is_empty() => {
                good("button", format!("the daemon listens on GPIO {gpio}"))
            }
            Daemon::Answers(_) => unknown(
                "button",
                format!(
                    "the daemon listens on GPIO {gpio}, and has something to say of its inputs"
                ),
            ),
            _ => unknown(
                "button",
                format!("a talklight that does not answer here listens on GPIO {gpio}"),
            ),
        },
        Use::Taken(by) => {
            let by = match by.as_str() {
                "" => "another driver",
                by => by,
            };
            bad(
                "button",
                format!("GPIO {gpio} is taken by {by}"),
                format!(
                    "stop what takes it (a line of {}, or a program), or give the button another line in [button]",
                    facts.boot("config.txt")
                ),
            )
        }
        Use::Refused(error) => bad(
            "button",
            format!("GPIO {gpio} cannot be had: {error}"),
            "`gpioinfo` tells who uses it; or give the button another line in [button]",
        ),
    }
}

fn supply(facts: &Facts) -> Check {
    let remedy = "a stronger supply or a shorter cable for the Pi; feed the strip from its own, not through the Pi";
    match facts.throttled {
        None => unknown(
            "under-voltage",
            "whether the Pi has seen under-voltage is not known here; `vcgencmd get_throttled` tells",
        ),
        Some(bits) if bits & 1 != 0 => bad(
            "under-voltage",
            "the Pi's supply is below 4.63 V now",
            remedy,
        ),
        Some(bits) if bits & 1 << 16 != 0 => bad(
            "under-voltage",
            "the Pi's supply has been below 4.63 V since it was started",
            remedy,
        ),
        Some(_) => good("under-voltage", "no under-voltage was seen"),
    }
}

fn daemon(facts: &Facts) -> Check {
    let name = "daemon";
    match &facts.daemon {
        Daemon::Answers(status)
            if status.strip.health == "failing" || !status.faults.is_empty() =>
        {
            bad(
                name,
                format!("the daemon answers: {}", status.standing()),
                "do as it says; it tries again each second",
            )
        }
        Daemon::Answers(status) => good(name, format!("the daemon answers: {}", status.standing())),
        Daemon::Silent(why) => bad(name, why.clone(), "sudo systemctl restart talklight"),
        Daemon::Refused(why) => unknown(name, why.clone()),
        Daemon::Two(places) => bad(
            name,
            format!("two daemons answer, at {places}"),
            "end one of them: `sudo systemctl stop talklight`, or `q` on the screen of the other",
        ),
        Daemon::Absent(places) if facts.unit.as_ref().is_some_and(File::is_there) => bad(
            name,
            format!("no daemon answers at {places}"),
            "sudo systemctl enable --now talklight; `systemctl status talklight` says why not",
        ),
        Daemon::Absent(places) => unknown(name, format!("no daemon answers at {places}")),
    }
}

fn unit(facts: &Facts) -> Option<Check> {
    Some(match facts.unit.as_ref()? {
        File::There(path) => good("unit", format!("the service is installed: {path}")),
        // Nobody needs it on a laptop.
        File::Absent(_) if facts.model.is_none() => return None,
        // Nor who starts the daemon by hand.
        File::Absent(path) => unknown(
            "unit",
            format!("the service is not installed: no {path}; the README tells how"),
        ),
    })
}

fn good(name: &'static str, text: impl Into<String>) -> Check {
    check(name, Verdict::Good, text.into(), None)
}

fn unknown(name: &'static str, text: impl Into<String>) -> Check {
    check(name, Verdict::Unknown, text.into(), None)
}

fn bad(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Check {
    check(name, Verdict::Bad, text.into(), Some(remedy.into()))
}

fn check(name: &'static str, verdict: Verdict, text: String, remedy: Option<String>) -> Check {
    Check {
        name,
        verdict,
        text,
        remedy,
    }
}
