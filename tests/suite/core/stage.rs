//! Shows and the timer in any order. The harness compares the strip with the reference of [`model`](super::model) at every
//! step.

use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::look::Rgb;
use talklight::core::timer::{Command, Phase, Timer};
use talklight::engine::board::Shown;
use talklight::engine::event::{Done, Refused};
use talklight::show::gauge::Gauge;
use talklight::show::{Busy, Owner, Rank, Scene, Show, Stage};

use super::harness::{BOOT, LEDS, Sim, TRIAL, look, plan, play, span};
use super::timer::commands;

const COLOUR: Rgb = Rgb::new(32, 64, 255);

fn gauge(value: f64) -> Scene {
    Scene::Gauge(Gauge::new(value, COLOUR).expect("the value is from 0 to 1"))
}

fn shown(sim: &Sim) -> Option<Rank> {
    sim.board.latest().show(sim.now).map(|show| show.rank())
}

#[test]
fn a_gauge_is_a_bar_with_a_blended_end() {
    let paint = |value| {
        let mut frame = Vec::new();
        gauge(value).paint(4, &mut frame);
        frame
    };
    let (full, half, dark) = (COLOUR, Rgb::new(16, 32, 128), Rgb::BLACK);
    assert_eq!(paint(0.0), [dark; 4]);
    assert_eq!(paint(0.125), [half, dark, dark, dark]);
    assert_eq!(paint(0.5), [full, full, dark, dark]);
    assert_eq!(paint(0.625), [full, full, half, dark]);
    assert_eq!(paint(1.0), [full; 4]);
    for wrong in [-0.001, 1.001, f64::NAN, f64::INFINITY] {
        assert_eq!(Gauge::new(wrong, COLOUR), None);
    }
}

#[test]
fn a_test_hides_a_stream_whose_lease_still_runs() {
    let mut sim = Sim::new(look());
    sim.offer(gauge(0.5), "a", span("30s"));
    sim.play("+1s try trial +10s");
    assert_eq!(shown(&sim), Some(Rank::Stream));
    sim.play("try trial +9s try trial +9s try trial +9s try trial +1s trial +9s ready");
    assert_eq!(shown(&sim), None, "the lease of the stream has expired");
}

/// Also before anybody has removed the show whose lease is over.
#[test]
fn the_strip_is_free_at_the_end_of_a_lease() {
    let (mut stage, timer) = (Stage::default(), Timer::new(plan("lightning"), 7));
    let of = |owner, now| Show::new(gauge(0.5), Owner::new(owner), span("10s"), now);
    let end = BOOT + span("10s");
    assert_eq!(stage.offer(of("a", BOOT), &timer, BOOT), Ok(true));
    let before = end - Duration::from_nanos(1);
    assert!(stage.offer(of("b", before), &timer, before).is_err());
    assert_eq!(stage.offer(of("b", end), &timer, end), Ok(true));
}

#[test]
fn the_first_owner_of_a_rank_keeps_the_strip() {
    let mut sim = Sim::new(look());
    sim.offer(gauge(0.5), "a", span("10s"));
    sim.play("+4s");
    let taken = Busy::Taken { by: Owner::new("a"), left: span("6s") };
    assert_eq!(taken.to_string(), "a has the strip, for 0:06 at least");
    assert_eq!(sim.offer(gauge(1.0), "b", span("10s")).result, Err(Refused::Show(taken)));
    assert_eq!(sim.offer(gauge(0.7), "a", span("10s")).result, Ok(Done::Shown), "the owner may renew");
    sim.play("+10s");
    assert_eq!(sim.offer(gauge(1.0), "b", span("10s")).result, Ok(Done::Shown));
}

#[test]
fn a_stream_is_refused_during_undo_and_after_the_end() {
    let refused = |script: &str, why: &str| {
        let answer = play(script).offer(gauge(0.5), "a", span("10s"));
        assert_eq!(answer.result.unwrap_err().to_string(), why, "`{script}`");
    };
    refused("start +1m", "a talk is running, 4:00 left; the strip is free when it has ended");
    refused("start +1m reset +4s", "a talk was reset and may be brought back; the strip is free in 0:06");
    refused("start +5m +5s", "a talk has just ended; the strip is free in 0:25, or after a reset");
    for script in ["start +1m reset +10s", "start +5m +30s", "start +5m reset", "start +5m +5s reset"] {
        let mut sim = play(script);
        sim.offer(gauge(0.5), "a", span("10s"));
        assert_eq!(shown(&sim), Some(Rank::Stream), "`{script}`");
    }
}

#[test]
fn a_reset_ends_a_show_and_blocks_its_owner_until_it_is_silent_for_one_lease() {
    let mut sim = Sim::new(look());
    sim.offer(gauge(0.5), "a", span("10s"));
    let log = sim.board.latest().last_entry();
    sim.play("reset= ready");
    assert_eq!(shown(&sim), None);
    let told: Vec<String> = sim.board.latest().news(log).map(|entry| entry.to_string()).collect();
    assert_eq!(told, ["the program has given the strip back"]);
    let shut_out = Err(Refused::Show(Busy::ShutOut { lease: span("10s") }));
    for _ in 0..3 {
        sim.play("+9s");
        assert_eq!(sim.offer(gauge(0.5), "a", span("10s")).result, shut_out);
    }
    assert_eq!(sim.offer(gauge(0.5), "b", span("1s")).result, Ok(Done::Shown), "another owner is not blocked");
    sim.play("+10s");
    assert_eq!(sim.offer(gauge(0.5), "a", span("10s")).result, Ok(Done::Shown));
}

#[test]
fn a_test_fits_the_strip_or_is_refused_with_the_number_that_fits() {
    // The buffer of the simulated strip holds 4 bytes for each of its LEDs: a third more LEDs with three channels.
    for (words, leds_max) in [("sk6812-rgbw grb", LEDS), ("ws2812 grb", LEDS * 4 / 3)] {
        let mut sim = play("ready");
        let mut offer = |leds: usize| {
            let trial = format!("{words} {leds} dark").parse().unwrap();
            sim.request_show(Scene::Sample(trial), "tester", span("10s"))
        };
        for leds in [leds_max + 1, leds_max + 9] {
            assert_eq!(offer(leds), Err(Refused::TooLong { leds, leds_max }), "{words}");
        }
        assert_eq!(offer(leds_max), Ok(Done::Shown), "{words}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Offer { by: usize, lease: u64, part: f64 },
    Test,
    Demo,
    End(Rank),
    Command(Command),
    Pass(u64),
    Late(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // The limits are 2, 10 and 30 s. One nanosecond before or after them changes the answer.
    let marks = [1, 1_999_999_999, 2_000_000_000, 9_999_999_999, 10_000_000_000, 29_999_999_999, 30_000_000_000];
    let gap = prop_oneof![prop::sample::select(marks.to_vec()), 0..20_000_000_000u64];
    let turn = prop_oneof![
        3 => (0..2usize, 1..40_000_000_000u64, 0.0..=1.0f64).prop_map(|(by, lease, part)| Step::Offer { by, lease, part }),
        1 => Just(Step::Test),
        1 => Just(Step::Demo),
        1 => prop_oneof![Just(Rank::Stream), Just(Rank::Test)].prop_map(Step::End),
        4 => commands().prop_map(Step::Command),
        5 => gap.clone().prop_map(Step::Pass),
        1 => gap.prop_map(Step::Late),
    ];
    prop::collection::vec(turn, 1..40)
}

proptest! {
    #[test]
    fn no_show_hides_a_talk_and_the_highest_rank_is_shown(steps in steps()) {
        let mut sim = Sim::new(look());
        sim.play("choose:short");
        for turn in steps {
            match turn {
                Step::Offer { by, lease, part } => {
                    drop(sim.offer(gauge(part), ["a", "b"][by], Duration::from_nanos(lease)));
                }
                Step::Test => drop(sim.offer(Scene::Sample(TRIAL), "tester", span("10s"))),
                Step::Demo => drop(sim.offer(Scene::Demo, "demo", span("12s"))),
                Step::End(rank) => sim.end(rank),
                Step::Command(Command::Start(_)) => drop(sim.command(Command::Start(Some(plan("short"))))),
                Step::Command(command) => drop(sim.command(command)),
                Step::Pass(ns) => sim.pass(Duration::from_nanos(ns)),
                Step::Late(ns) => {
                    sim.now = sim.now + Duration::from_nanos(ns);
                    sim.step(None);
                }
            }
            // Also without the model: no show during a talk, no stream during undo or right after the end.
            let reading = sim.board.latest().timer.at(sim.now);
            match shown(&sim) {
                None => {}
                Some(Rank::Test) => prop_assert!(!reading.phase.is_running()),
                Some(Rank::Stream) => {
                    prop_assert!(!reading.phase.is_running() && reading.undo.is_none());
                    prop_assert!(reading.phase == Phase::Ready || reading.overrun >= span("30s"));
                }
            }
        }
    }

    /// The frame stays the same until `next_change`, and differs then.
    #[test]
    fn nothing_changes_between_two_changes(steps in steps(), part in 0.0..1.0f64) {
        let mut sim = Sim::new(look());
        for turn in steps {
            match turn {
                Step::Offer { by, lease, part } => {
                    drop(sim.offer(gauge(part), ["a", "b"][by], Duration::from_nanos(lease)));
                }
                Step::Command(command) => drop(sim.command(command)),
                Step::Pass(ns) | Step::Late(ns) => sim.pass(Duration::from_nanos(ns)),
                Step::Test => drop(sim.offer(Scene::Sample(TRIAL), "tester", span("10s"))),
                Step::Demo => drop(sim.offer(Scene::Demo, "demo", span("12s"))),
                Step::End(rank) => sim.end(rank),
            }
        }
        let snapshot = sim.board.latest();
        let mut now = sim.now;
        for _ in 0..20 {
            let is = snapshot.shown(now);
            let Some(next) = snapshot.next_change(now) else { break };
            prop_assert!(next > now);
            let within = now + next.since(now).mul_f64(part);
            let last = Moment::from_ns(next.as_ns() - 1);
            for then in [within.min(last), last] {
                prop_assert_eq!(snapshot.shown(then), is);
            }
            prop_assert!(snapshot.shown(next) != is);
            now = next;
        }
        if let (Shown::Scene(_), None) = (snapshot.shown(now), snapshot.next_change(now)) {
            prop_assert!(false, "the show never ends");
        }
    }
}
