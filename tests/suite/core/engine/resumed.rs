use super::*;

/// A new engine with the saved timer, as after a crash.
fn after(script: &str, away: &str) -> Sim {
    let before = play(script);
    Sim::resumed(look(), before.board.latest().timer, before.now + span(away))
}

#[test]
fn shows_the_right_phase_in_its_first_frame_and_logs_no_past_event() {
    for (script, away, phase) in [
        ("start +1m", "1s", "green"),
        ("start +3m-1ns", "0s", "green"),
        ("start +3m-1ns", "1ns", "yellow"),
        ("start +1m", "3m", "red"),
        ("start +270s", "0.7s", "flash"),
        ("start +4m", "1h", "over"),
        ("start +5m", "0s", "over"),
        ("start +1m reset", "3s", "ready"),
        ("choose:short", "1s", "ready"),
    ] {
        let mut sim = after(script, away);
        assert_eq!((sim.steps, sim.strip.frames()), (1, 1));
        assert_eq!(sim.news(0), [], "`{script}`, and {away} later");
        sim.play(phase);
    }
}

#[test]
fn continues_as_without_the_crash() {
    after("start +1m", "1s").play("+2m-1s yellow +2m-1ns flash +1ns over");
    after("start +1m reset +1s", "9s-1ns").play("undo green");
    after("start +1m reset +1s", "9s").play("undo! start");
    after("start +5m", "2s-1ns").play("start! +1ns start");
    after("choose:short", "1s").play("start +10s over");
    let sim = after("start +4m", "1h");
    assert_eq!(sim.phases_noted(), []);
}

#[test]
fn logs_later_events() {
    let mut sim = after("start +170s", "5s");
    sim.play("+125s over");
    assert_eq!(sim.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
}
