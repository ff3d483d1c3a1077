//! The raw config: every value by its key, with the place where it was written.
//!
//! Three layers lie over one another: the built-in `config/default.toml`, a person's file, the flags. The uppermost
//! value of a key is the one that counts. It carries its place, so that whoever finds it wrong can say where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::frame::Rgb;

/// Every section and the keys in it; the nameless one is the file itself.
const SECTIONS: [(&str, &str); 7] = [
    ("", "strip button plan flash control"),
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
];

/// Above this likeness (Jaro) one name may be meant by another; it is what clap takes for flags.
const LIKENESS_MIN: f64 = 0.7;

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

    /// Lays the value of a flag over what `key` has.
    pub(super) fn lay_flag(&mut self, flag: &'static str, key: &str, value: DeValue<'a>) {
        let place = Place::Flag(flag);
        self.wrong.remove(key);
        self.written.insert(key.into(), Written { place, value });
    }

    /// The prefixes of the plans' keys, in the order of the file.
    pub(super) fn plans(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.plans.len().max(1)).map(plan_prefix)
    }

    /// What `convert` makes of the value of `key`, or of the built-in value if nothing is written. What `convert` says
    /// against the value becomes a mistake; then, too, the built-in value stands in, so that all else can be checked.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        convert: impl Fn(&DeValue) -> Result<T, String>,
    ) -> T {
        if let Some(value) = self.optional(key, &convert) {
            return value;
        }
        let plan = self.plans().position(|prefix| key.starts_with(&prefix));
        if let Some(&place) = plan.and_then(|plan| self.plans.get(plan))
            && !self.written.contains_key(key)
        {
            let what = "is missing; a plan has a `name`, a `length`, and the marks `yellow`, `red` and `flash` in time \
                        left, such as `yellow = \"2m\"`";
            self.tell(place, key, what);
            self.wrong.insert(key.into());
        }
        let built_in = match plan_key(key) {
            Some(key) => self.built_in.get(&(plan_prefix(0) + key)),
            None => self.built_in.get(key),
        };
        built_in
            .and_then(|value| convert(value).ok())
            .unwrap_or_else(|| panic!("the built-in config has no good `{key}`"))
    }

    /// As `read`, of a key that has no built-in value.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        convert: impl Fn(&DeValue) -> Result<T, String>,
    ) -> Option<T> {
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
            let written = keys
                .iter()
                .find_map(|&key| Some((self.written.get(key)?.place, key)));
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
        // People know a plan by its place in the file, not by its number.
        let key = plan_key(key).map_or_else(|| key.into(), |key| join("plan", key));
        self.mistakes.push(Mistake {
            source: self.source.into(),
            place,
            key,
            what: what.into(),
        });
    }

    fn lay_text(&mut self, text: &'a str) {
        let newlines: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
        let place = |offset| Place::Line(newlines.partition_point(|&newline| newline < offset) + 1);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            let mut what = format!("this is not TOML: {}", error.message());
            if let Some(at) = text.get(span.clone()).filter(|at| !at.trim().is_empty()) {
                what += &format!(", at `{}`", shown(at));
            }
            self.tell(place(span.start), "", what);
        }
        self.syntax = self.mistakes.len();
        self.lay(table.get_ref(), "", "", &place);
    }

    /// Lays a table, which is `section`, over the keys that begin with `prefix`.
    fn lay(
        &mut self,
        table: &DeTable<'a>,
        section: &str,
        prefix: &str,
        place: &impl Fn(usize) -> Place,
    ) {
        for (key, value) in table {
            let key_place = place(key.span().start);
            let path = format!("{prefix}{}", key.get_ref());
            let child = join(section, key.get_ref());
            let sound = !self.is_broken(&path, key_place, place(value.span().end));
            if !keys(section).any(|known| known == key.get_ref()) {
                if sound {
                    self.tell(key_place, &shown(&path), unknown(section, key.get_ref()));
                }
                continue;
            }
            match value.get_ref() {
                DeValue::Array(plans)
                    if child == "plan" && plans.iter().all(|plan| plan.get_ref().is_table()) =>
                {
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
                if mistake.key.is_empty() {
                    mistake.key = shown(key);
                }
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
    key: String,
    what: String,
}

impl Mistake {
    /// A mistake that is the whole file's.
    pub(super) fn of_file(source: &str, what: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            place: Place::File,
            key: String::new(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source, key, what, ..
        } = self;
        match self.place {
            Place::Flag(flag) => return write!(f, "{flag}: {what}"),
            Place::Line(line) => write!(f, "{source}:{line}: ")?,
            Place::File => write!(f, "{source}: ")?,
        }
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        f.write_str(what)
    }
}

/// Every mistake of a config, in the order of its lines. At least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

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

/// A whole number within `range`.
pub(super) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&DeValue) -> Result<T, String> {
    move |value| {
        let number = value
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
        let (least, most) = (range.start(), range.end());
        number
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| must_bare(value, &format!("be a whole number from {least} to {most}")))
    }
}

/// A number with or without a fraction; also those that are none, if the file says so.
pub(super) fn number(value: &DeValue) -> Result<f64, String> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "",
    };
    text.parse().map_err(|_| must_bare(value, "be a number"))
}

pub(super) fn boolean(value: &DeValue) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| must_bare(value, "be `true` or `false`"))
}

pub(super) fn text<'t>(value: &'t DeValue) -> Result<&'t str, String> {
    value.as_str().ok_or_else(|| must(value, "be text"))
}

/// What one of a few words stands for.
pub(super) fn one_of<T: Copy, const N: usize>(
    words: [(&str, T); N],
) -> impl Fn(&DeValue) -> Result<T, String> {
    move |value| {
        let written = value.as_str().unwrap_or_default();
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
            return Ok(*meaning);
        }
        let names = words.map(|(word, _)| word);
        let listed = names.map(|word| format!("\"{word}\"")).join(" or ");
        let mut what = must(value, &format!("be {listed}"));
        if let Some(meant) = nearest(written, names.into_iter()) {
            what += &format!("; did you mean \"{meant}\"?");
        }
        Err(what)
    }
}

/// A length of time in units.
pub(super) fn duration(value: &DeValue) -> Result<Duration, String> {
    // humantime 2.4.0 panics where whole seconds and a full second of parts overflow together; that takes more digits.
    const DIGITS_MAX: usize = 12;
    let written = value.as_str().unwrap_or_default();
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    let parsed = match digits {
        0..=DIGITS_MAX => humantime::parse_duration(written).ok(),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let bare = match value {
            DeValue::Integer(number) => number.as_str(),
            _ => written.trim(),
        };
        if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
            let bare = shown(bare);
            must(
                value,
                &format!("have a unit, such as \"{bare}s\" or \"{bare}m\""),
            )
        } else {
            must(value, "be a time with units, such as \"2m 30s\"")
        }
    })
}

/// A colour that a phase can have: not so dark that it looks like the end of the talk.
pub(super) fn colour(value: &DeValue) -> Result<Rgb, String> {
    /// In light, 1 % of full.
    const CHANNEL_MIN: u8 = 0x20;
    let written = value.as_str().unwrap_or_default();
    let Some(colour @ Rgb { r, g, b }) = written.strip_prefix('#').and_then(hex) else {
        let digits = written.trim_start_matches('#');
        let long = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_string(),
        };
        return Err(match hex(&long) {
            Some(_) => must(
                value,
                &format!("be written as `#rrggbb`; did you mean \"#{long}\"?"),
            ),
            None => must(value, "be a colour as `#rrggbb`, such as \"#ffaa00\""),
        });
    };
    if r.max(g).max(b) < CHANNEL_MIN {
        return Err(format!(
            "`{}` is too dark to be seen; let one channel be `{CHANNEL_MIN:02x}` or more",
            shown(written)
        ));
    }
    Ok(colour)
}

fn hex(digits: &str) -> Option<Rgb> {
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Rgb::new(r, g, b))
}

/// `"60"` must …
fn must(value: &DeValue, be: &str) -> String {
    let written = match value {
        DeValue::String(text) => format!("\"{}\"", shown(text)),
        DeValue::Integer(number) => shown(&number.to_string()),
        DeValue::Float(number) => shown(number.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "[…]".into(),
        DeValue::Table(_) => "{…}".into(),
    };
    format!("`{written}` must {be}")
}

/// As `must`, of what is not text.
fn must_bare(value: &DeValue, be: &str) -> String {
    let is_bare = |text| DeValue::parse(text).is_ok_and(|value| !value.get_ref().is_str());
    match value.as_str() {
        Some(text) if is_bare(text) => must(value, be) + ", without quotes",
        _ => must(value, be),
    }
}

/// What is wrong with a key that is not known in a section, and which one may be meant.
fn unknown(section: &str, key: &str) -> String {
    if section.is_empty() && key == "web" {
        return "the web remote is not in this version; leave `[web]` out".into();
    }
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
    format!(
        "is not known; {} takes {}",
        header(section),
        listed.join(", ")
    )
}

/// The one of `known` that `written` is most like, if it is like any.
pub(super) fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.to_lowercase();
    known
        .map(|name| (strsim::jaro(&written, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Text of a stranger's as it can be printed: no control characters, not too long.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        match c {
            _ if n == CHARS_MAX => {
                shown.push('…');
                break;
            }
            '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

fn keys(section: &str) -> impl Iterator<Item = &'static str> + use<> {
    SECTIONS
        .iter()
        .find(|(name, _)| *name == section)
        .map_or("", |(_, keys)| keys)
        .split_whitespace()
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

/// The key within its plan, of a plan's key.
fn plan_key(key: &str) -> Option<&str> {
    Some(key.strip_prefix("plan.")?.split_once('.')?.1)
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
