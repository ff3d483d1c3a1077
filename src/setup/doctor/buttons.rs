//! The buttons on their lines, and who may open a device.

use super::facts::{Daemon, Facts, Line, NoLines, Node, Use};
use super::service::checked;
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
        Err(NoLines::Denied) => {
            found.push(("gpio", note("the buttons cannot be looked at by this user; ask with sudo")))
        }
        Err(NoLines::Other(fault)) => {
            found.push(("gpio", bad(fault.clone(), "a Pi has one; look with `ls -l /dev/gpiochip*` and `gpiodetect`")))
        }
        Ok(lines) => found.extend(lines.iter().map(|line| ("button", button(facts, line)))),
    }
    found
}

fn button(facts: &Facts, line: &Line) -> Finding {
    let gpio = line.gpio;
    match (&line.state, &facts.daemon) {
        (Use::Open, _) => good(format!("GPIO {gpio} is free, and its contact is open")),
        (Use::Closed, _) => bad(
            format!("the contact on GPIO {gpio} is closed: pressed, stuck, or wired to the wrong side"),
            "let go of it and ask again; a press must change the level that `bias` gives the line, and `active` name that level",
        ),
        (Use::Ours, Daemon::Answers(_, status)) if status.faults.is_empty() => {
            good(format!("the daemon listens on GPIO {gpio}"))
        }
        (Use::Ours, Daemon::Answers(..)) => {
            note(format!("the daemon listens on GPIO {gpio}, and has something to say of its inputs"))
        }
        (Use::Ours, _) => note(format!("a talklight that does not answer here listens on GPIO {gpio}")),
        (Use::Taken(by), _) => bad(
            format!("GPIO {gpio} is taken by {by}"),
            format!(
                "stop what takes it (a line of {}, or a program), or give the button another line in [button]",
                facts.boot("config.txt")
            ),
        ),
        (Use::Refused(error), _) => bad(
            format!("GPIO {gpio} cannot be had: {error}"),
            "`gpioinfo` tells who uses it; or give the button another line in [button]",
        ),
    }
}

/// The service has to open the device, and where there is no service, who asks. `group` is whose a device of the subsystem
/// should be.
pub fn access(subsystem: &str, group: &str, device: &str, node: &Node) -> Finding {
    let owner = &node.group;
    let may = |may| if may { "may" } else { "may not" };
    let mut text = format!("{device} belongs to the group {owner}; this user {} open it", may(node.may));
    if let Some(service) = node.service_may {
        text += &format!(", the user talklight {}", may(service));
    }
    if node.service_may.unwrap_or(node.may) {
        return good(text);
    }
    let remedy = match (owner.as_str(), node.service_may) {
        // Nobody should join that one.
        ("root", _) => format!(
            "add to /etc/udev/rules.d/61-talklight.rules and reboot:\n\
             SUBSYSTEM==\"{subsystem}\", GROUP=\"{group}\", MODE=\"0660\""
        ),
        (_, Some(_)) => checked(&format!("sudo usermod -aG {owner} talklight && sudo systemctl restart talklight")),
        (_, None) if node.is_member => "log in again: this user has been in the group for less long".into(),
        (_, None) => format!("sudo usermod -aG {owner} $USER, and log in again"),
    };
    bad(text, remedy)
}
