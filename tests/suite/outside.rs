//! Bytes from outside: what is made of them, whoever wrote them. Each file below says what must hold for any bytes, here
//! and for the fuzz targets of `tests/fuzz`, which look for such that it does not hold for.

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

/// Words that mean something, and among them strange ones.
fn words(known: &'static str, strange: &str) -> impl Strategy<Value = Vec<String>> + use<> {
    let known: Vec<&str> = known.split('|').collect();
    let word = prop_oneof![
        6 => prop::sample::select(known).prop_map(str::to_owned),
        1 => string_regex(strange).expect("a regular expression"),
    ];
    prop::collection::vec(word, 0..12)
}

/// A record of JSON in which something is another number.
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
    fn requests_like_ours(
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
        resume::comes_back_as_it_was(&timer);
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
    fn config_txt_like_one(words in words(CONFIG_TXT, "\\PC{0,9}|x{90,110}| {1,3}|\n")) {
        firmware::holds(words.concat().as_bytes());
    }
}

/// Space after a record changes nothing of it, and the checksum may hold: it is too long all the same.
#[test]
fn a_resume_file_longer_than_one_can_be_is_damaged() {
    let timer = Timer::new(crate::wire::plan("lightning", 300), 1);
    let file = talklight::store::resume::encode(&timer, resume::BOOT);
    let (_, record) = file.split_once(' ').unwrap();
    resume::holds((record.to_owned() + &" ".repeat(16 * 1024)).as_bytes());
}

#[test]
fn files_that_include_each_other_come_to_an_end() {
    firmware::holds("include config.txt\n".repeat(3).as_bytes());
    firmware::holds("include 1\n\0include 1\ninclude 2\n\0include 1\ninclude config.txt\n".as_bytes());
}

#[test]
fn a_snapshot_that_no_daemon_would_send_is_refused() {
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
