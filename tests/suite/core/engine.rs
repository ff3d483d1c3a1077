use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, Rgb};
use talklight::core::timer::{Command, Outcome, Phase, Refusal, Timer};
use talklight::engine::board::{Board, Happening, Health, LOG_LENGTH, Tone};
use talklight::engine::event::{Event, NotLent, Origin, Request, Stop};
use talklight::engine::{BEAT, Engine, Keeper};
use talklight::strip::{Strip, StripError};

use super::harness::{BOOT, House, Kept, board, command, look, plan, play, span};
use super::model::Verdict;
use super::timer::{Gap, commands, gaps};

const START: Command = Command::Start(None);

fn bar(leds: usize) -> Look {
    Look { leds, pattern: Pattern::Bar, ..look() }
}

mod order {
    use super::*;

    /// What was seen, and by whom, of a command on its way.
    type Trace = Rc<RefCell<Vec<String>>>;

    struct Witness {
        trace: Trace,
        board: Arc<Board>,
    }

    impl Witness {
        fn saw(&self, what: &str) {
            let board = self.board.latest();
            let posted = format!("{what}, board says {}", board.timer.at(BOOT).phase);
            self.trace.borrow_mut().push(posted);
        }
    }

    impl Strip for Witness {
        fn show(&mut self, frame: &[Rgb]) -> Result<(), StripError> {
            let green = frame[1] == Palette::CLASSIC.green;
            self.saw(if green { "show green" } else { "show ready" });
            Ok(())
        }
    }

    impl Keeper for Witness {
        fn keep(&mut self, timer: &Timer) -> io::Result<()> {
            self.saw(&format!("keep {}", timer.at(BOOT).phase));
            Ok(())
        }

        fn forget(&mut self) {}

        fn shown(&mut self, _: Moment, phase: Phase, _: &[Rgb]) {
            self.saw(&format!("shown {phase}"));
        }
    }

    #[test]
    fn apply_keep_show_publish() {
        let (trace, board) = (Trace::default(), board(look(), Timer::new(plan("lightning"), 0)));
        let witness = || Witness { trace: Rc::clone(&trace), board: Arc::clone(&board) };
        let (mut strip, mut keeper) = (witness(), witness());
        let mut engine = Engine::new(&mut strip, &mut keeper, &board, BOOT);
        engine.step(None, BOOT);
        trace.borrow_mut().clear();

        let request = Request { command: START, generation: None, origin: Origin::Button, reply: None };
        engine.step(Some(Event::Command(request)), BOOT);
        let expected =
            ["keep green, board says ready", "show green, board says ready", "shown green, board says ready"];
        assert_eq!(*trace.borrow(), expected);
        assert_eq!(board.latest().timer.at(BOOT).phase, Phase::Green);
    }

    /// Whoever is answered finds the command on the board.
    #[test]
    fn publish_and_then_reply() {
        let mut house = House::new(look());
        let (send, waiting) = sync_channel(0);
        let board = Arc::clone(&house.board);
        let asker = thread::spawn(move || {
            for _ in 0..200 {
                let (reply, answer) = sync_channel(1);
                send.send(reply).unwrap();
                let answered: talklight::engine::event::Answer = answer.recv().unwrap();
                assert_eq!(board.latest().timer, answered.timer);
            }
        });
        for name in ["start", "reset", "undo", "reset"].into_iter().cycle().take(200) {
            let command = command(name).0;
            house.model.apply(command, house.now);
            let reply = Some(waiting.recv().unwrap());
            let request = Request { command, generation: None, origin: Origin::Socket, reply };
            house.step(Some(Event::Command(request)));
        }
        asker.join().unwrap();
    }

    #[test]
    fn nobody_needs_to_wait_for_the_answer() {
        let mut house = House::new(look());
        for command in [START, Command::Reset] {
            house.model.apply(command, house.now);
            let (reply, answer) = sync_channel(1);
            drop(answer);
            let reply = Some(reply);
            house.step(Some(Event::Command(Request { command, generation: None, origin: Origin::Socket, reply })));
        }
        house.play("ready");
    }
}

mod waking {
    use super::*;

    #[test]
    fn a_talk_of_five_minutes_takes_the_beat_the_marks_and_the_flashes() {
        let mut house = play("+0.4s start");
        let (steps, frames) = (house.steps, house.strip.frames());
        // 269 beats, among them the marks of yellow and red; 60 edges of the flash, and the end.
        house.play("+5m over");
        assert_eq!(house.steps - steps, 269 + 60 + 1);
        assert_eq!(house.strip.frames() - frames, house.steps - steps);
    }

    #[test]
    fn a_steady_phase_takes_the_beat_and_no_other() {
        for (script, phase) in [("", "ready"), ("start", "green"), ("start +6m", "over")] {
            let mut house = play(script);
            let (steps, number) = (house.steps, house.board.latest().number);
            house.play("+150.5s").play(phase);
            assert_eq!(house.steps - steps, 150, "{phase}");
            assert_eq!(house.board.latest().number, number, "{phase}");
        }
    }

    #[test]
    fn a_mark_between_two_beats_takes_one_more() {
        let mut house = play("+0.1s start:short +2s reset +0.25s undo +0.75s green");
        let steps = house.steps;
        house.play("+1s green +1s yellow");
        // Undone at 2.25 s, so the beats are at 3.25 and 4.25 s, and the mark is at 5.
        assert_eq!(house.steps - steps, 3);
    }

    #[test]
    fn a_bar_takes_a_step_for_each_led() {
        let mut house = House::new(bar(60));
        house.play("start");
        let (steps, frames) = (house.steps, house.strip.frames());
        house.play("+3m yellow lit:24");
        // A LED each five seconds, on the beat.
        assert_eq!((house.steps - steps, house.strip.frames() - frames), (180, 180));
    }

    #[test]
    fn phases_that_look_alike_are_told_without_a_frame() {
        let palette = Palette { yellow: Palette::CLASSIC.green, ..Palette::CLASSIC };
        let mut house = House::new(Look { palette, ..look() });
        house.play("start:short +0.3s reset +0.1s undo +4s");
        let frames = house.strip.frames();
        house.play("+600ms yellow");
        assert_eq!(house.strip.frames(), frames, "the next beat is at 5.4 s");
        assert_eq!(house.phases_noted(), [Phase::Yellow]);
    }

    #[test]
    fn waking_for_nothing_changes_nothing() {
        let mut house = House::new(bar(8));
        for script in ["ready", "start +1.5s", "+2m", "+1m", "+91.2s flash", "+30s over"] {
            house.play(script);
            let before = (house.strip.frames(), house.board.latest().number, house.wake);
            house.play("poke poke poke late:1ns poke");
            assert_eq!((house.strip.frames(), house.board.latest().number, house.wake), before);
        }
    }

    #[test]
    fn a_late_wake_lands_in_the_right_phase() {
        let house = play("start late:200s poke yellow late:1m poke red late:39.9s poke flash late:1h poke over");
        assert_eq!(house.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
        let house = play("start late:4m poke red late:10m poke over");
        assert_eq!(house.phases_noted(), [Phase::Red, Phase::Over]);
    }

    #[test]
    fn a_command_finds_what_time_did_before_it() {
        let mut house = play("start late:301s start!");
        assert_eq!(house.phases_noted(), [Phase::Over]);
        house.play("late:1s start green");
        let house = play("start late:5m reset ready");
        let news = house.news(0);
        assert_eq!(news[1..], [Happening::Phase(Phase::Over), Happening::Done(Outcome::Cleared)]);
    }
}

mod end {
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
        fn show(&mut self, frame: &[Rgb]) -> Result<(), StripError> {
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
}

mod strip {
    use super::*;

    /// How often the strip was said to have failed, and to be back.
    fn told(house: &House) -> (usize, usize) {
        let news = house.news(0);
        let count = |test: fn(&Happening) -> bool| news.iter().filter(|what| test(what)).count();
        (count(|what| matches!(what, Happening::StripFailed(_))), count(|what| matches!(what, Happening::StripBack)))
    }

    #[test]
    fn failure_and_its_end_are_told_once() {
        let mut house = play("start +1m sending fail +30s failing");
        assert_eq!(told(&house), (1, 0));
        house.play("work +1s sending green +1m");
        assert_eq!(told(&house), (1, 1));
        house.play("fail +1s failing work +1s sending");
        assert_eq!(told(&house), (2, 2));
    }

    #[test]
    fn keeps_failing_in_other_words() {
        let mut house = play("start fail +2s failing");
        let number = house.board.latest().number;
        house.strip.fail(Some("on fire"));
        house.play("+1s failing +9s");
        assert_eq!(told(&house), (1, 0));
        assert_eq!(house.board.latest().number, number + 1);
        assert_eq!(house.board.latest().strip, Health::Failing("on fire".into()));
    }

    #[test]
    fn absent_from_the_first_frame_on() {
        let mut house = House::asleep(look(), Timer::new(plan("lightning"), 7), BOOT);
        house.play("fail poke failing start +10s");
        assert_eq!(told(&house), (1, 0));
        house.play("work +1s sending green");
        assert_eq!(told(&house), (1, 1));
    }

    #[test]
    fn shows_the_right_phase_when_it_is_back() {
        play("start +170s fail +20s work +1s sending yellow");
        play("start +3m-1ns fail +1ns failing work +1s sending yellow");
        play("start +270s fail +0.6s work +1s sending flash");
        play("start +299s fail +10s failing work +1s sending over lit:0");
        play("start +1m fail reset +1s work +1s sending ready lit:1");
        play("start +1m fail reset start +1s reset undo choose:short! work +1s sending green lit:8");
        play("fail start:short +11s failing start! reset start:short +7s failing work +1s sending flash");
    }

    #[test]
    fn is_tried_at_every_beat_and_every_change_and_no_more() {
        let mut house = play("start +1m fail +1s failing");
        let tried = |house: &House| house.kept.with(|kept| kept.shown.len());
        let before = tried(&house);
        house.play("+10.5s");
        assert_eq!(tried(&house) - before, 10);
        house.play("poke poke start! poke");
        assert_eq!(tried(&house) - before, 10, "not for what changes nothing");
        house.play("reset");
        assert_eq!(tried(&house) - before, 11);
    }

    /// The keeper feeds the watchdog and the tape.
    #[test]
    fn every_try_is_told_to_the_keeper_at_least_once_a_beat() {
        let house = play("start:short +3s fail +4.2s reset +0.5s undo +1s work +5s");
        house.kept.with(|kept| {
            for pair in kept.shown.windows(2) {
                assert!(pair[1].0.since(pair[0].0) <= BEAT);
            }
            for (at, phase, frame) in &kept.shown {
                assert_eq!(frame.len(), 8);
                if *phase == Phase::Green {
                    assert_eq!(*frame, [Palette::CLASSIC.green; 8], "{at:?}");
                }
            }
            let phases: Vec<Phase> = kept.shown.iter().map(|shown| shown.1).collect();
            let mut order = phases.clone();
            order.dedup();
            use Phase::{Flash, Green, Over, Ready, Red, Yellow};
            assert_eq!(order, [Ready, Green, Yellow, Red, Ready, Red, Flash, Over]);
        });
    }
}

mod commands {
    use super::*;

    #[test]
    fn of_another_generation_are_stale() {
        let mut house = play("start +1m");
        let current = house.board.latest().timer.generation;
        for old in [current - 1, current + 1, 0, u64::MAX] {
            for command in [START, Command::Reset, Command::Undo, Command::Choose(plan("short"))] {
                let answer = house.ask(command, Some(old), Origin::Socket);
                assert_eq!(answer.result, Err(Refusal::Stale));
            }
        }
        house.play("green");
        assert!(house.ask(Command::Reset, Some(current), Origin::Socket).result.is_ok());
        house.play("ready");
    }

    #[test]
    fn sent_again_do_not_meet_the_next_talk() {
        let mut house = play("start +4m");
        let meant = Some(house.board.latest().timer.generation);
        assert!(house.ask(Command::Reset, meant, Origin::Socket).result.is_ok());
        house.play("+1m start +1m");
        assert_eq!(house.ask(Command::Reset, meant, Origin::Socket).result, Err(Refusal::Stale));
        house.play("green +3m red");
    }

    #[test]
    fn refused_are_noted_for_people_at_the_house_only() {
        for origin in [Origin::Button, Origin::ResetButton, Origin::Keyboard, Origin::Console] {
            let mut house = play("start +1m");
            let (log, frames) = (house.board.latest().last_entry(), house.strip.frames());
            let refusal = house.ask(START, None, origin).result.unwrap_err();
            assert_eq!(house.news(log), [Happening::Refused(refusal)]);
            assert_eq!(house.board.latest().log.back().unwrap().origin, origin);
            assert_eq!(house.strip.frames(), frames);
        }
        let mut house = play("start +1m");
        let number = house.board.latest().number;
        assert!(house.ask(START, None, Origin::Socket).result.is_err());
        assert!(house.ask(Command::Reset, Some(0), Origin::Socket).result.is_err());
        assert_eq!(house.board.latest().number, number, "whoever asked was answered");
    }

    #[test]
    fn done_are_noted_once_with_who_did_it() {
        let mut house = House::new(look());
        for origin in [Origin::Button, Origin::Socket, Origin::Keyboard] {
            let log = house.board.latest().last_entry();
            house.ask(START, None, origin);
            house.ask(Command::Reset, None, Origin::ResetButton);
            house.ask(Command::Reset, None, Origin::ResetButton);
            let latest = house.board.latest();
            let told: Vec<_> = latest.news(log).map(|entry| (entry.origin, entry.tone())).collect();
            // The second reset has nothing to do, and says so to the one who pressed.
            let reset = Origin::ResetButton;
            assert_eq!(told, [(origin, Tone::Done), (reset, Tone::Done), (reset, Tone::Refused)]);
        }
    }

    #[test]
    fn are_kept_exactly_when_they_change_something() {
        let house = play(
            "start start! +1m choose:short! reset reset= undo undo! reset choose:short choose:short= start +1h reset",
        );
        let kept = house.kept.with(|kept| kept.timers.clone());
        assert_eq!(kept.len(), 7);
        assert!(kept.windows(2).all(|pair| pair[0].generation + 1 == pair[1].generation));
        assert_eq!(kept.last(), Some(&house.board.latest().timer));
    }

    #[test]
    fn go_on_when_they_cannot_be_kept() {
        let failures = |house: &House| {
            let news = house.news(0);
            news.iter().filter(|what| matches!(what, Happening::KeepFailed(_))).count()
        };
        let fault = |house: &House, fault| house.kept.with(|kept| kept.fault = fault);
        let mut house = House::new(look());
        fault(&house, Some("disk full"));
        house.play("start green +1m reset ready undo green");
        assert_eq!(failures(&house), 1);
        fault(&house, None);
        house.play("reset start");
        assert_eq!(failures(&house), 1);
        fault(&house, Some("disk full"));
        house.play("+5m over reset start");
        assert_eq!(failures(&house), 2);
    }

    #[test]
    fn that_could_not_be_kept_are_as_soon_as_they_can() {
        let mut house = House::new(look());
        house.kept.with(|kept| kept.fault = Some("disk full"));
        house.play("start +3s green");
        house.kept.with(|kept| {
            kept.fault = None;
            kept.timers.clear();
        });
        house.play("+1s green");
        let timer = house.board.latest().timer;
        assert_eq!(house.kept.with(|kept| kept.timers.clone()), [timer], "at the next beat, and once");
    }
}

mod inputs {
    use super::*;

    fn input(house: &mut House, fault: Option<&str>) -> (Vec<Happening>, u64) {
        let before = house.board.latest();
        house.step(Some(Event::Input(Origin::Button, fault.map(Arc::from))));
        (house.news(before.last_entry()), house.board.latest().number - before.number)
    }

    #[test]
    fn failures_and_their_ends_are_told_once() {
        let mut house = play("start +10s");
        assert_eq!(input(&mut house, None), (vec![], 0));
        assert_eq!(input(&mut house, Some("stuck")), (vec![Happening::InputFailed("stuck".into())], 1));
        assert_eq!(input(&mut house, Some("gone")), (vec![], 1));
        assert_eq!(house.board.latest().failed_inputs, [(Origin::Button, "gone".into())]);
        assert_eq!(input(&mut house, None), (vec![Happening::InputBack], 1));
        assert_eq!(input(&mut house, None), (vec![], 0));
        assert!(house.board.latest().failed_inputs.is_empty());
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
        let failed = [Origin::Button, Origin::Socket].map(|origin| (origin, "it panicked".into()));
        assert_eq!(house.board.latest().failed_inputs, failed);
        house.play("+3m yellow");
    }
}

mod stop {
    use super::*;

    #[test]
    fn blanks_the_strip_and_forgets_only_when_somebody_quits() {
        for (stop, forgotten) in [(Stop::Quit, 1), (Stop::Terminate, 0)] {
            for script in ["ready", "start +3m yellow", "start +6m over"] {
                let mut house = play(script);
                let timer = house.board.latest().timer;
                house.engine.stop(stop, house.now);
                assert_eq!(house.strip.lit(), [Rgb::BLACK; 8]);
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
}

mod resumed {
    use super::*;

    /// As after a crash: another engine goes on with what was kept.
    fn after(script: &str, away: &str) -> House {
        let before = play(script);
        House::resumed(look(), before.board.latest().timer, before.now + span(away))
    }

    #[test]
    fn shows_the_right_phase_in_its_first_frame_and_says_nothing_of_the_past() {
        for (script, away, phase) in [
            ("start +1m", "1s", "green"),
            ("start +3m-1ns", "0s", "green"),
            ("start +3m-1ns", "1ns", "yellow"),
            ("start +1m", "3m", "red"),
            ("start +270s", "0.7s", "flash"),
            ("start +4m", "1h", "over"),
            ("start +5m", "0s", "over"),
            ("start +1m reset", "3s", "ready"),
            ("choose:short", "1s", "ready"),
        ] {
            let mut house = after(script, away);
            assert_eq!((house.steps, house.strip.frames()), (1, 1));
            assert_eq!(house.news(0), [], "`{script}`, and {away} later");
            house.play(phase);
        }
    }

    #[test]
    fn goes_on_as_if_nothing_had_been() {
        after("start +1m", "1s").play("+2m-1s yellow +2m-1ns flash +1ns over");
        after("start +1m reset +1s", "9s-1ns").play("undo green");
        after("start +1m reset +1s", "9s").play("undo! start");
        after("start +5m", "2s-1ns").play("start! +1ns start");
        after("choose:short", "1s").play("start +10s over");
        let house = after("start +4m", "1h");
        assert_eq!(house.phases_noted(), []);
    }

    #[test]
    fn tells_what_time_does_from_then_on() {
        let mut house = after("start +170s", "5s");
        house.play("+125s over");
        assert_eq!(house.phases_noted(), [Phase::Yellow, Phase::Red, Phase::Flash, Phase::Over]);
    }
}

mod boards {
    use super::*;

    #[test]
    fn remember_the_latest_happenings() {
        let mut house = House::new(look());
        for _ in 0..LOG_LENGTH {
            house.play("start reset +1s");
        }
        let latest = house.board.latest();
        assert_eq!(latest.log.len(), LOG_LENGTH);
        assert_eq!(latest.last_entry(), 2 * LOG_LENGTH as u64);
        assert_eq!(latest.log[0].number, LOG_LENGTH as u64 + 1);
        assert_eq!(latest.news(latest.last_entry() - 2).count(), 2);
        assert_eq!(latest.news(latest.last_entry()).count(), 0);
        assert_eq!(latest.news(0).count(), LOG_LENGTH);
    }

    #[test]
    fn ring_for_news() {
        let mut house = House::new(look());
        let mut bell = house.board.subscribe().unwrap();
        bell.hush();
        let readers: Vec<_> = (0..3)
            .map(|_| (Arc::clone(&house.board), house.board.subscribe().unwrap()))
            .map(|(board, bell)| {
                thread::spawn(move || {
                    bell.wait().unwrap();
                    board.latest()
                })
            })
            .collect();
        house.play("start");
        bell.wait().unwrap();
        for reader in readers {
            let snapshot = reader.join().unwrap();
            assert_eq!(snapshot.timer.at(house.now).phase, Phase::Green);
        }
    }

    /// Somebody who never looks, and somebody who has gone, hold up nobody.
    #[test]
    fn wait_for_no_reader() {
        let mut house = House::new(look());
        let deaf = house.board.subscribe().unwrap();
        drop(house.board.subscribe().unwrap());
        for _ in 0..400 {
            house.play("start reset");
        }
        deaf.wait().unwrap();
    }
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

mod trial {
    use super::*;

    #[test]
    fn a_trial_is_shown_for_ten_seconds_and_longer_if_asked_again() {
        play("try trial +9s trial +999999999ns trial +1ns ready +1m ready");
        play("try +3s try +3s try +9s trial +1s ready");
        play("try +1s give ready +1m ready");
        play("start:short +1m over try trial +10s over");
    }

    #[test]
    fn a_talk_takes_the_strip_at_once_and_keeps_it() {
        play("try +1s start green try! green +3m yellow +1m red try! +1m over try trial");
        // Ten seconds of a trial would be longer than what is left of it when the talk is reset.
        play("try +1s start green +1s reset ready +10s ready");
        play("start +1s reset try trial undo green +1m green");
    }

    #[test]
    fn what_a_chair_may_do_beside_a_trial_does_not_end_it() {
        play("try trial choose:short trial reset= trial undo! trial");
    }

    #[test]
    fn a_strip_that_fails_is_lent_all_the_same() {
        play("fail try failing +3s work +1s sending trial +7s ready");
    }

    /// A tester that did not see a short talk does not take the strip back by itself.
    #[test]
    fn a_trial_for_another_generation_is_refused() {
        let mut house = play("try start:short +1s reset ready");
        let ask = |house: &mut House, generation| {
            let (reply, answer) = sync_channel(1);
            house.step(Some(Event::Try(None, Some(generation), reply)));
            answer.try_recv().unwrap()
        };
        let now = house.board.latest().timer.generation;
        assert_eq!(ask(&mut house, now - 2), Err(NotLent::Changed));
        assert_eq!(ask(&mut house, now), Ok(()));
        let mut house = play("start green");
        let left = span("5m");
        assert_eq!(ask(&mut house, 0), Err(NotLent::Talk { left }));
    }

    #[test]
    fn who_looks_on_is_told() {
        let house = play("try +10s try give");
        let told: Vec<String> = house.board.latest().log.iter().map(|entry| entry.to_string()).collect();
        let (begun, over) = ("the strip is being tested; a start ends that", "the test of the strip is over");
        assert_eq!(told, [begun, over, begun, over]);
    }

    #[test]
    fn the_last_frame_is_dark_after_a_trial_too() {
        let mut house = play("try trial");
        house.engine.stop(Stop::Terminate, house.now);
        let lit = house.strip.lit();
        assert!(lit.iter().all(|led| *led == Rgb::BLACK));
    }
}
