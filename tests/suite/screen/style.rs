//! What a terminal can show, according to the environment, and the colours it gets.

use crossterm::style::Color;
use talklight::core::look::{Palette, Rgb};
use talklight::screen::style::{Depth, Style};

fn style(vars: &[(&str, &str)]) -> Style {
    Style::from_env(|name| {
        let found = vars.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.to_string())
    })
}

/// COLORTERM describes the outermost terminal; one that runs inside of it may know less. GNU screen 4 showed red as green.
#[test]
fn a_terminal_gets_only_colours_that_it_understands() {
    let depth = |term: &str, more: &[(&str, &str)]| {
        let vars = [&[("TERM", term), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")], more].concat();
        style(&vars).depth
    };
    let sty = [("STY", "2347.pts-0.pi")];
    let tmux = [("TMUX", "/run/tmux,1,0")];
    let both = [sty, tmux].concat();
    for (term, more, expected) in [
        ("xterm", &[][..], Depth::True),
        ("tmux-256color", &tmux, Depth::True),
        // A common setting of tmux.
        ("screen-256color", &tmux, Depth::True),
        ("screen.xterm-256color", &sty, Depth::Indexed),
        ("xterm-256color", &sty, Depth::Indexed),
        ("screen-256color", &both, Depth::Indexed),
        ("tmux-256color", &both, Depth::Indexed),
        ("screen", &sty, Depth::Sixteen),
        // Through ssh or sudo, which pass on neither STY nor TMUX.
        ("screen.xterm-256color", &[], Depth::Indexed),
        ("screen", &[], Depth::Sixteen),
        ("linux", &[], Depth::Console),
        ("linux-16color", &[], Depth::Console),
        ("rxvt-unicode-256color", &[], Depth::Indexed),
        ("putty-256color", &[], Depth::Indexed),
        ("xterm-256color", &[("TERM_PROGRAM", "Apple_Terminal")], Depth::Indexed),
        ("rxvt", &[], Depth::Sixteen),
        ("xterm-16color", &[], Depth::Sixteen),
        ("xterm-color", &[], Depth::Sixteen),
        ("ansi", &[], Depth::Sixteen),
        ("vt100", &[], Depth::None),
        ("vt220", &[], Depth::None),
        ("xterm-mono", &[], Depth::None),
        ("vte-256color", &[], Depth::True),
    ] {
        assert_eq!(depth(term, more), expected, "{term} {more:?}");
    }
    // The locale belongs to the machine; the terminal knows ASCII only.
    assert!(style(&[("TERM", "vt220"), ("LANG", "C.UTF-8")]).plain);
}

#[test]
fn the_environment_says_what_a_terminal_can() {
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
    assert!(style(&[("TERM", "unknown")]).lines);
    assert!(style(&[]).lines);
    assert_eq!(depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Depth::None);
}

#[test]
fn colours_are_the_nearest_a_terminal_has() {
    let Palette { green, yellow, red, ready } = Palette::CLASSIC;
    let all = [green, yellow, red, ready, Palette::COLOUR_BLIND.green, Rgb::BLACK];
    let sixteen = all.map(|colour| Depth::Sixteen.nearest(colour).unwrap());
    assert_eq!(sixteen, [10, 11, 9, 8, 14, 0].map(Color::AnsiValue));
    // The lighter colours of the digits.
    let light = [
        (42, 255, 170),
        (255, 184, 42),
        // From #ffa000.
        (255, 175, 42),
        (255, 42, 42),
        (42, 189, 255),
    ]
    .map(|(r, g, b)| Depth::Sixteen.nearest(Rgb::new(r, g, b)).unwrap());
    assert_eq!(light, [10, 11, 11, 9, 14].map(Color::AnsiValue));
    let indexed = [(0, 255, 153), (255, 170, 0), (255, 0, 0), (64, 64, 64), (0, 200, 255), (0, 0, 0)]
        .map(|(r, g, b)| Depth::Indexed.nearest(Rgb::new(r, g, b)).unwrap());
    assert_eq!(indexed, [48, 214, 196, 238, 45, 16].map(Color::AnsiValue));
}
