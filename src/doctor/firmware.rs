//! `config.txt` as the firmware of one model of Pi reads it.

use std::collections::BTreeMap;

/// The firmware reads no more than a few kilobytes; a file that includes itself ends here.
const FILES_MAX: usize = 32;
const DEPTH_MAX: usize = 8;

/// What is longer is cut off.
const LINE_CHARS_MAX: usize = 98;

/// The sections that are about the board. One of them takes the place of another; those of other kinds narrow it down.
const BOARDS: [&str; 18] = [
    "pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "pi5", "pi500", "cm0",
    "cm1", "cm3", "cm3+", "cm4", "cm4s", "cm5",
];

/// What the file sets for this model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// The last value of each key. `dtparam=spi=on` is the key `dtparam=spi`, `dtoverlay=x` the key `dtoverlay=x`.
    values: BTreeMap<String, String>,
    /// The keys that a section sets of which it is not known whether it applies, and the section.
    doubts: BTreeMap<String, String>,
    /// A line appended to the file would be for every model.
    pub ends_in_all: bool,
}

impl Firmware {
    /// Reads `file` for a model that goes by these names in sections. `read` gives the text of a file by its name in the
    /// boot folder. `None` if the file itself cannot be read.
    pub fn read(
        sections: &[&str],
        file: &str,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let text = read(file)?;
        let mut reader = Reader {
            sections,
            read,
            files: 0,
            board: true,
            none: false,
            unknown: None,
            found: Self::default(),
        };
        reader.text(&text, 0);
        let ends_in_all = reader.in_all();
        Some(Self {
            ends_in_all,
            ..reader.found
        })
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
        keys.iter()
            .find_map(|key| self.doubts.get(*key))
            .map(String::as_str)
    }

    pub fn is_spi_on(&self) -> bool {
        let overlay = self
            .values
            .keys()
            .any(|key| key.starts_with("dtoverlay=spi0-"));
        overlay
            || self
                .value("dtparam=spi")
                .is_some_and(|value| matches!(value, "" | "on" | "true" | "yes" | "1"))
    }
}

struct Reader<'a> {
    sections: &'a [&'a str],
    read: &'a dyn Fn(&str) -> Option<String>,
    files: usize,
    board: bool,
    none: bool,
    /// A section that cannot be judged from here; it stands until `[all]`.
    unknown: Option<String>,
    found: Firmware,
}

impl Reader<'_> {
    fn in_all(&self) -> bool {
        self.board && !self.none && self.unknown.is_none()
    }

    fn text(&mut self, text: &str, depth: usize) {
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                self.section(section.split(']').next().unwrap_or_default());
            } else if !line.starts_with('#') && self.board && !self.none {
                let end = line.char_indices().nth(LINE_CHARS_MAX);
                self.line(&line[..end.map_or(line.len(), |(end, _)| end)], depth);
            }
        }
    }

    fn section(&mut self, section: &str) {
        match section {
            "all" => (self.board, self.none, self.unknown) = (true, false, None),
            // A boot that is tried once is not the one to set up for.
            "none" | "tryboot" => self.none = true,
            board if BOARDS.contains(&board) => self.board = self.sections.contains(&board),
            _ => self.unknown = Some(format!("[{section}]")),
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
                let name = value.split([',', ':']).next().unwrap_or_default();
                self.set(format!("dtoverlay={name}"), "");
            }
            _ => self.set(key.into(), value),
        }
    }

    fn set(&mut self, key: String, value: &str) {
        match &self.unknown {
            Some(section) => {
                self.found.doubts.insert(key, section.clone());
            }
            None => {
                // What applies for sure comes after what may apply.
                self.found.doubts.remove(&key);
                self.found.values.insert(key, value.into());
            }
        }
    }
}
