//! The raw config: every value by its key, with the line or flag it comes from.
//!
//! There are three layers: the built-in `config/default.toml`, the user's file, and the flags. The value of the last layer
//! that has a key counts. It keeps its place, so that a mistake can name it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Overrides;
use super::convert::{nearest, shown};

/// Every section and its keys. The section with the empty name is the top of the file.
const SECTIONS: [(&str, &str); 9] = [
    ("", "strip button plan flash control web"),
    (
        "strip",
        "kind leds device clock_hz chip order gamma brightness max_milliamps milliamps_per_led pattern palette \
         colours ready tape",
    ),
    ("strip.colours", "green yellow red ready"),
    ("button", "start reset bias active hold"),
    ("plan", "name length yellow red flash words"),
    ("plan.words", "ready green yellow red flash over"),
    ("flash", "hz"),
    ("control", "socket"),
    ("web", "listen name address hosts"),
];

/// The key of the flag `--plan`. A file cannot have it.
pub(super) const CHOSEN: &str = "chosen";

/// What `--web` alone means if the config has no address: all addresses of the machine.
const ALL_ADDRESSES: &str = ":8080";
/// Whether the flag `--web` was given. A file cannot have this key.
pub(super) const WEB_FLAG: &str = "web.flag";

/// The values of all layers, and the mistakes found in them so far.
pub(super) struct Values<'a> {
    source: &'a str,
    built_in: BTreeMap<String, DeValue<'a>>,
    /// The values of the file and the flags.
    written: BTreeMap<String, Written<'a>>,
    /// The line at which each plan of the file begins.
    plans: Vec<Place>,
    /// The keys with a mistake.
    wrong: BTreeSet<String>,
    mistakes: Vec<Mistake>,
    /// The number of syntax errors; they are the first of `mistakes`.
    syntax: usize,
}

struct Written<'a> {
    place: Place,
    value: DeValue<'a>,
}

impl<'a> Values<'a> {
    /// Parses `text` over `built_in`, which has no mistakes. `source` names the text in messages.
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
        values.add_text(built_in);
        let written = std::mem::take(&mut values.written).into_iter();
        values.built_in = written.map(|(key, written)| (key, written.value)).collect();
        values.plans.clear();
        values.add_text(text);
        values
    }

    /// Adds the flags as the last layer. `leds` is the text of that flag.
    pub(super) fn add_flags(&mut self, overrides: &'a Overrides, leds: Option<&'a str>) {
        let text = |typed: &'a str| DeValue::String(typed.into());
        let path = |path: &'a PathBuf| DeValue::String(path.to_string_lossy());
        let number = |typed: &'a str| DeValue::parse(typed).map_or(text(typed), |value| value.into_inner());
        let Overrides { strip, tape, socket, plan, web, .. } = overrides;
        let listen = match web {
            Some(Some(address)) => Some(&**address),
            Some(None) if !self.written.contains_key("web.listen") => Some(ALL_ADDRESSES),
            Some(None) | None => None,
        };
        for (flag, key, value) in [
            ("--strip", "strip.kind", strip.as_deref().map(text)),
            ("--tape", "strip.tape", tape.as_ref().map(path)),
            ("--leds", "strip.leds", leds.map(number)),
            ("--socket", "control.socket", socket.as_ref().map(path)),
            ("--plan", CHOSEN, plan.as_deref().map(text)),
            ("--web", "web.listen", listen.map(text)),
            ("--web", WEB_FLAG, web.as_ref().map(|_| DeValue::Boolean(true))),
        ] {
            let Some(value) = value else { continue };
            let place = Place::Flag(flag);
            self.wrong.remove(key);
            self.written.insert(key.into(), Written { place, value });
        }
    }

    /// The prefix of each plan's keys, in the order of the file.
    pub(super) fn plans(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.plans.len().max(1)).map(plan_prefix)
    }

    /// Converts the value of `key`, or the built-in value if none is written. An error of `convert` becomes a mistake; the
    /// built-in value is then used, so that the other keys can be checked.
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
                _ => "is missing; write the time left, such as \"2m\", or \"0s\" for none",
            };
            self.report(place, key, what);
            self.wrong.insert(key.into());
        }
        let built_in = match plan {
            Some((_, key)) => self.built_in.get(&(plan_prefix(0) + key)),
            None => self.built_in.get(key),
        };
        built_in
            .and_then(|value| convert(value).ok())
            .unwrap_or_else(|| panic!("the built-in config has no valid `{key}`"))
    }

    /// As `read`, for a key without a built-in value.
    pub(super) fn optional<T>(&mut self, key: &str, convert: impl Fn(&DeValue) -> Result<T, String>) -> Option<T> {
        let Written { place, value } = self.written.get(key)?;
        if self.wrong.contains(key) {
            return None;
        }
        match convert(value) {
            Ok(value) => Some(value),
            Err(what) => {
                self.report(*place, key, what);
                self.wrong.insert(key.into());
                None
            }
        }
    }

    /// Reports that the values of `keys` are valid alone but not together, and that the first one should change. The mistake
    /// gets the place of the first key that is not built in. It is skipped if one of the keys has a mistake already, which may
    /// be the cause.
    pub(super) fn conflict(&mut self, keys: &[&str], what: impl Into<String>) {
        if !keys.iter().any(|&key| self.wrong.contains(key)) {
            let written = keys.iter().find_map(|&key| Some((self.written.get(key)?.place, key)));
            let (place, key) = written.unwrap_or((Place::File, keys[0]));
            self.report(place, key, what);
        }
        self.wrong.insert(keys[0].into());
    }

    /// Returns `config` if there are no mistakes.
    pub(super) fn finish<T>(mut self, config: T) -> Result<T, Mistakes> {
        if self.mistakes.is_empty() {
            return Ok(config);
        }
        self.mistakes.sort_by_key(|mistake| mistake.place);
        Err(Mistakes(self.mistakes))
    }

    fn report(&mut self, place: Place, key: &str, what: impl Into<String>) {
        self.push(place, Some(display_key(key)), what.into());
    }

    fn push(&mut self, place: Place, key: Option<String>, what: String) {
        self.mistakes.push(Mistake { source: self.source.into(), place, key, what });
    }

    fn add_text(&mut self, text: &'a str) {
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
            self.push(place(span.start), None, what);
        }
        self.syntax = self.mistakes.len();
        self.add_table(table.get_ref(), "", "", &place);
    }

    /// Adds the table of `section` to the keys that begin with `prefix`.
    fn add_table(&mut self, table: &DeTable<'a>, section: &str, prefix: &str, place: &impl Fn(usize) -> Place) {
        for (key, value) in table {
            let key_place = place(key.span().start);
            let path = format!("{prefix}{}", key.get_ref());
            let child = join(section, key.get_ref());
            let is_sound = !self.is_broken(&path, key_place, place(value.span().end));
            if !keys(section).any(|known| known == key.get_ref()) {
                if is_sound {
                    self.report(key_place, &path, unknown(section, key.get_ref()));
                }
                continue;
            }
            match value.get_ref() {
                DeValue::Array(plans) if child == "plan" && plans.iter().all(|plan| plan.get_ref().is_table()) => {
                    for plan in plans {
                        let prefix = plan_prefix(self.plans.len());
                        self.plans.push(place(plan.span().start));
                        if let DeValue::Table(plan) = plan.get_ref() {
                            self.add_table(plan, "plan", &prefix, place);
                        }
                    }
                    if self.plans.is_empty() {
                        self.report(key_place, "plan", "there is no plan; write a `[[plan]]`");
                    }
                }
                DeValue::Table(table) if child != "plan" && is_section(&child) => {
                    self.add_table(table, &child, &format!("{path}."), place);
                }
                _ if is_section(&child) => {
                    if is_sound {
                        let what = format!("must be a section, headed {}", header(&child));
                        self.report(key_place, &path, what);
                    }
                }
                value => {
                    if !is_sound {
                        self.wrong.insert(path.clone());
                    }
                    let (place, value) = (key_place, value.clone());
                    self.written.insert(path, Written { place, value });
                }
            }
        }
    }

    /// Whether one of these lines has a syntax error, so that the key needs no mistake of its own. The error is then given the
    /// name of the key.
    fn is_broken(&mut self, key: &str, first: Place, last: Place) -> bool {
        let lines = first.min(last)..=first.max(last);
        let mut is_broken = false;
        for mistake in &mut self.mistakes[..self.syntax] {
            if lines.contains(&mistake.place) {
                is_broken = true;
                mistake.key.get_or_insert_with(|| display_key(key));
            }
        }
        is_broken
    }
}

/// Where a value was written, in the order in which mistakes are reported.
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
    /// `None` if the mistake belongs to no key.
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

/// All mistakes of a config, in the order of its lines. At least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// One mistake, of the file as a whole.
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

/// The message for an unknown key in a section, with a suggestion.
fn unknown(section: &str, key: &str) -> String {
    let sections: Vec<_> = SECTIONS
        .iter()
        .filter(|(section, _)| keys(section).any(|known| known == key))
        .map(|(section, _)| header(section))
        .collect();
    if !sections.is_empty() {
        return format!("is not known here; it belongs in {}", sections.join(" or "));
    }
    if let Some(nearest) = nearest(key, keys(section)) {
        return format!("is not known; did you mean `{nearest}`?");
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

/// A key as shown to people: without the number of its plan, and with quotes if it is empty.
fn display_key(key: &str) -> String {
    if key.is_empty() {
        return "\"\"".into();
    }
    shown(&plan_key(key).map_or_else(|| key.into(), |(_, key)| join("plan", key)))
}

/// Splits the key of a plan into the plan's number and the key within the plan.
fn plan_key(key: &str) -> Option<(usize, &str)> {
    let (plan, key) = key.strip_prefix("plan.")?.split_once('.')?;
    Some((plan.parse().ok()?, key))
}

fn plan_prefix(plan: usize) -> String {
    format!("plan.{plan}.")
}

/// The header of a section, as written in a file.
fn header(section: &str) -> String {
    match section {
        "" => "the top of the file".into(),
        "plan" => "`[[plan]]`".into(),
        _ => format!("`[{section}]`"),
    }
}
