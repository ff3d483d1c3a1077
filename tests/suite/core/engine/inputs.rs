use super::*;

fn input(sim: &mut Sim, fault: Option<&str>) -> (Vec<Happening>, u64) {
    let before = sim.board.latest();
    sim.step(Some(Event::Fault(Origin::Button, fault.map(Arc::from))));
    (sim.news(before.last_entry()), sim.board.latest().number - before.number)
}

#[test]
fn faults_and_their_ends_are_logged_once() {
    let mut sim = play("start +10s");
    assert_eq!(input(&mut sim, None), (vec![], 0));
    assert_eq!(input(&mut sim, Some("stuck")), (vec![Happening::Failed("stuck".into())], 1));
    assert_eq!(input(&mut sim, Some("gone")), (vec![], 1));
    assert_eq!(sim.board.latest().faults, [Fault::new(Origin::Button, "gone")]);
    assert_eq!(input(&mut sim, None), (vec![Happening::Recovered], 1));
    assert_eq!(input(&mut sim, None), (vec![], 0));
    assert!(sim.board.latest().faults.is_empty());
    sim.play("green");
}

#[test]
fn faults_that_repeat_are_not_logged_again() {
    let mut sim = play("start +10s");
    input(&mut sim, Some("stuck"));
    assert_eq!(input(&mut sim, Some("stuck")), (vec![], 0));
}

#[test]
fn sources_that_ended_stay_on_the_board() {
    let mut sim = play("start +10s");
    input(&mut sim, Some("stuck"));
    sim.step(Some(Event::SourceEnded(Origin::Button, "it panicked".into())));
    sim.step(Some(Event::SourceEnded(Origin::Socket, "it panicked".into())));
    let failed = [Origin::Button, Origin::Socket].map(|origin| Fault::new(origin, "it panicked"));
    assert_eq!(sim.board.latest().faults, failed);
    sim.play("+3m yellow");
}
