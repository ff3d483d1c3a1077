use super::*;

#[test]
fn blanks_the_strip_and_forgets_the_talk_only_on_quit() {
    for (stop, forgotten) in [(Stop::Quit, 1), (Stop::Terminate, 0)] {
        for script in ["ready", "start +3m yellow", "start +6m over"] {
            let mut sim = play(script);
            let timer = sim.board.latest().timer;
            sim.engine.stop(stop, sim.now);
            assert_eq!(sim.strip.lit(), [Rgb::BLACK; LEDS]);
            sim.kept.with(|kept| assert_eq!(kept.forgotten, forgotten));
            assert_eq!(sim.news(0).last(), Some(&Happening::Stopping));
            assert_eq!(sim.board.latest().timer, timer);
        }
    }
}

#[test]
fn works_while_the_strip_fails() {
    let mut sim = play("start fail +2s failing");
    sim.engine.stop(Stop::Quit, sim.now);
    assert_eq!(sim.news(0).last(), Some(&Happening::Stopping));
}
