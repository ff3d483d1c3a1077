use super::*;

/// How often the strip was said to have failed, and to be back.
fn told(house: &House) -> (usize, usize) {
    let news = house.news(0);
    let count = |test: fn(&Happening) -> bool| news.iter().filter(|what| test(what)).count();
    (count(|what| matches!(what, Happening::StripFailed(_))), count(|what| matches!(what, Happening::StripBack)))
}

#[test]
fn failure_and_its_end_are_told_once() {
    let mut house = play("start +1m sending fail +30s failing");
    assert_eq!(told(&house), (1, 0));
    house.play("work +1s sending green +1m");
    assert_eq!(told(&house), (1, 1));
    house.play("fail +1s failing work +1s sending");
    assert_eq!(told(&house), (2, 2));
}

#[test]
fn keeps_failing_in_other_words() {
    let mut house = play("start fail +2s failing");
    let number = house.board.latest().number;
    house.strip.fail(Some("on fire"));
    house.play("+1s failing +9s");
    assert_eq!(told(&house), (1, 0));
    assert_eq!(house.board.latest().number, number + 1);
    assert_eq!(house.board.latest().strip, Health::Failing("on fire".into()));
}

#[test]
fn absent_from_the_first_frame_on() {
    let mut house = House::asleep(look(), Timer::new(plan("lightning"), 7), BOOT);
    house.play("fail poke failing start +10s");
    assert_eq!(told(&house), (1, 0));
    house.play("work +1s sending green");
    assert_eq!(told(&house), (1, 1));
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
fn is_tried_at_every_beat_and_every_change_and_no_more() {
    let mut house = play("start +1m fail +1s failing");
    let tried = |house: &House| house.kept.with(|kept| kept.shown.len());
    let before = tried(&house);
    house.play("+10.5s");
    assert_eq!(tried(&house) - before, 10);
    house.play("poke poke start! poke");
    assert_eq!(tried(&house) - before, 10, "not for what changes nothing");
    house.play("reset");
    assert_eq!(tried(&house) - before, 11);
}

/// The keeper feeds the watchdog and the tape.
#[test]
fn every_try_is_told_to_the_keeper_at_least_once_a_beat() {
    let house = play("start:short +3s fail +4.2s reset +0.5s undo +1s work +5s");
    house.kept.with(|kept| {
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
