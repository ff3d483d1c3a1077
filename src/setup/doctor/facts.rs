//! What there is to know about a machine.

use super::core_clock::Core;
use super::firmware::Firmware;
use super::model::Model;
use super::tool;
use crate::control::protocol::Status;

/// rppal documents it as the longest buffer; a config is read for this one, and the buffer has a check of its own.
pub const BUFSIZ_MAX: usize = 65_536;

/// The driver of the strip's device.
pub const SPIDEV: &str = "spidev";

#[derive(Clone, Debug)]
pub struct Facts {
    /// None on other machines.
    pub model: Option<Model>,
    pub kernel: Option<String>,
    /// The boot folder: `/boot/firmware`, before Bookworm `/boot`.
    pub boot: &'static str,
    /// A file of the boot folder was changed after the Pi was started.
    pub boot_is_changed: bool,
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
    /// The service's config was changed after it had read it.
    pub config_is_newer: bool,
    /// The mistakes of the service's config, where `config` is another.
    pub service_mistakes: Option<String>,
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
    /// What is on its bus, the strip's own device too.
    pub bus: Vec<Chip>,
    pub data: DataPin,
    pub frame_bytes: Option<usize>,
    pub bufsiz: usize,
    pub cmdline: Cmdline,
    pub milliamps: Option<u64>,
    /// 0 is no limit.
    pub max_milliamps: u32,
}

/// A device of SPI0, such as `spi0.0`.
#[derive(Clone, Debug)]
pub struct Chip {
    pub name: String,
    /// What the device tree says that it is.
    pub chip: String,
    /// Empty if no driver is bound to it.
    pub driver: String,
    /// The line of `config.txt` that set it up.
    pub line: Option<String>,
}

/// The pin that the strip's data leaves by.
#[derive(Clone, Debug)]
pub enum DataPin {
    Spi,
    /// By this consumer or driver.
    Taken(String),
    /// It is set to something else, by nobody who is there now.
    Set(String),
    /// Nobody is seen to use it; root alone sees what it is set to.
    Unseen,
}

/// What the kernel is told about the length of spidev's buffer.
#[derive(Clone, Debug)]
pub struct Cmdline {
    /// The file that the firmware reads.
    pub file: String,
    /// What its first line sets.
    pub bufsiz: Option<usize>,
    /// Something stands in it that is not for the kernel.
    pub has_rest: bool,
    /// A line that sets it, and that nobody reads.
    pub unread: Option<String>,
    /// What the running kernel was told.
    pub running: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub group: String,
    /// This process may open it.
    pub may: bool,
    /// Its user is in the group, though maybe not since the login.
    pub is_member: bool,
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

    /// The kernel's driver of the bus.
    pub fn spi_driver(&self) -> &'static str {
        match self.model.as_ref().map(|model| model.core) {
            Some(Core::Apart) => "spi_dw_mmio",
            _ => "spi_bcm2835",
        }
    }

    /// The remedy where the files are right and the Pi runs by others.
    pub fn reboot(&self) -> String {
        match self.boot_is_changed {
            true => "reboot".into(),
            false => format!(
                "the Pi was started since, so it reads another file: `findmnt {}` must be the medium that it starts from",
                self.boot
            ),
        }
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
