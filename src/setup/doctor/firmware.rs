//! `config.txt` as the firmware of one model of Pi reads it.
//!
//! The format follows Raspberry Pi's documentation, "config.txt: file format" and "conditional filters". The documentation is
//! silent about white space, about `[none]`, which lasts until `[all]`, and about an `include` within a section. These follow
//! pibootctl, Canonical's reader of the file.

/// Limits for files that include each other.
const FILES_MAX: usize = 32;
const DEPTH_MAX: usize = 8;

/// The firmware cuts off longer lines.
const LINE_CHARS_MAX: usize = 98;

/// The values of a `dtparam` that mean on (utils/dtmerge in raspberrypi/utils).
const ON: [&str; 9] = ["", "1", "y", "yes", "on", "true", "enable", "ok", "okay"];

/// The kernels that the firmware looks for by default.
const KERNELS: [&str; 5] = ["kernel_2712.img", "kernel8.img", "kernel7l.img", "kernel7.img", "kernel.img"];

/// The settings of the file for one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    settings: Vec<Setting>,
    /// A line appended to the file applies to every model.
    pub ends_in_all: bool,
}

/// One setting of the file. A `dtparam` line with several parameters is several settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `dtparam=spi=on` is the key `dtparam=spi`, `dtoverlay=x,y=z` is `dtoverlay=x`, `gpio=4=op` is `gpio=4`.
    pub key: String,
    /// The parameters of an overlay, with those on `dtparam` lines below it.
    pub value: String,
    /// The line without its comment.
    pub line: String,
    /// The name of the file in the boot folder.
    pub file: String,
    /// The section around it, if it is unknown whether the section applies.
    doubt: Option<String>,
}

impl Firmware {
    /// Reads `file` for the model of these sections. `read` returns the text of a file in the boot folder. None if `file`
    /// cannot be read.
    pub fn read(sections: &[&str], file: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let text = read(file)?;
        let mut reader =
            Reader { sections, read, files: 0, model: Ok(true), none: false, other: None, found: Self::default() };
        reader.text(file, &text, 0);
        let ends_in_all = reader.applies() && reader.doubt().is_none();
        Some(Self { ends_in_all, ..reader.found })
    }

    /// The settings that `vcgencmd get_config int` prints, one `key=value` a line. It prints no zeros.
    pub fn started_with(settings: &str) -> Self {
        let settings = settings.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let (file, doubt) = (String::new(), None);
            Some(Setting { key: key.into(), value: value.into(), line: line.into(), file, doubt })
        });
        Self { settings: settings.collect(), ..Self::default() }
    }

    /// The settings that certainly apply, in the order of the file.
    pub fn settings(&self) -> impl DoubleEndedIterator<Item = &Setting> {
        self.settings.iter().filter(|setting| setting.doubt.is_none())
    }

    /// The last value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.settings().rfind(|setting| setting.key == key).map(|setting| &*setting.value)
    }

    pub fn number(&self, key: &str) -> Option<u32> {
        let value = self.value(key)?.trim();
        let end = value.find(|c: char| !c.is_ascii_digit());
        value[..end.unwrap_or(value.len())].parse().ok()
    }

    /// The section that sets one of `keys`, if it is unknown whether the section applies.
    pub fn doubt(&self, keys: &[&str]) -> Option<&str> {
        // A later setting that certainly applies overrides one in doubt.
        let last = |key: &&str| self.settings.iter().rfind(|setting| setting.key == *key);
        keys.iter().filter_map(last).find_map(|setting| setting.doubt.as_deref())
    }

    pub fn is_spi_on(&self) -> bool {
        self.spi_overlays().next().is_some() || self.value("dtparam=spi").is_some_and(is_on)
    }

    /// SPI does not use the MISO pin.
    pub fn is_miso_free(&self) -> bool {
        self.spi_overlays().any(|overlay| overlay.value.contains("no_miso"))
    }

    fn spi_overlays(&self) -> impl Iterator<Item = &Setting> {
        self.settings().filter(|setting| setting.key.starts_with("dtoverlay=spi0-"))
    }

    /// The file in the boot folder with the kernel's command line. `os_prefix` applies only if its kernel exists
    /// (documentation, "os_prefix").
    pub fn cmdline_file(&self, exists: &dyn Fn(&str) -> bool) -> String {
        let named = self.value("cmdline").map(str::trim).filter(|name| !name.is_empty()).unwrap_or("cmdline.txt");
        if let Some(absolute) = named.strip_prefix('/') {
            return absolute.into();
        }
        let prefix = self.value("os_prefix").unwrap_or_default().trim();
        let kernels = self.value("kernel").into_iter().chain(KERNELS);
        let is_used = kernels.chain([named]).any(|file| exists(&format!("{prefix}{file}")));
        format!("{}{named}", if is_used { prefix } else { "" })
    }
}

/// Whether this value of a `dtparam` means on.
pub fn is_on(value: &str) -> bool {
    ON.contains(&value)
}

struct Reader<'a> {
    sections: &'a [&'a str],
    read: &'a dyn Fn(&str) -> Option<String>,
    files: usize,
    /// Whether the latest section of a model applies; the section itself if that is unknown. A section replaces the one
    /// before it of the same kind. Those of different kinds must all apply. `[all]` ends them.
    model: Result<bool, String>,
    none: bool,
    /// A section of another kind. Whether it applies is unknown.
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

    fn text(&mut self, file: &str, text: &str, depth: usize) {
        for line in text.lines() {
            let end = line.char_indices().nth(LINE_CHARS_MAX);
            let line = line[..end.map_or(line.len(), |(end, _)| end)].trim();
            if let Some(section) = line.strip_prefix('[') {
                self.section(section.split(']').next().unwrap_or_default());
            } else if !line.starts_with('#') && self.applies() {
                self.line(file, without_comment(line), depth);
            }
        }
    }

    fn section(&mut self, section: &str) {
        let family = section.get(..2).unwrap_or_default();
        let number = section.chars().nth(2).unwrap_or_default();
        match section {
            "all" => (self.model, self.none, self.other) = (Ok(true), false, None),
            // `[tryboot]` applies to a single trial boot.
            "none" | "tryboot" => self.none = true,
            _ if matches!(family, "pi" | "cm") && number.is_ascii_digit() => {
                self.model = Ok(self.sections.contains(&section));
            }
            _ if section.starts_with("board-type=") => self.model = Err(format!("[{section}]")),
            _ => self.other = Some(format!("[{section}]")),
        }
    }

    fn line(&mut self, file: &str, line: &str, depth: usize) {
        if let Some(file) = line.strip_prefix("include ") {
            self.files += 1;
            if depth < DEPTH_MAX
                && self.files < FILES_MAX
                && let Some(text) = (self.read)(file.trim())
            {
                self.text(file.trim(), &text, depth + 1);
            }
            return;
        }
        let Some((key, value)) = line.split_once('=') else {
            return;
        };
        let mut set = |key: String, value: &str| {
            let (value, line, doubt) = (value.into(), line.into(), self.doubt().cloned());
            self.found.settings.push(Setting { key, value, line, file: file.into(), doubt });
        };
        match key {
            // `dtparam=spi=on,i2c_arm=on`
            "dtparam" | "device_tree_param" => {
                for parameter in value.split(',') {
                    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                    set(format!("dtparam={name}"), value);
                }
                // The firmware applies the parameter to the overlay above first.
                let overlay = |setting: &&mut Setting| setting.key.starts_with("dtoverlay=");
                if let Some(overlay) = self.found.settings.iter_mut().rfind(overlay) {
                    overlay.value += &format!(",{value}");
                }
            }
            // `dtoverlay=name,parameter=value`
            "dtoverlay" | "device_tree_overlay" => {
                let (name, parameters) = value.split_once([',', ':']).unwrap_or((value, ""));
                set(format!("dtoverlay={name}"), parameters);
            }
            // `gpio=4,17-27=op,dh`
            "gpio" => {
                let (pins, what) = value.split_once('=').unwrap_or((value, ""));
                set(format!("gpio={pins}"), what);
            }
            _ => set(key.into(), value),
        }
    }
}

/// A `#` after a blank begins a comment.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with([' ', '\t']));
    line[..comment.map_or(line.len(), |(at, _)| at)].trim_end()
}
