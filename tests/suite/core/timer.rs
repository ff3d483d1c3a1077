use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::plan::Plan;
use talklight::core::timer::{
    Command, END_GUARD, Outcome, Phase, Refusal, Timer, UNDO_WINDOW, seconds_left, whole_seconds,
};

use super::harness::{BOOT, command, plan, play, span};
use super::model::{Model, Verdict, ns};

const COMMANDS: [&str; 6] = ["start", "start:short", "reset", "undo", "choose:short", "choose:lightning"];

/// The result of each command in each state, in the words of [`word`]. `!` marks a refusal.
#[rustfmt::skip]
const TABLE: [(&str, [&str; 6]); 24] = [
    // state                                   start         start:short   reset      undo          choose:short  choose:lightning
    ("",                                      ["started",    "started",    "nothing", "!no-undo",   "chosen",     "nothing"]),
    ("choose:short",                          ["started",    "started",    "nothing", "!no-undo",   "nothing",    "chosen"]),
    ("start reset",                           ["started",    "started",    "nothing", "undone",     "chosen",     "nothing"]),
    ("start +1m reset +10s-1ns",              ["started",    "started",    "nothing", "undone",     "chosen",     "nothing"]),
    ("start +1m reset +10s",                  ["started",    "started",    "nothing", "!undo-late", "chosen",     "nothing"]),
    ("start +1m reset +1h",                   ["started",    "started",    "nothing", "!undo-late", "chosen",     "nothing"]),
    ("start +5m-1ns reset +5s",               ["started",    "started",    "nothing", "undone",     "chosen",     "nothing"]),
    ("start +1m reset choose:short +9s",      ["started",    "started",    "nothing", "undone",     "nothing",    "chosen"]),
    ("start +5m reset",                       ["started",    "started",    "nothing", "!no-undo",   "chosen",     "nothing"]),
    ("start +1m reset start +5m reset",       ["started",    "started",    "nothing", "!no-undo",   "chosen",     "nothing"]),
    ("start",                                 ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +3m-1ns",                         ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +3m",                             ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +4m",                             ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +270s",                           ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +5m-1ns",                         ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +1m reset +1s undo",              ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +1m reset start",                 ["!running",   "!running",   "reset",   "!in-talk",   "!running-2", "!running-2"]),
    ("start +5m",                             ["!ended",     "!ended",     "cleared", "!no-undo",   "chosen",     "nothing"]),
    ("start +5m +2s-1ns",                     ["!ended",     "!ended",     "cleared", "!no-undo",   "chosen",     "nothing"]),
    ("start +5m-1ns reset +2ns undo",         ["!ended",     "!ended",     "cleared", "!no-undo",   "chosen",     "nothing"]),
    ("start +5m +2s",                         ["started",    "started",    "cleared", "!no-undo",   "chosen",     "nothing"]),
    ("start +5m-1ns reset +2s undo +1ns",     ["started",    "started",    "cleared", "!no-undo",   "chosen",     "nothing"]),
    ("choose:short start:lightning +6m",      ["started",    "started",    "cleared", "!no-undo",   "nothing",    "chosen"]),
];

/// `late` in each state. The marks of the talk are at 3 m, 4 m and 4 m 30 s.
const LATE: [(&str, &str, &str); 24] = [
    ("", "off:30s", "!no-talk"),
    ("start reset", "off:30s", "!no-talk"),
    ("start +5m", "off:30s", "!no-talk"),
    ("start", "off:30s", "late"),
    ("start +1m", "off:30s", "late"),
    // It may turn yellow, but not red.
    ("start", "off:3m", "late"),
    ("start", "off:4m-1ns", "late"),
    ("start", "off:4m", "!too-much"),
    ("start +3m-1ns", "off:1m", "late"),
    ("start +3m-1ns", "off:60.000000001s", "!too-much"),
    // From yellow it may turn red, but not flash.
    ("start +3m", "off:90s-1ns", "late"),
    ("start +3m", "off:90s", "!too-much"),
    // From red on, only the end is too much.
    ("start +4m", "off:1m-1ns", "late"),
    ("start +4m", "off:1m", "!too-much"),
    ("start +4m +30s", "off:29s", "late"),
    ("start +4m +30s", "off:30s", "!too-much"),
    ("start +4m +30s", "off:1h", "!too-much"),
    ("", "start-late:30s", "started-late"),
    ("", "start-late:4m", "!too-much"),
    ("start +1m", "start-late:30s", "!running"),
    ("start +5m", "start-late:30s", "!ended"),
    ("start +5m +2s", "start-late:30s", "started-late"),
    ("start +1m reset", "start-late:30s", "started-late"),
    ("choose:short", "start-late:7s", "!too-much"),
];

#[test]
fn late_takes_off_time_but_never_a_whole_phase() {
    for (script, name, expected) in LATE {
        let sim = play(script);
        let before = sim.board.latest().timer;
        let mut timer = before;
        let result = timer.apply(command(name).0, sim.now);
        assert_eq!(word(result), expected, "`{script}`, then `{name}`");
        if let Err(refused) = result {
            assert_eq!(timer, before, "`{script}`, then `{name}`: {refused}");
        }
    }
}

#[test]
fn the_last_late_can_be_taken_back_for_ten_seconds() {
    let left = |script: &str| {
        let sim = play(script);
        sim.board.latest().timer.at(sim.now).left
    };
    assert_eq!(left("start +10s off:30s +5s"), span("255s"));
    assert_eq!(left("start +10s off:30s +10s-1ns undo +1ns"), span("280s"));
    assert_eq!(left("start +10s off:30s +10s undo!"), span("250s"));
    // Only the last one.
    assert_eq!(left("start +10s off:10s +1s off:30s +1s undo undo!"), span("278s"));
    // The start of a late talk is one command, which a reset ends.
    assert_eq!(left("start-late:30s +1s undo!"), span("269s"));
    // A reset ends the time in which it can be taken back; its undo restores the talk as it was.
    assert_eq!(left("start off:30s +1s reset +1s undo undo!"), span("268s"));
    // At 5 s left taken off, over, and nothing brings it back.
    assert_eq!(left("start +290s off:7s +3s undo!"), Duration::ZERO);
}

#[test]
fn the_break_between_talks_is_counted_from_the_end() {
    let idle = |script: &str| {
        let sim = play(script);
        sim.board.latest().timer.at(sim.now).idle
    };
    assert_eq!(idle("+1h"), None);
    assert_eq!(idle("start +1m"), None);
    assert_eq!(idle("start +1m reset +7s"), Some(span("7s")));
    assert_eq!(idle("start +5m"), Some(Duration::ZERO));
    assert_eq!(idle("start +6m reset +7s"), Some(span("67s")));
    assert_eq!(idle("start +1m reset +7s undo"), None);
}

fn word(result: Result<Outcome, Refusal>) -> &'static str {
    match result {
        Ok(Outcome::Started(_)) => "started",
        Ok(Outcome::StartedLate { .. }) => "started-late",
        Ok(Outcome::Late { .. }) => "late",
        Ok(Outcome::LateUndone { .. }) => "late-undone",
        Ok(Outcome::Reset { .. }) => "reset",
        Ok(Outcome::Cleared) => "cleared",
        Ok(Outcome::Undone { .. }) => "undone",
        Ok(Outcome::Chosen(_)) => "chosen",
        Ok(Outcome::AlreadyReady | Outcome::AlreadyChosen(_)) => "nothing",
        Err(Refusal::AlreadyRunning { .. }) => "!running",
        Err(Refusal::ChooseWhileRunning { .. }) => "!running-2",
        Err(Refusal::JustEnded) => "!ended",
        Err(Refusal::NothingToUndo) => "!no-undo",
        Err(Refusal::UndoTooLate) => "!undo-late",
        Err(Refusal::UndoDuringTalk) => "!in-talk",
        Err(Refusal::LateWithoutTalk) => "!no-talk",
        Err(Refusal::LateTooMuch { .. }) => "!too-much",
        Err(Refusal::Stale) => "!stale",
        Err(Refusal::Expired) => "!expired",
    }
}

#[test]
fn every_state_answers_every_command() {
    for (script, row) in TABLE {
        let sim = play(script);
        for (name, expected) in COMMANDS.into_iter().zip(row) {
            let before = sim.board.latest().timer;
            let mut timer = before;
            let result = timer.apply(command(name).0, sim.now);
            assert_eq!(word(result), expected, "`{script}`, then `{name}`");
            match expected.starts_with('!') || expected == "nothing" {
                true => assert_eq!(timer, before, "`{script}`, then `{name}`"),
                false => assert_eq!(timer.generation, before.generation + 1),
            }
        }
    }
}

#[test]
fn marks_are_exact_to_the_nanosecond() {
    play("ready start green +3m-1ns green +1ns yellow +1m-1ns yellow +1ns red");
    play("start +4m red +30s-1ns red +1ns flash +30s-1ns flash +1ns over +24h over");
    play("start:short +5s-1ns green +1ns yellow +2s-1ns yellow +1ns red");
    play("start:short +7s red +1s-1ns red +1ns flash +2s-1ns flash +1ns over");
}

#[test]
fn several_talks_in_a_row() {
    play("ready start +3m yellow +1m red +30s flash +29.999999999s flash +1ns over +10s start green");
    play("start +5m over start! +1s start! +1s start green +1m start! reset ready start green");
    play("choose:short start +8s flash +2s over +2s start:lightning +8s green +5m reset ready");
    play("start +4m red reset ready +9s undo red +21s flash +30s over");
}

#[test]
fn outcomes_report_what_was_done() {
    let answer = |script: &str, name: &str| {
        let sim = play(script);
        let mut timer = sim.board.latest().timer;
        timer.apply(command(name).0, sim.now)
    };
    let (m, s) = (|m: u64| Duration::from_secs(60 * m), Duration::from_secs);
    assert_eq!(answer("", "start"), Ok(Outcome::Started(plan("lightning"))));
    assert_eq!(answer("choose:short", "start"), Ok(Outcome::Started(plan("short"))));
    assert_eq!(answer("", "start:short"), Ok(Outcome::Started(plan("short"))));
    assert_eq!(answer("start +192s", "reset"), Ok(Outcome::Reset { elapsed: s(192), left: s(108) }));
    assert_eq!(answer("start +3m reset +8s", "undo"), Ok(Outcome::Undone { left: s(112) }));
    assert_eq!(answer("start +295s reset +8s", "undo"), Ok(Outcome::Undone { left: s(0) }));
    assert_eq!(answer("start +1m", "start"), Err(Refusal::AlreadyRunning { left: m(4) }));
    assert_eq!(answer("start +1m", "choose:short"), Err(Refusal::ChooseWhileRunning { left: m(4) }));
}

#[test]
fn a_refusal_says_what_to_do_instead() {
    let left = Duration::from_secs(107);
    for refusal in [
        Refusal::AlreadyRunning { left },
        Refusal::JustEnded,
        Refusal::ChooseWhileRunning { left },
        Refusal::NothingToUndo,
        Refusal::UndoTooLate,
        Refusal::UndoDuringTalk,
        Refusal::LateWithoutTalk,
        Refusal::LateTooMuch { limit: left },
        Refusal::Stale,
        Refusal::Expired,
    ] {
        let text = refusal.to_string();
        assert!(text.split_once("; ").is_some_and(|(_, remedy)| !remedy.is_empty()), "{text}");
    }
    assert!(Refusal::AlreadyRunning { left }.to_string().contains("1:47 left"));
    // Whole seconds below the next one are accepted.
    let limit = Duration::from_millis(106_123);
    assert!(Refusal::LateTooMuch { limit }.to_string().starts_with("less than 1:47 can be taken off now"));
}

#[test]
fn clocks_show_zero_only_at_the_end() {
    let s = Duration::from_secs;
    assert_eq!(seconds_left(span("1ns")), s(1));
    assert_eq!(seconds_left(span("5m")), s(300));
    assert_eq!(seconds_left(span("5m-1ns")), s(300));
    assert_eq!(seconds_left(span("5m-1s")), s(299));
    assert_eq!(seconds_left(Duration::ZERO), s(0));
    assert_eq!(whole_seconds(span("1s-1ns")), s(0));
    assert_eq!(whole_seconds(span("5m")), s(300));
}

#[test]
fn the_windows_are_two_and_ten_seconds() {
    assert_eq!((END_GUARD, UNDO_WINDOW), (span("2s"), span("10s")));
}

/// The time before the next command.
#[derive(Clone, Copy, Debug)]
pub enum Gap {
    None,
    Time(u64),
    /// Up to boundary number `.0` of the model, plus `.1` nanoseconds.
    Boundary(usize, i64),
}

impl Gap {
    pub fn after(self, now: Moment, model: &Model) -> Moment {
        match self {
            Gap::None => now,
            Gap::Time(span) => now + Duration::from_nanos(span),
            Gap::Boundary(nth, beside) => {
                let all = model.boundaries();
                let at = all.get(nth % all.len().max(1)).copied().unwrap_or(0);
                now.max(Moment::from_ns(at.saturating_add_signed(beside)))
            }
        }
    }
}

pub fn gaps() -> impl Strategy<Value = Gap> {
    prop_oneof![
        1 => Just(Gap::None),
        2 => (0..400_000_000_000_u64).prop_map(Gap::Time),
        2 => (0..12_000_000_000_u64).prop_map(Gap::Time),
        4 => (0..6_usize, -1..=1_i64).prop_map(|(nth, beside)| Gap::Boundary(nth, beside)),
    ]
}

pub fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Start(None)),
        2 => any_plan().prop_map(|plan| Command::Start(Some(plan))),
        3 => spans().prop_map(Command::Late),
        2 => (prop::option::of(any_plan()), spans()).prop_map(|(plan, late)| Command::StartLate(plan, late)),
        4 => Just(Command::Reset),
        4 => Just(Command::Undo),
        1 => any_plan().prop_map(Command::Choose),
        1 => Just(Command::Choose(plan("short"))),
    ]
}

/// A length of time that is often about as long as a phase.
fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..=300_u64).prop_map(Duration::from_secs),
        (1..400_000_000_000_u64).prop_map(Duration::from_nanos),
        Just(Duration::from_nanos(1)),
        Just(Duration::from_secs(30)),
    ]
}

/// Any valid plan. Marks often coincide with each other and with the end.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    let length = prop_oneof![
        Just(Plan::LENGTH_MIN),
        Just(Plan::LENGTH_MAX),
        (1_000_000_000..20_000_000_000_u64).prop_map(Duration::from_nanos),
        (1..=86_400_u64).prop_map(Duration::from_secs),
    ];
    let part = || prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64];
    (length, part(), part(), part()).prop_map(|(length, yellow, red, flash)| {
        let yellow = length.mul_f64(yellow).min(length - Duration::from_nanos(1));
        let red = yellow.mul_f64(red).min(yellow);
        let flash = red.mul_f64(flash).min(red);
        Plan::new("any", length, yellow, red, flash).expect("the marks are in order")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_sequence_of_commands_follows_the_table(
        moves in prop::collection::vec((gaps(), commands()), 1..40)
    ) {
        let (mut timer, mut model) = (Timer::new(plan("lightning"), 7), Model::new(plan("lightning")));
        let mut now = BOOT;
        for (gap, command) in moves {
            now = gap.after(now, &model);
            let before = timer;
            let result = timer.apply(command, now);
            let verdict = match result {
                Ok(Outcome::AlreadyReady | Outcome::AlreadyChosen(_)) => Verdict::Nothing,
                Ok(_) => Verdict::Done,
                Err(_) => Verdict::Refused,
            };
            prop_assert_eq!(verdict, model.apply(command, now), "{:?}: {:?}", command, result);
            match verdict {
                Verdict::Done => {
                    prop_assert_eq!(timer.generation, before.generation + 1);
                    prop_assert_ne!((timer.talk, timer.undo, timer.chosen), (before.talk, before.undo, before.chosen));
                }
                Verdict::Nothing | Verdict::Refused => prop_assert_eq!(timer, before),
            }

            let reading = timer.at(now);
            prop_assert_eq!(reading.phase, model.phase(now));
            prop_assert_eq!(ns(reading.left), model.left(now));
            prop_assert_eq!(ns(reading.overrun), model.overrun(now));
            prop_assert_eq!(reading.undo.map(ns), model.undo(now));
            prop_assert_eq!(reading.plan, model.talk.map_or(model.chosen, |talk| talk.plan));
        }
    }

    #[test]
    fn the_next_phase_begins_exactly_at_next_phase(plan in any_plan(), part in 0.0..1.1_f64) {
        let mut timer = Timer::new(plan, 0);
        timer.apply(Command::Start(None), BOOT).unwrap();
        let now = BOOT + plan.length().mul_f64(part);
        let phase = timer.at(now).phase;
        match timer.next_phase(now) {
            None => prop_assert_eq!(phase, Phase::Over),
            Some(next) => {
                prop_assert!(next > now);
                prop_assert_eq!(timer.at(Moment::from_ns(next.as_ns() - 1)).phase, phase);
                prop_assert!(timer.at(next).phase > phase);
            }
        }
    }

    #[test]
    fn an_undone_reset_leaves_no_trace(
        plan in any_plan(),
        part in 0.0..1.0_f64,
        wait in prop_oneof![Just(0), Just(9_999_999_999), 0..10_000_000_000_u64],
        later in 0..100_000_000_000_000_u64,
    ) {
        let mut timer = Timer::new(plan, 0);
        timer.apply(Command::Start(None), BOOT).unwrap();
        let untouched = timer;
        let reset = (BOOT + plan.length().mul_f64(part)).min(BOOT + (plan.length() - span("1ns")));
        let undo = reset + Duration::from_nanos(wait);
        timer.apply(Command::Reset, reset).unwrap();
        timer.apply(Command::Undo, undo).unwrap();

        prop_assert_eq!((timer.talk, timer.undo), (untouched.talk, untouched.undo));
        prop_assert_eq!(timer.generation, untouched.generation + 2);
        let later = undo + Duration::from_nanos(later);
        prop_assert_eq!(timer.at(later), untouched.at(later));
        prop_assert_eq!(timer.next_phase(undo), untouched.next_phase(undo));
    }
}
