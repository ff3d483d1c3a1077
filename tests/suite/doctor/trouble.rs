//! The tables of docs/trouble.md and the lines of docs/pi.md, against what the doctor says of each fault.

use std::collections::BTreeSet;
use std::fs;

use talklight::setup::doctor::Verdict;
use talklight::setup::doctor::judge;

use super::MODELS;
use super::facts::faults;

/// The message of each fault, and the name of its check.
fn said() -> Vec<(&'static str, String)> {
    let bad = faults().into_iter().flat_map(|(_, facts)| judge(&facts));
    bad.filter(|check| check.verdict == Verdict::Bad).map(|check| (check.name, check.text.replace('\n', " "))).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The sentences of the column "`talklight doctor` says", each with an `…` for what varies.
fn quoted() -> Vec<String> {
    let page = page("trouble");
    let tables = page.split("| you see | `talklight doctor` says | do |\n").skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')));
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
fn what_the_page_quotes_can_be_said() {
    let said = said();
    let quoted = quoted();
    assert!(quoted.len() > 10, "{quoted:#?}");
    for quote in quoted {
        let found = said.iter().any(|(_, text)| matches(&quote, text));
        assert!(found, "`{quote}` is no message of the doctor:\n{said:#?}");
    }
}

#[test]
fn each_check_that_can_be_bad_is_on_the_page() {
    let quoted = quoted();
    let told: BTreeSet<&str> = said()
        .iter()
        .filter(|(_, text)| quoted.iter().any(|quote| matches(quote, text)))
        .map(|(name, _)| *name)
        .collect();
    let all: BTreeSet<&str> = said().iter().map(|(name, _)| *name).collect();
    assert_eq!(all, told);
}

/// Of one kind of Pi the page has all settings that the doctor asks for, and none that it asks of no Pi.
#[test]
fn the_lines_for_config_txt_are_those_that_the_models_need() {
    let page = page("pi");
    let (_, block) = page.split_once("```\ndtparam=spi=on\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let told: BTreeSet<&str> =
        block.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' ')).collect();
    let needed: BTreeSet<&str> = MODELS.iter().flat_map(|(_, settings)| settings.lines()).collect();
    assert_eq!(told, needed);
}

#[test]
fn a_pattern_matches_the_whole_message() {
    assert!(matches("GPIO … is taken by …", "GPIO 17 is taken by w1"));
    assert!(matches("it is", "it is"));
    assert!(!matches("it is", "it is not"));
    assert!(!matches("… is off", "SPI is off: gone"));
    assert!(!matches("SPI is on", "SPI is off"));
}
