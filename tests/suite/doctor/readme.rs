//! The README's table of faults, compared with the doctor's messages.

use std::collections::BTreeSet;
use std::fs;

use talklight::setup::doctor::Verdict;
use talklight::setup::doctor::judge;

use super::facts::faults;

/// The message of each fault, and the name of its check.
fn said() -> Vec<(&'static str, String)> {
    let bad = faults().into_iter().flat_map(|(_, facts)| judge(&facts));
    bad.filter(|check| check.verdict == Verdict::Bad).map(|check| (check.name, check.text.replace('\n', " "))).collect()
}

/// The messages in the column "`talklight doctor` says", with `…` for the parts that vary.
fn quoted() -> Vec<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, table) =
        readme.split_once("| you see | `talklight doctor` says | do |\n").expect("the README has a table of faults");
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(2).expect("a row has three cells"));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned));
    words.collect()
}

/// Whether `text` is `pattern` with any text in the place of each `…`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut ends = rest.is_empty();
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        ends = part.is_empty() || rest.is_empty();
    }
    ends
}

#[test]
fn every_message_in_the_readme_exists() {
    let said = said();
    let quoted = quoted();
    assert!(quoted.len() > 10, "{quoted:#?}");
    for quote in quoted {
        let found = said.iter().any(|(_, text)| matches(&quote, text));
        assert!(found, "`{quote}` is no message of the doctor:\n{said:#?}");
    }
}

#[test]
fn every_check_that_can_be_bad_is_in_the_readme() {
    let quoted = quoted();
    let told: BTreeSet<&str> = said()
        .iter()
        .filter(|(_, text)| quoted.iter().any(|quote| matches(quote, text)))
        .map(|(name, _)| *name)
        .collect();
    let all: BTreeSet<&str> = said().iter().map(|(name, _)| *name).collect();
    assert_eq!(all, told);
}

#[test]
fn a_pattern_matches_the_whole_message() {
    assert!(matches("GPIO … is taken by …", "GPIO 17 is taken by w1"));
    assert!(matches("it is", "it is"));
    assert!(!matches("it is", "it is not"));
    assert!(!matches("… is off", "SPI is off: gone"));
    assert!(!matches("SPI is on", "SPI is off"));
}
