//! Buttons in virtual time: what a contact does, and what the timer hears of it.

use std::time::Duration;

use proptest::prelude::*;
use talklight::button::{Button, Role, STUCK, Signal};
use talklight::clock::Moment;

const HOLD: Duration = Duration::from_secs(1);
const START: Role = Role::Start { hold: Some(HOLD) };
const TALK: u64 = 7;

/// Plays a contact to a button: closed at first or not, then toggled at each of `edges`, in microseconds from the
/// beginning. Gives what the button told, and when.
fn play(
    role: Role,
    mut closed: bool,
    edges: &[u64],
    talk: Option<u64>,
    until_us: u64,
) -> Vec<(u64, Signal)> {
    let mut button = Button::new(role, closed, at(0));
    let mut told = Vec::new();
    let mut edges = edges.iter().copied().peekable();
    loop {
        let due = button
            .due()
            .map(|due| due.as_ns() / 1000)
            .filter(|&due| due <= until_us);
        match (edges.peek().copied(), due) {
            (Some(edge), due) if due.is_none_or(|due| edge <= due) => {
                edges.next();
                closed = !closed;
                button.edge(at(edge));
            }
            (_, Some(due)) => told.extend(
                button
                    .look(closed, talk, at(due))
                    .map(|signal| (due, signal)),
            ),
            _ => return told,
        }
    }
}

fn at(us: u64) -> Moment {
    Moment::from_ns(us * 1000)
}

const RESET: Signal = Signal::Reset {
    generation: Some(TALK),
};

#[test]
fn a_clean_press_is_told_after_two_milliseconds() {
    assert_eq!(
        play(START, false, &[10_000, 60_000], None, 1_000_000),
        [(12_000, Signal::Start)]
    );
}

#[test]
fn a_spike_is_no_press() {
    for width in [1, 10, 100, 500, 999, 1_500, 1_900] {
        assert_eq!(
            play(START, false, &[10_000, 10_000 + width], None, 1_000_000),
            [],
            "{width} us"
        );
    }
    let hum: Vec<u64> = (0..200).map(|n| 10_000 + n * 400).collect();
    assert_eq!(play(START, false, &hum, None, 1_000_000), []);
}

#[test]
fn a_press_during_a_talk_is_told_and_its_hold_resets_that_talk() {
    let told = play(START, false, &[0, 1_500_000], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET)]);
}

#[test]
fn a_hold_that_is_let_go_in_time_resets_nothing() {
    let told = play(START, false, &[0, 900_000], Some(TALK), 3_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn leaning_on_start_does_not_reset_the_talk_it_began() {
    let told = play(START, false, &[0, 5_000_000], None, 8_000_000);
    assert_eq!(told, [(2_000, Signal::Start)]);
}

#[test]
fn a_bounce_while_held_does_not_begin_the_hold_anew() {
    let told = play(
        START,
        false,
        &[0, 500_000, 500_300, 1_500_000],
        Some(TALK),
        3_000_000,
    );
    assert_eq!(told, [(2_000, Signal::Start), (1_002_000, RESET)]);
}

#[test]
fn a_contact_that_never_opens_resets_once_and_is_then_stuck() {
    let told = play(START, false, &[0], Some(TALK), 60_000_000);
    let stuck = 2_000 + STUCK.as_micros() as u64;
    assert_eq!(
        told,
        [
            (2_000, Signal::Start),
            (1_002_000, RESET),
            (stuck, Signal::Stuck)
        ]
    );
}

#[test]
fn a_stuck_contact_that_opens_is_told_and_works_again() {
    let told = play(
        START,
        false,
        &[0, 20_000_000, 21_000_000, 21_050_000],
        None,
        60_000_000,
    );
    let stuck = 2_000 + STUCK.as_micros() as u64;
    let free = (20_025_000, Signal::Free);
    assert_eq!(
        told,
        [
            (2_000, Signal::Start),
            (stuck, Signal::Stuck),
            free,
            (21_002_000, Signal::Start)
        ]
    );
}

#[test]
fn a_contact_closed_from_the_beginning_is_no_press() {
    assert_eq!(
        play(
            START,
            true,
            &[2_000_000, 3_000_000, 3_050_000],
            None,
            5_000_000
        ),
        [(3_002_000, Signal::Start)]
    );
    assert_eq!(
        play(START, true, &[], Some(TALK), 60_000_000),
        [(STUCK.as_micros() as u64, Signal::Stuck)]
    );
}

#[test]
fn the_second_button_resets_whatever_there_is() {
    let reset = Signal::Reset { generation: None };
    assert_eq!(
        play(Role::Reset, false, &[0, 50_000], None, 1_000_000),
        [(2_000, reset)]
    );
    assert_eq!(
        play(Role::Reset, false, &[0, 5_000_000], Some(TALK), 9_000_000),
        [(2_000, reset)]
    );
}

#[test]
fn a_late_look_loses_no_press() {
    let mut button = Button::new(START, false, at(0));
    button.edge(at(1_000));
    assert_eq!(button.look(true, None, at(400_000)), Some(Signal::Start));
}

/// Toggles up to 20 ms apart in all that end in the other state than they began.
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
    fn presses_that_bounce_for_up_to_20_ms_are_one_press_each(
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
            prop_assert!((2_000..=22_000).contains(&(when - begin)), "told {} us after the first edge", when - begin);
        }
    }

    #[test]
    fn no_contact_however_strange_resets_twice_in_one_closing(
        edges in prop::collection::vec(1..3_000_000_u64, 0..60)
    ) {
        let mut edges = edges;
        edges.sort_unstable();
        edges.dedup();
        let told = play(START, false, &edges, Some(TALK), 30_000_000);
        let mut armed = false;
        for (_, signal) in told {
            match signal {
                Signal::Start => armed = true,
                Signal::Reset { .. } => prop_assert!(std::mem::take(&mut armed), "a reset without a press before it"),
                Signal::Stuck | Signal::Free => {}
            }
        }
    }
}
