//! The model, its boot folder and its device tree.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::facts::Cmdline;
use super::firmware::{Firmware, Setting};
use super::gather::text;
use super::model::Model;
use super::pins::Tree;
use crate::core::clock;

const CONFIG_TXT: &str = "config.txt";
const CMDLINE_TXT: &str = "cmdline.txt";

pub struct Board {
    /// None on other machines.
    pub model: Option<Model>,
    /// `/boot/firmware`, before Bookworm `/boot`.
    pub boot: &'static str,
    /// None if `config.txt` is missing or cannot be read.
    pub firmware: Option<Firmware>,
    tree: Tree,
}

impl Board {
    pub fn look() -> Self {
        let model = text("/proc/device-tree/model").and_then(|name| Model::new(&name));
        let boot = match Path::new("/boot/firmware").is_dir() {
            true => "/boot/firmware",
            false => "/boot",
        };
        let read = |file: &str| text(&format!("{boot}/{file}"));
        let firmware = model.as_ref().and_then(|model| Firmware::read(model.sections, CONFIG_TXT, &read));
        let tree = model.as_ref().map(|_| Tree::read("/proc/device-tree"));
        Self { boot, firmware, tree: tree.unwrap_or_default(), model }
    }

    /// What gives this pin a function: a line of `config.txt`, or a part of the running Pi.
    pub fn pin_owner(&self, gpio: u32) -> Option<String> {
        let setting = self.firmware.as_ref().and_then(|firmware| firmware.setting_of_pin(gpio));
        let line = setting.map(|setting| self.place(setting));
        line.or_else(|| self.tree.part_of(gpio).map(str::to_owned))
    }

    /// The line of `config.txt` whose overlay sets up this chip.
    pub fn overlay_for(&self, chip: &str) -> Option<String> {
        let names_chip = |overlay: &str| {
            let blob = text(&format!("{}/overlays/{overlay}.dtbo", self.boot));
            overlay.contains(chip) || blob.is_some_and(|blob| blob.contains(chip))
        };
        let mut settings = self.firmware.iter().flat_map(Firmware::settings).filter(|_| !chip.is_empty());
        let setting = settings.find(|setting| {
            let overlay = setting.key.strip_prefix("dtoverlay=");
            overlay.is_some_and(|overlay| names_chip(overlay) || setting.value.contains(chip))
        })?;
        Some(self.place(setting))
    }

    fn place(&self, setting: &Setting) -> String {
        format!("`{}` in {}/{}", setting.line, self.boot, setting.file)
    }

    pub fn cmdline(&self) -> Cmdline {
        let path = format!("{}/{}", self.boot, self.cmdline_file());
        let others = [format!("{}/{CMDLINE_TXT}", self.boot), format!("/boot/{CMDLINE_TXT}")]
            .into_iter()
            .filter(|other| *other != path)
            .filter_map(|other| Some((other.clone(), text(&other)?)));
        let others: Vec<_> = others.collect();
        let [file, running] = [&*path, "/proc/cmdline"].map(|path| text(path).unwrap_or_default());
        Cmdline::new(path, &file, &others, &running)
    }

    fn cmdline_file(&self) -> String {
        let exists = |file: &str| Path::new(&format!("{}/{file}", self.boot)).is_file();
        self.firmware.as_ref().map_or(CMDLINE_TXT.into(), |firmware| firmware.cmdline_file(&exists))
    }

    /// A file that the firmware reads was changed after the Pi was started.
    pub fn is_changed(&self) -> bool {
        let uptime = Duration::from_nanos(clock::now().as_ns());
        let is_newer = |file: &str| {
            let changed = fs::metadata(format!("{}/{file}", self.boot)).and_then(|found| found.modified());
            // A time in the future comes from another time zone.
            changed.is_ok_and(|changed| changed.elapsed().map_or(true, |age| age < uptime))
        };
        let included = self.firmware.iter().flat_map(Firmware::settings).map(|setting| setting.file.clone());
        included.chain([CONFIG_TXT.into(), self.cmdline_file()]).any(|file| is_newer(&file))
    }
}
