use std::time::Duration;

use proptest::prelude::*;
use talklight::core::plan::{Clock, Plan, PlanError};

use super::harness::span;

fn key(plan: Result<Plan, PlanError>) -> &'static str {
    plan.map_or_else(|error| error.key(), |_| "good")
}

fn parse(text: &str) -> Result<Plan, PlanError> {
    let [length, yellow, red, flash] = <[&str; 4]>::try_from(text.split(' ').collect::<Vec<_>>()).unwrap().map(span);
    Plan::new("a", length, yellow, red, flash)
}

#[test]
fn marks_must_be_in_order() {
    for (marks, expected) in [
        ("5m 2m 1m 30s", "good"),
        ("1s 0s 0s 0s", "good"),
        ("24h 24h-1ns 24h-1ns 24h-1ns", "good"),
        ("5m 1m 1m 1m", "good"),
        ("1s-1ns 0s 0s 0s", "length"),
        ("86400.000000001s 2m 1m 30s", "length"),
        ("0s 0s 0s 0s", "length"),
        ("5m 5m 1m 30s", "yellow"),
        ("5m 6m 7m 8m", "yellow"),
        ("5m 2m 120.000000001s 30s", "red"),
        ("5m 2m 3m 4m", "red"),
        ("5m 2m 1m 60.000000001s", "flash"),
        ("5m 0s 0s 1ns", "flash"),
    ] {
        assert_eq!(key(parse(marks)), expected, "{marks}");
    }
}

#[test]
fn names_are_one_word_of_plain_characters() {
    let named = |name: &str| Plan::new(name, span("1m"), span("3s"), span("2s"), span("1s"));
    for name in ["a", "7", "lightning", "ignite-20x15", "talk_20", "abcdefghijklmnopqrstuvwx"] {
        assert_eq!(named(name).map(|plan| plan.name().to_owned()), Ok(name.to_owned()));
    }
    for name in ["", "-a", "_a", "a b", "a\n", "ü", "aü", "a/b", "a.b", "abcdefghijklmnopqrstuvwxy"] {
        assert_eq!(named(name), Err(PlanError::Name), "{name:?}");
    }
}

#[test]
fn an_error_names_the_allowed_range() {
    for (marks, part) in [
        ("5m 6m 1m 30s", "less than the length, 5:00"),
        ("5m 2m 3m 30s", "at most yellow, 2:00"),
        ("5m 2m 1m 3m", "at most red, 1:00"),
        ("48h 2m 1m 3m", "1s to 24h"),
    ] {
        let text = parse(marks).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn clocks_are_printed_as_people_write_them() {
    for (time, text) in [
        ("0s", "0:00"),
        ("9s", "0:09"),
        ("5m", "5:00"),
        ("1h-1s", "59:59"),
        ("3723s", "1:02:03"),
        ("24h", "24:00:00"),
        ("90.5s", "1:30.500"),
        ("7ms", "0:00.007"),
    ] {
        assert_eq!(Clock(span(time)).to_string(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    /// The values come from small ranges, so equal ones are common.
    #[test]
    fn a_valid_plan_is_in_order_and_an_error_names_the_first_wrong_mark(
        spans in prop::array::uniform4(prop_oneof![
            0..5_u64,
            999_999_998..1_000_000_003_u64,
            86_399_999_999_998..86_400_000_000_002_u64,
            any::<u64>(),
        ])
    ) {
        let [length, yellow, red, flash] = spans.map(Duration::from_nanos);
        let plan = Plan::new("any", length, yellow, red, flash);
        let expected = if length < Duration::from_secs(1) || length > Duration::from_secs(86_400) {
            "length"
        } else if yellow >= length {
            "yellow"
        } else if red > yellow {
            "red"
        } else if flash > red {
            "flash"
        } else {
            "good"
        };
        prop_assert_eq!(key(plan), expected);
        if let Ok(plan) = plan {
            let read = [plan.length(), plan.yellow(), plan.red(), plan.flash()];
            prop_assert_eq!(read, [length, yellow, red, flash]);
            prop_assert!(flash <= red && red <= yellow && yellow < length);
            prop_assert_eq!(plan.name(), "any");
        }
    }
}
