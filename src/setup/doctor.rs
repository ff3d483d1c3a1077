//! What is wrong with the set-up of this machine, and the line that mends it.
//!
//! [`examine`] gathers [`Facts`] and judges them: [`judge`] reads nothing and is all there is to know about good and bad.
//! Nothing here changes anything.

use std::path::Path;

use crate::config::{self, Config, Overrides};
pub use report::{Check, Report, Verdict};

pub use core_clock::Core;
pub use facts::Facts;
pub use firmware::Firmware;
pub use model::Model;

mod board;
mod buttons;
mod cmdline;
mod core_clock;
pub mod facts;
mod firmware;
mod gather;
mod model;
#[cfg(target_os = "linux")]
mod pi;
mod pins;
mod report;
mod service;
mod strip;
mod tool;

/// What a check finds: the text, and the remedy of what is bad, or could be better.
type Finding = (Verdict, String, Option<String>);

/// Looks at this machine, under the config that these flags mean.
pub fn examine(config: Option<&Path>, overrides: &Overrides) -> Report {
    Report::new(judge(&gather::facts(config, overrides)))
}

/// The buttons of a config whose pins have another function on this machine, a line each.
pub fn taken_buttons(config: &Config) -> Vec<String> {
    let Some(buttons) = config.buttons else {
        return Vec::new();
    };
    let board = board::Board::look();
    let taken =
        |gpio| Some(format!("but GPIO {gpio} is taken by {}; give the button another line", board.takes(gpio)?));
    buttons.start.into_iter().chain(buttons.reset).filter_map(taken).collect()
}

/// What the facts mean, a check for each thing that can be right or wrong.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let mut found = vec![("model", machine(facts)), ("config", config(facts))];
    if facts.model.is_some() {
        found.extend(strip::findings(facts));
        found.extend(buttons::findings(facts));
        found.push(("under-voltage", voltage(facts)));
        found.push(("watchdog", watchdog(facts)));
    }
    found.extend(service::findings(facts));
    let check = |(name, (verdict, text, remedy))| Check { name, verdict, text, remedy };
    found.into_iter().map(check).collect()
}

fn machine(facts: &Facts) -> Finding {
    let kernel = facts.kernel.as_deref().unwrap_or("unknown");
    match &facts.model {
        Some(model) => good(format!("{}, kernel {kernel}", model.name)),
        None => note(format!("no Raspberry Pi, kernel {kernel}: its strip and buttons are not looked for")),
    }
}

fn config(facts: &Facts) -> Finding {
    let service = facts.unit.as_ref().is_some_and(|unit| unit.get("LoadState") == "loaded");
    let is_newer = facts.config_is_newer;
    let runs_on = if is_newer { "; the service runs by what it read before, and a restart would end it" } else { "" };
    let restart = || service::checked(service::RESTART);
    let after = || format!("{}\nThe first names what to mend.", restart());
    let is_too_long = |strip: &facts::Strip| strip.frame_bytes.is_some_and(|bytes| bytes > strip.bufsiz);
    match &facts.config {
        Err(mistakes) if is_newer && mistakes.contains(config::SYSTEM_FILE) => {
            bad(format!("the config has mistakes{runs_on}:\n{mistakes}"), after())
        }
        Err(mistakes) => bad(
            format!("the config has mistakes:\n{mistakes}"),
            "mend these lines; `talklight check` says whether it is good",
        ),
        Ok(origin) if origin != config::SYSTEM_FILE => match &facts.service_mistakes {
            Some(mistakes) => {
                bad(format!("the service's config has mistakes{runs_on}:\n{mistakes}"), "mend these lines")
            }
            None if service => good(format!("{origin} is good; the service reads {}", config::SYSTEM_FILE)),
            None => good(format!("{origin} is good")),
        },
        Ok(origin) if is_newer && facts.strip.as_ref().is_some_and(is_too_long) => {
            bad(format!("{origin} has more LEDs than spidev's buffer takes{runs_on}"), after())
        }
        Ok(origin) if is_newer => bad(
            format!("{origin} is good, but was changed after the service had read it"),
            format!("{}\nA talk goes on through it.", restart()),
        ),
        Ok(origin) => good(format!("{origin} is good")),
    }
}

/// Of the firmware's bits, 0 is now and 16 since the start (documentation, "vcgencmd: get_throttled").
fn voltage(facts: &Facts) -> Finding {
    let supply = facts
        .supply_milliamps
        .map_or(String::new(), |milliamps| format!("; its supply says that it gives {milliamps} mA"));
    let remedy = "a stronger supply or a shorter cable for the Pi; feed the strip from its own, not through the Pi";
    match facts.throttled {
        None => note("whether the Pi has seen under-voltage is not known here; `vcgencmd get_throttled` tells"),
        Some(bits) if bits & 1 != 0 => bad(format!("the Pi's supply is below 4.63 V now{supply}"), remedy),
        Some(bits) if bits & 1 << 16 != 0 => {
            bad(format!("the Pi's supply has been below 4.63 V since it was started{supply}"), remedy)
        }
        Some(_) => good(format!("the Pi has seen no under-voltage{supply}")),
    }
}

/// Nothing is wrong without it until the Pi freezes.
fn watchdog(facts: &Facts) -> Finding {
    match (facts.watchdog.is_there, facts.watchdog.timeout.as_deref()) {
        (false, _) => note("no hardware watchdog is seen: no /dev/watchdog"),
        (true, None | Some("")) => note("the hardware watchdog is there; whether systemd uses it is not known here"),
        (true, Some("0")) => advice(
            "the hardware watchdog is not used: a Pi that freezes stays frozen",
            "reboot, if talklight's package was installed since the last time; else write to\n\
             /etc/systemd/system.conf.d/60-watchdog.conf, then `sudo systemctl daemon-reexec`:\n\
             [Manager]\nRuntimeWatchdogSec=14s",
        ),
        // As long as the hardware has it.
        (true, Some("infinity")) => good("the hardware watchdog restarts a Pi that is frozen"),
        (true, Some(timeout)) => good(format!("the hardware watchdog restarts a Pi that is frozen for {timeout}")),
    }
}

fn good(text: impl Into<String>) -> Finding {
    (Verdict::Good, text.into(), None)
}

fn note(text: impl Into<String>) -> Finding {
    (Verdict::Note, text.into(), None)
}

fn advice(text: impl Into<String>, remedy: impl Into<String>) -> Finding {
    (Verdict::Note, text.into(), Some(remedy.into()))
}

fn bad(text: impl Into<String>, remedy: impl Into<String>) -> Finding {
    (Verdict::Bad, text.into(), Some(remedy.into()))
}
