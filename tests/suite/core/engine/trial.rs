use super::*;

#[test]
fn a_trial_is_shown_for_ten_seconds_and_longer_if_asked_again() {
    play("try trial +9s trial +999999999ns trial +1ns ready +1m ready");
    play("try +3s try +3s try +9s trial +1s ready");
    play("try +1s give ready +1m ready");
    play("start:short +1m over try trial +10s over");
}

#[test]
fn a_talk_takes_the_strip_at_once_and_keeps_it() {
    play("try +1s start green try! green +3m yellow +1m red try! +1m over try trial");
    // Ten seconds of a trial would be longer than what is left of it when the talk is reset.
    play("try +1s start green +1s reset ready +10s ready");
    play("start +1s reset try trial undo green +1m green");
}

#[test]
fn what_a_chair_may_do_beside_a_trial_does_not_end_it() {
    play("try trial choose:short trial undo! trial");
}

#[test]
fn a_strip_that_fails_is_lent_all_the_same() {
    play("fail try failing +3s work +1s sending trial +7s ready");
}

/// A tester that did not see a short talk does not take the strip back by itself.
#[test]
fn a_trial_for_another_generation_is_refused() {
    let mut house = play("try start:short +1s reset ready");
    let ask = |house: &mut House, generation| {
        let (reply, answer) = sync_channel(1);
        house.step(Some(Event::Request(Request {
            action: Action::End(Rank::Test),
            generation: Some(generation),
            origin: Origin::Socket,
            reply: Some(reply),
        })));
        answer.try_recv().unwrap().result
    };
    let now = house.board.latest().timer.generation;
    assert_eq!(ask(&mut house, now - 2), Err(Refused::Command(Refusal::Stale)));
    assert_eq!(ask(&mut house, now), Ok(Done::Ended));
    let mut house = play("start +1m green");
    let left = span("4m");
    assert_eq!(house.offer(Scene::Sample(TRIAL), "a", span("10s")).result, Err(Refused::Show(Busy::Talk { left })));
}

#[test]
fn who_looks_on_is_told() {
    let house = play("try +10s try give");
    let told: Vec<String> = house.board.latest().log.iter().map(|entry| entry.to_string()).collect();
    let (begun, over) = ("the strip is being tested; a start ends that", "the test of the strip is over");
    assert_eq!(told, [begun, over, begun, over]);
}

#[test]
fn the_last_frame_is_dark_after_a_trial_too() {
    let mut house = play("try trial");
    house.engine.stop(Stop::Terminate, house.now);
    let lit = house.strip.lit();
    assert!(lit.iter().all(|led| *led == Rgb::BLACK));
}
