//! The demonstration of the colours, and what else needs a moment that the caller names.

use super::*;

fn demo(sim: &mut Sim) -> Result<Done, Refused> {
    sim.offer(Scene::Demo, "demo", span("12s")).result
}

#[test]
fn it_shows_every_colour_and_the_dark_within_twelve_seconds() {
    let mut sim = play("");
    let palette = sim.board.latest().look.palette;
    assert_eq!(demo(&mut sim), Ok(Done::Shown));
    let mut seen = Vec::new();
    for _ in 0..120 {
        let lit = sim.strip.lit();
        if seen.last() != Some(&lit[1]) {
            seen.push(lit[1]);
        }
        sim.pass(span("100ms"));
    }
    let (dark, red) = (Rgb::BLACK, palette.red);
    assert_eq!(seen, [palette.green, palette.yellow, red, dark, red, dark, red, dark, red, dark]);
    assert_eq!(sim.board.latest().demo(sim.now), None, "it has ended");
    sim.play("ready start +1s");
    assert!(demo(&mut sim).is_err(), "refused in a talk");
}

#[test]
fn a_start_or_a_reset_ends_it_and_asked_for_again_it_goes_on() {
    for command in ["start", "reset="] {
        let mut sim = play("");
        assert_eq!(demo(&mut sim), Ok(Done::Shown));
        sim.pass(span("4s"));
        let before = sim.strip.lit();
        assert_eq!(demo(&mut sim), Ok(Done::Shown));
        assert_eq!(sim.strip.lit(), before, "it does not begin anew");
        sim.play(command);
        assert_eq!(sim.board.latest().demo(sim.now), None);
        if command == "reset=" {
            assert_eq!(demo(&mut sim), Ok(Done::Shown), "the chair who ended it may show it again");
        }
    }
}

#[test]
fn a_command_after_its_deadline_is_refused() {
    let mut sim = play("");
    let before = sim.board.latest().timer;
    for (late, expected) in [(1, Err(Refused::Command(Refusal::Expired))), (0, Ok(()))] {
        let (reply, answer) = sync_channel(1);
        let deadline = Moment::from_ns(sim.now.as_ns() - late);
        let request = Request {
            action: Action::Command(Command::Choose(plan("short"))),
            generation: Some(before.generation),
            deadline: Some(deadline),
            origin: Origin::Web,
            reply: Some(reply),
        };
        sim.engine.step(Some(Event::Request(request)), sim.now);
        assert_eq!(answer.try_recv().unwrap().result.map(drop), expected);
    }
    assert_eq!(sim.board.latest().timer.chosen, plan("short"));
}
