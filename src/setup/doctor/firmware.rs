//! `config.txt` as the firmware of one model of Pi reads it.
//!
//! By Raspberry Pi's documentation, "config.txt: file format" and "conditional filters"; what that leaves open (white space,
//! `[none]` standing until `[all]`, an `include` in a section) is as pibootctl, Canonical's reader of these files, has it.

use std::collections::BTreeMap;

/// The firmware reads no more than a few kilobytes; a file that includes itself ends here.
const FILES_MAX: usize = 32;
const DEPTH_MAX: usize = 8;

/// What is longer is cut off.
const LINE_CHARS_MAX: usize = 98;

/// What the file sets for this model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// The last value of each key. `dtparam=spi=on` is the key `dtparam=spi`, `dtoverlay=x,y=z` is `dtoverlay=x`.
    values: BTreeMap<String, String>,
    /// The keys that a section sets of which it is not known whether it applies, and the section.
    doubts: BTreeMap<String, String>,
    /// A line appended to the file would be for every model.
    pub ends_in_all: bool,
}

impl Firmware {
    /// Reads `file` for a model that goes by these names in sections. `read` gives the text of a file by its name in the
    /// boot folder. `None` if the file itself cannot be read.
    pub fn read(sections: &[&str], file: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let text = read(file)?;
        let mut reader =
            Reader { sections, read, files: 0, model: Ok(true), none: false, other: None, found: Self::default() };
        reader.text(&text, 0);
        let ends_in_all = reader.applies() && reader.doubt().is_none();
        Some(Self { ends_in_all, ..reader.found })
    }

    /// The settings that the firmware says it was started with, `key=value` each: those that are not zero.
    pub fn started_with(settings: &str) -> Self {
        let settings = settings.lines().filter_map(|line| line.split_once('='));
        Self { values: settings.map(|(key, value)| (key.into(), value.into())).collect(), ..Self::default() }
    }

    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub fn number(&self, key: &str) -> Option<u32> {
        let value = self.value(key)?.trim();
        let end = value.find(|c: char| !c.is_ascii_digit());
        value[..end.unwrap_or(value.len())].parse().ok()
    }

    /// The section that sets one of `keys`, of which it is not known whether it applies.
    pub fn doubt(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.doubts.get(*key)).map(String::as_str)
    }

    pub fn is_spi_on(&self) -> bool {
        self.spi_overlays().next().is_some()
            || self.value("dtparam=spi").is_some_and(|value| matches!(value, "" | "on" | "true" | "yes" | "1"))
    }

    /// SPI leaves the line from the strip, which has nothing to say, to others.
    pub fn is_miso_free(&self) -> bool {
        let no_miso = |(_, parameters): (_, &String)| parameters.contains("no_miso");
        self.value("dtparam=no_miso").is_some() || self.spi_overlays().any(no_miso)
    }

    fn spi_overlays(&self) -> impl Iterator<Item = (&String, &String)> {
        let values = self.values.iter();
        values.filter(|(key, _)| key.starts_with("dtoverlay=spi0-"))
    }
}

struct Reader<'a> {
    sections: &'a [&'a str],
    read: &'a dyn Fn(&str) -> Option<String>,
    files: usize,
    /// Filters of one kind take each other's place, those of different kinds narrow each other down, and all of them stand
    /// until `[all]`. This is the filter of models: it applies or not, or is one that cannot be judged from here.
    model: Result<bool, String>,
    none: bool,
    /// A filter of another kind, which cannot be judged from here.
    other: Option<String>,
    found: Firmware,
}

impl Reader<'_> {
    fn applies(&self) -> bool {
        !self.none && self.model != Ok(false)
    }

    fn doubt(&self) -> Option<&String> {
        self.model.as_ref().err().or(self.other.as_ref())
    }

    fn text(&mut self, text: &str, depth: usize) {
        for line in text.lines() {
            let end = line.char_indices().nth(LINE_CHARS_MAX);
            let line = line[..end.map_or(line.len(), |(end, _)| end)].trim();
            if let Some(section) = line.strip_prefix('[') {
                self.section(section.split(']').next().unwrap_or_default());
            } else if !line.starts_with('#') && self.applies() {
                self.line(line, depth);
            }
        }
    }

    fn section(&mut self, section: &str) {
        let family = section.get(..2).unwrap_or_default();
        let number = section.chars().nth(2).unwrap_or_default();
        match section {
            "all" => (self.model, self.none, self.other) = (Ok(true), false, None),
            // A boot that is tried once is not the one to set up for.
            "none" | "tryboot" => self.none = true,
            _ if matches!(family, "pi" | "cm") && number.is_ascii_digit() => {
                self.model = Ok(self.sections.contains(&section));
            }
            _ if section.starts_with("board-type=") => self.model = Err(format!("[{section}]")),
            _ => self.other = Some(format!("[{section}]")),
        }
    }

    fn line(&mut self, line: &str, depth: usize) {
        if let Some(file) = line.strip_prefix("include ") {
            self.files += 1;
            if depth < DEPTH_MAX
                && self.files < FILES_MAX
                && let Some(text) = (self.read)(file.trim())
            {
                self.text(&text, depth + 1);
            }
            return;
        }
        let Some((key, value)) = line.split_once('=') else {
            return;
        };
        match key {
            // `dtparam=spi=on,i2c_arm=on`
            "dtparam" | "device_tree_param" => {
                for parameter in value.split(',') {
                    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                    self.set(format!("dtparam={name}"), value);
                }
            }
            // `dtoverlay=name,parameter=value`
            "dtoverlay" | "device_tree_overlay" => {
                let (name, parameters) = value.split_once([',', ':']).unwrap_or((value, ""));
                self.set(format!("dtoverlay={name}"), parameters);
            }
            _ => self.set(key.into(), value),
        }
    }

    fn set(&mut self, key: String, value: &str) {
        match self.doubt() {
            Some(section) => {
                let section = section.clone();
                self.found.doubts.insert(key, section);
            }
            None => {
                // What applies for sure comes after what may apply.
                self.found.doubts.remove(&key);
                self.found.values.insert(key, value.into());
            }
        }
    }
}
