use super::*;

#[test]
fn of_another_generation_are_stale() {
    let mut house = play("start +1m");
    let current = house.board.latest().timer.generation;
    for old in [current - 1, current + 1, 0, u64::MAX] {
        for command in [START, Command::Reset, Command::Undo, Command::Choose(plan("short"))] {
            let answer = house.ask(command, Some(old), Origin::Socket);
            assert_eq!(answer.result, Err(Refused::Command(Refusal::Stale)));
        }
    }
    house.play("green");
    assert!(house.ask(Command::Reset, Some(current), Origin::Socket).result.is_ok());
    house.play("ready");
}

#[test]
fn sent_again_do_not_meet_the_next_talk() {
    let mut house = play("start +4m");
    let meant = Some(house.board.latest().timer.generation);
    assert!(house.ask(Command::Reset, meant, Origin::Socket).result.is_ok());
    house.play("+1m start +1m");
    assert_eq!(house.ask(Command::Reset, meant, Origin::Socket).result, Err(Refused::Command(Refusal::Stale)));
    house.play("green +3m red");
}

#[test]
fn refused_are_noted_for_people_at_the_house_only() {
    for origin in [Origin::Button, Origin::ResetButton, Origin::Keyboard, Origin::Console] {
        let mut house = play("start +1m");
        let (log, frames) = (house.board.latest().last_entry(), house.strip.frames());
        let refusal = house.ask(START, None, origin).result.unwrap_err();
        assert_eq!(house.news(log), [Happening::Refused(refusal)]);
        assert_eq!(house.board.latest().log.back().unwrap().origin, origin);
        assert_eq!(house.strip.frames(), frames);
    }
    let mut house = play("start +1m");
    let number = house.board.latest().number;
    assert!(house.ask(START, None, Origin::Socket).result.is_err());
    assert!(house.ask(Command::Reset, Some(0), Origin::Socket).result.is_err());
    assert_eq!(house.board.latest().number, number, "whoever asked was answered");
}

#[test]
fn done_are_noted_once_with_who_did_it() {
    let mut house = House::new(look());
    for origin in [Origin::Button, Origin::Socket, Origin::Keyboard] {
        let log = house.board.latest().last_entry();
        house.ask(START, None, origin);
        house.ask(Command::Reset, None, Origin::ResetButton);
        house.ask(Command::Reset, None, Origin::ResetButton);
        let latest = house.board.latest();
        let told: Vec<_> = latest.news(log).map(|entry| (entry.origin, entry.tone())).collect();
        // The second reset has nothing to do, and says so to the one who pressed.
        let reset = Origin::ResetButton;
        assert_eq!(told, [(origin, Tone::Done), (reset, Tone::Done), (reset, Tone::Refused)]);
    }
}

#[test]
fn are_kept_exactly_when_they_change_something() {
    let house =
        play("start start! +1m choose:short! reset reset= undo undo! reset choose:short choose:short= start +1h reset");
    let kept = house.kept.with(|kept| kept.timers.clone());
    assert_eq!(kept.len(), 7);
    assert!(kept.windows(2).all(|pair| pair[0].generation + 1 == pair[1].generation));
    assert_eq!(kept.last(), Some(&house.board.latest().timer));
}

#[test]
fn go_on_when_they_cannot_be_kept() {
    let failures = |house: &House| {
        let news = house.news(0);
        news.iter().filter(|what| matches!(what, Happening::Failed(_))).count()
    };
    let fault = |house: &House, fault| house.kept.with(|kept| kept.fault = fault);
    let mut house = House::new(look());
    fault(&house, Some("disk full"));
    house.play("start green +1m reset ready undo green");
    assert_eq!(failures(&house), 1);
    fault(&house, None);
    house.play("reset start");
    assert_eq!(failures(&house), 1);
    fault(&house, Some("disk full"));
    house.play("+5m over reset start");
    assert_eq!(failures(&house), 2);
}

#[test]
fn that_could_not_be_kept_are_as_soon_as_they_can() {
    let mut house = House::new(look());
    house.kept.with(|kept| kept.fault = Some("disk full"));
    house.play("start +3s green");
    house.kept.with(|kept| {
        kept.fault = None;
        kept.timers.clear();
    });
    house.play("+1s green");
    let timer = house.board.latest().timer;
    assert_eq!(house.kept.with(|kept| kept.timers.clone()), [timer], "at the next beat, and once");
}
