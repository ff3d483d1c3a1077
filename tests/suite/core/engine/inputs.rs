use super::*;

fn input(house: &mut House, fault: Option<&str>) -> (Vec<Happening>, u64) {
    let before = house.board.latest();
    house.step(Some(Event::Fault(Origin::Button, fault.map(Arc::from))));
    (house.news(before.last_entry()), house.board.latest().number - before.number)
}

#[test]
fn failures_and_their_ends_are_told_once() {
    let mut house = play("start +10s");
    assert_eq!(input(&mut house, None), (vec![], 0));
    assert_eq!(input(&mut house, Some("stuck")), (vec![Happening::Failed("stuck".into())], 1));
    assert_eq!(input(&mut house, Some("gone")), (vec![], 1));
    assert_eq!(house.board.latest().faults, [Fault::new(Origin::Button, "gone")]);
    assert_eq!(input(&mut house, None), (vec![Happening::Recovered], 1));
    assert_eq!(input(&mut house, None), (vec![], 0));
    assert!(house.board.latest().faults.is_empty());
    house.play("green");
}

#[test]
fn failures_that_go_on_are_no_news() {
    let mut house = play("start +10s");
    input(&mut house, Some("stuck"));
    assert_eq!(input(&mut house, Some("stuck")), (vec![], 0));
}

#[test]
fn sources_that_end_stay_on_the_board() {
    let mut house = play("start +10s");
    input(&mut house, Some("stuck"));
    house.step(Some(Event::SourceEnded(Origin::Button, "it panicked".into())));
    house.step(Some(Event::SourceEnded(Origin::Socket, "it panicked".into())));
    let failed = [Origin::Button, Origin::Socket].map(|origin| Fault::new(origin, "it panicked"));
    assert_eq!(house.board.latest().faults, failed);
    house.play("+3m yellow");
}
