//! The words of scripts: plans, times and commands.

use std::time::Duration;

use talklight::core::plan::Plan;
use talklight::core::timer::Command;

use super::model::Verdict;

pub fn plan(name: &str) -> Plan {
    let [length, yellow, red, flash] = match name {
        "lightning" => ["5m", "2m", "1m", "30s"],
        "short" => ["10s", "5s", "3s", "2s"],
        _ => panic!("no plan is called {name}"),
    }
    .map(span);
    Plan::new(name, length, yellow, red, flash).expect("the plans of tests are valid")
}

/// `1m`, `29.999999999s`, `1ns`, and `30s-1ns`.
pub fn span(text: &str) -> Duration {
    if let Some((whole, less)) = text.split_once('-') {
        return span(whole) - span(less);
    }
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[digits.len()..] {
        "h" => 3_600 * 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        _ => panic!("`{text}` is not a time"),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |digits: &str| digits.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is not a time"));
    let part = match part {
        "" => 0,
        part => number(part) * unit / 10_u64.pow(part.len() as u32),
    };
    Duration::from_nanos(number(whole) * unit + part)
}

/// A command as scripts write it, and its expected result.
pub fn command(word: &str) -> (Command, Verdict) {
    let bare = word.trim_end_matches(['!', '=']);
    let verdict = match &word[bare.len()..] {
        "" => Verdict::Done,
        "=" => Verdict::Nothing,
        _ => Verdict::Refused,
    };
    let command = match bare.split_once(':') {
        None if bare == "start" => Command::Start(None),
        None if bare == "reset" => Command::Reset,
        None if bare == "undo" => Command::Undo,
        Some(("off", by)) => Command::Late(span(by)),
        Some(("start-late", by)) => Command::StartLate(None, span(by)),
        Some(("start", name)) => Command::Start(Some(plan(name))),
        Some(("choose", name)) => Command::Choose(plan(name)),
        _ => panic!("`{word}` is not a script word"),
    };
    (command, verdict)
}
