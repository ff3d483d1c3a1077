use super::*;

/// As after a crash: another engine goes on with what was kept.
fn after(script: &str, away: &str) -> House {
    let before = play(script);
    House::resumed(look(), before.board.latest().timer, before.now + span(away))
}

#[test]
fn shows_the_right_phase_in_its_first_frame_and_says_nothing_of_the_past() {
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
        let mut house = after(script, away);
        assert_eq!((house.steps, house.strip.frames()), (1, 1));
        assert_eq!(house.news(0), [], "`{script}`, and {away} later");
        house.play(phase);
    }
}

#[test]
fn goes_on_as_if_nothing_had_been() {
    after("start +1m", "1s").play("+2m-1s yellow +2m-1ns flash +1ns over");
    after("start +1m reset +1s", "9s-1ns").play("undo green");
    after("start +1m reset +1s", "9s").play("undo! start");
    after("start +5m", "2s-1ns").play("start! +1ns start");
    after("choose:short", "1s").play("start +10s over");
    let house = after("start +4m", "1h");
    assert_eq!(house.phases_noted(), []);
}

#[test]
fn tells_what_time_does_from_then_on() {
    let mut house = after("start +170s", "5s");
    house.play("+125s over");
    assert_eq!(house.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
}
