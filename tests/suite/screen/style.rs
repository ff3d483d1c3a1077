//! What the environment says about a terminal, and the colours of each kind.

use crossterm::style::Color;
use talklight::core::look::{Palette, Rgb};
use talklight::screen::style::{Depth, Style};

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
    let Palette { green, yellow, red, ready } = Palette::CLASSIC;
    let all = [green, yellow, red, ready, Palette::COLOUR_BLIND.green, Rgb::BLACK];
    let sixteen = all.map(|colour| Depth::Sixteen.nearest(colour).unwrap());
    assert_eq!(sixteen, [10, 11, 9, 8, 14, 0].map(Color::AnsiValue));
    // As the digits have them: a little lighter.
    let light = [
        (42, 255, 170),
        (255, 184, 42),
        // That of #ffa000.
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
