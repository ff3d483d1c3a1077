//! The facts about a machine that the doctor judges.

use super::core_clock::Core;
use super::firmware::Firmware;
use super::model::Model;
use super::tool;
use crate::config::WebConfig;
use crate::control::protocol::Status;
use crate::os::network::{Listener, Network};

/// The longest buffer of spidev that rppal documents, in bytes.
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
    /// None if `config.txt` is missing or cannot be read.
    pub firmware: Option<Firmware>,
    /// None if the firmware cannot be asked.
    pub started: Option<Started>,
    /// The bits of the firmware's `get_throttled`. From the hardware monitor only bit 0 is known.
    pub throttled: Option<u32>,
    /// What the Pi's supply offers.
    pub supply_milliamps: Option<u32>,
    /// Where the config comes from, or its mistakes.
    pub config: Result<String, String>,
    /// The service's config was changed after the service had read it.
    pub config_is_newer: bool,
    /// The mistakes of the service's config, if `config` is another file.
    pub service_mistakes: Option<String>,
    /// None if the config has a simulated strip.
    pub strip: Option<Strip>,
    /// None if the config has no button.
    pub gpio: Option<Gpio>,
    pub watchdog: Watchdog,
    pub daemon: Daemon,
    /// None if systemd cannot be asked.
    pub unit: Option<Unit>,
    /// None if the config has mistakes or the program has no web.
    pub web: Option<Web>,
}

/// The way of a phone to the pages.
#[derive(Clone, Debug)]
pub struct Web {
    pub config: WebConfig,
    /// The socket unit, if the service reads this config. Its port is then the only one.
    pub socket: Option<Unit>,
    pub network: Network,
    /// Who listens on the port.
    pub listener: Option<Listener>,
}

/// What the running Pi was started with.
#[derive(Clone, Debug)]
pub struct Started {
    pub with: Firmware,
    /// The core clock, measured now.
    pub core_mhz: Option<u32>,
}

/// A strip on SPI. The fields that depend on the config are None if it has mistakes.
#[derive(Clone, Debug)]
pub struct Strip {
    pub device: String,
    /// None if the device is not there.
    pub node: Option<Node>,
    /// Everything on SPI0, with the strip's own device.
    pub bus: Vec<Chip>,
    pub data: DataPin,
    pub frame_bytes: Option<usize>,
    /// The length of spidev's buffer, in bytes.
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
    /// The type of the chip in the device tree.
    pub chip: String,
    /// Empty if no driver is bound to it.
    pub driver: String,
    /// The line of `config.txt` that set it up.
    pub line: Option<String>,
}

/// What the pin of the strip's data is set to.
#[derive(Clone, Debug)]
pub enum DataPin {
    Spi,
    /// The consumer or driver that has it.
    Taken(String),
    /// Another function, though no consumer or driver has it.
    Set(String),
    /// Only root can read the function.
    Unknown,
}

/// The length of spidev's buffer on the kernel's command line.
#[derive(Clone, Debug)]
pub struct Cmdline {
    /// The file that the firmware reads.
    pub file: String,
    /// The value in its first line.
    pub bufsiz: Option<usize>,
    /// The first line has a part after ` -- `, which is for the init process.
    pub has_init_part: bool,
    /// A place that sets the value and has no effect.
    pub ignored: Option<String>,
    /// The value of the running kernel.
    pub running: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub group: String,
    /// This process may open it.
    pub may_open: bool,
    /// This user is in the group. The login may be older than that.
    pub is_member: bool,
    /// The service's user may open it. `None` if the service's user does not exist.
    pub service_may_open: Option<bool>,
    /// The process that has locked it.
    pub held_by: Option<String>,
}

/// The buttons.
#[derive(Clone, Debug)]
pub struct Gpio {
    /// The path of the header's chip. `None` if no such chip was found.
    pub chip: Option<(String, Node)>,
    pub lines: Result<Vec<Line>, NoLines>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub gpio: u32,
    pub state: LineState,
}

#[derive(Clone, Debug)]
pub enum LineState {
    /// The line is free and the contact is open.
    Open,
    /// The line is free and the contact is closed.
    Closed,
    /// A talklight listens on it.
    Ours,
    /// The consumer or driver that has it.
    Taken(String),
    Refused(String),
}

/// Why the lines cannot be read.
#[derive(Clone, Debug)]
pub enum NoLines {
    /// This user may not open the chip.
    Denied,
    Other(String),
}

#[derive(Clone, Debug)]
pub struct Watchdog {
    pub is_there: bool,
    /// Systemd's timeout as it prints it: `1min`, or `0` if systemd does not use the watchdog.
    pub timeout: Option<String>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub enum Daemon {
    /// The socket and the status.
    Answers(String, Status),
    /// It is there and does not answer.
    Silent(String),
    /// This user may not connect.
    Refused(String),
    Two(String),
    Absent(String),
}

/// The output of `systemctl show` for the service.
#[derive(Clone, Debug)]
pub struct Unit(pub String);

impl Unit {
    /// Empty if the property is missing.
    pub fn get(&self, property: &str) -> &str {
        tool::value(&self.0, property)
    }
}

impl Facts {
    /// The path of a file in the boot folder.
    pub fn boot(&self, file: &str) -> String {
        format!("{}/{file}", self.boot)
    }

    /// The kernel's driver of SPI0.
    pub fn spi_driver(&self) -> &'static str {
        match self.model.as_ref().map(|model| model.core) {
            Some(Core::Separate) => "spi_dw_mmio",
            _ => "spi_bcm2835",
        }
    }

    /// The remedy if the boot files are right and the running Pi does not follow them.
    pub fn reboot(&self) -> String {
        match self.boot_is_changed {
            true => "reboot".into(),
            false => format!(
                "the Pi was started after the last change, so it reads another file: \
                 `findmnt {}` must show the medium that it starts from",
                self.boot
            ),
        }
    }

    /// The remedy that adds lines to `config.txt` for this model.
    pub fn add_to_config_txt(&self, lines: &[String]) -> String {
        let all = match &self.firmware {
            Some(file) if !file.ends_in_all => "[all]\n",
            _ => "",
        };
        format!("add to the end of {} and reboot:\n{all}{}", self.boot("config.txt"), lines.join("\n"))
    }
}
