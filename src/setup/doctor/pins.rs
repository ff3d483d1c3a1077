//! The pins of the header that have a function, by a line of `config.txt` or by the device tree of the running Pi.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::firmware::{Firmware, Setting, is_on};

/// The settings that take pins by default (raspberrypi/firmware, "boot/overlays/README"), and these pins. `*` stands for the rest
/// of a name. `name=pin` is a pin that the parameter `name` moves. Other overlays appear in the device tree after a reboot.
const FUNCTIONS: [(&str, &str); 22] = [
    ("enable_uart dtparam=uart0 dtparam=uart0_console dtoverlay=disable-bt* dtoverlay=miniuart-bt*", "14 15"),
    ("dtoverlay=uart0*", "txd0_pin=14 rxd0_pin=15"),
    ("dtoverlay=uart1", "txd1_pin=14 rxd1_pin=15"),
    ("dtoverlay=uart2-pi5 dtoverlay=uart3", "4 5"),
    ("dtoverlay=uart4-pi5 dtoverlay=uart5", "12 13"),
    ("dtparam=i2c dtparam=i2c1 dtparam=i2c_arm dtoverlay=i2c1*", "2 3"),
    ("dtoverlay=i2c3*", "4 5"),
    ("dtoverlay=i2c5", "12 13"),
    ("dtoverlay=i2c6", "22 23"),
    ("dtoverlay=i2c-gpio", "i2c_gpio_sda=23 i2c_gpio_scl=24"),
    ("dtoverlay=spi1-1cs", "cs0_pin=18 19 20 21"),
    ("dtoverlay=spi1-2cs", "cs0_pin=18 cs1_pin=17 19 20 21"),
    ("dtoverlay=spi1-3cs", "cs0_pin=18 cs1_pin=17 cs2_pin=16 19 20 21"),
    ("dtoverlay=w1-gpio", "gpiopin=4"),
    ("dtoverlay=w1-gpio-*", "gpiopin=4 extpullup=5"),
    ("dtoverlay=audremap", "18 19"),
    ("dtoverlay=pwm", "pin=18"),
    ("dtoverlay=pwm-2chan", "pin=18 pin2=19"),
    ("dtparam=i2s dtoverlay=hifiberry-* dtoverlay=i2s-*", "18 19 20 21"),
    ("enable_dpi_lcd dtoverlay=dpi* dtoverlay=vc4-kms-dpi-*", DPI),
    ("dtoverlay=gpio-ir*", "gpio_pin=18"),
    ("dtoverlay=gpio-shutdown", "gpio_pin=3"),
];
const DPI: &str = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27";

impl Firmware {
    /// The setting that gives this pin a function.
    pub fn setting_of_pin(&self, gpio: u32) -> Option<&Setting> {
        let mut seen = BTreeSet::new();
        // Every overlay applies; of other keys only the last setting does.
        let mut settings = self.settings().rev().filter(|setting| {
            let is_last = seen.insert(&setting.key);
            is_last || setting.key.starts_with("dtoverlay=")
        });
        settings.find(|setting| pins(setting).contains(&gpio))
    }
}

fn pins(setting: &Setting) -> Vec<u32> {
    let Setting { key, value, .. } = setting;
    if let Some(pins) = key.strip_prefix("gpio=") {
        // `op` is an output, `a0` to `a5` are functions.
        let is_function = |word: &str| word == "op" || word.len() == 2 && word.starts_with('a');
        return if value.split(',').any(is_function) { ranges(pins) } else { Vec::new() };
    }
    let matches = |name: &str| name.strip_suffix('*').map_or(key == name, |start| key.starts_with(start));
    let usual = FUNCTIONS.iter().find(|(names, _)| names.split(' ').any(matches)).map_or("", |(_, pins)| pins);
    let parameters: BTreeMap<&str, &str> = match key.split_once('=') {
        Some(("dtoverlay", _)) => value.split(',').map(|word| word.split_once('=').unwrap_or((word, ""))).collect(),
        Some((_, name)) => [(name, &**value)].into(),
        None => BTreeMap::new(),
    };
    let is_off = !key.starts_with("dtoverlay=") && !is_on(value);
    let elsewhere = parameters.keys().find_map(|name| name.strip_prefix("pins_"));
    let usual = usual.split(' ').filter(|_| !is_off).filter_map(|pin| match pin.split_once('=') {
        Some((name, pin)) => (!parameters.contains_key(name)).then_some(pin),
        None => elsewhere.is_none().then_some(pin),
    });
    let is_pin = |name: &str| {
        name.contains("pin") || name == "gpio" || ["_gpio", "_sda", "_scl"].iter().any(|end| name.ends_with(end))
    };
    let moved = parameters.iter().filter(|(name, _)| is_pin(name)).map(|(_, pin)| *pin);
    let elsewhere = elsewhere.into_iter().flat_map(|pins| pins.split('_'));
    usual.chain(moved).chain(elsewhere).filter_map(|pin| pin.parse().ok()).collect()
}

/// `4,17-27`
fn ranges(text: &str) -> Vec<u32> {
    /// Higher than on any model.
    const PIN_MAX: u32 = 63;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?.min(PIN_MAX))
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// The pins that the device tree assigns to parts of the running Pi.
#[derive(Debug, Default)]
pub struct Tree {
    /// The pins of each group, by its phandle.
    groups: BTreeMap<u32, Vec<u32>>,
    /// The enabled parts, and the phandles of their groups.
    parts: Vec<(String, Vec<u32>)>,
    /// The part behind the serial port on GPIO 14 and 15.
    serial: Option<String>,
}

impl Tree {
    /// Reads the device tree in the folder `root`.
    pub fn read(root: &str) -> Self {
        let mut tree = Self::default();
        tree.walk(Path::new(root), false, 0);
        // On most models the firmware sets the pins of the serial port, and the tree does not list them.
        let serial = fs::read_to_string(format!("{root}/aliases/serial0")).unwrap_or_default();
        let node = format!("{root}{}", serial.trim_end_matches('\0'));
        tree.serial = (!serial.is_empty() && is_enabled(Path::new(&node))).then(|| name(Path::new(&node)));
        tree
    }

    /// The name of the part that has this pin.
    pub fn part_of(&self, gpio: u32) -> Option<&str> {
        let has = |group: &u32| self.groups.get(group).is_some_and(|pins| pins.contains(&gpio));
        let part = self.parts.iter().find(|(_, groups)| groups.iter().any(has)).map(|(name, _)| name);
        part.or(self.serial.as_ref().filter(|_| matches!(gpio, 14 | 15))).map(String::as_str)
    }

    /// Reads `node` and those below it, and returns the pins of a group.
    fn walk(&mut self, node: &Path, in_header: bool, depth: usize) -> Vec<u32> {
        /// Deeper than any tree.
        const DEPTH_MAX: usize = 16;
        if depth > DEPTH_MAX || !is_enabled(node) {
            return Vec::new();
        }
        let property = |name: &str| fs::read(node.join(name)).unwrap_or_default();
        let compatible = String::from_utf8_lossy(&property("compatible")).into_owned();
        let is_header = ["rp1-gpio", "bcm2835-gpio", "bcm2711-gpio"].iter().any(|chip| compatible.contains(chip));
        // The groups of the GPIO chip itself are defaults, and no part uses them.
        let groups = cells(&property("pinctrl-0"));
        if !is_header && !groups.is_empty() {
            self.parts.push((name(node), groups));
        }
        let mut pins = cells(&property("brcm,pins"));
        let names = property("pins");
        let names = String::from_utf8_lossy(&names);
        pins.extend(names.split('\0').filter_map(|pin| pin.strip_prefix("gpio")?.parse::<u32>().ok()));
        let children = fs::read_dir(node).into_iter().flatten().flatten();
        for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
            pins.extend(self.walk(&child.path(), is_header || in_header, depth + 1));
        }
        if !in_header {
            return Vec::new();
        }
        for group in cells(&property("phandle")) {
            self.groups.insert(group, pins.clone());
        }
        pins
    }
}

fn is_enabled(node: &Path) -> bool {
    fs::read(node.join("status")).map_or(true, |status| status.starts_with(b"ok"))
}

/// The 32-bit numbers of a property.
fn cells(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|cell| u32::from_be_bytes(*cell)).collect()
}

fn name(node: &Path) -> String {
    node.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
