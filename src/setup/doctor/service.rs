//! The daemon and its systemd service.

use super::facts::{Daemon, Facts, Unit};
use super::{Finding, bad, good, note};

/// Restarts the service. A running talk continues.
pub const RESTART: &str = "sudo systemctl restart talklight";

/// `commands` that restart the service, after a check of the config: a bad config would end the service.
pub fn checked(commands: &str) -> String {
    format!("talklight check && {commands}")
}

pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let unit = facts.unit.as_ref().and_then(|unit| service(facts, unit));
    let unit = unit.map(|finding| ("unit", finding));
    unit.into_iter().chain([("daemon", daemon(facts))]).collect()
}

/// The states are those of systemctl(1).
fn service(facts: &Facts, unit: &Unit) -> Option<Finding> {
    let is_disabled = unit.get("UnitFileState") == "disabled";
    let restarts = match unit.get("NRestarts") {
        "" | "0" => String::new(),
        restarts => format!(", after {restarts} restarts"),
    };
    let states = ["LoadState", "ActiveState"].map(|state| unit.get(state));
    Some(match states {
        // On a laptop the daemon is started by hand.
        ["not-found", ..] if facts.model.is_none() => return None,
        ["not-found", ..] => note("the service is not installed; docs/pi.md tells how"),
        ["masked", ..] => bad(
            "the service is masked: nothing can start it",
            "sudo systemctl unmask talklight && sudo systemctl enable --now talklight",
        ),
        ["loaded", "active" | "reloading"] if is_disabled => {
            bad("the service runs, but will not after a reboot: it is disabled", "sudo systemctl enable talklight")
        }
        ["loaded", "active" | "reloading"] => good(format!("the service runs{restarts}: {}", unit.get("FragmentPath"))),
        ["loaded", "failed"] => failed(unit),
        // It ends right after each start.
        ["loaded", "activating" | "deactivating"] if unit.get("Result") != "success" || !restarts.is_empty() => {
            failed(unit)
        }
        ["loaded", "inactive"] => {
            let disabled = if is_disabled { " and disabled" } else { "" };
            let text = format!("the service is stopped{disabled}");
            match facts.daemon {
                Daemon::Answers(..) => note(format!("{text}; a daemon outside the service answers")),
                _ => bad(text, "sudo systemctl enable --now talklight"),
            }
        }
        ["loaded", ..] => note("the service is starting or stopping; run this again"),
        [state, ..] => bad(
            format!("systemd cannot load the service: {state}"),
            "`systemd-analyze verify talklight.service` shows why",
        ),
    })
}

/// The exit statuses are those of systemd.exec(5).
fn failed(unit: &Unit) -> Finding {
    let [result, status, restarts] = ["Result", "ExecMainStatus", "NRestarts"].map(|property| unit.get(property));
    let (why, remedy) = match (result, status) {
        ("exit-code", "78") => (
            "the config has mistakes",
            "talklight check && sudo systemctl restart talklight\n`talklight check` names what to correct first.",
        ),
        ("exit-code", "203") => (
            "its program cannot be run",
            "`/usr/bin/talklight --version` shows why; `dpkg --print-architecture` names the package for this machine",
        ),
        ("exit-code", "214") => (
            "this kernel gives no service real-time scheduling",
            "write to /etc/systemd/system/talklight.service.d/scheduling.conf, then \
             `talklight check && sudo systemctl daemon-reload && sudo systemctl restart talklight`:\n\
             [Service]\nCPUSchedulingPolicy=other",
        ),
        ("exit-code", "216" | "217") => (
            "its user or one of its groups is missing",
            "talklight check && sudo systemd-sysusers && sudo systemctl restart talklight",
        ),
        ("watchdog", _) => ("it hung, and systemd ended it", "`journalctl -u talklight` shows what came before"),
        _ => ("it fails", "`journalctl -u talklight` shows why"),
    };
    bad(format!("the service does not run: {why} (result {result}, status {status}, {restarts} restarts)"), remedy)
}

fn daemon(facts: &Facts) -> Finding {
    let active = |unit: &Unit| unit.get("ActiveState") == "active";
    match &facts.daemon {
        Daemon::Answers(at, status) => {
            let text = format!("the daemon answers at {at}: {}", status.standing());
            if status.strip.health == "failing" || !status.faults.is_empty() {
                bad(text, "follow what it says")
            } else {
                good(text)
            }
        }
        Daemon::Silent(why) => bad(why.clone(), checked(RESTART)),
        Daemon::Refused(why) => note(why.clone()),
        Daemon::Two(places) => bad(
            format!("two daemons answer, at {places}"),
            "end one of them: `sudo systemctl stop talklight`, or `q` on the screen of the other",
        ),
        Daemon::Absent(places) if facts.unit.as_ref().is_some_and(active) => bad(
            format!("the service runs, and no daemon answers at {places}"),
            checked(&format!("{RESTART}\nIf its socket is elsewhere, name it with --socket.")),
        ),
        Daemon::Absent(places) => note(format!("no daemon answers at {places}")),
    }
}
