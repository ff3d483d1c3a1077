//! Untrusted input. Each file below checks a property that must hold for any bytes. The tests here use it with random input,
//! the fuzz targets in `tests/fuzz` with input that they evolve.

pub mod config;
mod firmware;
mod request;
mod resume;
mod snapshot;

use proptest::prelude::*;
use proptest::string::string_regex;
use talklight::control::protocol::{self, REQUEST_MAX};
use talklight::core::timer::Timer;
use talklight::engine::board::Snapshot;

/// Known words mixed with strange ones.
fn words(known: &'static str, strange: &str) -> impl Strategy<Value = Vec<String>> + use<> {
    let known: Vec<&str> = known.split('|').collect();
    let word = prop_oneof![
        6 => prop::sample::select(known).prop_map(str::to_owned),
        1 => string_regex(strange).expect("a regular expression"),
    ];
    prop::collection::vec(word, 0..12)
}

/// A JSON record with one number changed.
fn changed(record: &str, at: prop::sample::Index, number: u64) -> String {
    let mut parts: Vec<&str> = record.split_inclusive(':').collect();
    let at = 1 + at.index(parts.len() - 1);
    let rest = parts[at].trim_start_matches(|c: char| c.is_ascii_digit());
    let part = format!("{number}{rest}");
    parts[at] = &part;
    parts.concat()
}

const REQUESTS: &str =
    "if|if 17|if 007|as|as console|console|start|reset|undo|choose|status|watch|attach|17|+7|lightning";
const CONFIG_TXT: &str = "\n|\n|\n[all]\n|\n[none]\n|\n[pi4]\n|\n[pi5]\n|\n[pi2]\n|\n[gpio4=1]\n|[tryboot]|include |\ninclude 1\n|\
    \ninclude config.txt\n|0|1|2|\0|core_freq=|core_freq_min=|500|dtparam=|dtparam=spi=on|spi|=on|,|#|dtoverlay=spi0-1cs|force_turbo=1";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_request(said in prop::collection::vec(any::<u8>(), 0..2 * REQUEST_MAX)) {
        request::holds(&said);
    }

    #[test]
    fn requests_of_known_words(
        words in words(REQUESTS, "[ \t\r]{0,3}|\\PC{0,9}|[0-9]{0,22}"),
        space in prop_oneof![9 => " {1,3}", 1 => "[ \t\r]{0,3}", 1 => " {60,99}"],
        after in "(\n\\PC{0,9}){0,2}",
    ) {
        request::holds((words.join(&space) + &after).as_bytes());
    }

    #[test]
    fn any_resume_file(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        resume::holds(&bytes);
    }

    #[test]
    fn a_resume_file_of_any_timer(timer in crate::wire::timer()) {
        resume::round_trips(&timer);
    }

    #[test]
    fn a_record_with_any_number_in_it(timer in crate::wire::timer(), at in any::<prop::sample::Index>(), number in any::<u64>()) {
        let snapshot = protocol::encode(&crate::wire::snapshot(timer));
        snapshot::holds(snapshot.as_bytes());
        snapshot::holds(changed(&snapshot, at, number).as_bytes());
        let kept = talklight::store::resume::encode(&timer, resume::BOOT);
        let (_, kept) = kept.split_once(' ').expect("a checksum goes before the rest");
        resume::holds(kept.as_bytes());
        resume::holds(changed(kept, at, number).as_bytes());
    }

    #[test]
    fn any_config_txt(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        firmware::holds(&bytes);
    }

    #[test]
    fn config_txt_of_known_lines(words in words(CONFIG_TXT, "\\PC{0,9}|x{90,110}| {1,3}|\n")) {
        firmware::holds(words.concat().as_bytes());
    }
}

/// Blanks after a record do not change it, and the checksum may be right; the file is still too long.
#[test]
fn a_resume_file_that_is_too_long_is_refused() {
    let timer = Timer::new(crate::wire::plan("lightning", 300), 1);
    let file = talklight::store::resume::encode(&timer, resume::BOOT);
    let (_, record) = file.split_once(' ').unwrap();
    resume::holds((record.to_owned() + &" ".repeat(16 * 1024)).as_bytes());
}

#[test]
fn files_that_include_each_other_are_read_in_finite_time() {
    firmware::holds("include config.txt\n".repeat(3).as_bytes());
    firmware::holds("include 1\n\0include 1\ninclude 2\n\0include 1\ninclude config.txt\n".as_bytes());
}

#[test]
fn an_inconsistent_snapshot_is_refused() {
    let is_read = |line: &str| protocol::decode::<Snapshot>(line).is_ok();
    let snapshot = crate::wire::snapshot(Timer::new(crate::wire::plan("lightning", 300), 1));
    let line = protocol::encode(&snapshot);
    let between = |from: &str, to| line.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let plans = between("\"plans\":[", ']');
    let talk = format!("{{\"plan\":{}}},\"started_ns\":1}}", between("\"chosen\":", '}'));
    let state = |talk: &str, undo: &str| format!("\"talk\":{talk},\"undo\":{undo},\"undo_until_ns\":null");
    let (ready, on) = (state("null", "null"), state(&talk, "null"));
    let long = talk.replace("\"yellow_ns\":1", "\"yellow_ns\":9");
    assert!(is_read(&line) && line.contains(&ready) && is_read(&line.replace(&ready, &on)));
    for (from, to) in [
        (plans, ""),
        (&ready, &state(&long, "null")),
        (&ready, &state("null", &long)),
        ("\"leds\":60", "\"leds\":0"),
        ("\"leds\":60", "\"leds\":5439"),
        ("\"flash_half\":{\"secs\":0,\"nanos\":500000000}", "\"flash_half\":{\"secs\":0,\"nanos\":0}"),
    ] {
        let changed = line.replace(from, to);
        assert!(changed != line && !is_read(&changed), "{changed}");
    }
}
