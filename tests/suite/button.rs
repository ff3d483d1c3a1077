//! Buttons in virtual time: edges of a contact, and the signals to the timer.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::input::button::{Button, Role, Running, STUCK, Signal};

use crate::harness::Chance;

const HOLD: Duration = Duration::from_secs(1);
const START: Role = Role::Start { hold: Some(HOLD) };
const TALK: Running = Running { started: Moment::from_ns(0), generation: 7 };

/// Simulates a contact. `closed` is its first state; it toggles at each of `edges`. Returns the signals and their times. All
/// times are in microseconds.
fn play(role: Role, mut closed: bool, edges: &[u64], talk: Option<Running>, until_us: u64) -> Vec<(u64, Signal)> {
    let mut button = Button::new(role, closed, at(0));
    let mut told = Vec::new();
    let mut edges = edges.iter().copied().peekable();
    loop {
        let due = button.due().map(|due| due.as_ns() / 1000).filter(|&due| due <= until_us);
        match (edges.peek().copied(), due) {
            (Some(edge), due) if due.is_none_or(|due| edge <= due) => {
                edges.next();
                closed = !closed;
                button.edge(at(edge));
            }
            (_, Some(due)) => told.extend(button.look(closed, talk, at(due)).map(|signal| (due, signal))),
            _ => return told,
        }
    }
}

fn at(us: u64) -> Moment {
    Moment::from_ns(us * 1000)
}

const RESET: Signal = Signal::Reset { generation: Some(TALK.generation) };

#[test]
fn a_clean_press_is_reported_after_two_milliseconds() {
    assert_eq!(play(START, false, &[10_000, 60_000], None, 1_000_000), [(12_000, Signal::Start)]);
}

#[test]
fn a_spike_is_not_a_press() {
    for width in [1, 10, 100, 500, 999, 1_500, 1_900] {
        assert_eq!(play(START, false, &[10_000, 10_000 + width], None, 1_000_000), [], "{width} us");
    }
    let hum: Vec<u64> = (0..200).map(|n| 10_000 + n * 400).collect();
    assert_eq!(play(START, false, &hum, None, 1_000_000), []);
}

#[test]
fn a_press_during_a_talk_is_reported_and_a_hold_resets_that_talk() {
    let told = play(START, false, &[0, 1_500_000], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET)]);
}

#[test]
fn a_short_hold_does_not_reset() {
    let told = play(START, false, &[0, 900_000], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn a_hold_resets_its_talk_also_if_time_was_taken_off_meanwhile() {
    let hold = |then: Running| {
        let mut button = Button::new(START, false, at(0));
        button.edge(at(0));
        assert_eq!(button.look(true, Some(TALK), at(2_000)), Some(Signal::Start));
        button.look(true, Some(then), at(1_002_000))
    };
    let reset = |generation| Some(Signal::Reset { generation: Some(generation) });
    assert_eq!(hold(Running { generation: 8, ..TALK }), reset(8));
    // The next talk is not meant: the engine refuses the old generation.
    assert_eq!(hold(Running { generation: 9, started: at(500_000) }), reset(7));
}

#[test]
fn a_long_start_press_does_not_reset_its_own_talk() {
    let told = play(START, false, &[0, 5_000_000], None, 8_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn a_hold_released_just_before_its_end_does_not_reset() {
    // Also if the contact may still bounce at the end of the hold.
    for released in [978_000, 990_000, 1_001_999] {
        let told = play(START, false, &[0, released], Some(TALK), 3_000_000);
        assert_eq!(told, [(2_000, Signal::Start)], "released at {released} us");
    }
    // Also if the level is read too early.
    let mut button = Button::new(START, false, at(0));
    button.edge(at(0));
    assert_eq!(button.look(true, Some(TALK), at(2_000)), Some(Signal::Start));
    button.edge(at(990_000));
    assert_eq!(button.look(true, Some(TALK), at(1_010_000)), None);
    // A bounce at the end delays the reset by the debounce time only.
    let told = play(START, false, &[0, 990_000, 990_300], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_015_300, RESET)]);
}

#[test]
fn a_bounce_during_a_hold_does_not_restart_it() {
    let told = play(START, false, &[0, 500_000, 500_300, 1_500_000], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET)]);
}

#[test]
fn a_contact_that_never_opens_resets_once_and_is_then_reported_as_stuck() {
    let told = play(START, false, &[0], Some(TALK), 60_000_000);
    let stuck = 2_000 + STUCK.as_micros() as u64;
    let pair = (5_002_000, Signal::Pair);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET), pair, (stuck, Signal::Stuck)]);
}

#[test]
fn a_hold_resets_at_one_second_and_opens_pairing_at_five() {
    let told = play(START, false, &[0, 6_000_000], Some(TALK), 9_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET), (5_002_000, Signal::Pair)]);
    let told = play(START, false, &[0, 5_001_999], Some(TALK), 9_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET)], "released just before");
    // A bounce at the end delays it by the debounce time only.
    let told = play(START, false, &[0, 4_990_000, 4_990_300, 7_000_000], Some(TALK), 9_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET), (5_015_300, Signal::Pair)]);
    // A hold that begins without a talk starts one, and does nothing else.
    let told = play(START, false, &[0, 9_000_000], None, 12_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn pairing_comes_after_a_reset_that_takes_long() {
    for (hold, reset, pair) in
        [(300, 302, 5_002), (3_000, 3_002, 5_002), (4_000, 4_002, 6_002), (10_000, 10_002, 12_002)]
    {
        let role = Role::Start { hold: Some(Duration::from_millis(hold)) };
        let told = play(role, false, &[0, 14_000_000], Some(TALK), 16_000_000);
        assert_eq!(told, [(2_000, Signal::Start), (reset * 1000, RESET), (pair * 1000, Signal::Pair)]);
    }
}

#[test]
fn the_reset_button_opens_pairing_in_every_state() {
    let reset = Signal::Reset { generation: None };
    for talk in [None, Some(TALK)] {
        let told = play(Role::Reset, false, &[0, 6_000_000], talk, 9_000_000);
        assert_eq!(told, [(2_000, reset), (5_002_000, Signal::Pair)]);
    }
    // The start button of two opens nothing.
    let told = play(Role::Start { hold: None }, false, &[0, 6_000_000], Some(TALK), 9_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn a_contact_that_never_opened_opens_no_pairing() {
    for role in [START, Role::Reset] {
        let told = play(role, true, &[], Some(TALK), 100_000_000);
        assert_eq!(told, [(STUCK.as_micros() as u64, Signal::Stuck)]);
        // Neither does one that bounces without opening.
        let told = play(role, true, &[1_000_000, 1_000_300, 2_000_000, 2_000_200], Some(TALK), 14_000_000);
        assert_eq!(told, []);
    }
}

#[test]
fn a_stuck_contact_opens_pairing_once() {
    let told = play(Role::Reset, false, &[0], None, 600_000_000);
    assert_eq!(told.iter().filter(|(_, signal)| *signal == Signal::Pair).count(), 1);
}

#[test]
fn a_stuck_contact_works_again_after_it_opens() {
    let told = play(START, false, &[0, 20_000_000, 21_000_000, 21_050_000], None, 60_000_000);
    let stuck = 2_000 + STUCK.as_micros() as u64;
    let free = (20_025_000, Signal::Free);
    assert_eq!(told, [(2_000, Signal::Start), (stuck, Signal::Stuck), free, (21_002_000, Signal::Start)]);
}

#[test]
fn a_contact_that_is_closed_at_the_start_is_not_a_press() {
    assert_eq!(play(START, true, &[2_000_000, 3_000_000, 3_050_000], None, 5_000_000), [(3_002_000, Signal::Start)]);
    assert_eq!(play(START, true, &[], Some(TALK), 60_000_000), [(STUCK.as_micros() as u64, Signal::Stuck)]);
}

#[test]
fn a_noisy_line_is_reported_once_and_works_again_when_quiet() {
    // Twenty seconds of noise without a pause of a millisecond, and a press later.
    let mut edges: Vec<u64> = (0..20_000).map(|n| n * 999).collect();
    let quiet = edges.last().unwrap() + 1_000;
    edges.extend([30_000_000, 30_050_000]);
    let told = play(START, false, &edges, None, 60_000_000);
    let noisy = STUCK.as_micros() as u64;
    assert_eq!(told, [(noisy, Signal::Noisy), (quiet, Signal::Free), (30_002_000, Signal::Start)]);
    // A press at the end of the noise counts.
    let edges: Vec<u64> = (0..20_001).map(|n| n * 999).collect();
    let pressed = edges.last().unwrap() + 1_000;
    assert_eq!(play(START, false, &edges, None, 60_000_000), [(noisy, Signal::Noisy), (pressed, Signal::Start)]);
}

#[test]
fn lost_edges_end_a_hold() {
    let mut button = Button::new(START, false, at(0));
    button.edge(at(1_000));
    assert_eq!(button.look(true, Some(TALK), at(3_000)), Some(Signal::Start));
    // The button may have been released and pressed again.
    button.edge_after_loss(at(900_000));
    assert_eq!(button.look(true, Some(TALK), at(925_000)), None);
    assert_eq!(button.due(), Some(at(3_000) + STUCK));
    // The next hold resets.
    button.edge(at(2_000_000));
    assert_eq!(button.look(false, Some(TALK), at(2_025_000)), None);
    button.edge(at(3_000_000));
    assert_eq!(button.look(true, Some(TALK), at(3_002_000)), Some(Signal::Start));
    assert_eq!(button.due(), Some(at(4_002_000)));
    assert_eq!(button.look(true, Some(TALK), at(4_002_000)), Some(RESET));
    // It is held on, but nobody knows whether without a break.
    button.edge_after_loss(at(6_000_000));
    assert_eq!(button.look(true, None, at(6_025_000)), None);
    assert_eq!(button.look(true, None, at(9_000_000)), None);
}

#[test]
fn after_lost_edges_the_contact_must_rest_again() {
    let mut button = Button::new(START, false, at(0));
    button.edge(at(1_000));
    button.edge_after_loss(at(50_000));
    assert_eq!(button.due(), Some(at(52_000)));
    assert_eq!(button.look(true, None, at(52_000)), Some(Signal::Start));
}

#[test]
fn an_edge_that_arrives_out_of_order_does_not_shorten_the_wait() {
    let mut button = Button::new(START, false, at(0));
    button.edge(at(1_000));
    button.edge(at(2_900));
    button.edge(at(2_800));
    assert_eq!(button.due(), Some(at(3_900)));
}

#[test]
fn the_reset_button_resets_in_every_state() {
    let reset = Signal::Reset { generation: None };
    assert_eq!(play(Role::Reset, false, &[0, 50_000], None, 1_000_000), [(2_000, reset)]);
    assert_eq!(play(Role::Reset, false, &[0, 5_000_000], Some(TALK), 9_000_000), [(2_000, reset)]);
}

#[test]
fn a_late_read_does_not_lose_a_press() {
    let mut button = Button::new(START, false, at(0));
    button.edge(at(1_000));
    assert_eq!(button.look(true, None, at(400_000)), Some(Signal::Start));
}

/// Each press bounces for 1 to 20 ms when it closes and when it opens. Between presses there are spikes of less than a
/// millisecond.
#[test]
fn a_thousand_bouncing_presses_count_as_a_thousand() {
    for seed in 1..=20 {
        let mut chance = Chance(seed);
        let mut time = 1_000_000;
        let (mut edges, mut firsts) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            for _ in 0..chance.between(0, 4) {
                let end = time + chance.between(1, 999);
                edges.extend([time, end]);
                time = end + chance.between(1, 30_000);
            }
            // A spike less than two milliseconds before a press would belong to its bounce.
            time += 2_000;
            firsts.push(time);
            for rest in [30_000, 60_000] {
                edges.extend(bounces(&mut chance, time));
                time = edges.last().unwrap() + chance.between(rest, 300_000);
            }
        }
        let told = play(START, false, &edges, None, time + 1_000_000);
        assert_eq!(told.len(), 1000, "seed {seed}");
        for ((when, signal), first) in told.iter().zip(firsts) {
            assert_eq!(*signal, Signal::Start, "seed {seed}");
            assert!(
                (2_000..=22_000).contains(&(when - first)),
                "seed {seed}: told {} us after the first edge",
                when - first
            );
        }
    }
}

/// An odd number of edges, with which a contact changes its state within 1 to 20 ms.
fn bounces(chance: &mut Chance, begin: u64) -> Vec<u64> {
    let end = begin + chance.between(1_000, 20_000);
    let count = 2 * chance.between(0, 6) + 1;
    let between = (0..count).map(|_| chance.between(begin + 1, end - 1));
    let mut edges: BTreeSet<u64> = between.collect();
    if edges.len().is_multiple_of(2) {
        edges.pop_last();
    }
    edges.extend([begin, end]);
    edges.into_iter().collect()
}

/// An odd number of edges within 20 ms.
fn bounce() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..20_000_u64, 0..40).prop_map(|mut times| {
        times.sort_unstable();
        times.dedup();
        times.insert(0, 0);
        times.dedup();
        if times.len() % 2 == 0 {
            times.pop();
        }
        times
    })
}

proptest! {
    #[test]
    fn a_press_that_bounces_for_up_to_20_ms_counts_once(
        presses in prop::collection::vec((bounce(), 60_000..400_000_u64, bounce(), 60_000..400_000_u64), 1..20)
    ) {
        let mut edges = Vec::new();
        let mut begins = Vec::new();
        let mut time = 1_000_000;
        for (closing, closed, opening, open) in &presses {
            begins.push(time);
            edges.extend(closing.iter().map(|edge| time + edge));
            time += 20_000 + closed;
            edges.extend(opening.iter().map(|edge| time + edge));
            time += 20_000 + open;
        }
        let told = play(START, false, &edges, None, time + 1_000_000);
        prop_assert_eq!(told.len(), presses.len());
        for ((when, signal), begin) in told.iter().zip(begins) {
            prop_assert_eq!(*signal, Signal::Start);
            prop_assert!((2_000..=22_000).contains(&(when - begin)), "reported {} us after the first edge", when - begin);
        }
    }

    #[test]
    fn no_contact_resets_twice_in_one_press(
        edges in prop::collection::vec(1..3_000_000_u64, 0..60)
    ) {
        let mut edges = edges;
        edges.sort_unstable();
        edges.dedup();
        let told = play(START, false, &edges, Some(TALK), 30_000_000);
        let (mut armed, mut reset) = (false, false);
        for (_, signal) in told {
            match signal {
                Signal::Start => (armed, reset) = (true, false),
                Signal::Reset { .. } => {
                    prop_assert!(std::mem::take(&mut armed), "a reset without a press before it");
                    reset = true;
                }
                Signal::Pair => prop_assert!(std::mem::take(&mut reset), "pairing without a reset before it"),
                Signal::Stuck | Signal::Noisy | Signal::Free => {}
            }
        }
    }
}
