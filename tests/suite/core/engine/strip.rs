use super::*;

/// How often the log says that the strip failed, and that it is back.
fn told(sim: &Sim) -> (usize, usize) {
    let news = sim.news(0);
    let count = |test: fn(&Happening) -> bool| news.iter().filter(|what| test(what)).count();
    (count(|what| matches!(what, Happening::StripFailed(_))), count(|what| matches!(what, Happening::StripBack)))
}

#[test]
fn failure_and_its_end_are_logged_once() {
    let mut sim = play("start +1m sending fail +30s failing");
    assert_eq!(told(&sim), (1, 0));
    sim.play("work +1s sending green +1m");
    assert_eq!(told(&sim), (1, 1));
    sim.play("fail +1s failing work +1s sending");
    assert_eq!(told(&sim), (2, 2));
}

#[test]
fn failure_with_another_error_is_not_logged_again() {
    let mut sim = play("start fail +2s failing");
    let number = sim.board.latest().number;
    sim.strip.fail(Some("on fire"));
    sim.play("+1s failing +9s");
    assert_eq!(told(&sim), (1, 0));
    assert_eq!(sim.board.latest().number, number + 1);
    assert_eq!(sim.board.latest().strip, Health::Failing("on fire".into()));
}

#[test]
fn absent_at_the_first_frame() {
    let mut sim = Sim::asleep(look(), Timer::new(plan("lightning"), 7), BOOT);
    sim.play("fail poke failing start +10s");
    assert_eq!(told(&sim), (1, 0));
    sim.play("work +1s sending green");
    assert_eq!(told(&sim), (1, 1));
}

#[test]
fn shows_the_right_phase_when_it_is_back() {
    play("start +170s fail +20s work +1s sending yellow");
    play("start +3m-1ns fail +1ns failing work +1s sending yellow");
    play("start +270s fail +0.6s work +1s sending flash");
    play("start +299s fail +10s failing work +1s sending over lit:0");
    play("start +1m fail reset +1s work +1s sending ready lit:1");
    play("start +1m fail reset start +1s reset undo choose:short! work +1s sending green lit:8");
    play("fail start:short +11s failing start! reset start:short +7s failing work +1s sending flash");
}

#[test]
fn is_retried_at_every_beat_and_every_change_only() {
    let mut sim = play("start +1m fail +1s failing");
    let tried = |sim: &Sim| sim.kept.with(|kept| kept.shown.len());
    let before = tried(&sim);
    sim.play("+10.5s");
    assert_eq!(tried(&sim) - before, 10);
    sim.play("poke poke start! poke");
    assert_eq!(tried(&sim) - before, 10, "no retry for a command that changes nothing");
    sim.play("reset");
    assert_eq!(tried(&sim) - before, 11);
}

/// The keeper notifies the watchdog and writes the tape.
#[test]
fn every_attempt_is_reported_to_the_keeper_at_least_once_a_beat() {
    let sim = play("start:short +3s fail +4.2s reset +0.5s undo +1s work +5s");
    sim.kept.with(|kept| {
        for pair in kept.shown.windows(2) {
            assert!(pair[1].0.since(pair[0].0) <= BEAT);
        }
        for (at, phase, frame) in &kept.shown {
            assert_eq!(frame.len(), 8);
            if *phase == Phase::Green {
                assert_eq!(*frame, [Palette::CLASSIC.green; 8], "{at:?}");
            }
        }
        let phases: Vec<Phase> = kept.shown.iter().map(|shown| shown.1).collect();
        let mut order = phases.clone();
        order.dedup();
        use Phase::{Flash, Green, Over, Ready, Red, Yellow};
        assert_eq!(order, [Ready, Green, Yellow, Red, Ready, Red, Flash, Over]);
    });
}

#[test]
fn that_is_still_missing_at_boot_is_not_logged() {
    let boot = Moment::from_ns(12 * 1_000_000_000);
    let mut sim = Sim::asleep(look(), Timer::new(plan("lightning"), 7), boot);
    sim.play("fail poke +17.999999999s");
    assert_eq!((told(&sim), &sim.board.latest().strip), ((0, 0), &Health::Starting));
    sim.play("+1s failing");
    assert_eq!(told(&sim), (1, 0));
    let mut sim = Sim::asleep(look(), Timer::new(plan("lightning"), 7), boot);
    sim.play("fail poke +5s work +1s sending fail +1s failing");
    assert_eq!(told(&sim), (1, 0), "a later failure is logged");
}

#[test]
fn is_retried_at_once_when_a_device_appears() {
    let mut sim = play("start +1m fail +1.2s failing work");
    sim.step(Some(Event::Retry));
    sim.play("sending green");
    let frames = sim.strip.frames();
    sim.step(Some(Event::Retry));
    assert_eq!(sim.strip.frames(), frames, "no retry without a failure");
}
