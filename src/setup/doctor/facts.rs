//! What there is to know about a machine.

use super::firmware::Firmware;
use super::model::Model;
use super::tool;
use crate::control::protocol::Status;

/// rppal documents it as the longest buffer; a config is read for this one, and the buffer has a check of its own.
pub const BUFSIZ_MAX: usize = 65_536;

#[derive(Clone, Debug)]
pub struct Facts {
    /// None on other machines.
    pub model: Option<Model>,
    pub kernel: Option<String>,
    /// The boot folder: `/boot/firmware`, before Bookworm `/boot`.
    pub boot: &'static str,
    /// None if there is no `config.txt`, or it may not be read.
    pub firmware: Option<Firmware>,
    /// What the Pi runs with; None if its firmware cannot be asked.
    pub started: Option<Started>,
    /// The bits of the firmware's `get_throttled`; of the hardware monitor the first one alone.
    pub throttled: Option<u32>,
    /// What the Pi's own supply says that it gives.
    pub supply_milliamps: Option<u32>,
    /// Where the config comes from, or its mistakes.
    pub config: Result<String, String>,
    /// It was changed after the service had read it.
    pub config_is_newer: bool,
    /// None if the config means a simulated one.
    pub strip: Option<Strip>,
    /// None if the config has no button.
    pub gpio: Option<Gpio>,
    pub watchdog: Watchdog,
    pub daemon: Daemon,
    /// None if systemd cannot be asked.
    pub unit: Option<Unit>,
}

/// What `config.txt` was when the Pi was started, and what came of it.
#[derive(Clone, Debug)]
pub struct Started {
    pub with: Firmware,
    /// The core clock as it is now.
    pub core_mhz: Option<u32>,
}

/// A strip on SPI. What depends on the config is None if that has mistakes.
#[derive(Clone, Debug)]
pub struct Strip {
    pub device: String,
    /// None if the device is not there.
    pub node: Option<Node>,
    /// Who has taken the line of its data from SPI.
    pub data_taken_by: Option<String>,
    pub frame_bytes: Option<usize>,
    pub bufsiz: usize,
    /// What `cmdline.txt` makes it at the next start.
    pub bufsiz_to_be: Option<usize>,
    pub milliamps: Option<u64>,
    /// 0 is no limit.
    pub max_milliamps: u32,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub group: String,
    /// This process may open it.
    pub may: bool,
    /// The service's user may; None if there is no such user.
    pub service_may: Option<bool>,
    /// The process that has locked it.
    pub held_by: Option<String>,
}

/// The lines of the buttons.
#[derive(Clone, Debug)]
pub struct Gpio {
    /// None if there is none.
    pub chip: Option<(String, Node)>,
    pub lines: Result<Vec<Line>, NoLines>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub gpio: u32,
    pub state: Use,
}

#[derive(Clone, Debug)]
pub enum Use {
    /// Free, and its contact open.
    Open,
    Closed,
    /// A talklight listens on it.
    Ours,
    /// By this consumer or driver.
    Taken(String),
    Refused(String),
}

#[derive(Clone, Debug)]
pub enum NoLines {
    /// The chip may not be opened.
    Denied,
    Other(String),
}

#[derive(Clone, Debug)]
pub struct Watchdog {
    pub is_there: bool,
    /// The time after which it strikes, as systemd says it: `1min`, or `0` if it is left alone.
    pub timeout: Option<String>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Daemon {
    /// At this socket.
    Answers(String, Status),
    /// It is there, and gives no answer.
    Silent(String),
    /// It may be there; this user may not ask.
    Refused(String),
    Two(String),
    Absent(String),
}

/// The service as `systemctl show` tells it, a property a line.
#[derive(Clone, Debug)]
pub struct Unit(pub String);

impl Unit {
    /// Empty if systemd does not tell it.
    pub fn get(&self, property: &str) -> &str {
        tool::value(&self.0, property)
    }
}

impl Facts {
    /// A file of the boot folder.
    pub fn boot(&self, file: &str) -> String {
        format!("{}/{file}", self.boot)
    }

    /// Says to add lines where they are for this model.
    pub fn add_to_config_txt(&self, lines: &[String]) -> String {
        let all = match &self.firmware {
            Some(file) if !file.ends_in_all => "[all]\n",
            _ => "",
        };
        format!("add to the end of {} and reboot:\n{all}{}", self.boot("config.txt"), lines.join("\n"))
    }
}
