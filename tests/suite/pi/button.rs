//! Buttons on lines of a GPIO chip.

mod faults;

use super::*;
use crate::harness::Chance;
use talklight::engine::board::Snapshot;

/// The GPIO number of the second button.
const RESET: u32 = 27;
const TWO_BUTTONS: &str = "[button]\nstart = 17\nreset = 27\n";

// From linux/gpio.h.
const ACTIVE_LOW: u64 = 1 << 1;
const INPUT: u64 = 1 << 2;
const BOTH_EDGES: u64 = 1 << 4 | 1 << 5;
const PULL_UP: u64 = 1 << 8;
const PULL_DOWN: u64 = 1 << 9;
const NO_PULL: u64 = 1 << 10;

/// Longer than the debounce time.
const LET_GO: Duration = Duration::from_millis(60);

#[test]
fn start_and_reset_on_two_buttons() {
    let pi = Pi::running(&PLAIN, LONG, TWO_BUTTONS);
    pi.wait_looked(START);
    assert_eq!(pi.rig.requests().len(), 2);
    for request in pi.rig.requests() {
        assert!([START, RESET].contains(&request.line));
        assert_eq!(request.flags, INPUT | BOTH_EDGES | ACTIVE_LOW | PULL_UP);
    }
    pi.press(RESET);
    pi.press(START);
    pi.wait_told("talk started by the button: talk, 1:00:30");
    let mut news = News::of(&pi);
    pause(LET_GO);
    pi.press(START);
    let told = news.next();
    assert!(told[0].starts_with("a talk is running, "), "{told:?}");
    pi.press(RESET);
    pi.wait_told("talk reset at 0:0");
    pause(LET_GO);
    pi.press(START);
    pi.wait_told_times("talk started by the button", 2);
    pi.stop(Signal::SIGTERM);
    assert_eq!(pi.phases(), ["ready", "green", "ready", "green"]);
    assert_eq!(pi.told("by the reset button"), 1);
}

#[test]
fn every_bias_and_level_works() {
    let wirings = [
        ("pull-up", "low", PULL_UP | ACTIVE_LOW, Level::Open),
        ("none", "low", NO_PULL | ACTIVE_LOW, Level::High),
        ("pull-down", "high", PULL_DOWN, Level::Low),
        ("none", "high", NO_PULL, Level::Low),
    ];
    in_parallel(&wirings, |&(bias, active, flags, open)| {
        let button = format!("[button]\nstart = 4\nbias = \"{bias}\"\nactive = \"{active}\"\n");
        let pi = Pi::new(Rig::builder().level(4, open), &PLAIN, LONG, &button);
        pi.start();
        pi.wait_looked(4);
        let [request] = pi.rig.requests()[..] else {
            panic!("{:?}", pi.rig.requests());
        };
        assert_eq!((request.line, request.flags), (4, INPUT | BOTH_EDGES | flags));
        pi.press(4);
        pi.wait_told("talk started by the button");
        pause(LET_GO);
        assert_eq!(pi.faults(), [""; 0]);
        assert_eq!(pi.phases(), ["ready", "green"]);
    });
}

#[test]
fn a_hold_during_a_talk_resets_and_a_long_start_press_does_not() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.wait_looked(START);
    pi.rig.gpio(START, Level::Low);
    pi.wait_told("talk started by the button");
    // The hold is 300 ms.
    pause(Duration::from_millis(500));
    assert_eq!(pi.status()["phase"], "green");
    pi.rig.gpio(START, Level::High);
    pause(LET_GO);
    pi.rig.gpio(START, Level::Low);
    pi.wait_told("talk reset at 0:0");
    pi.rig.gpio(START, Level::High);
    pause(LET_GO);
    assert_eq!(pi.status()["phase"], "ready");
    pi.stop(Signal::SIGTERM);
    let held = pi.rig.drives()[2];
    let tape = pi.tape();
    let reset = &tape[tape.iter().rposition(|frame| frame.phase == "green").unwrap() + 1];
    let confirmed_ns = held.at_ns + boot_time_ahead_ns() + 302_000_000;
    assert!(reset.t_ns >= confirmed_ns, "a reset needs the full hold");
    assert_eq!((pi.told("talk started"), pi.told("talk reset")), (1, 1));
    assert_eq!(pi.phases(), ["ready", "green", "ready"]);
}

#[test]
fn a_button_held_at_boot_starts_nothing() {
    let pi = Pi::new(Rig::builder().level(START, Level::Low), &PLAIN, LONG, BUTTON);
    pi.start();
    pi.wait_looked(START);
    pause(Duration::from_millis(300));
    pi.rig.bounce(START, Level::High, &[1, 2, 1, 3].map(Duration::from_millis));
    pause(LET_GO);
    assert_eq!(pi.phases(), ["ready"]);
    pi.press(START);
    pi.wait_told("talk started by the button");
}

/// The times between the edges of a contact that bounces for 1 to 20 ms. Their number is even.
fn bounce(chance: &mut Chance) -> Vec<Duration> {
    let until_us = chance.between(1_000, 20_000);
    let mut delays = Vec::new();
    let mut at_us = 0;
    loop {
        let pair = [chance.between(10, 3_000), chance.between(10, 3_000)];
        at_us += pair[0] + pair[1];
        if at_us > until_us {
            return delays;
        }
        delays.extend(pair.map(Duration::from_micros));
    }
}

/// The log as `watch` prints it, with refused presses.
pub(super) struct News {
    snapshots: std::io::Lines<BufReader<UnixStream>>,
    seen: u64,
}

impl News {
    pub(super) fn of(pi: &Pi) -> Self {
        let mut stream = connect(&pi.rig.path("s"));
        stream.write_all(b"attach\n").unwrap();
        let mut news = Self { snapshots: BufReader::new(stream).lines(), seen: 0 };
        // The present state comes first.
        let there_is = news.snapshots.next().expect("the daemon sends snapshots").unwrap();
        news.news(&there_is);
        news
    }

    /// Waits for new log entries, and returns their texts.
    pub(super) fn next(&mut self) -> Vec<String> {
        loop {
            let line = self.snapshots.next().expect("the daemon sends snapshots");
            let told = self.news(&line.expect("the connection is open"));
            if !told.is_empty() {
                return told;
            }
        }
    }

    fn news(&mut self, line: &str) -> Vec<String> {
        let snapshot: Snapshot = serde_json::from_str(line).unwrap();
        let told = snapshot.news(self.seen).map(|entry| entry.to_string()).collect();
        self.seen = snapshot.last_entry();
        told
    }
}

/// Also on a busy machine, where the daemon reads late and edges are lost.
#[test]
fn a_bouncing_press_counts_once_and_a_spike_does_not_count() {
    let seeds: Vec<u64> = (1..=12).collect();
    in_parallel(&seeds, |&seed| {
        let mut chance = Chance(seed);
        let strip = Strip { leds: 1, ..PLAIN };
        let pi = Pi::running(&strip, LONG, "[button]\nstart = 17\nhold = \"10s\"\n");
        let spikes = |chance: &mut Chance, most: u64| {
            // A burst of edges that ends with an open contact.
            let delays: Vec<Duration> =
                (0..2 * chance.between(0, most) + 1).map(|_| Duration::from_micros(chance.between(10, 950))).collect();
            pi.rig.bounce(START, Level::Low, &delays);
            pause(delays.iter().sum::<Duration>() + Duration::from_millis(chance.between(5, 30)));
        };
        pi.wait_looked(START);
        let mut news = News::of(&pi);
        spikes(&mut chance, 200);
        for press in 1..=9 {
            for _ in 0..3 {
                spikes(&mut chance, 3);
            }
            pi.rig.bounce(START, Level::Low, &bounce(&mut chance));
            let told = news.next();
            let expected = match press {
                1 => "talk started by the button",
                _ => "a talk is running, ",
            };
            assert!(told.len() == 1 && told[0].starts_with(expected), "seed {seed}, press {press}: {told:?}");
            pause(Duration::from_millis(chance.between(25, 60)));
            pi.rig.bounce(START, Level::High, &bounce(&mut chance));
            pause(LET_GO);
        }
        pi.does("reset");
        let told = news.next();
        assert!(told.len() == 1 && told[0].starts_with("talk reset"), "seed {seed}: {told:?}");
    });
}

#[test]
fn a_spike_with_a_delayed_edge_is_not_a_press() {
    let us = Duration::from_micros;
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.wait_looked(START);
    pi.rig.gpio_lag(START, us(1000));
    for _ in 0..20 {
        // Two milliseconds after the first spike the daemon reads the contact. The second spike closes it at that time.
        pi.rig.bounce(START, Level::Low, &[900, 1050, 900].map(us));
        pause(Duration::from_millis(20));
    }
    assert_eq!(pi.status()["phase"], "ready");
    pi.rig.press(START);
    pi.wait_told("talk started by the button");
    pi.stop(Signal::SIGTERM);
    assert_eq!(pi.told("button"), 1, "{:#?}", pi.rig.output());
}

#[test]
fn a_press_whose_last_edge_is_lost_is_a_press() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.wait_looked(START);
    pi.rig.gpio_lose(START, 2, 1);
    // By the edges that arrive, the contact is open.
    let bounce = [300, 300].map(Duration::from_micros);
    pi.rig.bounce(START, Level::Low, &bounce);
    pi.wait_told("talk started by the button");
}

#[test]
fn a_hold_with_lost_edges_does_not_reset() {
    let ms = Duration::from_millis;
    let pi = Pi::running(&PLAIN, LONG, "[button]\nstart = 17\nhold = \"1s\"\n");
    pi.wait_looked(START);
    pi.does("start");
    let mut news = News::of(&pi);
    let mut press = || {
        pi.rig.gpio(START, Level::Low);
        let told = news.next();
        assert!(told[0].starts_with("a talk is running, "), "{told:?}");
    };
    press();
    // The contact opens and closes again, and only the last edge arrives.
    pi.rig.gpio_lose(START, 0, 2);
    pi.rig.bounce(START, Level::High, &[ms(100), ms(5), ms(1)]);
    pause(ms(1300));
    assert_eq!(pi.status()["phase"], "green");
    pi.rig.gpio(START, Level::High);
    pause(LET_GO);
    press();
    pi.wait_told("talk reset at 0:0");
}

#[test]
fn presses_while_the_daemon_is_stopped_count_by_their_own_times() {
    let ms = Duration::from_millis;
    // The daemon is stopped from before the press until after it, as on a machine that swaps.
    let stopped_during = |pi: &Pi, line, delays: &[Duration]| {
        pi.wait_looked(line);
        // The line is high already.
        pi.rig.bounce(line, Level::High, delays);
        pi.rig.signal(Signal::SIGSTOP);
        pause(delays.iter().sum::<Duration>() + ms(50));
        pi.rig.signal(Signal::SIGCONT);
        until("the contact has moved", || pi.rig.drives().len() > delays.len());
    };
    let press = || {
        let pi = Pi::running(&PLAIN, LONG, "[button]\nstart = 17\nhold = \"10s\"\n");
        let mut news = News::of(&pi);
        stopped_during(&pi, START, &[ms(200), ms(50), ms(100), ms(50)]);
        let mut told = news.next();
        if told.len() == 1 {
            told.extend(news.next());
        }
        assert!(
            told.len() == 2
                && told[0].starts_with("talk started by the button")
                && told[1].starts_with("a talk is running, "),
            "{told:?}"
        );
    };
    let hold = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("start");
        stopped_during(&pi, START, &[ms(200), ms(400)]);
        pi.wait_told("talk reset at 0:0");
    };
    let spike = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        stopped_during(&pi, START, &[ms(200), Duration::from_micros(900)]);
        pause(ms(100));
        assert_eq!(pi.status()["phase"], "ready");
    };
    let lost = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        // Two spikes, of which the second edge is lost.
        pi.rig.gpio_lose(START, 1, 1);
        let us = Duration::from_micros;
        stopped_during(&pi, START, &[ms(200), us(500), ms(10), us(500)]);
        pause(ms(100));
        assert_eq!(pi.status()["phase"], "ready");
    };
    let jobs: [&(dyn Fn() + Sync); 4] = [&press, &hold, &spike, &lost];
    in_parallel(&jobs, |job| job());
}
