//! The raw config: every value by its key, with the place where it was written.
//!
//! Three layers lie over one another: the built-in `config/default.toml`, a person's file, the flags. The uppermost
//! value of a key is the one that counts. It carries its place, so that whoever finds it wrong can say where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Overrides;
use super::convert::{nearest, shown};

/// Every section and the keys in it; the nameless one is the file itself.
const SECTIONS: [(&str, &str); 8] = [
    ("", "strip button plan flash control web"),
    (
        "strip",
        "kind leds device clock_hz chip order gamma brightness max_milliamps milliamps_per_led pattern palette \
         colours ready tape",
    ),
    ("strip.colours", "green yellow red ready"),
    ("button", "start reset bias active hold"),
    ("plan", "name length yellow red flash"),
    ("flash", "hz"),
    ("control", "socket"),
    ("web", "listen hosts"),
];

/// The key of the flag `--plan`, which a file does not have.
pub(super) const CHOSEN: &str = "chosen";

/// What the flag `--web` means: this machine only.
const LOOPBACK: &str = "127.0.0.1:8080";

/// The values of all layers, and the mistakes found in them so far.
pub(super) struct Values<'a> {
    source: &'a str,
    built_in: BTreeMap<String, DeValue<'a>>,
    /// What lies over the built-in values.
    written: BTreeMap<String, Written<'a>>,
    /// Where each plan of the file begins.
    plans: Vec<Place>,
    /// The keys in which a mistake has been told.
    wrong: BTreeSet<String>,
    mistakes: Vec<Mistake>,
    /// How many of the first mistakes were found by the parser.
    syntax: usize,
}

struct Written<'a> {
    place: Place,
    value: DeValue<'a>,
}

impl<'a> Values<'a> {
    /// The values of `text`, which people know as `source`, over those of `built_in`, which is without a mistake.
    pub(super) fn new(built_in: &'a str, text: &'a str, source: &'a str) -> Self {
        let mut values = Self {
            source,
            built_in: BTreeMap::new(),
            written: BTreeMap::new(),
            plans: Vec::new(),
            wrong: BTreeSet::new(),
            mistakes: Vec::new(),
            syntax: 0,
        };
        values.lay_text(built_in);
        let written = std::mem::take(&mut values.written).into_iter();
        values.built_in = written.map(|(key, written)| (key, written.value)).collect();
        values.plans.clear();
        values.lay_text(text);
        values
    }

    /// Lays the flags over all else. `leds` is the text of that flag.
    pub(super) fn lay_flags(&mut self, overrides: &'a Overrides, leds: Option<&'a str>) {
        let text = |typed: &'a str| DeValue::String(typed.into());
        let path = |path: &'a PathBuf| DeValue::String(path.to_string_lossy());
        let number = |typed: &'a str| DeValue::parse(typed).map_or(text(typed), |value| value.into_inner());
        let Overrides { strip, tape, socket, plan, web, .. } = overrides;
        for (flag, key, value) in [
            ("--strip", "strip.kind", strip.as_deref().map(text)),
            ("--tape", "strip.tape", tape.as_ref().map(path)),
            ("--leds", "strip.leds", leds.map(number)),
            ("--socket", "control.socket", socket.as_ref().map(path)),
            ("--plan", CHOSEN, plan.as_deref().map(text)),
            ("--web", "web.listen", web.then_some(text(LOOPBACK))),
        ] {
            let Some(value) = value else { continue };
            let place = Place::Flag(flag);
            self.wrong.remove(key);
            self.written.insert(key.into(), Written { place, value });
        }
    }

    /// The prefixes of the plans' keys, in the order of the file.
    pub(super) fn plans(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.plans.len().max(1)).map(plan_prefix)
    }

    /// What `convert` makes of the value of `key`, or of the built-in value if nothing is written. What `convert` says
    /// against the value becomes a mistake; then, too, the built-in value stands in, so that all else can be checked.
    pub(super) fn read<T>(&mut self, key: &str, convert: impl Fn(&DeValue) -> Result<T, String>) -> T {
        if let Some(value) = self.optional(key, &convert) {
            return value;
        }
        let plan = plan_key(key);
        if let Some(&place) = plan.and_then(|(plan, _)| self.plans.get(plan))
            && !self.written.contains_key(key)
        {
            let what = match key.rsplit('.').next() {
                Some("name") => "is missing, such as `name = \"talk\"`",
                Some("length") => "is missing, such as `length = \"5m\"`",
                _ => "is missing; write it in time left, such as \"2m\", or \"0s\" for none",
            };
            self.tell(place, key, what);
            self.wrong.insert(key.into());
        }
        let built_in = match plan {
            Some((_, key)) => self.built_in.get(&(plan_prefix(0) + key)),
            None => self.built_in.get(key),
        };
        built_in
            .and_then(|value| convert(value).ok())
            .unwrap_or_else(|| panic!("the built-in config has no good `{key}`"))
    }

    /// As `read`, of a key that has no built-in value.
    pub(super) fn optional<T>(&mut self, key: &str, convert: impl Fn(&DeValue) -> Result<T, String>) -> Option<T> {
        let Written { place, value } = self.written.get(key)?;
        if self.wrong.contains(key) {
            return None;
        }
        match convert(value) {
            Ok(value) => Some(value),
            Err(what) => {
                self.tell(*place, key, what);
                self.wrong.insert(key.into());
                None
            }
        }
    }

    /// Tells that the values of `keys`, good by themselves, do not go together, and that the first should change. The
    /// place is that of the first which is not built in. If one of them is wrong already, this may be its consequence
    /// and is not told.
    pub(super) fn conflict(&mut self, keys: &[&str], what: impl Into<String>) {
        if !keys.iter().any(|&key| self.wrong.contains(key)) {
            let written = keys.iter().find_map(|&key| Some((self.written.get(key)?.place, key)));
            let (place, key) = written.unwrap_or((Place::File, keys[0]));
            self.tell(place, key, what);
        }
        self.wrong.insert(keys[0].into());
    }

    /// `config`, if nothing was found wrong.
    pub(super) fn finish<T>(mut self, config: T) -> Result<T, Mistakes> {
        if self.mistakes.is_empty() {
            return Ok(config);
        }
        self.mistakes.sort_by_key(|mistake| mistake.place);
        Err(Mistakes(self.mistakes))
    }

    fn tell(&mut self, place: Place, key: &str, what: impl Into<String>) {
        self.note(place, Some(known_as(key)), what.into());
    }

    fn note(&mut self, place: Place, key: Option<String>, what: String) {
        self.mistakes.push(Mistake { source: self.source.into(), place, key, what });
    }

    fn lay_text(&mut self, text: &'a str) {
        let newlines: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
        let place = |offset| Place::Line(newlines.partition_point(|&newline| newline < offset) + 1);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            let message = error.message().trim_end_matches(", expected literal string");
            let mut what = format!("this is not TOML: {message}");
            if let Some(at) = text.get(span.clone()).filter(|at| !at.trim().is_empty()) {
                what += &format!(", at `{}`", shown(at));
            }
            self.note(place(span.start), None, what);
        }
        self.syntax = self.mistakes.len();
        self.lay(table.get_ref(), "", "", &place);
    }

    /// Lays a table, which is `section`, over the keys that begin with `prefix`.
    fn lay(&mut self, table: &DeTable<'a>, section: &str, prefix: &str, place: &impl Fn(usize) -> Place) {
        for (key, value) in table {
            let key_place = place(key.span().start);
            let path = format!("{prefix}{}", key.get_ref());
            let child = join(section, key.get_ref());
            let sound = !self.is_broken(&path, key_place, place(value.span().end));
            if !keys(section).any(|known| known == key.get_ref()) {
                if sound {
                    self.tell(key_place, &path, unknown(section, key.get_ref()));
                }
                continue;
            }
            match value.get_ref() {
                DeValue::Array(plans) if child == "plan" && plans.iter().all(|plan| plan.get_ref().is_table()) => {
                    for plan in plans {
                        let prefix = plan_prefix(self.plans.len());
                        self.plans.push(place(plan.span().start));
                        if let DeValue::Table(plan) = plan.get_ref() {
                            self.lay(plan, "plan", &prefix, place);
                        }
                    }
                    if self.plans.is_empty() {
                        self.tell(key_place, "plan", "there is no plan; write a `[[plan]]`");
                    }
                }
                DeValue::Table(table) if child != "plan" && is_section(&child) => {
                    self.lay(table, &child, &format!("{child}."), place);
                }
                _ if is_section(&child) => {
                    if sound {
                        let what = format!("must be a section, headed {}", header(&child));
                        self.tell(key_place, &path, what);
                    }
                }
                value => {
                    if !sound {
                        self.wrong.insert(path.clone());
                    }
                    let (place, value) = (key_place, value.clone());
                    self.written.insert(path, Written { place, value });
                }
            }
        }
    }

    /// Whether the parser has found fault with these lines, so that one mistake is not told twice. If so, the fault
    /// belongs to this key.
    fn is_broken(&mut self, key: &str, first: Place, last: Place) -> bool {
        let lines = first.min(last)..=first.max(last);
        let mut broken = false;
        for mistake in &mut self.mistakes[..self.syntax] {
            if lines.contains(&mistake.place) {
                broken = true;
                mistake.key.get_or_insert_with(|| known_as(key));
            }
        }
        broken
    }
}

/// Where a value was written. In the order in which mistakes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    File,
    Line(usize),
    Flag(&'static str),
}

/// One mistake in a config: `config.toml:12: strip.leds: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    source: String,
    place: Place,
    /// None if the mistake is not that of a key.
    key: Option<String>,
    what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, key, what, .. } = self;
        match self.place {
            Place::Flag(flag) => return write!(f, "{flag}: {what}"),
            Place::Line(line) => write!(f, "{source}:{line}: ")?,
            Place::File => write!(f, "{source}: ")?,
        }
        if let Some(key) = key {
            write!(f, "{key}: ")?;
        }
        f.write_str(what)
    }
}

/// Every mistake of a config, in the order of its lines. At least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// The one mistake is the whole file's.
    pub(super) fn of_file(path: &Path, what: &str) -> Self {
        Self(vec![Mistake { source: path.display().to_string(), place: Place::File, key: None, what: what.into() }])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.0.iter().enumerate() {
            let newline = if n == 0 { "" } else { "\n" };
            write!(f, "{newline}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// What is wrong with a key that is not known in a section, and which one may be meant.
fn unknown(section: &str, key: &str) -> String {
    let homes: Vec<_> = SECTIONS
        .iter()
        .filter(|(home, _)| keys(home).any(|known| known == key))
        .map(|(home, _)| header(home))
        .collect();
    if !homes.is_empty() {
        return format!("is not known here; it belongs in {}", homes.join(" or "));
    }
    if let Some(meant) = nearest(key, keys(section)) {
        return format!("is not known; did you mean `{meant}`?");
    }
    let listed: Vec<_> = keys(section).map(|key| format!("`{key}`")).collect();
    format!("is not known; {} takes {}", header(section), listed.join(", "))
}

fn keys(section: &str) -> impl Iterator<Item = &'static str> + use<> {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or("", |(_, keys)| keys).split_whitespace()
}

fn is_section(path: &str) -> bool {
    SECTIONS.iter().any(|(name, _)| *name == path)
}

fn join(section: &str, key: &str) -> String {
    match section {
        "" => key.into(),
        _ => format!("{section}.{key}"),
    }
}

/// A key as people know it: a plan by its place in the file, not by its number, and one without a letter as they wrote it.
fn known_as(key: &str) -> String {
    if key.is_empty() {
        return "\"\"".into();
    }
    shown(&plan_key(key).map_or_else(|| key.into(), |(_, key)| join("plan", key)))
}

/// The number of the plan and the key within it, of a plan's key.
fn plan_key(key: &str) -> Option<(usize, &str)> {
    let (plan, key) = key.strip_prefix("plan.")?.split_once('.')?;
    Some((plan.parse().ok()?, key))
}

fn plan_prefix(plan: usize) -> String {
    format!("plan.{plan}.")
}

/// How a section begins in a file.
fn header(section: &str) -> String {
    match section {
        "" => "the top of the file".into(),
        "plan" => "`[[plan]]`".into(),
        _ => format!("`[{section}]`"),
    }
}
