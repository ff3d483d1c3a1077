//! Shows and the timer, in any order: what the strip shows is what the reference of [`model`](super::model) says. The harness
//! holds every step against it.

use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::look::Rgb;
use talklight::core::timer::{Command, Phase};
use talklight::engine::board::Shown;
use talklight::engine::event::{Done, Refused};
use talklight::show::gauge::Gauge;
use talklight::show::{Busy, Owner, Rank, Scene};

use super::harness::{House, TRIAL, look, plan, play, span};
use super::timer::commands;

const COLOUR: Rgb = Rgb::new(32, 64, 255);

fn gauge(value: f64) -> Scene {
    Scene::Gauge(Gauge::new(value, COLOUR).expect("it is from 0 to 1"))
}

fn shown(house: &House) -> Option<Rank> {
    house.board.latest().shown(house.now).scene().map(Scene::rank)
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
fn a_test_covers_a_stream_whose_lease_runs_on_beneath() {
    let mut house = House::new(look());
    house.offer(gauge(0.5), "a", span("30s"));
    house.play("+1s try trial +10s");
    assert_eq!(shown(&house), Some(Rank::Stream));
    house.play("try trial +9s try trial +9s try trial +9s try trial +1s trial +9s ready");
    assert_eq!(shown(&house), None, "its lease ended meanwhile");
}

#[test]
fn the_first_of_a_rank_keeps_the_strip() {
    let mut house = House::new(look());
    house.offer(gauge(0.5), "a", span("10s"));
    house.play("+4s");
    let taken = Busy::Taken { by: Owner::new("a"), left: span("6s") };
    assert_eq!(taken.to_string(), "a has the strip, for 0:06 at least");
    assert_eq!(house.offer(gauge(1.0), "b", span("10s")).result, Err(Refused::Show(taken)));
    assert_eq!(house.offer(gauge(0.7), "a", span("10s")).result, Ok(Done::Shown), "its owner goes on with it");
    house.play("+10s");
    assert_eq!(house.offer(gauge(1.0), "b", span("10s")).result, Ok(Done::Shown));
}

#[test]
fn a_stream_waits_while_the_strip_still_means_the_talk() {
    let refused = |script: &str, why: &str| {
        let answer = play(script).offer(gauge(0.5), "a", span("10s"));
        assert_eq!(answer.result.unwrap_err().to_string(), why, "`{script}`");
    };
    refused("start +1m", "a talk is running, 4:00 left; the strip is free when it has ended");
    refused("start +1m reset +4s", "a talk was reset and may be brought back; the strip is free in 0:06");
    refused("start +5m +5s", "a talk has just ended; the strip is free in 0:25, or after a reset");
    for script in ["start +1m reset +10s", "start +5m +30s", "start +5m reset", "start +5m +5s reset"] {
        let mut house = play(script);
        house.offer(gauge(0.5), "a", span("10s"));
        assert_eq!(shown(&house), Some(Rank::Stream), "`{script}`");
    }
}

#[test]
fn a_reset_ends_a_show_and_shuts_its_owner_out_until_it_is_silent_for_its_lease() {
    let mut house = House::new(look());
    house.offer(gauge(0.5), "a", span("10s"));
    let log = house.board.latest().last_entry();
    house.play("reset= ready");
    assert_eq!(shown(&house), None);
    let told: Vec<String> = house.board.latest().news(log).map(|entry| entry.to_string()).collect();
    assert_eq!(told, ["the program has given the strip back"]);
    let shut_out = Err(Refused::Show(Busy::ShutOut { lease: span("10s") }));
    for _ in 0..3 {
        house.play("+9s");
        assert_eq!(house.offer(gauge(0.5), "a", span("10s")).result, shut_out);
    }
    assert_eq!(house.offer(gauge(0.5), "b", span("1s")).result, Ok(Done::Shown), "others are not");
    house.play("+10s");
    assert_eq!(house.offer(gauge(0.5), "a", span("10s")).result, Ok(Done::Shown));
}

#[derive(Clone, Debug)]
enum Turn {
    Offer { by: usize, lease: u64, part: f64 },
    Test,
    End(Rank),
    Command(Command),
    Pass(u64),
    Late(u64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    // The moments that matter lie 2, 10 and 30 s apart; a nanosecond to either side is another answer.
    let marks = [1, 1_999_999_999, 2_000_000_000, 9_999_999_999, 10_000_000_000, 29_999_999_999, 30_000_000_000];
    let gap = prop_oneof![prop::sample::select(marks.to_vec()), 0..20_000_000_000u64];
    let turn = prop_oneof![
        3 => (0..2usize, 1..40_000_000_000u64, 0.0..=1.0f64).prop_map(|(by, lease, part)| Turn::Offer { by, lease, part }),
        1 => Just(Turn::Test),
        1 => prop_oneof![Just(Rank::Stream), Just(Rank::Test)].prop_map(Turn::End),
        4 => commands().prop_map(Turn::Command),
        5 => gap.clone().prop_map(Turn::Pass),
        1 => gap.prop_map(Turn::Late),
    ];
    prop::collection::vec(turn, 1..40)
}

proptest! {
    #[test]
    fn a_talk_is_never_covered_and_shows_keep_to_their_ranks(turns in turns()) {
        let mut house = House::new(look());
        house.play("choose:short");
        for turn in turns {
            match turn {
                Turn::Offer { by, lease, part } => {
                    drop(house.offer(gauge(part), ["a", "b"][by], Duration::from_nanos(lease)));
                }
                Turn::Test => drop(house.offer(Scene::Sample(TRIAL), "tester", span("10s"))),
                Turn::End(rank) => house.end(rank),
                Turn::Command(Command::Start(_)) => drop(house.command(Command::Start(Some(plan("short"))))),
                Turn::Command(command) => drop(house.command(command)),
                Turn::Pass(ns) => house.pass(Duration::from_nanos(ns)),
                Turn::Late(ns) => {
                    house.now = house.now + Duration::from_nanos(ns);
                    house.step(None);
                }
            }
            // Said once more without the model: no show during a talk, no stream while the talk may come back or has just ended.
            let reading = house.board.latest().timer.at(house.now);
            match shown(&house) {
                None => {}
                Some(Rank::Test) => prop_assert!(!reading.phase.is_running()),
                Some(Rank::Stream) => {
                    prop_assert!(!reading.phase.is_running() && reading.undo.is_none());
                    prop_assert!(reading.phase == Phase::Ready || reading.overrun >= span("30s"));
                }
            }
        }
    }

    /// The law of the frame: what is shown is the same until the next change, and another then.
    #[test]
    fn nothing_changes_between_two_changes(turns in turns(), part in 0.0..1.0f64) {
        let mut house = House::new(look());
        for turn in turns {
            match turn {
                Turn::Offer { by, lease, part } => {
                    drop(house.offer(gauge(part), ["a", "b"][by], Duration::from_nanos(lease)));
                }
                Turn::Command(command) => drop(house.command(command)),
                Turn::Pass(ns) | Turn::Late(ns) => house.pass(Duration::from_nanos(ns)),
                Turn::Test => drop(house.offer(Scene::Sample(TRIAL), "tester", span("10s"))),
                Turn::End(rank) => house.end(rank),
            }
        }
        let snapshot = house.board.latest();
        let mut now = house.now;
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
            prop_assert!(false, "a show that never ends");
        }
    }
}
