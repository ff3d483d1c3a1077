mod boards;
mod commands;
mod end;
mod inputs;
mod order;
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
use talklight::engine::event::{Action, Done, Event, Origin, Refused, Request, Stop};
use talklight::engine::{BEAT, Engine, Keeper};
use talklight::show::{Busy, Rank, Scene};
use talklight::strip::{Strip, StripError};

use super::harness::{BOOT, House, Kept, LEDS, TRIAL, board, command, look, plan, play, span};
use super::model::Verdict;
use super::timer::{Gap, commands, gaps};

const START: Command = Command::Start(None);

fn bar(leds: usize) -> Look {
    Look { leds, pattern: Pattern::Bar, ..look() }
}

/// What may come over a house in an evening.
#[derive(Clone, Debug)]
enum Evening {
    Command(Command),
    Pass,
    Late,
    Poke,
    Strip(bool),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// The harness holds every step against the model.
    #[test]
    fn any_evening(
        wide in any::<bool>(),
        moves in prop::collection::vec(
            (gaps(), prop_oneof![
                4 => commands().prop_map(Evening::Command),
                2 => Just(Evening::Pass),
                2 => Just(Evening::Late),
                1 => Just(Evening::Poke),
                1 => any::<bool>().prop_map(Evening::Strip),
            ]),
            1..25,
        )
    ) {
        let mut house = House::new(if wide { look() } else { bar(5) });
        for (gap, what) in moves {
            let then = Gap::after(gap, house.now, &house.model);
            // A day in steps of a second would take long; what is late is as good a test of that.
            let span = then.since(house.now).min(span("400s"));
            match what {
                Evening::Late => {
                    house.now = house.now + span;
                    house.step(None);
                }
                _ => house.pass(span),
            }
            match what {
                Evening::Command(command) => drop(house.command(command)),
                Evening::Poke => house.step(None),
                Evening::Strip(works) => house.let_strip_work(works),
                Evening::Pass | Evening::Late => {}
            }
        }
        house.let_strip_work(true);
        house.pass(BEAT);
        prop_assert_eq!(&house.board.latest().strip, &Health::Sending);
        prop_assert_eq!(house.strip.lit(), house.picture());
    }
}

/// The table once more through the whole house, where a refusal is an answer.
#[test]
fn verdicts_reach_whoever_asked() {
    let mut house = House::new(look());
    for (command, verdict) in [
        (Command::Undo, Verdict::Refused),
        (Command::Reset, Verdict::Nothing),
        (START, Verdict::Done),
        (START, Verdict::Refused),
        (Command::Reset, Verdict::Done),
    ] {
        assert_eq!(house.command(command), verdict);
    }
}
