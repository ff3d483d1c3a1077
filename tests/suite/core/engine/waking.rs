use super::*;

#[test]
fn a_talk_of_five_minutes_wakes_for_beats_marks_and_flashes() {
    let mut sim = play("+0.4s start");
    let (steps, frames) = (sim.steps, sim.strip.frames());
    // 269 beats, two of them at the marks of yellow and red; 60 edges of the flash; the end.
    sim.play("+5m over");
    assert_eq!(sim.steps - steps, 269 + 60 + 1);
    assert_eq!(sim.strip.frames() - frames, sim.steps - steps);
}

#[test]
fn a_steady_phase_wakes_for_beats_only() {
    for (script, phase) in [("", "ready"), ("start", "green"), ("start +6m", "over")] {
        let mut sim = play(script);
        let (steps, number) = (sim.steps, sim.board.latest().number);
        sim.play("+150.5s").play(phase);
        assert_eq!(sim.steps - steps, 150, "{phase}");
        assert_eq!(sim.board.latest().number, number, "{phase}");
    }
}

#[test]
fn a_mark_between_two_beats_wakes_once_more() {
    let mut sim = play("+0.1s start:short +2s reset +0.25s undo +0.75s green");
    let steps = sim.steps;
    sim.play("+1s green +1s yellow");
    // The undo is at 2.25 s, so the beats are at 3.25 s and 4.25 s. The mark is at 5 s.
    assert_eq!(sim.steps - steps, 3);
}

#[test]
fn a_bar_wakes_for_each_led() {
    let mut sim = Sim::new(bar(60));
    sim.play("start");
    let (steps, frames) = (sim.steps, sim.strip.frames());
    sim.play("+3m yellow lit:24");
    // One LED goes dark every five seconds, on a beat.
    assert_eq!((sim.steps - steps, sim.strip.frames() - frames), (180, 180));
}

#[test]
fn phases_that_look_alike_are_logged_without_a_frame() {
    let palette = Palette { yellow: Palette::CLASSIC.green, ..Palette::CLASSIC };
    let mut sim = Sim::new(Look { palette, ..look() });
    sim.play("start:short +0.3s reset +0.1s undo +4s");
    let frames = sim.strip.frames();
    sim.play("+600ms yellow");
    assert_eq!(sim.strip.frames(), frames, "the next beat is at 5.4 s");
    assert_eq!(sim.phases_noted(), [Phase::Yellow]);
}

#[test]
fn an_early_wake_changes_nothing() {
    let mut sim = Sim::new(bar(8));
    for script in ["ready", "start +1.5s", "+2m", "+1m", "+91.2s flash", "+30s over"] {
        sim.play(script);
        let before = (sim.strip.frames(), sim.board.latest().number, sim.wake);
        sim.play("poke poke poke late:1ns poke");
        assert_eq!((sim.strip.frames(), sim.board.latest().number, sim.wake), before);
    }
}

#[test]
fn a_late_wake_finds_the_right_phase() {
    let sim = play("start late:200s poke yellow late:1m poke red late:39.9s poke flash late:1h poke over");
    assert_eq!(sim.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
    let sim = play("start late:4m poke red late:10m poke over");
    assert_eq!(sim.phases_noted(), [Phase::Red, Phase::Over]);
}

#[test]
fn a_late_phase_change_is_logged_before_the_command() {
    let mut sim = play("start late:301s start!");
    assert_eq!(sim.phases_noted(), [Phase::Over]);
    sim.play("late:1s start green");
    let sim = play("start late:5m reset ready");
    let news = sim.news(0);
    assert_eq!(news[1..], [Happening::Phase(Phase::Over), Happening::Done(Outcome::Cleared)]);
}
