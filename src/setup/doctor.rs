//! Checks the set-up of this machine, and names a remedy for each fault. Nothing is changed.
//!
//! [`examine`] gathers [`Facts`] and judges them. [`judge`] does no I/O, and holds every rule about good and bad.

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
mod web;

/// The verdict, the text, and the remedy of a fault or of something that could be better.
type Finding = (Verdict, String, Option<String>);

/// Checks this machine, with the config that these flags select.
pub fn examine(config: Option<&Path>, overrides: &Overrides) -> Report {
    Report::new(judge(&gather::facts(config, overrides)))
}

/// The buttons of `config` whose pins have another function on this machine, one line each.
pub fn taken_buttons(config: &Config) -> Vec<String> {
    let Some(buttons) = config.buttons else {
        return Vec::new();
    };
    let board = board::Board::look();
    let taken =
        |gpio| Some(format!("but GPIO {gpio} is taken by {}; give the button another line", board.pin_owner(gpio)?));
    buttons.start.into_iter().chain(buttons.reset).filter_map(taken).collect()
}

/// The way of a phone to the pages that `config` opens, in lines.
pub fn way_in(config: &Config) -> Vec<String> {
    let findings = gather::web_of(config).map_or_else(Vec::new, |web| web::of_config(&web));
    let line = |(verdict, text, remedy): Finding| {
        let but = if verdict == Verdict::Bad { "but " } else { "" };
        let remedy = remedy.map_or_else(String::new, |remedy| format!("; {}", remedy.replace('\n', " ")));
        format!("{but}{text}{remedy}")
    };
    findings.into_iter().map(line).collect()
}

/// The checks, in the order of the report. Those of the Pi's hardware are absent on other machines.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let mut found = vec![("model", machine(facts)), ("config", config(facts))];
    if facts.model.is_some() {
        found.extend(strip::findings(facts));
        found.extend(buttons::findings(facts));
        found.push(("under-voltage", voltage(facts)));
        found.push(("watchdog", watchdog(facts)));
    }
    found.extend(service::findings(facts));
    found.extend(web::findings(facts));
    let check = |(name, (verdict, text, remedy))| Check { name, verdict, text, remedy };
    found.into_iter().map(check).collect()
}

fn machine(facts: &Facts) -> Finding {
    let kernel = facts.kernel.as_deref().unwrap_or("unknown");
    match &facts.model {
        Some(model) => good(format!("{}, kernel {kernel}", model.name)),
        None => note(format!("no Raspberry Pi, kernel {kernel}: strip and buttons are not checked")),
    }
}

fn config(facts: &Facts) -> Finding {
    const CORRECT: &str = "correct these lines, then run `talklight check`";
    let is_newer = facts.config_is_newer;
    let still_runs = match is_newer {
        true => "; the service still runs with the old config, and a restart would end it",
        false => "",
    };
    let restart = service::checked(service::RESTART);
    let after = format!("{restart}\n`talklight check` names what to correct first.");
    let origin = match &facts.config {
        Ok(origin) => origin,
        Err(mistakes) => {
            let is_service_file = is_newer && mistakes.contains(config::SYSTEM_FILE);
            let (runs, remedy) = if is_service_file { (still_runs, &*after) } else { ("", CORRECT) };
            return bad(format!("the config has mistakes{runs}:\n{mistakes}"), remedy);
        }
    };
    if origin != config::SYSTEM_FILE {
        let is_installed = facts.unit.as_ref().is_some_and(|unit| unit.get("LoadState") == "loaded");
        return match &facts.service_mistakes {
            Some(mistakes) => bad(format!("the service's config has mistakes{still_runs}:\n{mistakes}"), CORRECT),
            None if is_installed => good(format!("{origin} is good; the service reads {}", config::SYSTEM_FILE)),
            None => good(format!("{origin} is good")),
        };
    }
    let is_too_long = |strip: &facts::Strip| strip.frame_bytes.is_some_and(|bytes| bytes > strip.bufsiz);
    if !is_newer {
        good(format!("{origin} is good"))
    } else if facts.strip.as_ref().is_some_and(is_too_long) {
        bad(format!("{origin} has more LEDs than spidev's buffer takes{still_runs}"), after)
    } else {
        bad(
            format!("{origin} is good, but was changed after the service had read it"),
            format!("{restart}\nA running talk continues."),
        )
    }
}

/// Bit 0 of the firmware's word means now, bit 16 since the start (documentation, "vcgencmd: get_throttled").
fn voltage(facts: &Facts) -> Finding {
    let supply =
        facts.supply_milliamps.map_or(String::new(), |milliamps| format!("; its supply offers {milliamps} mA"));
    let remedy =
        "use a stronger supply or a shorter cable for the Pi; feed the strip from its own supply, not through the Pi";
    match facts.throttled {
        None => note("cannot tell whether the Pi has had under-voltage; `vcgencmd get_throttled` shows it"),
        Some(bits) if bits & 1 != 0 => bad(format!("the Pi's supply is below 4.63 V now{supply}"), remedy),
        Some(bits) if bits & 1 << 16 != 0 => {
            bad(format!("the Pi's supply has been below 4.63 V since it was started{supply}"), remedy)
        }
        Some(_) => good(format!("the Pi has seen no under-voltage{supply}")),
    }
}

fn watchdog(facts: &Facts) -> Finding {
    match (facts.watchdog.is_there, facts.watchdog.timeout.as_deref()) {
        (false, _) => note("no hardware watchdog: /dev/watchdog is not there"),
        (true, None | Some("")) => note("a hardware watchdog is there; cannot tell whether systemd uses it"),
        (true, Some("0")) => advice(
            "the hardware watchdog is not used: a Pi that freezes stays frozen",
            "if talklight's package was installed since the last start, reboot; otherwise write to\n\
             /etc/systemd/system.conf.d/60-watchdog.conf, then `sudo systemctl daemon-reexec`:\n\
             [Manager]\nRuntimeWatchdogSec=14s",
        ),
        // The longest timeout of the hardware.
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
