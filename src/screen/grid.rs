//! A grid of cells, and the bytes that make a terminal show it.

use std::fmt::Write;

use crossterm::Command;
use crossterm::cursor::{MoveRight, MoveTo};
use crossterm::style::{
    Attribute, Attributes, Color, ContentStyle, SetAttribute, SetAttributes, SetBackgroundColor, SetForegroundColor,
    force_color_output,
};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};

use super::style::{Depth, Style};
use crate::control::invite::half_block;
use crate::core::look::Rgb;

/// The background. It is set, so that the LEDs look lit in a terminal with a light theme too.
pub const BACKGROUND: Rgb = Rgb::new(12, 14, 18);
/// The colour of details. A terminal without colour shows them dim.
pub const FAINT: Rgb = Rgb::new(88, 94, 104);

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub cols: usize,
    pub rows: usize,
}

/// How a glyph is drawn. A terminal without colour shows a background other than [`BACKGROUND`] as reverse video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    pub fg: Rgb,
    pub bg: Rgb,
    pub bold: bool,
}

/// One place on the screen. Its glyph is one column wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub glyph: char,
    pub ink: Ink,
}

/// A whole screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    size: Size,
    cells: Vec<Cell>,
}

impl Size {
    /// The size that a terminal reports, at most 1000×500. A serial console reports 0×0, which becomes 80×24.
    pub fn new(cols: u16, rows: u16) -> Self {
        let or = |reported: u16, default, max| match reported {
            0 => default,
            reported => usize::from(reported).min(max),
        };
        Self { cols: or(cols, 80, 1000), rows: or(rows, 24, 500) }
    }
}

impl Ink {
    /// This colour on [`BACKGROUND`], not bold.
    pub const fn new(fg: Rgb) -> Self {
        Self { fg, bg: BACKGROUND, bold: false }
    }

    /// The same in bold.
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same on another background.
    pub const fn on(self, bg: Rgb) -> Self {
        Self { bg, ..self }
    }
}

impl Cell {
    /// The cell as a terminal with this many colours should draw it. The block glyphs of some fonts leave gaps above them and
    /// marks beside them. A background does not, so a full block becomes a blank, and an upper half becomes a lower half.
    fn at(self, depth: Depth) -> Self {
        let Ink { fg, bg, bold } = self.ink;
        let (glyph, fg, bg) = match self.glyph {
            '█' if depth.paints() => (' ', BACKGROUND, fg),
            '▀' if depth.paints() => ('▄', bg, fg),
            glyph => (glyph, fg, bg),
        };
        let ink = Ink { fg, bg, bold };
        Self { glyph, ink }
    }
}

impl Grid {
    /// An empty screen.
    pub fn new(size: Size) -> Self {
        let blank = Cell { glyph: ' ', ink: Ink::new(BACKGROUND) };
        Self { size, cells: vec![blank; size.cols * size.rows] }
    }

    /// Its columns and rows.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The cells of a row, which must be below `size().rows`.
    pub fn row(&self, row: usize) -> &[Cell] {
        &self.cells[row * self.size.cols..][..self.size.cols]
    }

    /// Sets a cell. Does nothing outside of the grid.
    pub fn put(&mut self, col: usize, row: usize, glyph: char, ink: Ink) {
        if col < self.size.cols && row < self.size.rows {
            // All blanks on one background are equal.
            let blank = Ink::new(BACKGROUND).on(ink.bg);
            let ink = if glyph == ' ' { blank } else { ink };
            self.cells[row * self.size.cols + col] = Cell { glyph, ink };
        }
    }

    /// Writes text up to the edge of the grid.
    pub fn text(&mut self, col: usize, row: usize, text: &str, ink: Ink) {
        for (i, glyph) in text.chars().enumerate() {
            self.put(col + i, row, glyph, ink);
        }
    }

    /// Draws a bitmap of `width` × `height` [dots](Style::dot) with its upper left corner at `col`, `row`. Cells without a dot
    /// are left alone. A plain style fills its dots with `block`.
    pub fn dots(
        &mut self,
        (col, row): (usize, usize),
        (width, height): (usize, usize),
        (style, block): (Style, char),
        ink: Ink,
        is_set: impl Fn(usize, usize) -> bool,
    ) {
        let (dot_cols, dots_per_row) = style.dot();
        for (x, y) in (0..height.div_ceil(dots_per_row)).flat_map(|y| (0..width * dot_cols).map(move |x| (x, y))) {
            let dot = |part: usize| {
                let y = y * dots_per_row + part;
                y < height && is_set(x / dot_cols, y)
            };
            let halves = [dot(0), dots_per_row == 2 && dot(1)];
            if halves != [false, false] {
                let glyph = if style.plain { block } else { half_block(halves) };
                self.put(col + x, row + y, glyph, ink);
            }
        }
    }
}

/// The bytes that make a terminal show `new`. It shows `old` before; `None` if that is unknown. Empty if nothing changes.
pub fn diff(old: Option<&Grid>, new: &Grid, depth: Depth) -> Vec<u8> {
    let old = old.filter(|old| old.size == new.size);
    // `Style` has read NO_COLOR already. Without this line crossterm reads it too, and leaves out all colours.
    force_color_output(true);
    let mut out = String::new();
    // What the terminal is set to.
    let mut now = None;
    for row in 0..new.size.rows {
        if old.is_some_and(|old| old.row(row) == new.row(row)) {
            continue;
        }
        let at_depth = |grid: &Grid| -> Vec<Cell> { grid.row(row).iter().map(|cell| cell.at(depth)).collect() };
        let (cells, before) = (at_depth(new), old.map(at_depth));
        let changed = |col: usize| before.as_ref().is_none_or(|before| before[col] != cells[col]);
        // In some fonts a block sticks out to the side, and that part stays when the block is replaced.
        let leaves_mark = |col: usize| {
            let before = before.as_ref().and_then(|before| before.get(col));
            before.is_some_and(|cell| "▄▀█".contains(cell.glyph)) && changed(col)
        };
        let mut at = None;
        for (col, cell) in cells.iter().enumerate() {
            if !(changed(col) || leaves_mark(col + 1) || col > 0 && leaves_mark(col - 1)) {
                continue;
            }
            let skipped = &cells[at.unwrap_or(col)..col];
            match at {
                None => put(&mut out, MoveTo(col as u16, row as u16)),
                // Writing a few cells again takes fewer bytes than moving the cursor.
                Some(_) if skipped.len() < 4 && skipped.iter().all(|cell| is_drawn_by(now, cell, depth)) => {
                    out.extend(skipped.iter().map(|cell| cell.glyph));
                }
                Some(_) => put(&mut out, MoveRight(skipped.len() as u16)),
            }
            at = Some(col + 1);
            if !is_drawn_by(now, cell, depth) {
                let next = pen(cell.ink, depth);
                change_pen(now.replace(next), next, &mut out);
            }
            out.push(cell.glyph);
        }
    }
    if out.is_empty() {
        return Vec::new();
    }
    // Some terminals then show the whole frame at once; the others ignore it.
    let mut frame = String::new();
    put(&mut frame, BeginSynchronizedUpdate);
    frame.push_str(&out);
    put(&mut frame, SetAttribute(Attribute::Reset));
    put(&mut frame, EndSynchronizedUpdate);
    frame.into_bytes()
}

fn put(out: &mut String, command: impl Command) {
    // Writing to a string cannot fail.
    let _ = command.write_ansi(out);
}

/// What the terminal must be set to for an ink.
fn pen(ink: Ink, depth: Depth) -> ContentStyle {
    let colourless = depth == Depth::None;
    let mut attributes = Attributes::none();
    for (attribute, is_on) in [
        (Attribute::Bold, ink.bold),
        (Attribute::Dim, colourless && ink.fg == FAINT),
        (Attribute::Reverse, colourless && ink.bg != BACKGROUND),
    ] {
        if is_on {
            attributes.set(attribute);
        }
    }
    let (foreground_color, background_color) = (depth.nearest(ink.fg), depth.nearest(ink.bg));
    ContentStyle { foreground_color, background_color, underline_color: None, attributes }
}

/// Whether the terminal draws this cell right as it is set now. A blank shows its background only.
fn is_drawn_by(now: Option<ContentStyle>, cell: &Cell, depth: Depth) -> bool {
    let wanted = pen(cell.ink, depth);
    let background = |pen: ContentStyle| (pen.background_color, pen.attributes.has(Attribute::Reverse));
    now.is_some_and(|now| match cell.glyph {
        ' ' => background(now) == background(wanted),
        _ => now == wanted,
    })
}

/// Writes what differs between two settings of the terminal; all of the second if the first is unknown.
fn change_pen(now: Option<ContentStyle>, next: ContentStyle, out: &mut String) {
    let only_adds = |now: &ContentStyle| now.attributes | next.attributes == next.attributes;
    let now = now.filter(only_adds).unwrap_or_else(|| {
        put(out, SetAttribute(Attribute::Reset));
        ContentStyle::default()
    });
    put(out, SetAttributes(now.attributes ^ next.attributes));
    for (colour, before, base) in
        [(next.foreground_color, now.foreground_color, 30), (next.background_color, now.background_color, 40)]
    {
        match colour {
            _ if colour == before => {}
            None => {}
            // crossterm writes 9 as `38;5;9`. A terminal with only sixteen colours reads the 5 as blinking.
            Some(Color::AnsiValue(n @ 0..8)) => _ = write!(out, "\x1b[{}m", base + n),
            Some(Color::AnsiValue(n @ 8..16)) => _ = write!(out, "\x1b[{}m", base + 52 + n),
            Some(colour) if base == 30 => put(out, SetForegroundColor(colour)),
            Some(colour) => put(out, SetBackgroundColor(colour)),
        }
    }
}
