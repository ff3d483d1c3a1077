//! The screen at each size, phase and kind of terminal.

use std::fmt::Write;

use talklight::core::look::{Palette, Pattern};
use talklight::core::plan::Plan;
use talklight::core::timer::{Phase, Refusal, Talk};
use talklight::core::words::Words;
use talklight::engine::board::{Happening, Health, Snapshot};
use talklight::engine::event::{Origin, Refused};
use talklight::screen::Place;
use talklight::screen::grid::{Size, diff};
use talklight::screen::keys::Ui;
use talklight::screen::style::Depth;
use talklight::screen::text::wrapped;
use talklight::screen::view::view;
use talklight::show::{Owner, Scene, Show};

use super::{
    COLOURLESS, CONSOLE, FANCY, PLAIN, START, emulate, idle, lightning, look, moments, s, shows, size, talk, text,
};

#[test]
fn each_phase_at_each_size() {
    for (cols, rows) in [(1, 1), (20, 5), (40, 10), (80, 24), (120, 40), (200, 60)] {
        let is_large = cols > 80;
        let mut screens = String::new();
        for (phase, snapshot, now) in moments() {
            if !is_large || matches!(phase, Phase::Green | Phase::Over) {
                let grid = look(&snapshot, now, size(cols, rows), FANCY);
                writeln!(screens, "{phase}\n{}", text(&grid)).unwrap();
            }
        }
        insta::assert_snapshot!(format!("{cols}x{rows}"), screens);
    }
}

#[test]
fn plain_glyphs_are_ascii() {
    let mut screens = String::new();
    for (phase, snapshot, now) in moments() {
        let grid = look(&snapshot, now, size(40, 10), PLAIN);
        writeln!(screens, "{phase}\n{}", text(&grid)).unwrap();
    }
    assert!(screens.is_ascii(), "{screens}");
    insta::assert_snapshot!("plain", screens);
}

/// The glyphs that both the fonts of console-setup and those of the kernel have, in the sixteen colours.
#[test]
fn the_console_of_linux_draws_full_blocks_in_bright_colours() {
    for (phase, snapshot, now) in moments() {
        let grid = look(&snapshot, now, size(40, 10), CONSOLE);
        let glyphs = text(&grid);
        let plain = text(&look(&snapshot, now, size(40, 10), PLAIN));
        assert_eq!(glyphs, plain.replace('#', "█"), "{phase}");
        let sent = String::from_utf8(diff(None, &grid, Depth::Console)).unwrap();
        let backgrounds: Vec<&str> = sent
            .split("\x1b[")
            .filter_map(|code| code.split_once('m'))
            .filter(|(codes, _)| codes.bytes().all(|c| c == b';' || c.is_ascii_digit()))
            .flat_map(|(codes, _)| codes.split(';'))
            .filter(|code| code.starts_with('4') || code.starts_with("10"))
            .collect();
        assert!(backgrounds.iter().all(|code| *code == "40"), "{backgrounds:?}");
    }
}

#[test]
fn the_help_page() {
    let mut ui = Ui::new(Place::Daemon);
    ui.help = true;
    let (snapshot, now) = (talk(), START + s(200.0));
    let mut screens = String::new();
    for (cols, rows) in [(40, 10), (80, 24), (120, 40)] {
        let (grid, _) = view(&snapshot, &ui, now, size(cols, rows), FANCY);
        writeln!(screens, "{cols}x{rows}\n{}", text(&grid)).unwrap();
        assert!(shows(&grid, "1:40"), "the time stays on the page");
    }
    insta::assert_snapshot!("help", screens);
}

#[test]
fn everything_fits_at_40_by_10() {
    for (phase, snapshot, now) in moments() {
        let grid = look(&snapshot, now, size(40, 10), FANCY);
        let word = Words::default().of(phase).to_uppercase();
        for words in [&*word, "lightning", "5:00", "help", "quit"] {
            assert!(shows(&grid, words), "{phase}: {words}\n{}", text(&grid));
        }
        let strip = if phase == Phase::Green { "talk started" } else { "simulated strip" };
        assert!(shows(&grid, strip), "{phase}\n{}", text(&grid));
        // The digits are five rows high, and the plan is below them.
        assert!((2..7).all(|row| grid.row(row).iter().any(|cell| cell.glyph != ' ')));
        assert!(grid.row(7).iter().any(|cell| "▁▄█".contains(cell.glyph)));
    }
}

#[test]
fn the_strip_is_in_its_true_colours() {
    let Palette { green, yellow, red, ready } = Palette::CLASSIC;
    for (phase, colour) in [(Phase::Ready, ready), (Phase::Green, green), (Phase::Yellow, yellow), (Phase::Red, red)] {
        let (_, snapshot, now) = moments().into_iter().find(|(known, ..)| *known == phase).unwrap();
        let grid = look(&snapshot, now, size(80, 24), FANCY);
        let strip: Vec<_> = grid.row(1).iter().filter(|cell| cell.glyph == '█').collect();
        let lit = if phase == Phase::Ready { 1 } else { 60 };
        assert_eq!(strip.len(), lit, "{phase}");
        assert!(strip.iter().all(|cell| cell.ink.fg == colour), "{phase}");
    }
    // In the dark half of the flash, and after the end, each unlit LED is a dot.
    for (_, snapshot, now) in &moments()[4..] {
        let grid = look(snapshot, *now, size(80, 24), FANCY);
        assert_eq!(grid.row(1).iter().filter(|cell| cell.glyph == '.').count(), 60);
    }
}

#[test]
fn a_bar_is_sampled_if_there_are_more_leds_than_columns() {
    let mut snapshot = talk();
    snapshot.look.leds = 300;
    snapshot.look.pattern = Pattern::Bar;
    let grid = look(&snapshot, START + s(150.0), size(80, 24), FANCY);
    let lit = grid.row(1).iter().filter(|cell| cell.glyph == '█').count();
    let dark = grid.row(1).iter().filter(|cell| cell.glyph == '.').count();
    assert_eq!((lit, dark), (38, 38));
}

#[test]
fn without_colour_the_strip_is_made_of_letters() {
    let strips = moments().map(|(_, snapshot, now)| {
        let grid = look(&snapshot, now, size(80, 10), COLOURLESS);
        let glyph = |col: usize| grid.row(0)[col].glyph;
        (glyph(10), glyph(11))
    });
    let dark = ('·', '·');
    assert_eq!(strips, [('o', '·'), ('G', 'G'), ('Y', 'Y'), ('R', 'R'), dark, dark]);
    let lit = look(&talk(), START + s(280.6), size(80, 10), COLOURLESS);
    assert_eq!(lit.row(0)[10].glyph, 'R');
    let shown = emulate(&[diff(None, &lit, Depth::None)], size(80, 10));
    assert!(shown.iter().all(|cell| !cell.contains("Idx") && !cell.contains("Rgb")));
}

#[test]
fn the_clock_shows_zero_only_at_the_end_and_then_counts_up() {
    let at = |elapsed: f64| text(&look(&talk(), START + s(elapsed), size(12, 1), FANCY));
    assert_eq!(at(0.0), "|TALK    5:00\n");
    assert_eq!(at(0.001), "|TALK    5:00\n");
    assert_eq!(at(299.0), "|        0:01\n");
    assert_eq!(at(299.999), "|        0:01\n");
    assert_eq!(at(300.0), "|       +0:00\n");
    assert_eq!(at(307.9), "|       +0:07\n");
    assert_eq!(at(4000.0), "|    +1:01:40\n");
}

#[test]
fn keys_are_offered_while_they_do_something() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let keys = |snapshot: &Snapshot, now| {
        let grid = look(snapshot, now, size(100, 9), FANCY);
        text(&grid).lines().last().unwrap().trim_matches(['|', ' ']).to_string()
    };
    let mut ready = idle(&plans);
    let all = keys(&ready, START);
    assert!(all.starts_with("space start   1-2 plan   ? help   q quit   "), "{all}");
    assert!(all.ends_with("   simulated strip"), "{all}");
    ready.timer.undo = Some(Talk { plan: plans[0], started: START, late: std::time::Duration::ZERO });
    ready.timer.undo_until = Some(START + s(20.0));
    assert!(keys(&ready, START + s(12.5)).starts_with("space start   u undo (8)   1-2 plan"));
    assert!(keys(&ready, START + s(20.0)).starts_with("space start   1-2 plan"));
    let running = Snapshot { plans: plans.into(), ..talk() };
    assert!(keys(&running, START + s(119.9)).starts_with("r reset   l late   ? help"));
    assert!(keys(&running, START + s(120.0)).starts_with("r reset   ? help"));
    assert!(keys(&running, START + s(301.9)).starts_with("r ready   1-2 plan"));
    assert!(keys(&running, START + s(302.0)).starts_with("space start   r ready   1-2 plan"));
}

#[test]
fn plans_are_named_if_there_is_room() {
    let plans: Vec<_> =
        (0..12).map(|n| Plan::new(&format!("plan-{n}"), s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()).collect();
    assert!(shows(&look(&idle(&plans[..3]), START, size(80, 24), FANCY), "1 plan-0 5:00   2 plan-1 5:00"));
    assert!(shows(&look(&idle(&plans[..5]), START, size(80, 24), FANCY), "1 plan-0   2 plan-1   3 plan-2"));
    assert!(shows(&look(&idle(&plans), START, size(80, 24), FANCY), "5 plan-4   ..."));
    assert!(shows(&look(&idle(&plans), START, size(40, 10), FANCY), "1-9 plan"));
}

#[test]
fn help_and_quit_stay_when_there_is_little_room() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let mut snapshot = idle(&plans);
    snapshot.web = Some("http://127.0.0.1:8080".into());
    snapshot.timer.undo = Some(Talk { plan: plans[0], started: START, late: std::time::Duration::ZERO });
    snapshot.timer.undo_until = Some(START + s(10.0));
    let grid = look(&snapshot, START, size(40, 10), FANCY);
    assert!(shows(&grid, "space start u undo (10) 1-2 plan p ? q"), "{}", text(&grid));
}

#[test]
fn a_refusal_stands_out_and_a_failing_strip_stays() {
    let mut snapshot = talk();
    let now = START + s(20.0);
    let refusal = Refusal::AlreadyRunning { left: s(280.0) };
    snapshot.note(now, Origin::Button, Happening::Refused(Refused::Command(refusal)));
    let why = "writing /dev/spidev0.0: Message too long";
    snapshot.strip_kind = "spi".into();
    snapshot.strip = Health::Failing(why.into());
    snapshot.note(now, Origin::Clock, Happening::StripFailed(why.into()));
    for (cols, rows) in [(40, 10), (80, 24), (120, 40)] {
        let fresh = look(&snapshot, now + s(5.9), size(cols, rows), FANCY);
        assert!(shows(&fresh, "a talk is running, 4:40 left;"), "{}", text(&fresh));
        assert!(shows(&fresh, "spi strip: failing: writing"), "{}", text(&fresh));
        let later = look(&snapshot, now + s(6.0), size(cols, rows), FANCY);
        assert!(shows(&later, "spi strip: failing: writing"), "{}", text(&later));
        assert!(shows(&later, "▄"), "the plan is back\n{}", text(&later));
    }
}

#[test]
fn text_from_outside_is_sanitized() {
    let text = "a\x1b[31m\u{202e}b\t\u{301}宽 é";
    assert_eq!(wrapped(text, 80, 1, false), ["a?[31m?b ?? é"]);
    assert_eq!(wrapped(text, 80, 1, true), ["a?[31m?b ?? ?"]);
    assert_eq!(wrapped("one two three", 8, 2, false), ["one two", "three"]);
    assert_eq!(wrapped("one two three four", 8, 2, false), ["one two", "three f…"]);
    assert_eq!(wrapped("abcdefgh", 3, 9, false), ["abc", "def", "gh"]);
}

#[test]
fn sizes_that_cannot_be_right_are_replaced() {
    assert_eq!(size(0, 0), Size { cols: 80, rows: 24 });
    assert_eq!(size(65535, 65535), Size { cols: 1000, rows: 500 });
}

#[test]
fn open_pairing_refused_codes_and_sound_are_told_while_they_hold() {
    let mut snapshot = idle(&[lightning()]);
    let open = Show::new(Scene::Pairing, Owner::new("pairing by the button"), s(60.0), START);
    snapshot.stage.offer(open, &snapshot.timer, START).unwrap();
    snapshot.phones.codes_closed_until = Some(START + s(42.5));
    snapshot.phones.pages_with_sound = 2;
    let pairing = "pairing is open for 0:55: \"Pair this phone\" on the remote";
    let codes = "ten wrong codes: refused for 0:38; p makes one that works";
    let grid = look(&snapshot, START + s(5.0), size(80, 24), FANCY);
    for line in [pairing, codes, "2 pages have their sound on"] {
        assert!(shows(&grid, line), "{line}\n{}", text(&grid));
    }
    let grid = look(&snapshot, START + s(5.0), size(40, 10), FANCY);
    assert!(shows(&grid, "pairing is open for 0:55"), "{}", text(&grid));
    // The next second of either, whichever comes first.
    let (_, until) = view(&snapshot, &Ui::new(Place::Daemon), START + s(5.0), size(80, 24), FANCY);
    assert_eq!(until, Some(START + s(5.5)));
    let grid = look(&snapshot, START + s(60.0), size(80, 24), FANCY);
    assert!(!shows(&grid, "pairing is open") && !shows(&grid, "ten wrong codes"), "{}", text(&grid));
}
