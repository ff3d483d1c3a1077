//! Converts the value of a single key. An error says what is wrong with the value and what would be right.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use crate::core::drive::Chip;
use crate::core::look::Rgb;
use crate::core::plan::spans;
use crate::core::words::Words;

/// Names that are at least this similar, from 0 to 1, are suggested for a misspelt one.
const SIMILARITY_MIN: f64 = 0.5;

/// A whole number within `range`.
pub(super) fn whole<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&DeValue) -> Result<T, String> {
    move |value| {
        let number = value.as_integer().and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
        let (least, most) = (range.start(), range.end());
        number
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| must_bare(value, &format!("be a whole number from {least} to {most}")))
    }
}

/// A finite number with or without a fraction.
pub(super) fn number(value: &DeValue) -> Result<f64, String> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => "",
    };
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| must_bare(value, "be a number"))
}

pub(super) fn boolean(value: &DeValue) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| must_bare(value, "be `true` or `false`"))
}

pub(super) fn text<'t>(value: &'t DeValue) -> Result<&'t str, String> {
    value.as_str().ok_or_else(|| must(value, "be text"))
}

/// What people read for a phase.
pub(super) fn word(value: &DeValue) -> Result<String, String> {
    let word = value.as_str().map(str::trim).unwrap_or_default();
    let is_good = (1..=Words::LENGTH_MAX).contains(&word.chars().count()) && !word.chars().any(char::is_control);
    match is_good {
        true => Ok(word.into()),
        false => Err(must(value, &format!("be a text of 1 to {} characters", Words::LENGTH_MAX))),
    }
}

/// One of a few words, each with its meaning.
pub(super) fn one_of<T: Copy, const N: usize>(words: [(&str, T); N]) -> impl Fn(&DeValue) -> Result<T, String> {
    move |value| {
        let written = value.as_str().unwrap_or_default();
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
            return Ok(*meaning);
        }
        let names = words.map(|(word, _)| word);
        let listed = names.map(|word| format!("\"{word}\"")).join(" or ");
        let mut what = must(value, &format!("be {listed}"));
        if let Some(nearest) = nearest(written, names.into_iter()) {
            what += &format!("; did you mean \"{nearest}\"?");
        }
        Err(what)
    }
}

/// The chip of a strip. An SK6812 without white takes the frames of a WS2812.
pub(super) fn chip(value: &DeValue) -> Result<Chip, String> {
    let written = value.as_str().unwrap_or_default().to_lowercase();
    one_of(Chip::ALL)(value).map_err(|what| match what.split_once("; did you mean") {
        Some((must_be, _)) if written.starts_with("sk6812") && !written.contains('w') => {
            format!("{must_be}; an SK6812 without white is \"ws2812\"")
        }
        _ => what,
    })
}

/// A length of time with units.
pub(super) fn duration(value: &DeValue) -> Result<Duration, String> {
    let written = value.as_str().unwrap_or_default();
    spans::parse(written).ok_or_else(|| {
        let bare = match value {
            DeValue::Integer(number) => number.as_str(),
            _ => written.trim(),
        };
        if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
            let bare = shown(bare);
            must(value, &format!("have a unit, such as \"{bare}s\" or \"{bare}m\""))
        } else {
            must(value, "be a time with units, such as \"2m 30s\"")
        }
    })
}

/// A colour for a phase: bright enough to differ from the dark strip after the end of a talk.
pub(super) fn colour(value: &DeValue) -> Result<Rgb, String> {
    /// Gives 1 % of the full light.
    const CHANNEL_MIN: u8 = 0x20;
    let written = value.as_str().unwrap_or_default();
    let Some(colour @ Rgb { r, g, b }) = written.strip_prefix('#').and_then(hex) else {
        let digits = written.trim_start_matches('#');
        let long = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_string(),
        };
        return Err(match hex(&long) {
            Some(_) => must(value, &format!("be written as `#rrggbb`; did you mean \"#{long}\"?")),
            None => must(value, "be a colour as `#rrggbb`, such as \"#ffaa00\""),
        });
    };
    if r.max(g).max(b) < CHANNEL_MIN {
        return Err(format!(
            "`{}` is too dark to be seen; at least one channel must be `{CHANNEL_MIN:02x}` or more",
            shown(written)
        ));
    }
    Ok(colour)
}

/// A GPIO for a button. On a `real` strip the lines of SPI0 are taken.
pub(super) fn gpio(value: &DeValue, real: bool) -> Result<u32, String> {
    let taken = |gpio| match gpio {
        0 | 1 => Some("belongs to the EEPROM of add-on boards"),
        7..=11 if real => Some("is used by SPI"),
        28.. => Some("is not on the header"),
        _ => None,
    };
    let number = whole::<u32>(0..=40)(value).or_else(|_| whole(2..=27)(value))?;
    let Some(why) = taken(number) else {
        return Ok(number);
    };
    let suggestion = (0..).zip(HEADER_PINS).find(|&(gpio, pin)| pin == number && taken(gpio).is_none());
    let suggestion = suggestion.map(|(gpio, pin)| format!("; for header pin {pin} write {gpio}"));
    Err(format!("GPIO {number} {why}; take one of 2 to 6 or 12 to 27{}", suggestion.unwrap_or_default()))
}

/// A path of at most `bytes_max` bytes.
pub(super) fn path(bytes_max: usize) -> impl Fn(&DeValue) -> Result<PathBuf, String> {
    move |value| {
        let path = text(value)?;
        let fits = (1..=bytes_max).contains(&path.len());
        let be = if !fits || path.contains(char::REPLACEMENT_CHARACTER) {
            format!("be a path of 1 to {bytes_max} bytes in UTF-8")
        } else if path.contains(char::is_control) {
            "be a path without control characters".into()
        } else if path.starts_with(['~', '$']) {
            // No shell expands the value, so this would create a directory of that name.
            "be the full path, such as \"/run/talk\": `~` and `$` are not expanded here".into()
        } else {
            return Ok(path.into());
        };
        Err(format!("`{}` must {be}", shown(path)))
    }
}

/// The header pin of each GPIO (Raspberry Pi documentation, "GPIO and the 40-pin header").
pub(super) const HEADER_PINS: [u32; 28] =
    [27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13];

fn hex(digits: &str) -> Option<Rgb> {
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Rgb::new(r, g, b))
}

/// The message: `"60"` must …
pub(super) fn must(value: &DeValue, be: &str) -> String {
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

/// As `must`, for a value that is not text. Points out quotes that must go.
fn must_bare(value: &DeValue, be: &str) -> String {
    let is_bare = |text| DeValue::parse(text).is_ok_and(|value| !value.get_ref().is_str());
    match value.as_str() {
        Some(text) if is_bare(text) => must(value, be) + ", without quotes",
        _ => must(value, be),
    }
}

/// The name in `known` that is most similar to `written`, if one is similar enough.
pub(super) fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let written = written.to_lowercase();
    known
        .map(|name| (strsim::normalized_damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Makes foreign text safe to print: escapes control characters and cuts it to 40 characters.
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
