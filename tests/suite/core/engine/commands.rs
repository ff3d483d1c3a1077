use super::*;

#[test]
fn for_another_generation_are_stale() {
    let mut sim = play("start +1m");
    let current = sim.board.latest().timer.generation;
    for old in [current - 1, current + 1, 0, u64::MAX] {
        for command in [START, Command::Reset, Command::Undo, Command::Choose(plan("short"))] {
            let answer = sim.ask(command, Some(old), Origin::Socket);
            assert_eq!(answer.result, Err(Refused::Command(Refusal::Stale)));
        }
    }
    sim.play("green");
    assert!(sim.ask(Command::Reset, Some(current), Origin::Socket).result.is_ok());
    sim.play("ready");
}

#[test]
fn sent_again_do_not_affect_the_next_talk() {
    let mut sim = play("start +4m");
    let meant = Some(sim.board.latest().timer.generation);
    assert!(sim.ask(Command::Reset, meant, Origin::Socket).result.is_ok());
    sim.play("+1m start +1m");
    assert_eq!(sim.ask(Command::Reset, meant, Origin::Socket).result, Err(Refused::Command(Refusal::Stale)));
    sim.play("green +3m red");
}

#[test]
fn refused_are_logged_for_local_inputs_only() {
    for origin in [Origin::Button, Origin::ResetButton, Origin::Keyboard, Origin::Console] {
        let mut sim = play("start +1m");
        let (log, frames) = (sim.board.latest().last_entry(), sim.strip.frames());
        let refusal = sim.ask(START, None, origin).result.unwrap_err();
        assert_eq!(sim.news(log), [Happening::Refused(refusal)]);
        assert_eq!(sim.board.latest().log.back().unwrap().origin, origin);
        assert_eq!(sim.strip.frames(), frames);
    }
    let mut sim = play("start +1m");
    let number = sim.board.latest().number;
    assert!(sim.ask(START, None, Origin::Socket).result.is_err());
    assert!(sim.ask(Command::Reset, Some(0), Origin::Socket).result.is_err());
    assert_eq!(sim.board.latest().number, number, "the requester got a reply, so nothing is logged");
}

#[test]
fn done_are_logged_once_with_their_origin() {
    let mut sim = Sim::new(look());
    for origin in [Origin::Button, Origin::Socket, Origin::Keyboard] {
        let log = sim.board.latest().last_entry();
        sim.ask(START, None, origin);
        sim.ask(Command::Reset, None, Origin::ResetButton);
        sim.ask(Command::Reset, None, Origin::ResetButton);
        let latest = sim.board.latest();
        let told: Vec<_> = latest.news(log).map(|entry| (entry.origin, entry.tone())).collect();
        // The second reset changes nothing, and the log tells the person at the button.
        let reset = Origin::ResetButton;
        assert_eq!(told, [(origin, Tone::Done), (reset, Tone::Done), (reset, Tone::Refused)]);
    }
}

#[test]
fn are_saved_exactly_when_they_change_something() {
    let sim =
        play("start start! +1m choose:short! reset reset= undo undo! reset choose:short choose:short= start +1h reset");
    let kept = sim.kept.with(|kept| kept.timers.clone());
    assert_eq!(kept.len(), 7);
    assert!(kept.windows(2).all(|pair| pair[0].generation + 1 == pair[1].generation));
    assert_eq!(kept.last(), Some(&sim.board.latest().timer));
}

#[test]
fn are_done_when_they_cannot_be_saved() {
    let failures = |sim: &Sim| {
        let news = sim.news(0);
        news.iter().filter(|what| matches!(what, Happening::Failed(_))).count()
    };
    let fault = |sim: &Sim, fault| sim.kept.with(|kept| kept.fault = fault);
    let mut sim = Sim::new(look());
    fault(&sim, Some("disk full"));
    sim.play("start green +1m reset ready undo green");
    assert_eq!(failures(&sim), 1);
    fault(&sim, None);
    sim.play("reset start");
    assert_eq!(failures(&sim), 1);
    fault(&sim, Some("disk full"));
    sim.play("+5m over reset start");
    assert_eq!(failures(&sim), 2);
}

#[test]
fn that_could_not_be_saved_are_saved_at_the_next_beat() {
    let mut sim = Sim::new(look());
    sim.kept.with(|kept| kept.fault = Some("disk full"));
    sim.play("start +3s green");
    sim.kept.with(|kept| {
        kept.fault = None;
        kept.timers.clear();
    });
    sim.play("+1s green");
    let timer = sim.board.latest().timer;
    assert_eq!(sim.kept.with(|kept| kept.timers.clone()), [timer], "at the next beat, and once");
}
