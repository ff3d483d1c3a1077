//! What bytes from a keyboard press, and what the keys mean.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use talklight::core::plan::Plan;
use talklight::core::timer::Command;
use talklight::screen::Place;
use talklight::screen::keys::{Act, HELD, Keyboard, UNBOUND, Ui};
use talklight::screen::view::view;

use super::{FANCY, START, house, lightning, s, shows, size, talk};

/// The keys that a keyboard makes of what arrives at each number of milliseconds.
fn typed(arrivals: &[(u64, &str)]) -> Vec<KeyEvent> {
    let mut keyboard = Keyboard::default();
    let at = |ms: u64| START + Duration::from_millis(ms);
    let mut keys = Vec::new();
    for (ms, bytes) in arrivals {
        keys.extend(keyboard.take(bytes.as_bytes(), at(*ms)));
    }
    keys.extend(keyboard.settle(at(1_000_000)));
    keys
}

fn key(c: char) -> KeyEvent {
    KeyCode::Char(c).into()
}

fn ctrl(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
}

/// A key that is not bound.
fn other() -> KeyEvent {
    UNBOUND.into()
}

fn chars(text: &str) -> Vec<KeyEvent> {
    text.chars().map(key).collect()
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
    let sequences: [&[u8]; 26] = [
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
        b"\x1b\r",
        b"\x1b[7$",
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
                assert!(
                    escaped || keys.iter().all(|key| key.code == UNBOUND || key.code == KeyCode::Esc),
                    "{name}: {keys:?}"
                );
                // The next key is one again.
                let mut later = keyboard.take(b"u", START + Duration::from_secs(5));
                later.retain(|key| key.code != UNBOUND);
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
        assert!(heard.contains(&key(' ')), "{}: {heard:?}", begin.escape_ascii());
    }
    // The keypad's space ends its sequence; the next press counts.
    assert_eq!(typed(&[(0, "\x1bO "), (500, " ")]), [other(), key(' ')]);
}

/// Alt with keys, and Shift with Home in rxvt: the parser would wait for more, and take the next key for it.
#[test]
fn a_key_that_is_not_bound_swallows_no_other() {
    for sequence in ["\x1b\r", "\x1b\t", "\x1b ", "\x1b\x7f", "\x1b[7$", "\x1b[23$"] {
        assert_eq!(typed(&[(0, sequence), (300, "u")]), [other(), key('u')], "{}", sequence.escape_default());
    }
    assert_eq!(typed(&[(0, "\x1b\x03")]), [ctrl('c')]);
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
    assert_eq!(typed(&[(0, "\x1b[A"), (2000, "\x1bOP"), (4000, "\x1b[15;2~")]), [other(); 3]);
    assert_eq!(typed(&[(0, "\x1b[200~r q\r1\x1b[201~u")]), chars("u"));
    // Escape is a key by itself, and the one after it is as well.
    assert_eq!(typed(&[(0, "\x1b"), (2000, "q")]), [KeyCode::Esc.into(), key('q')]);
    // The end of a paste may be lost.
    assert_eq!(typed(&[(0, "\x1b[200~r q"), (2000, "q")]), chars("q"));
    assert_eq!(typed(&[(0, "\x1b[200~rq\x03")]), [ctrl('c')]);
    assert_eq!(
        typed(&[(0, "\x03\x0c\x1a\r\n\t\x7f\u{fc}")]),
        [ctrl('c'), ctrl('l'), ctrl('z'), KeyCode::Enter.into(), other(), key('ü')]
    );
    // Bytes that are no text, and text in pieces.
    let mut keyboard = Keyboard::default();
    assert_eq!(keyboard.take(b"\xff\xfe", START), [other()]);
    assert_eq!(keyboard.take(b"\xc3", START), []);
    assert_eq!(keyboard.take(b"\xbc", START), [key('ü')]);
}

#[test]
fn a_paste_of_100_kb_presses_nothing_in_whatever_pieces_it_comes() {
    let paste = format!("\x1b[200~{}\x1b[201~u", "r q\r2 к\x1bOR".repeat(100 * 1024 / 12));
    for piece in [1, 7, 256, 4096] {
        let mut keyboard = Keyboard::default();
        let mut keys = Vec::new();
        for (n, bytes) in (0..).zip(paste.as_bytes().chunks(piece)) {
            keys.extend(keyboard.take(bytes, START + Duration::from_millis(n)));
        }
        keys.retain(|key| key.code != UNBOUND && key.code != KeyCode::Esc);
        assert_eq!(keys, chars("u"), "in pieces of {piece} bytes");
    }
}

#[test]
fn keys_mean_what_the_screen_says() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let snapshot = house(&plans);
    let mut ui = Ui::new(Place::Daemon);
    let mut press = |key| ui.press(key, &snapshot, START);
    assert_eq!(press(key(' ')), Act::Send(Command::Start(None), None));
    assert_eq!(press(KeyCode::Enter.into()), Act::Send(Command::Start(None), None));
    assert_eq!(press(key('r')), Act::Send(Command::Reset, Some(7)));
    assert_eq!(press(key('u')), Act::Send(Command::Undo, Some(7)));
    assert_eq!(press(key('2')), Act::Send(Command::Choose(plans[1]), Some(7)));
    assert_eq!(press(ctrl('l')), Act::Repaint);
    assert_eq!(press(ctrl('z')), Act::Suspend);
    assert_eq!(press(key('q')), Act::Leave);
    assert_eq!(press(ctrl('c')), Act::Leave);
    // With Ctrl or Alt a letter is another key.
    assert_eq!(press(ctrl('r')), Act::Nothing);
    assert_eq!(press(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::ALT)), Act::Nothing);

    let word = |key| {
        let mut ui = Ui::new(Place::Daemon);
        assert_eq!(ui.press(key, &snapshot, START), Act::Nothing);
        ui.notice.map(|notice| notice.text)
    };
    assert_eq!(word(key('3')).unwrap(), "there is no plan 3; plans are 1 to 2");
    assert_eq!(word(key('x')).unwrap(), "x is no key here; there are space, r, u, 1-2, ? and q");
    assert_eq!(word(other()), None);
}

#[test]
fn quitting_during_a_talk_asks_once_more() {
    let (snapshot, now) = (talk(), START + s(10.0));
    let mut ui = Ui::new(Place::Daemon);
    assert_eq!(ui.press(key('q'), &snapshot, now), Act::Nothing);
    assert!(shows(&view(&snapshot, &ui, now, size(80, 24), FANCY).0, "press q again to quit"));
    assert_eq!(ui.press(ctrl('c'), &snapshot, now + s(4.9)), Act::Leave);

    assert_eq!(ui.press(key('q'), &snapshot, now), Act::Nothing);
    assert_eq!(ui.press(key('q'), &snapshot, now + s(5.0)), Act::Nothing);
    assert_eq!(ui.press(other(), &snapshot, now + s(6.0)), Act::Nothing);
    assert_eq!(ui.press(key('q'), &snapshot, now + s(7.0)), Act::Nothing);

    assert_eq!(Ui::new(Place::Console).press(key('q'), &snapshot, now), Act::Leave);
    assert_eq!(Ui::new(Place::Daemon).press(key('q'), &snapshot, START + s(300.0)), Act::Leave);
}

#[test]
fn the_page_is_left_by_q_and_every_other_key_does_what_it_says_there() {
    let mut ui = Ui::new(Place::Daemon);
    ui.press(key('?'), &talk(), START);
    assert_eq!(ui.press(key(' '), &talk(), START + s(1.0)), Act::Send(Command::Start(None), None));
    assert!(!ui.help);
    for close in [key('?'), key('q'), KeyCode::Esc.into(), other()] {
        let mut ui = Ui::new(Place::Daemon);
        ui.press(key('?'), &talk(), START);
        assert!(ui.help);
        assert_eq!(ui.press(close, &talk(), START + s(1.0)), Act::Nothing);
        assert!(!ui.help);
    }
    ui.press(key('?'), &house(&[lightning()]), START);
    assert_eq!(ui.press(ctrl('c'), &house(&[lightning()]), START), Act::Leave);
}
