//! How much a terminal can show: colours, and glyphs beyond ASCII.

use crossterm::style::Color;

use crate::core::look::Rgb;

/// How the names of terminals begin that understand 24-bit colours. COLORTERM alone says too little: it describes the
/// outermost terminal, and reaches others through GNU screen, su, ssh and serial lines. Those read the numbers of
/// `48;2;255;42;42` one by one, and 42 is a green background.
const TRUE: &str = "alacritty contour foot ghostty iterm kitty konsole mintty rio st-256color tmux vte wezterm \
                    xterm-256color xterm-direct xterm-ghostty xterm-kitty";

/// What the environment says about the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub depth: Depth,
    /// ASCII only, but for [`block`](Self::block).
    pub plain: bool,
    /// The terminal cannot move its cursor: happenings are told line by line.
    pub lines: bool,
}

/// How many colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    None,
    /// Linux's own console: sixteen to draw with, but only the darker eight to draw on, of which yellow is a brown. All its
    /// fonts have the full block, and few have its halves.
    Console,
    Sixteen,
    Indexed,
    True,
}

impl Style {
    /// Reads the environment through `get`. An empty variable counts as none.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| get(name).filter(|value| !value.is_empty());
        let term = get("TERM").unwrap_or_else(|| "dumb".into());
        let lines = term == "dumb" || term == "unknown";
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get);
        let utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let is_console = term.starts_with("linux");
        // vt100 to vt525: no colours, and ASCII whatever the locale says.
        let is_dec = term.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let is_monochrome = is_dec || term.ends_with("-m") || term.ends_with("-mono");
        // tmux understands 24-bit colours, and often calls its terminals by the name of GNU screen, which does not.
        let in_tmux = term.starts_with("screen") && get("TMUX").is_some();
        let knows_true = term == "xterm" || in_tmux || TRUE.split(' ').any(|known| term.starts_with(known));
        let is_limited = get("STY").is_some() || get("TERM_PROGRAM").is_some_and(|name| name == "Apple_Terminal");
        let says_true = get("COLORTERM").is_some_and(|depth| depth == "truecolor" || depth == "24bit");
        let depth = match () {
            () if lines || is_monochrome || get("NO_COLOR").is_some() => Depth::None,
            () if is_console && utf8 => Depth::Console,
            () if is_console => Depth::Sixteen,
            () if says_true && knows_true && !is_limited => Depth::True,
            () if term.contains("256color") => Depth::Indexed,
            () => Depth::Sixteen,
        };
        let plain = lines || is_console || is_dec || !utf8;
        Self { depth, plain, lines }
    }
}

impl Style {
    /// The glyph that fills a cell, or comes next to it.
    pub fn block(self) -> char {
        match self {
            Self { depth: Depth::Console, .. } | Self { plain: false, .. } => '█',
            _ => '#',
        }
    }
}

impl Depth {
    /// Whether a background can have every colour that a glyph can.
    pub fn paints(self) -> bool {
        !matches!(self, Self::None | Self::Console)
    }

    /// The nearest this depth has to `colour`.
    pub fn nearest(self, colour: Rgb) -> Option<Color> {
        match self {
            Self::None => None,
            Self::Console | Self::Sixteen => Some(Color::AnsiValue(sixteen(colour))),
            Self::Indexed => Some(Color::AnsiValue(indexed(colour))),
            Self::True => Some(Color::Rgb { r: colour.r, g: colour.g, b: colour.b }),
        }
    }
}

/// By hue, as every terminal has its own sixteen: the channels that take part, and whether it is bright. A channel takes
/// part from 61 % of the way from the weakest to the strongest, which makes amber yellow and a bluish green green.
fn sixteen(Rgb { r, g, b }: Rgb) -> u8 {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most - least < 48 {
        return match most {
            0..48 => 0,
            48..112 => 8,
            112..200 => 7,
            200.. => 15,
        };
    }
    let takes_part = |channel: u8| {
        let (above, span) = (u16::from(channel - least), u16::from(most - least));
        u8::from(above * 100 >= span * 61)
    };
    let hue = takes_part(r) | takes_part(g) << 1 | takes_part(b) << 2;
    if most >= 176 { 8 + hue } else { hue }
}

/// The nearest of the 6×6×6 cube and the 24 greys of the 256 colours.
fn indexed(colour: Rgb) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |channel: u8| (0..6).min_by_key(|&level: &usize| LEVELS[level].abs_diff(channel)).unwrap_or(0);
    let [r, g, b] = [colour.r, colour.g, colour.b].map(nearest);
    let cube = Rgb::new(LEVELS[r], LEVELS[g], LEVELS[b]);
    let mean = (u16::from(colour.r) + u16::from(colour.g) + u16::from(colour.b)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let level = 8 + 10 * step;
    if distance(colour, Rgb::new(level, level, level)) < distance(colour, cube) {
        232 + step
    } else {
        (16 + 36 * r + 6 * g + b) as u8
    }
}

fn distance(one: Rgb, other: Rgb) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    square(one.r, other.r) + square(one.g, other.g) + square(one.b, other.b)
}
