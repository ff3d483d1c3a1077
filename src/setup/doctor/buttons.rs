//! The buttons, and the permissions of device nodes.

use super::facts::{Daemon, Facts, Line, LineState, NoLines, Node};
use super::service::{RESTART, checked};
use super::{Finding, bad, good, note};

pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let Some(gpio) = &facts.gpio else {
        let none = facts.config.is_ok().then(|| note("the config has no button"));
        return none.map(|finding| ("gpio", finding)).into_iter().collect();
    };
    let mut found = Vec::new();
    if let Some((path, node)) = &gpio.chip {
        found.push(("gpio-access", access("gpio", "gpio", path, node)));
    }
    match &gpio.lines {
        Err(NoLines::Denied) => found.push(("gpio", note("this user cannot see the buttons; run it with sudo"))),
        Err(NoLines::Other(fault)) => found.push((
            "gpio",
            bad(fault.clone(), "every Pi has this chip; `ls -l /dev/gpiochip*` and `gpiodetect` show what is there"),
        )),
        Ok(lines) => found.extend(lines.iter().map(|line| ("button", button(facts, line)))),
    }
    found
}

fn button(facts: &Facts, line: &Line) -> Finding {
    let gpio = line.gpio;
    match (&line.state, &facts.daemon) {
        (LineState::Open, _) => good(format!("GPIO {gpio} is free, and its contact is open")),
        (LineState::Closed, _) => bad(
            format!("the contact on GPIO {gpio} is closed: pressed, stuck, or wired to the wrong side"),
            "release the button and run this again; `bias` sets the level at rest, a press must change it, and `active` must name the level of a press",
        ),
        (LineState::Ours, Daemon::Answers(_, status)) if status.faults.is_empty() => {
            good(format!("the daemon listens on GPIO {gpio}"))
        }
        (LineState::Ours, Daemon::Answers(..)) => {
            note(format!("the daemon listens on GPIO {gpio}, and reports faults; see its own line"))
        }
        (LineState::Ours, _) => {
            note(format!("a talklight listens on GPIO {gpio}, but does not answer at the socket of this config"))
        }
        (LineState::Taken(by), _) => bad(
            format!("GPIO {gpio} is taken by {by}"),
            format!(
                "stop what takes it (a line of {}, or a program), or give the button another line in [button]",
                facts.boot("config.txt")
            ),
        ),
        (LineState::Refused(error), _) => bad(
            format!("GPIO {gpio} cannot be read: {error}"),
            "`gpioinfo` shows what uses it; stop that, or give the button another line in [button]",
        ),
    }
}

/// Whether the service may open `device`, or this user where no service is installed. `group` is the usual group for
/// devices of `subsystem`.
pub fn access(subsystem: &str, group: &str, device: &str, node: &Node) -> Finding {
    let owner = &node.group;
    let may = |may| if may { "may" } else { "may not" };
    let mut text = format!("{device} belongs to the group {owner}; this user {} open it", may(node.may_open));
    if let Some(service) = node.service_may_open {
        text += &format!(", the user talklight {}", may(service));
    }
    if node.service_may_open.unwrap_or(node.may_open) {
        return good(text);
    }
    let remedy = match (owner.as_str(), node.service_may_open) {
        // No user should join root's group.
        ("root", _) => format!(
            "add to /etc/udev/rules.d/61-talklight.rules and reboot:\n\
             SUBSYSTEM==\"{subsystem}\", GROUP=\"{group}\", MODE=\"0660\""
        ),
        (_, Some(_)) => checked(&format!("sudo usermod -aG {owner} talklight && {RESTART}")),
        (_, None) if node.is_member => "log out and in again: this user joined the group after the login".into(),
        (_, None) => format!("sudo usermod -aG {owner} $USER, then log out and in again"),
    };
    bad(text, remedy)
}
