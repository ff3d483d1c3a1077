use super::*;

#[test]
fn a_talk_of_five_minutes_takes_the_beat_the_marks_and_the_flashes() {
    let mut house = play("+0.4s start");
    let (steps, frames) = (house.steps, house.strip.frames());
    // 269 beats, among them the marks of yellow and red; 60 edges of the flash, and the end.
    house.play("+5m over");
    assert_eq!(house.steps - steps, 269 + 60 + 1);
    assert_eq!(house.strip.frames() - frames, house.steps - steps);
}

#[test]
fn a_steady_phase_takes_the_beat_and_no_other() {
    for (script, phase) in [("", "ready"), ("start", "green"), ("start +6m", "over")] {
        let mut house = play(script);
        let (steps, number) = (house.steps, house.board.latest().number);
        house.play("+150.5s").play(phase);
        assert_eq!(house.steps - steps, 150, "{phase}");
        assert_eq!(house.board.latest().number, number, "{phase}");
    }
}

#[test]
fn a_mark_between_two_beats_takes_one_more() {
    let mut house = play("+0.1s start:short +2s reset +0.25s undo +0.75s green");
    let steps = house.steps;
    house.play("+1s green +1s yellow");
    // Undone at 2.25 s, so the beats are at 3.25 and 4.25 s, and the mark is at 5.
    assert_eq!(house.steps - steps, 3);
}

#[test]
fn a_bar_takes_a_step_for_each_led() {
    let mut house = House::new(bar(60));
    house.play("start");
    let (steps, frames) = (house.steps, house.strip.frames());
    house.play("+3m yellow lit:24");
    // A LED each five seconds, on the beat.
    assert_eq!((house.steps - steps, house.strip.frames() - frames), (180, 180));
}

#[test]
fn phases_that_look_alike_are_told_without_a_frame() {
    let palette = Palette { yellow: Palette::CLASSIC.green, ..Palette::CLASSIC };
    let mut house = House::new(Look { palette, ..look() });
    house.play("start:short +0.3s reset +0.1s undo +4s");
    let frames = house.strip.frames();
    house.play("+600ms yellow");
    assert_eq!(house.strip.frames(), frames, "the next beat is at 5.4 s");
    assert_eq!(house.phases_noted(), [Phase::Yellow]);
}

#[test]
fn waking_for_nothing_changes_nothing() {
    let mut house = House::new(bar(8));
    for script in ["ready", "start +1.5s", "+2m", "+1m", "+91.2s flash", "+30s over"] {
        house.play(script);
        let before = (house.strip.frames(), house.board.latest().number, house.wake);
        house.play("poke poke poke late:1ns poke");
        assert_eq!((house.strip.frames(), house.board.latest().number, house.wake), before);
    }
}

#[test]
fn a_late_wake_lands_in_the_right_phase() {
    let house = play("start late:200s poke yellow late:1m poke red late:39.9s poke flash late:1h poke over");
    assert_eq!(house.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
    let house = play("start late:4m poke red late:10m poke over");
    assert_eq!(house.phases_noted(), [Phase::Red, Phase::Over]);
}

#[test]
fn a_command_finds_what_time_did_before_it() {
    let mut house = play("start late:301s start!");
    assert_eq!(house.phases_noted(), [Phase::Over]);
    house.play("late:1s start green");
    let house = play("start late:5m reset ready");
    let news = house.news(0);
    assert_eq!(news[1..], [Happening::Phase(Phase::Over), Happening::Done(Outcome::Cleared)]);
}
