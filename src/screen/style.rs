//! What a terminal can show: how many colours, and whether more than ASCII.

use crossterm::style::Color;

use crate::core::look::Rgb;

/// The beginnings of TERM for terminals with 24-bit colours. COLORTERM alone is not enough: it describes the outermost
/// terminal, and GNU screen, su, ssh and serial lines pass it on to terminals that know less. Those read the numbers of
/// `48;2;255;42;42` one by one, and 42 is a green background.
const TRUE: &str = "alacritty contour foot ghostty iterm kitty konsole mintty rio st-256color tmux vte wezterm \
                    xterm-256color xterm-direct xterm-ghostty xterm-kitty";

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub depth: Depth,
    /// ASCII only, except for [`block`](Self::block).
    pub plain: bool,
    /// The terminal cannot move its cursor, so the screen is a log, line by line.
    pub lines: bool,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    None,
    /// The console of Linux: sixteen colours for glyphs, but only the darker eight for backgrounds, where yellow is brown. All
    /// its fonts have the full block, few have half blocks.
    Console,
    Sixteen,
    /// 256 colours.
    Indexed,
    /// 24 bits.
    True,
}

impl Style {
    /// Reads the environment through `get`. An empty variable counts as unset.
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
        // vt100 to vt525 have no colours, and only ASCII, even with a UTF-8 locale.
        let is_dec = term.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let is_monochrome = is_dec || term.ends_with("-m") || term.ends_with("-mono");
        // tmux has 24-bit colours; its TERM is often that of GNU screen, which has not.
        let in_tmux = term.starts_with("screen") && get("TMUX").is_some();
        let can_true = term == "xterm" || in_tmux || TRUE.split(' ').any(|known| term.starts_with(known));
        let is_limited = get("STY").is_some() || get("TERM_PROGRAM").is_some_and(|name| name == "Apple_Terminal");
        let claims_true = get("COLORTERM").is_some_and(|depth| depth == "truecolor" || depth == "24bit");
        let depth = if lines || is_monochrome || get("NO_COLOR").is_some() {
            Depth::None
        } else if is_console && utf8 {
            Depth::Console
        } else if !is_console && claims_true && can_true && !is_limited {
            Depth::True
        } else if !is_console && term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        let plain = lines || is_console || is_dec || !utf8;
        Self { depth, plain, lines }
    }

    /// The glyph that fills a cell, or the nearest to it.
    pub fn block(self) -> char {
        match self {
            Self { depth: Depth::Console, .. } | Self { plain: false, .. } => '█',
            _ => '#',
        }
    }

    /// The columns of a dot, and the dots that share a row, for pictures made of dots. A dot is about square: half a row high,
    /// or two columns wide where there are no half blocks.
    pub fn dot(self) -> (usize, usize) {
        if self.plain { (2, 1) } else { (1, 2) }
    }
}

impl Depth {
    /// Whether backgrounds have all the colours that glyphs have.
    pub fn paints(self) -> bool {
        !matches!(self, Self::None | Self::Console)
    }

    /// The nearest colour to `colour`; `None` without colours.
    pub fn nearest(self, colour: Rgb) -> Option<Color> {
        match self {
            Self::None => None,
            Self::Console | Self::Sixteen => Some(Color::AnsiValue(sixteen(colour))),
            Self::Indexed => Some(Color::AnsiValue(indexed(colour))),
            Self::True => Some(Color::Rgb { r: colour.r, g: colour.g, b: colour.b }),
        }
    }
}

/// The nearest of the sixteen colours by hue, since their exact values differ from terminal to terminal. A channel is on from
/// 61 % of the way from the weakest channel to the strongest, which makes amber yellow and a bluish green green.
fn sixteen(Rgb { r, g, b }: Rgb) -> u8 {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max - min < 48 {
        return match max {
            0..48 => 0,
            48..112 => 8,
            112..200 => 7,
            200.. => 15,
        };
    }
    let is_on = |channel: u8| {
        let (above, span) = (u16::from(channel - min), u16::from(max - min));
        u8::from(above * 100 >= span * 61)
    };
    let hue = is_on(r) | is_on(g) << 1 | is_on(b) << 2;
    if max >= 176 { 8 + hue } else { hue }
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
