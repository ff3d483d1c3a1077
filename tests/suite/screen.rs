//! What a person sees on the screen, and what their keys do, in virtual time.

use std::collections::VecDeque;
use std::fmt::Write;
use std::num::NonZeroU16;
use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;
use talklight::core::timer::{Command, Outcome, Phase, Refusal, Talk, Timer};
use talklight::engine::board::{Fault, Happening, Health, Snapshot};
use talklight::engine::event::{Origin, Refused};
use talklight::screen::grid::{Grid, Size, diff};
use talklight::screen::keys::{Act, HELD, Key, Keyboard, Ui};
use talklight::screen::style::{Depth, Style};
use talklight::screen::text::wrapped;
use talklight::screen::view::view;
use talklight::screen::{Place, keys::Notice};

const FANCY: Style = Style { depth: Depth::True, plain: false, lines: false };
const PLAIN: Style = Style { depth: Depth::Sixteen, plain: true, lines: false };
const CONSOLE: Style = Style { depth: Depth::Console, plain: true, lines: false };
const COLOURLESS: Style = Style { depth: Depth::None, plain: false, lines: false };
const START: Moment = Moment::from_ns(1_000_000_000_000);

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn lightning() -> Plan {
    Plan::new("lightning", s(300.0), s(120.0), s(60.0), s(30.0)).unwrap()
}

/// A house in ready with `plans`; the first is chosen.
fn house(plans: &[Plan]) -> Snapshot {
    Snapshot {
        timer: Timer::new(plans[0], 7),
        look: Look {
            leds: 60,
            palette: Palette::CLASSIC,
            pattern: Pattern::Solid,
            ready: ReadyLook::Dot,
            flash_half: s(0.5),
        },
        plans: plans.into(),
        stage: Default::default(),
        web: None,
        strip_kind: "simulated".into(),
        strip: Health::Sending,
        faults: Vec::new(),
        log: VecDeque::new(),
        number: 1,
    }
}

/// A talk of the built-in plan that was started by the button.
fn talk() -> Snapshot {
    let mut snapshot = house(&[lightning()]);
    snapshot.timer.talk = Some(Talk { plan: lightning(), started: START });
    snapshot.note(START, Origin::Button, Happening::Done(Outcome::Started(lightning())));
    snapshot
}

/// A moment in each phase.
fn moments() -> [(Phase, Snapshot, Moment); 6] {
    [
        (Phase::Ready, house(&[lightning()]), START),
        (Phase::Green, talk(), START + s(1.5)),
        (Phase::Yellow, talk(), START + s(200.0)),
        (Phase::Red, talk(), START + s(245.25)),
        (Phase::Flash, talk(), START + s(280.1)),
        (Phase::Over, talk(), START + s(371.0)),
    ]
}

fn size(cols: u16, rows: u16) -> Size {
    Size::new(cols, rows)
}

fn look(snapshot: &Snapshot, now: Moment, size: Size, style: Style) -> Grid {
    view(snapshot, &Ui::new(Place::Daemon), now, size, style).0
}

/// The grid as text between bars, without the blanks at the right.
fn text(grid: &Grid) -> String {
    let rows = (0..grid.size().rows).map(|row| {
        let row: String = grid.row(row).iter().map(|cell| cell.glyph).collect();
        format!("|{}\n", row.trim_end())
    });
    rows.collect()
}

fn shows(grid: &Grid, words: &str) -> bool {
    text(grid).contains(words)
}

#[test]
fn each_phase_at_each_size() {
    for (cols, rows) in [(1, 1), (20, 5), (40, 10), (80, 24), (120, 40), (200, 60)] {
        let few = cols > 80;
        let mut screens = String::new();
        for (phase, snapshot, now) in moments() {
            if !few || matches!(phase, Phase::Green | Phase::Over) {
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

/// What the fonts of console-setup and those of the kernel have in common, and a colour that is one.
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
fn the_page_that_explains() {
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
fn nothing_is_lost_at_40_by_10() {
    for (phase, snapshot, now) in moments() {
        let grid = look(&snapshot, now, size(40, 10), FANCY);
        let word = phase.as_str().to_ascii_uppercase();
        for words in [&*word, "lightning", "5:00", "help", "quit"] {
            assert!(shows(&grid, words), "{phase}: {words}\n{}", text(&grid));
        }
        let strip = if phase == Phase::Green { "talk started" } else { "simulated strip" };
        assert!(shows(&grid, strip), "{phase}\n{}", text(&grid));
        // The digits are five rows high, and the plan is under them.
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
    // In the dark half of the flash, and when all is over, each LED is there to be seen, unlit.
    for (_, snapshot, now) in &moments()[4..] {
        let grid = look(snapshot, *now, size(80, 24), FANCY);
        assert_eq!(grid.row(1).iter().filter(|cell| cell.glyph == '.').count(), 60);
    }
}

#[test]
fn a_bar_is_sampled_where_leds_outnumber_columns() {
    let mut snapshot = talk();
    snapshot.look.leds = 300;
    snapshot.look.pattern = Pattern::Bar;
    let grid = look(&snapshot, START + s(150.0), size(80, 24), FANCY);
    let lit = grid.row(1).iter().filter(|cell| cell.glyph == '█').count();
    let dark = grid.row(1).iter().filter(|cell| cell.glyph == '.').count();
    assert_eq!((lit, dark), (38, 38));
}

#[test]
fn without_colour_the_strip_speaks_in_letters() {
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
    assert_eq!(at(0.0), "|GREEN   5:00\n");
    assert_eq!(at(0.001), "|GREEN   5:00\n");
    assert_eq!(at(299.0), "|FLASH   0:01\n");
    assert_eq!(at(299.999), "|FLASH   0:01\n");
    assert_eq!(at(300.0), "|OVER   +0:00\n");
    assert_eq!(at(307.9), "|OVER   +0:07\n");
    assert_eq!(at(4000.0), "|    +1:01:40\n");
}

#[test]
fn keys_are_offered_while_they_do_something() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let keys = |snapshot: &Snapshot, now| {
        let grid = look(snapshot, now, size(100, 9), FANCY);
        text(&grid).lines().last().unwrap().trim_matches(['|', ' ']).to_string()
    };
    let mut ready = house(&plans);
    let all = keys(&ready, START);
    assert!(all.starts_with("space start   1-2 plan   ? help   q quit   "), "{all}");
    assert!(all.ends_with("   simulated strip"), "{all}");
    ready.timer.undo = Some(Talk { plan: plans[0], started: START });
    ready.timer.undo_until = Some(START + s(20.0));
    assert!(keys(&ready, START + s(12.5)).starts_with("space start   u undo (8)   1-2 plan"));
    assert!(keys(&ready, START + s(20.0)).starts_with("space start   1-2 plan"));
    let running = Snapshot { plans: plans.into(), ..talk() };
    assert!(keys(&running, START + s(10.0)).starts_with("r reset   ? help"));
    assert!(keys(&running, START + s(301.9)).starts_with("r ready   1-2 plan"));
    assert!(keys(&running, START + s(302.0)).starts_with("space start   r ready   1-2 plan"));
}

#[test]
fn plans_are_named_where_there_is_room() {
    let plans: Vec<_> =
        (0..12).map(|n| Plan::new(&format!("plan-{n}"), s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()).collect();
    assert!(shows(&look(&house(&plans[..3]), START, size(80, 24), FANCY), "1 plan-0 5:00   2 plan-1 5:00"));
    assert!(shows(&look(&house(&plans[..5]), START, size(80, 24), FANCY), "1 plan-0   2 plan-1   3 plan-2"));
    assert!(shows(&look(&house(&plans), START, size(80, 24), FANCY), "5 plan-4   ..."));
    assert!(shows(&look(&house(&plans), START, size(40, 10), FANCY), "1-9 plan"));
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
fn foreign_text_is_tamed() {
    let text = "a\x1b[31m\u{202e}b\t\u{301}宽 é";
    assert_eq!(wrapped(text, 80, 1, false), ["a?[31m?b ?? é"]);
    assert_eq!(wrapped(text, 80, 1, true), ["a?[31m?b ?? ?"]);
    assert_eq!(wrapped("one two three", 8, 2, false), ["one two", "three"]);
    assert_eq!(wrapped("one two three four", 8, 2, false), ["one two", "three f…"]);
    assert_eq!(wrapped("abcdefgh", 3, 9, false), ["abc", "def", "gh"]);
}

#[test]
fn the_environment_says_what_a_terminal_can() {
    let style = |vars: &[(&str, &str)]| {
        Style::from_env(|name| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_string())
        })
    };
    let depth = |vars| style(vars).depth;
    assert_eq!(depth(&[("TERM", "xterm")]), Depth::Sixteen);
    assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
    assert_eq!(depth(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Depth::True);
    assert_eq!(depth(&[("TERM", "xterm"), ("COLORTERM", "24bit"), ("NO_COLOR", "")]), Depth::True);
    assert_eq!(depth(&[("TERM", "xterm"), ("COLORTERM", "24bit"), ("NO_COLOR", "1")]), Depth::None);
    assert_eq!(depth(&[("TERM", "linux")]), Depth::Sixteen);
    assert_eq!(depth(&[("TERM", "linux"), ("LANG", "C.UTF-8")]), Depth::Console);

    let plain = |vars| style(vars).plain;
    assert!(plain(&[("TERM", "xterm")]));
    assert!(plain(&[("TERM", "linux"), ("LANG", "en_AU.UTF-8")]));
    assert!(!plain(&[("TERM", "xterm"), ("LANG", "C.utf8")]));
    assert!(plain(&[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("LC_ALL", "C")]));
    assert!(!plain(&[("TERM", "xterm"), ("LC_CTYPE", "de_DE.UTF-8"), ("LANG", "C")]));

    assert!(style(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]).lines);
    assert!(style(&[]).lines);
    assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Depth::None);
}

#[test]
fn colours_are_the_nearest_a_terminal_has() {
    use talklight::screen::style::Code;
    let Palette { green, yellow, red, ready } = Palette::CLASSIC;
    let all = [green, yellow, red, ready, Palette::COLOUR_BLIND.green, Rgb::BLACK];
    let sixteen = all.map(|colour| Depth::Sixteen.code(colour).unwrap());
    assert_eq!(sixteen, [10, 11, 9, 8, 14, 0].map(Code::Sixteen));
    // As the digits have them: a little lighter.
    let light = [
        (42, 255, 170),
        (255, 184, 42),
        // That of #ffa000.
        (255, 175, 42),
        (255, 42, 42),
        (42, 189, 255),
    ]
    .map(|(r, g, b)| Depth::Sixteen.code(Rgb::new(r, g, b)).unwrap());
    assert_eq!(light, [10, 11, 11, 9, 14].map(Code::Sixteen));
    let indexed = [(0, 255, 153), (255, 170, 0), (255, 0, 0), (64, 64, 64), (0, 200, 255), (0, 0, 0)]
        .map(|(r, g, b)| Depth::Indexed.code(Rgb::new(r, g, b)).unwrap());
    assert_eq!(indexed, [48, 214, 196, 238, 45, 16].map(Code::Indexed));
}

/// The keys that a keyboard makes of what arrives at each number of milliseconds.
fn typed(arrivals: &[(u64, &str)]) -> Vec<Key> {
    let mut keyboard = Keyboard::default();
    let at = |ms: u64| START + Duration::from_millis(ms);
    let mut keys = Vec::new();
    for (ms, bytes) in arrivals {
        keys.extend(keyboard.take(bytes.as_bytes(), at(*ms)));
    }
    keys.extend(keyboard.settle(at(1_000_000)));
    keys
}

fn chars(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

#[test]
fn a_key_held_down_is_one_press() {
    // X11 repeats after 660 ms, then 30 times a second.
    let mut held = vec![(0, " "), (660, " ")];
    held.extend((0..300).map(|n| (693 + n * 33, " ")));
    assert_eq!(typed(&held), chars(" "));
    held.push((693 + 299 * 33 + HELD.as_millis() as u64, " "));
    assert_eq!(typed(&held), chars("  "));
    // Linux, as slow as it comes: after 250 ms, ten times a second.
    let slow: Vec<_> = std::iter::once((0, "r")).chain((0..50).map(|n| (250 + n * 100, "r"))).collect();
    assert_eq!(typed(&slow), chars("r"));
    // Somebody who is impatient is not somebody who holds it down.
    assert_eq!(typed(&[(0, "q"), (300, "q")]), chars("qq"));
    assert_eq!(typed(&[(0, "q"), (300, "q"), (600, "q"), (900, "q")]), chars("qqqq"));
    assert_eq!(typed(&[(0, "q"), (149, "q")]), chars("q"));
    assert_eq!(typed(&[(0, " "), (750, " ")]), chars("  "));
    assert_eq!(typed(&[(0, "   r  rr")]), chars(" r r"));
    assert_eq!(typed(&[(0, "    ")]), chars(" "));
    assert_eq!(typed(&[(0, "r"), (100, "u"), (200, "r")]), chars("rur"));
    assert_eq!(typed(&[(0, "R"), (100, "r")]), chars("r"));
}

/// Sequences of xterm, rxvt, the Linux console, PuTTY, tmux and GNU screen for keys that are not bound, and reports that
/// nobody asked for. None may act as the letters in it: F3 once reset a running talk, and F2 ended the program.
#[test]
fn a_sequence_that_is_not_bound_does_nothing_however_it_is_split() {
    let sequences: [&[u8]; 24] = [
        b"\x1bOP",
        b"\x1bOQ",
        b"\x1bOR",
        b"\x1bO5R",
        b"\x1bO1;2Q",
        b"\x1bOr",
        b"\x1bOu",
        b"\x1bOM",
        b"\x1bO ",
        b"\x1bOa",
        b"\x1b[a",
        b"\x1b[[A",
        b"\x1b[[C",
        b"\x1b[13~",
        b"\x1b[1;5R",
        b"\x1b[<0;1;1M",
        b"\x1b[M r!",
        b"\x1b[M#qu",
        b"\x1b]11;rgb:ffff/q/r\x1b\\",
        b"\x1bP1+r q\x1b\\",
        b"\xc2\x8fR",
        b"\xc2\x9b1;2Q",
        b"\x8fR",
        b"\x9b1R",
    ];
    for sequence in sequences {
        for split in 0..=sequence.len() {
            for pause in [0, 200, 900] {
                let mut keyboard = Keyboard::default();
                let (begin, end) = sequence.split_at(split);
                let mut keys = keyboard.take(begin, START);
                keys.extend(keyboard.take(end, START + Duration::from_millis(pause)));
                // After Esc alone the rest are keys, unless they are `[` or `O`, which are not bound.
                let escaped = pause > 250 && split == 1 && !matches!(sequence[1], b'[' | b'O');
                let name = format!("{} at {split} after {pause} ms", sequence.escape_ascii());
                assert!(escaped || keys.iter().all(|key| *key == Key::Other), "{name}: {keys:?}");
                // The next key is one again.
                let mut later = keyboard.take(b"u", START + Duration::from_secs(5));
                later.retain(|key| *key != Key::Other);
                assert_eq!(later, chars("u"), "{name}");
            }
        }
    }
}

/// Somebody who hit Alt with a key, or whose terminal lost the end of a sequence, and then presses space again and again,
/// is heard within about a second.
#[test]
fn a_sequence_without_an_end_does_not_swallow_presses_for_long() {
    let beginnings: [&[u8]; 8] = [b"\x1bO", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b[2$", b"\x1b[M", b"\x9d", b"\xc2\x9b"];
    for begin in beginnings {
        let mut keyboard = Keyboard::default();
        keyboard.take(begin, START);
        let presses = (1..=4).map(|n| START + Duration::from_millis(400 * n));
        let mut heard = Vec::new();
        for at in presses {
            heard.extend(keyboard.take(b" ", at));
        }
        assert!(heard.contains(&Key::Char(' ')), "{}: {heard:?}", begin.escape_ascii());
    }
    // The keypad's space ends its sequence; the next press counts.
    assert_eq!(typed(&[(0, "\x1bO "), (500, " ")]), [Key::Other, Key::Char(' ')]);
}

/// The keys are where they are, whatever layout is on.
#[test]
fn a_cyrillic_or_greek_layout_presses_the_same_keys() {
    assert_eq!(typed(&[(0, "кгйз"), (2000, "КГЙЗ")]), chars("ruqpruqp"));
    assert_eq!(typed(&[(0, "ρθπ"), (2000, "ΡΘΠ")]), chars("ruprup"));
    assert_eq!(typed(&[(0, "ж")]), chars("ж"));
}

#[test]
fn sequences_and_pastes_are_no_keys() {
    assert_eq!(typed(&[(0, "\x1b[A"), (2000, "\x1bOP"), (4000, "\x1b[15;2~")]), [Key::Other; 3]);
    assert_eq!(typed(&[(0, "\x1b[200~r q\r1\x1b[201~u")]), chars("u"));
    // Escape is a key by itself, and the one after it is as well.
    assert_eq!(typed(&[(0, "\x1b"), (2000, "q")]), [Key::Other, Key::Char('q')]);
    // The end of a paste may be lost.
    assert_eq!(typed(&[(0, "\x1b[200~r q"), (2000, "q")]), chars("q"));
    assert_eq!(typed(&[(0, "\x1b[200~rq\x03")]), [Key::CtrlC]);
    assert_eq!(
        typed(&[(0, "\x03\x0c\x1a\r\n\t\x7f\u{fc}")]),
        [Key::CtrlC, Key::CtrlL, Key::CtrlZ, Key::Enter, Key::Other, Key::Char('ü')]
    );
    // Bytes that are no text, and text in pieces.
    let mut keyboard = Keyboard::default();
    assert_eq!(keyboard.take(b"\xff\xfe", START), [Key::Other]);
    assert_eq!(keyboard.take(b"\xc3", START), []);
    assert_eq!(keyboard.take(b"\xbc", START), [Key::Char('ü')]);
}

#[test]
fn keys_mean_what_the_screen_says() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let snapshot = house(&plans);
    let mut ui = Ui::new(Place::Daemon);
    let mut press = |key| ui.press(key, &snapshot, START);
    assert_eq!(press(Key::Char(' ')), Act::Send(Command::Start(None), None));
    assert_eq!(press(Key::Enter), Act::Send(Command::Start(None), None));
    assert_eq!(press(Key::Char('r')), Act::Send(Command::Reset, Some(7)));
    assert_eq!(press(Key::Char('u')), Act::Send(Command::Undo, Some(7)));
    assert_eq!(press(Key::Char('2')), Act::Send(Command::Choose(plans[1]), Some(7)));
    assert_eq!(press(Key::CtrlL), Act::Repaint);
    assert_eq!(press(Key::CtrlZ), Act::Suspend);
    assert_eq!(press(Key::Char('q')), Act::Leave);
    assert_eq!(press(Key::CtrlC), Act::Leave);

    let word = |key| {
        let mut ui = Ui::new(Place::Daemon);
        assert_eq!(ui.press(key, &snapshot, START), Act::Nothing);
        ui.notice.map(|notice| notice.text)
    };
    assert_eq!(word(Key::Char('3')).unwrap(), "there is no plan 3; plans are 1 to 2");
    assert_eq!(word(Key::Char('x')).unwrap(), "x is no key here; there are space, r, u, 1-2, ? and q");
    assert_eq!(word(Key::Other), None);
}

#[test]
fn quitting_during_a_talk_asks_once_more() {
    let (snapshot, now) = (talk(), START + s(10.0));
    let mut ui = Ui::new(Place::Daemon);
    assert_eq!(ui.press(Key::Char('q'), &snapshot, now), Act::Nothing);
    assert!(shows(&view(&snapshot, &ui, now, size(80, 24), FANCY).0, "press q again to quit"));
    assert_eq!(ui.press(Key::CtrlC, &snapshot, now + s(4.9)), Act::Leave);

    assert_eq!(ui.press(Key::Char('q'), &snapshot, now), Act::Nothing);
    assert_eq!(ui.press(Key::Char('q'), &snapshot, now + s(5.0)), Act::Nothing);
    assert_eq!(ui.press(Key::Other, &snapshot, now + s(6.0)), Act::Nothing);
    assert_eq!(ui.press(Key::Char('q'), &snapshot, now + s(7.0)), Act::Nothing);

    assert_eq!(Ui::new(Place::Console).press(Key::Char('q'), &snapshot, now), Act::Leave);
    assert_eq!(Ui::new(Place::Daemon).press(Key::Char('q'), &snapshot, START + s(300.0)), Act::Leave);
}

#[test]
fn the_page_is_left_by_q_and_every_other_key_does_what_it_says_there() {
    let mut ui = Ui::new(Place::Daemon);
    ui.press(Key::Char('?'), &talk(), START);
    assert_eq!(ui.press(Key::Char(' '), &talk(), START + s(1.0)), Act::Send(Command::Start(None), None));
    assert!(!ui.help);
    for key in [Key::Char('?'), Key::Char('q'), Key::Other] {
        let mut ui = Ui::new(Place::Daemon);
        ui.press(Key::Char('?'), &talk(), START);
        assert!(ui.help);
        assert_eq!(ui.press(key, &talk(), START + s(1.0)), Act::Nothing);
        assert!(!ui.help);
    }
}

#[test]
fn sizes_are_taken_with_a_grain_of_salt() {
    assert_eq!(size(0, 0), Size { cols: 80, rows: 24 });
    assert_eq!(size(65535, 65535), Size { cols: 1000, rows: 500 });
}

/// What a terminal shows after `bytes`: glyphs, colours and attributes of every cell.
fn emulate(screens: &[Vec<u8>], Size { cols, rows }: Size) -> Vec<String> {
    let (cols, rows) = (cols as u16, rows as u16);
    let nonzero = |size| NonZeroU16::new(size).unwrap();
    let mut parser = vt100::Parser::new(nonzero(rows), nonzero(cols), 0);
    for bytes in screens {
        parser.process(bytes);
    }
    let screen = parser.screen();
    let cell = |row, col| {
        let cell = screen.cell(row, col).unwrap();
        let glyph = if cell.has_contents() { cell.contents() } else { " " };
        let blank = glyph == " ";
        // The foreground of a blank is not seen.
        let front = (!blank).then(|| (cell.fgcolor(), cell.bold(), cell.dim()));
        format!("{glyph}{front:?}{:?}{}", cell.bgcolor(), cell.inverse())
    };
    (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))).map(|(row, col)| cell(row, col)).collect()
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let name = "[a-z0-9][a-z0-9_-]{0,23}";
    let length = prop_oneof![1_000..400_000u64, 1_000..86_400_000u64];
    (name, length, prop::array::uniform3(0.0..1.0f64)).prop_map(|(name, length, mut marks)| {
        marks.sort_by(f64::total_cmp);
        let [flash, red, yellow] = marks.map(|mark| Duration::from_millis((mark * length as f64) as u64));
        Plan::new(&name, Duration::from_millis(length), yellow, red, flash).unwrap()
    })
}

fn any_house() -> impl Strategy<Value = Snapshot> {
    let happening = prop_oneof![
        Just(Happening::Refused(Refused::Command(Refusal::Stale))),
        Just(Happening::Phase(Phase::Yellow)),
        Just(Happening::Done(Outcome::Cleared)),
        Just(Happening::StripFailed("no such device".into())),
        "\\PC{0,99}".prop_map(|text| Happening::Failed(text.into())),
    ];
    let state = prop_oneof![Just(0u8), Just(1), Just(2), Just(2), Just(2),];
    (
        prop::collection::vec(any_plan(), 1..12),
        state,
        (1..400usize, any::<bool>(), 167..2500u64),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        prop::collection::vec((0..700u64, happening), 0..9),
    )
        .prop_map(|(plans, state, (leds, bar, half), (spi, failing, stuck), log)| {
            let mut snapshot = house(&plans);
            let talk = Talk { plan: plans[plans.len() / 2], started: START };
            match state {
                0 => {}
                1 => (snapshot.timer.undo, snapshot.timer.undo_until) = (Some(talk), Some(START + s(9.25))),
                _ => snapshot.timer.talk = Some(talk),
            }
            snapshot.look.leds = leds;
            snapshot.look.flash_half = Duration::from_millis(half);
            if bar {
                snapshot.look.pattern = Pattern::Bar;
            }
            if spi {
                snapshot.strip_kind = "spi".into();
            }
            if failing {
                snapshot.strip = Health::Failing("writing \u{1b}[2J failed: ".repeat(9).into());
            }
            if stuck {
                snapshot.faults.push(Fault::new(Origin::Button, "closed for a minute"));
            }
            let mut at = START - s(700.0);
            for (gap, what) in log {
                at = at + Duration::from_millis(gap * 300);
                snapshot.note(at, Origin::Keyboard, what);
            }
            snapshot
        })
}

fn any_ui() -> impl Strategy<Value = Ui> {
    (any::<bool>(), any::<bool>(), prop::option::of(("\\PC{0,99}", any::<bool>(), 0..10_000u64))).prop_map(
        |(console, help, notice)| {
            let mut ui = Ui::new(if console { Place::Console } else { Place::Daemon });
            ui.help = help && console;
            ui.notice =
                notice.map(|(text, urgent, ms)| Notice { text, urgent, until: START + Duration::from_millis(ms) });
            ui
        },
    )
}

fn any_style() -> impl Strategy<Value = Style> {
    let depth = prop_oneof![
        Just(Depth::None),
        Just(Depth::Console),
        Just(Depth::Sixteen),
        Just(Depth::Indexed),
        Just(Depth::True)
    ];
    (depth, any::<bool>()).prop_map(|(depth, plain)| Style { depth, plain, lines: false })
}

fn any_size() -> impl Strategy<Value = Size> {
    let size = prop_oneof![
        8 => (1..12u16, 1..12u16),
        8 => (1..120u16, 1..50u16),
        1 => (1..300u16, 1..300u16)
    ];
    size.prop_map(|(cols, rows)| Size::new(cols, rows))
}

/// Moments near the start, around the end, and long after.
fn any_moment() -> impl Strategy<Value = u64> {
    prop_oneof![0..12_000_000_000u64, 0..500_000_000_000u64, 0..200_000_000_000_000u64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any size, any state, any moment: a screen of one-column glyphs, ASCII where that is all there is.
    #[test]
    fn every_screen_can_be_drawn(house in any_house(), ui in any_ui(), style in any_style(), size in any_size(), ns in any_moment()) {
        let now = START + Duration::from_nanos(ns);
        let (grid, _) = view(&house, &ui, now, size, style);
        prop_assert_eq!(grid.size(), size);
        for row in 0..size.rows {
            for cell in grid.row(row) {
                prop_assert!(!cell.glyph.is_control());
                prop_assert!(!style.plain || cell.glyph.is_ascii() || cell.glyph == style.block(), "{:?}", cell.glyph);
            }
        }
    }

    /// The screen is the same until the moment it gives, which is to come.
    #[test]
    fn a_screen_holds_until_its_moment(house in any_house(), ui in any_ui(), size in any_size(), ns in any_moment(), parts in prop::collection::vec(0.0..1.0f64, 8)) {
        let now = START + Duration::from_nanos(ns);
        let (grid, until) = view(&house, &ui, now, size, FANCY);
        let span = match until {
            Some(until) => {
                prop_assert!(until > now);
                until.since(now) - Duration::from_nanos(1)
            }
            None => Duration::from_secs(86_400),
        };
        for part in parts.into_iter().chain([1.0]) {
            let then = now + span.mul_f64(part).min(span);
            let (later, _) = view(&house, &ui, then, size, FANCY);
            prop_assert!(grid == later, "{:?} later\n{}\n{}", then.since(now), text(&grid), text(&later));
        }
    }

    /// Change by change a terminal comes to show the same as by painting everything, whatever there was before.
    #[test]
    fn changes_add_up(houses in prop::collection::vec((any_house(), any_ui(), any_moment()), 1..5), style in any_style(), size in any_size()) {
        let grids: Vec<_> = houses
            .iter()
            .map(|(house, ui, ns)| view(house, ui, START + Duration::from_nanos(*ns), size, style).0)
            .collect();
        let mut frames = vec![diff(None, &grids[0], style.depth)];
        frames.extend(grids.windows(2).map(|pair| diff(Some(&pair[0]), &pair[1], style.depth)));
        let last = grids.last().unwrap();
        let shown = emulate(&frames, size);
        prop_assert_eq!(&shown, &emulate(&[diff(None, last, style.depth)], size));
        let cells = (0..size.rows).flat_map(|row| last.row(row));
        for (shown, cell) in shown.iter().zip(cells) {
            let blocks = match cell.glyph {
                '█' => shown.starts_with(' '),
                '▀' => shown.starts_with('▄'),
                _ => false,
            };
            prop_assert!(blocks || shown.starts_with(cell.glyph));
        }
        prop_assert!(diff(Some(last), last, style.depth).is_empty());
    }
}
