mod boards;
mod commands;
mod demo;
mod end;
mod inputs;
mod order;
mod phones;
mod resumed;
mod stop;
mod strip;
mod trial;
mod waking;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::drive::Chip;
use talklight::core::look::{Look, Palette, Pattern, Rgb};
use talklight::core::timer::{Command, Outcome, Phase, Refusal, Timer};
use talklight::engine::board::{Board, Fault, Happening, Health, LOG_LENGTH, Tone};
use talklight::engine::event::{Action, Done, Event, Origin, PairedBy, PhoneNews, Refused, Request, Stop};
use talklight::engine::{BEAT, Engine, Keeper};
use talklight::show::{Busy, Rank, Scene};
use talklight::strip::{Strip, StripError};

use super::harness::{BOOT, Kept, LEDS, Sim, TRIAL, board, command, look, plan, play, span};
use super::model::Verdict;
use super::timer::{Gap, commands, gaps};

const START: Command = Command::Start(None);

fn bar(leds: usize) -> Look {
    Look { leds, pattern: Pattern::Bar, ..look() }
}

/// One step of a long random session.
#[derive(Clone, Debug)]
enum Step {
    Command(Command),
    Pass,
    Late,
    Poke,
    Strip(bool),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// The harness compares every step with the model.
    #[test]
    fn any_session_matches_the_model(
        wide in any::<bool>(),
        moves in prop::collection::vec(
            (gaps(), prop_oneof![
                4 => commands().prop_map(Step::Command),
                2 => Just(Step::Pass),
                2 => Just(Step::Late),
                1 => Just(Step::Poke),
                1 => any::<bool>().prop_map(Step::Strip),
            ]),
            1..25,
        )
    ) {
        let mut sim = Sim::new(if wide { look() } else { bar(5) });
        for (gap, what) in moves {
            let then = Gap::after(gap, sim.now, &sim.model);
            // A day in steps of a second would take too long. `Late` covers long gaps.
            let span = then.since(sim.now).min(span("400s"));
            match what {
                Step::Late => {
                    sim.now = sim.now + span;
                    sim.step(None);
                }
                _ => sim.pass(span),
            }
            match what {
                Step::Command(command) => drop(sim.command(command)),
                Step::Poke => sim.step(None),
                Step::Strip(works) => sim.let_strip_work(works),
                Step::Pass | Step::Late => {}
            }
        }
        sim.let_strip_work(true);
        sim.pass(BEAT);
        prop_assert_eq!(&sim.board.latest().strip, &Health::Sending);
        prop_assert_eq!(sim.strip.lit(), sim.picture());
    }
}

/// The table of commands through the whole engine.
#[test]
fn each_command_is_answered_with_its_verdict() {
    let mut sim = Sim::new(look());
    for (command, verdict) in [
        (Command::Undo, Verdict::Refused),
        (Command::Reset, Verdict::Nothing),
        (START, Verdict::Done),
        (START, Verdict::Refused),
        (Command::Reset, Verdict::Done),
    ] {
        assert_eq!(sim.command(command), verdict);
    }
}
