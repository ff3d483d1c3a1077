use super::*;

#[test]
fn blanks_the_strip_and_forgets_only_when_somebody_quits() {
    for (stop, forgotten) in [(Stop::Quit, 1), (Stop::Terminate, 0)] {
        for script in ["ready", "start +3m yellow", "start +6m over"] {
            let mut house = play(script);
            let timer = house.board.latest().timer;
            house.engine.stop(stop, house.now);
            assert_eq!(house.strip.lit(), [Rgb::BLACK; LEDS]);
            house.kept.with(|kept| assert_eq!(kept.forgotten, forgotten));
            assert_eq!(house.news(0).last(), Some(&Happening::Stopping));
            assert_eq!(house.board.latest().timer, timer);
        }
    }
}

#[test]
fn works_with_a_strip_that_does_not() {
    let mut house = play("start fail +2s failing");
    house.engine.stop(Stop::Quit, house.now);
    assert_eq!(house.news(0).last(), Some(&Happening::Stopping));
}
