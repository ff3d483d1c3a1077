//! The board and its boot folder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::facts::Cmdline;
use super::firmware::Firmware;
use super::gather::text;
use super::model::Model;
use super::pins::Tree;
use crate::core::clock;

const CONFIG_TXT: &str = "config.txt";
const CMDLINE_TXT: &str = "cmdline.txt";

/// What the firmware reads, and the device tree that the kernel was given by it.
pub struct Board {
    /// None on other machines.
    pub model: Option<Model>,
    /// `/boot/firmware`, before Bookworm `/boot`.
    pub boot: &'static str,
    /// None if there is no `config.txt`, or it may not be read.
    pub firmware: Option<Firmware>,
    tree: Tree,
}

impl Board {
    pub fn look() -> Self {
        let mut models = ["/proc/device-tree/model", "/sys/firmware/devicetree/base/model"].iter();
        let model = models.find_map(|path| Model::new(&text(path)?));
        let boot = match Path::new("/boot/firmware").is_dir() {
            true => "/boot/firmware",
            false => "/boot",
        };
        let read = |file: &str| text(&format!("{boot}/{file}"));
        let firmware = model.as_ref().and_then(|model| Firmware::read(model.sections, CONFIG_TXT, &read));
        let tree = model.as_ref().map(|_| Tree::read("/proc/device-tree"));
        Self { boot, firmware, tree: tree.unwrap_or_default(), model }
    }

    /// What gives a pin another function than to be read: a line of `config.txt`, or a part of the running Pi.
    pub fn takes(&self, gpio: u32) -> Option<String> {
        let setting = self.firmware.as_ref().and_then(|firmware| firmware.taker(gpio));
        let line = setting.map(|setting| format!("`{}` in {}/{}", setting.line, self.boot, setting.file));
        line.or_else(|| self.tree.part_of(gpio).map(str::to_owned))
    }

    /// The line of `config.txt` whose overlay knows a chip by this name.
    pub fn overlay_for(&self, chip: &str) -> Option<String> {
        let knows = |overlay: &str| {
            let blob = text(&format!("{}/overlays/{overlay}.dtbo", self.boot));
            overlay.contains(chip) || blob.is_some_and(|blob| blob.contains(chip))
        };
        let mut settings = self.firmware.iter().flat_map(Firmware::settings).filter(|_| !chip.is_empty());
        let setting = settings.find(|setting| {
            let overlay = setting.key.strip_prefix("dtoverlay=");
            overlay.is_some_and(|overlay| knows(overlay) || setting.value.contains(chip))
        })?;
        Some(format!("`{}` in {}/{}", setting.line, self.boot, setting.file))
    }

    pub fn cmdline(&self) -> Cmdline {
        let file = self.cmdline_file();
        let path = format!("{}/{file}", self.boot);
        let texts = [format!("{}/{CMDLINE_TXT}", self.boot), format!("/boot/{CMDLINE_TXT}")]
            .into_iter()
            .filter(|other| *other != path)
            .filter_map(|other| Some((other.clone(), text(&other)?)));
        let others: Vec<_> = texts.collect();
        Cmdline::new(
            path.clone(),
            &text(&path).unwrap_or_default(),
            &others,
            &text("/proc/cmdline").unwrap_or_default(),
        )
    }

    fn cmdline_file(&self) -> String {
        let is_there = |file: &str| Path::new(&format!("{}/{file}", self.boot)).is_file();
        self.firmware.as_ref().map_or(CMDLINE_TXT.into(), |firmware| firmware.cmdline_file(&is_there))
    }

    /// A file that the firmware reads was changed after the Pi was started.
    pub fn is_changed(&self) -> bool {
        let uptime = Duration::from_nanos(clock::now().as_ns());
        let is_newer = |file: &str| {
            let changed = fs::metadata(format!("{}/{file}", self.boot)).and_then(|found| found.modified());
            // A file of the future was written under another time zone.
            changed.is_ok_and(|changed| changed.elapsed().map_or(true, |age| age < uptime))
        };
        let included = self.firmware.iter().flat_map(Firmware::settings).map(|setting| setting.file.clone());
        included.chain([CONFIG_TXT.into(), self.cmdline_file()]).any(|file| is_newer(&file))
    }
}
