use super::*;

#[test]
fn a_trial_lasts_ten_seconds_after_the_last_request() {
    play("try trial +9s trial +999999999ns trial +1ns ready +1m ready");
    play("try +3s try +3s try +9s trial +1s ready");
    play("try +1s give ready +1m ready");
    play("start:short +1m over try trial +10s over");
}

#[test]
fn a_talk_takes_the_strip_at_once_and_keeps_it() {
    play("try +1s start green try! green +3m yellow +1m red try! +1m over try trial");
    // The trial's lease has not expired when the talk is reset. The trial must not come back.
    play("try +1s start green +1s reset ready +10s ready");
    play("start +1s reset try trial undo green +1m green");
}

#[test]
fn choosing_a_plan_does_not_end_a_trial() {
    play("try trial choose:short trial undo! trial");
}

#[test]
fn a_trial_is_accepted_while_the_strip_fails() {
    play("fail try failing +3s work +1s sending trial +7s ready");
}

/// A tester that missed a short talk must not take the strip from the timer.
#[test]
fn a_trial_for_another_generation_is_refused() {
    let mut sim = play("try start:short +1s reset ready");
    let ask = |sim: &mut Sim, generation| {
        let (reply, answer) = sync_channel(1);
        sim.step(Some(Event::Request(Request {
            action: Action::End(Rank::Test),
            deadline: None,
            generation: Some(generation),
            origin: Origin::Socket,
            reply: Some(reply),
        })));
        answer.try_recv().unwrap().result
    };
    let now = sim.board.latest().timer.generation;
    assert_eq!(ask(&mut sim, now - 2), Err(Refused::Command(Refusal::Stale)));
    assert_eq!(ask(&mut sim, now), Ok(Done::Ended));
    let mut sim = play("start +1m green");
    let left = span("4m");
    assert_eq!(sim.offer(Scene::Sample(TRIAL), "a", span("10s")).result, Err(Refused::Show(Busy::Talk { left })));
}

#[test]
fn begin_and_end_of_a_trial_are_logged() {
    let sim = play("try +10s try give");
    let told: Vec<String> = sim.board.latest().log.iter().map(|entry| entry.to_string()).collect();
    let (begun, over) = ("testing the strip; a start ends it", "the test of the strip is over");
    assert_eq!(told, [begun, over, begun, over]);
}

#[test]
fn the_last_frame_is_dark_during_a_trial_too() {
    let mut sim = play("try trial");
    sim.engine.stop(Stop::Terminate, sim.now);
    let lit = sim.strip.lit();
    assert!(lit.iter().all(|led| *led == Rgb::BLACK));
}
