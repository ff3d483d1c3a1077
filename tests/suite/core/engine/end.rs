use super::*;

fn ends(sim: &Sim) -> usize {
    sim.phases_noted().iter().filter(|&&phase| phase == Phase::Over).count()
}

#[test]
fn of_a_talk_is_logged_once() {
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

/// A strip that fails for the next `lost` frames and stores the latest good one.
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
fn is_dark_though_two_frames_fail() {
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
fn is_not_logged_for_a_talk_that_was_reset() {
    for script in ["start +4m reset +2m", "start +299s reset +1m", "start +1m reset start +10s"] {
        assert_eq!(ends(&play(script)), 0, "`{script}`");
    }
}

/// The talk would have ended between the reset and the undo.
#[test]
fn is_logged_by_an_undo_after_it() {
    for script in [
        "start +299s reset +5s undo over +1m",
        "start +299s reset +1s undo over",
        "start +299s reset late:9s undo poke over start",
    ] {
        let sim = play(script);
        assert_eq!(ends(&sim), 1, "`{script}`");
        let news = sim.news(0);
        let undone = |what: &Happening| matches!(what, Happening::Done(Outcome::Undone { .. }));
        let undone = news.iter().position(undone).unwrap();
        assert_eq!(news[undone + 1], Happening::Phase(Phase::Over), "`{script}`");
    }
}

/// The stop arrives at the end of the talk, before the engine wakes for the end.
#[test]
fn is_logged_by_a_stop_at_that_moment() {
    let mut sim = play("start +4m late:1m");
    sim.engine.stop(Stop::Terminate, sim.now);
    assert_eq!(ends(&sim), 1);
    let shown = sim.kept.with(|kept| kept.shown.last().cloned());
    assert_eq!(shown, Some((sim.now, Phase::Over, vec![Rgb::BLACK; 8])));
}
