//! The daemon, and the service that starts it.

use super::facts::{Daemon, Facts, Unit};
use super::{Finding, bad, good, note};

/// Of the service. A talk goes on through it.
pub const RESTART: &str = "sudo systemctl restart talklight";

/// Says to run commands that restart the service: not by a config that would end it.
pub fn checked(commands: &str) -> String {
    format!("talklight check && {commands}")
}

pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let unit = facts.unit.as_ref().and_then(|of| unit(facts, of));
    let unit = unit.map(|finding| ("unit", finding));
    unit.into_iter().chain([("daemon", daemon(facts))]).collect()
}

/// By the states of systemctl(1).
fn unit(facts: &Facts, unit: &Unit) -> Option<Finding> {
    let disabled = match unit.get("UnitFileState") {
        "disabled" => " and disabled",
        _ => "",
    };
    let restarts = match unit.get("NRestarts") {
        "" | "0" => String::new(),
        restarts => format!(", after {restarts} restarts"),
    };
    let states = ["LoadState", "ActiveState"].map(|state| unit.get(state));
    Some(match states {
        // Nobody needs it on a laptop, nor who starts the daemon by hand.
        ["not-found", ..] if facts.model.is_none() => return None,
        ["not-found", ..] => note("the service is not installed; the README tells how"),
        ["masked", ..] => bad(
            "the service is masked: nothing can start it",
            "sudo systemctl unmask talklight && sudo systemctl enable --now talklight",
        ),
        ["loaded", "active" | "reloading"] if !disabled.is_empty() => {
            bad("the service runs, but will not after a reboot: it is disabled", "sudo systemctl enable talklight")
        }
        ["loaded", "active" | "reloading"] => good(format!("the service runs{restarts}: {}", unit.get("FragmentPath"))),
        ["loaded", "failed"] => failed(unit),
        // It ends as soon as it is started, again and again.
        ["loaded", "activating" | "deactivating"] if unit.get("Result") != "success" || !restarts.is_empty() => {
            failed(unit)
        }
        ["loaded", "inactive"] => match facts.daemon {
            Daemon::Answers(..) => {
                note(format!("the service is stopped{disabled}; the daemon that answers is another"))
            }
            _ => bad(format!("the service is stopped{disabled}"), "sudo systemctl enable --now talklight"),
        },
        ["loaded", ..] => note("the service is just being started or stopped; ask again"),
        [state, ..] => bad(
            format!("systemd cannot load the service: {state}"),
            "`systemd-analyze verify talklight.service` says why",
        ),
    })
}

/// By the statuses of systemd.exec(5).
fn failed(unit: &Unit) -> Finding {
    let [result, status, restarts] = ["Result", "ExecMainStatus", "NRestarts"].map(|property| unit.get(property));
    let (why, remedy) = match (result, status) {
        ("exit-code", "78") => (
            "the config has mistakes",
            "talklight check && sudo systemctl restart talklight\nThe first names what to mend.",
        ),
        ("exit-code", "203") => (
            "its program cannot be run",
            "`/usr/bin/talklight --version` says why; `dpkg --print-architecture` names the package for this machine",
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
        ("watchdog", _) => ("it hung, and was ended", "`journalctl -u talklight` says what came before"),
        _ => ("it fails", "`journalctl -u talklight` says why"),
    };
    bad(format!("the service does not run: {why} (result {result}, status {status}, {restarts} restarts)"), remedy)
}

fn daemon(facts: &Facts) -> Finding {
    let active = |unit: &Unit| unit.get("ActiveState") == "active";
    match &facts.daemon {
        Daemon::Answers(at, status) => {
            let text = format!("the daemon answers at {at}: {}", status.standing());
            if status.strip.health == "failing" || !status.faults.is_empty() {
                bad(text, "do as it says")
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
            checked(&format!("{RESTART}\nOr name its socket with --socket.")),
        ),
        Daemon::Absent(places) => note(format!("no daemon answers at {places}")),
    }
}
