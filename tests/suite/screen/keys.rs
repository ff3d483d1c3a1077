//! Which keys the bytes of a terminal press, and what the keys do.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use talklight::core::plan::Plan;
use talklight::core::timer::Command;
use talklight::screen::Place;
use talklight::screen::keys::{Action, HELD, Keyboard, UNBOUND, Ui};
use talklight::screen::view::view;

use super::{FANCY, START, idle, lightning, s, shows, size, talk};

/// The keys that are pressed by bytes, each with its time of arrival in milliseconds.
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
    // Linux, at its slowest: after 250 ms, ten times a second.
    let slow: Vec<_> = std::iter::once((0, "r")).chain((0..50).map(|n| (250 + n * 100, "r"))).collect();
    assert_eq!(typed(&slow), chars("r"));
    // A key that is pressed quickly is not held down.
    assert_eq!(typed(&[(0, "q"), (300, "q")]), chars("qq"));
    assert_eq!(typed(&[(0, "q"), (300, "q"), (600, "q"), (900, "q")]), chars("qqqq"));
    assert_eq!(typed(&[(0, "q"), (149, "q")]), chars("q"));
    assert_eq!(typed(&[(0, " "), (750, " ")]), chars("  "));
    assert_eq!(typed(&[(0, "   r  rr")]), chars(" r r"));
    assert_eq!(typed(&[(0, "    ")]), chars(" "));
    assert_eq!(typed(&[(0, "r"), (100, "u"), (200, "r")]), chars("rur"));
    assert_eq!(typed(&[(0, "R"), (100, "r")]), chars("r"));
}

/// Sequences of xterm, rxvt, the Linux console, PuTTY, tmux and GNU screen: keys that are not bound, and reports. None may press
/// the letters in it. F3 once reset a running talk, and F2 ended the program.
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
                // After a lone Esc the rest are keys, except `[` and `O`, which are not bound.
                let escaped = pause > 250 && split == 1 && !matches!(sequence[1], b'[' | b'O');
                let name = format!("{} at {split} after {pause} ms", sequence.escape_ascii());
                assert!(
                    escaped || keys.iter().all(|key| key.code == UNBOUND || key.code == KeyCode::Esc),
                    "{name}: {keys:?}"
                );
                // The next key works.
                let mut later = keyboard.take(b"u", START + Duration::from_secs(5));
                later.retain(|key| key.code != UNBOUND);
                assert_eq!(later, chars("u"), "{name}");
            }
        }
    }
}

/// After Alt with a key, or a sequence whose end was lost, keys work again within about a second, even if they are pressed without
/// a pause.
#[test]
fn a_sequence_without_an_end_swallows_keys_for_a_second_at_most() {
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
    // The space of the keypad ends its sequence; the next one is a key.
    assert_eq!(typed(&[(0, "\x1bO "), (500, " ")]), [other(), key(' ')]);
}

/// Alt with keys, and Shift with Home in rxvt. The parser alone would wait for more, and swallow the next key.
#[test]
fn a_key_that_is_not_bound_does_not_swallow_the_next() {
    for sequence in ["\x1b\r", "\x1b\t", "\x1b ", "\x1b\x7f", "\x1b[7$", "\x1b[23$"] {
        assert_eq!(typed(&[(0, sequence), (300, "u")]), [other(), key('u')], "{}", sequence.escape_default());
    }
    assert_eq!(typed(&[(0, "\x1b\x03")]), [ctrl('c')]);
}

#[test]
fn a_cyrillic_or_greek_layout_presses_the_same_keys() {
    assert_eq!(typed(&[(0, "кгйз"), (2000, "КГЙЗ")]), chars("ruqpruqp"));
    assert_eq!(typed(&[(0, "ρθπ"), (2000, "ΡΘΠ")]), chars("ruprup"));
    assert_eq!(typed(&[(0, "ж")]), chars("ж"));
}

#[test]
fn sequences_and_pastes_press_nothing() {
    assert_eq!(typed(&[(0, "\x1b[A"), (2000, "\x1bOP"), (4000, "\x1b[15;2~")]), [other(); 3]);
    assert_eq!(typed(&[(0, "\x1b[200~r q\r1\x1b[201~u")]), chars("u"));
    // Esc is a key, and so is the one after it.
    assert_eq!(typed(&[(0, "\x1b"), (2000, "q")]), [KeyCode::Esc.into(), key('q')]);
    // The end of a paste may be lost.
    assert_eq!(typed(&[(0, "\x1b[200~r q"), (2000, "q")]), chars("q"));
    assert_eq!(typed(&[(0, "\x1b[200~rq\x03")]), [ctrl('c')]);
    assert_eq!(
        typed(&[(0, "\x03\x0c\x1a\r\n\t\x7f\u{fc}")]),
        [ctrl('c'), ctrl('l'), ctrl('z'), KeyCode::Enter.into(), other(), key('ü')]
    );
    // Bytes that are not UTF-8, and a character in two pieces.
    let mut keyboard = Keyboard::default();
    assert_eq!(keyboard.take(b"\xff\xfe", START), [other()]);
    assert_eq!(keyboard.take(b"\xc3", START), []);
    assert_eq!(keyboard.take(b"\xbc", START), [key('ü')]);
}

#[test]
fn a_paste_of_100_kb_in_pieces_of_any_size_presses_nothing() {
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
fn keys_do_what_the_screen_says() {
    let plans = [lightning(), Plan::new("ignite", s(300.0), s(60.0), s(30.0), s(15.0)).unwrap()];
    let snapshot = idle(&plans);
    let mut ui = Ui::new(Place::Daemon);
    let mut press = |key| ui.press(key, &snapshot, START);
    assert_eq!(press(key(' ')), Action::Send(Command::Start(None), None));
    assert_eq!(press(KeyCode::Enter.into()), Action::Send(Command::Start(None), None));
    assert_eq!(press(key('r')), Action::Send(Command::Reset, Some(7)));
    assert_eq!(press(key('u')), Action::Send(Command::Undo, Some(7)));
    assert_eq!(press(key('l')), Action::Send(Command::Late(s(10.0)), None));
    assert_eq!(press(key('d')), Action::Demo);
    assert_eq!(press(key('2')), Action::Send(Command::Choose(plans[1]), Some(7)));
    assert_eq!(press(ctrl('l')), Action::Repaint);
    assert_eq!(press(ctrl('z')), Action::Suspend);
    assert_eq!(press(key('q')), Action::Leave);
    assert_eq!(press(ctrl('c')), Action::Leave);
    // A letter with Ctrl or Alt is another key.
    assert_eq!(press(ctrl('r')), Action::Nothing);
    assert_eq!(press(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::ALT)), Action::Nothing);

    let message = |key| {
        let mut ui = Ui::new(Place::Daemon);
        assert_eq!(ui.press(key, &snapshot, START), Action::Nothing);
        ui.notice.map(|notice| notice.text)
    };
    assert_eq!(message(key('3')).unwrap(), "there is no plan 3; the last is 2");
    assert_eq!(message(key('x')).unwrap(), "`x` is not bound; ? lists the keys");
    assert_eq!(message(other()), None);
}

#[test]
fn quitting_during_a_talk_needs_a_second_press() {
    let (snapshot, now) = (talk(), START + s(10.0));
    let mut ui = Ui::new(Place::Daemon);
    assert_eq!(ui.press(key('q'), &snapshot, now), Action::Nothing);
    assert!(shows(&view(&snapshot, &ui, now, size(80, 24), FANCY).0, "press q again to quit"));
    assert_eq!(ui.press(ctrl('c'), &snapshot, now + s(4.9)), Action::Leave);

    assert_eq!(ui.press(key('q'), &snapshot, now), Action::Nothing);
    assert_eq!(ui.press(key('q'), &snapshot, now + s(5.0)), Action::Nothing);
    assert_eq!(ui.press(other(), &snapshot, now + s(6.0)), Action::Nothing);
    assert_eq!(ui.press(key('q'), &snapshot, now + s(7.0)), Action::Nothing);

    assert_eq!(Ui::new(Place::Console).press(key('q'), &snapshot, now), Action::Leave);
    assert_eq!(Ui::new(Place::Daemon).press(key('q'), &snapshot, START + s(300.0)), Action::Leave);
}

#[test]
fn q_closes_the_help_page_and_bound_keys_work_on_it() {
    let mut ui = Ui::new(Place::Daemon);
    ui.press(key('?'), &talk(), START);
    assert_eq!(ui.press(key(' '), &talk(), START + s(1.0)), Action::Send(Command::Start(None), None));
    assert!(!ui.help);
    for close in [key('?'), key('q'), KeyCode::Esc.into(), other()] {
        let mut ui = Ui::new(Place::Daemon);
        ui.press(key('?'), &talk(), START);
        assert!(ui.help);
        assert_eq!(ui.press(close, &talk(), START + s(1.0)), Action::Nothing);
        assert!(!ui.help);
    }
    ui.press(key('?'), &idle(&[lightning()]), START);
    assert_eq!(ui.press(ctrl('c'), &idle(&[lightning()]), START), Action::Leave);
}
