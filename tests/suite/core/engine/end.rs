use super::*;

fn ends(house: &House) -> usize {
    house.phases_noted().iter().filter(|&&phase| phase == Phase::Over).count()
}

#[test]
fn of_a_talk_is_told_once() {
    for script in [
        "start +5m over +1h over",
        "start late:1h poke over poke +1m",
        "start +5m start! reset start +10s reset",
        "start late:5m start!",
        "start +4m reset +9s undo +51s over +1m",
        "start +5m-1ns +1ns over poke",
        "start +5m-1ns late:1ns poke over poke",
    ] {
        assert_eq!(ends(&play(script)), 1, "`{script}`");
    }
}

/// Loses as many frames as it is told, and keeps the last one that it does not lose.
struct Lossy {
    lost: u32,
    lit: Vec<Rgb>,
}

impl Strip for Lossy {
    fn show(&mut self, frame: &[Rgb], _: Option<&Scene>) -> Result<(), StripError> {
        match self.lost.checked_sub(1) {
            Some(lost) => {
                self.lost = lost;
                Err(StripError("lost".into()))
            }
            None => {
                self.lit = frame.to_vec();
                Ok(())
            }
        }
    }

    fn leds_max(&self, _: Chip) -> usize {
        usize::MAX
    }
}

#[test]
fn is_dark_though_a_frame_or_two_are_lost() {
    let mut strip = Lossy { lost: 0, lit: Vec::new() };
    let mut kept = Kept::default();
    let board = board(look(), Timer::new(plan("lightning"), 7));
    let mut engine = Engine::new(&mut strip, &mut kept, &board, BOOT);
    engine.step(None, BOOT);
    drop(engine);
    assert_ne!(strip.lit, [Rgb::BLACK; 8]);
    strip.lost = 2;
    Engine::new(&mut strip, &mut kept, &board, BOOT).stop(Stop::Terminate, BOOT);
    assert_eq!(strip.lit, [Rgb::BLACK; 8]);
}

#[test]
fn of_a_talk_that_was_reset_is_none() {
    for script in ["start +4m reset +2m", "start +299s reset +1m", "start +1m reset start +10s"] {
        assert_eq!(ends(&play(script)), 0, "`{script}`");
    }
}

/// The end came while the talk was away.
#[test]
fn is_told_by_an_undo_after_it() {
    for script in [
        "start +299s reset +5s undo over +1m",
        "start +299s reset +1s undo over",
        "start +299s reset late:9s undo poke over start",
    ] {
        let house = play(script);
        assert_eq!(ends(&house), 1, "`{script}`");
        let news = house.news(0);
        let undone = |what: &Happening| matches!(what, Happening::Done(Outcome::Undone { .. }));
        let undone = news.iter().position(undone).unwrap();
        assert_eq!(news[undone + 1], Happening::Phase(Phase::Over), "`{script}`");
    }
}

/// The engine is told to stop at the very end, before it was woken for it.
#[test]
fn is_told_by_a_stop_at_it() {
    let mut house = play("start +4m late:1m");
    house.engine.stop(Stop::Terminate, house.now);
    assert_eq!(ends(&house), 1);
    let shown = house.kept.with(|kept| kept.shown.last().cloned());
    assert_eq!(shown, Some((house.now, Phase::Over, vec![Rgb::BLACK; 8])));
}
