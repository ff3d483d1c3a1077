//! A grid of cells, and the bytes that turn what a terminal shows into the next grid.

use std::fmt::Write;

use crossterm::Command;
use crossterm::cursor::{MoveRight, MoveTo};
use crossterm::style::{Attribute, Color, SetAttribute, SetBackgroundColor, SetForegroundColor, force_color_output};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};

use super::style::Depth;
use crate::core::look::Rgb;

/// The background. Ours, so that the LEDs glow on every theme.
pub const PAPER: Rgb = Rgb::new(12, 14, 18);
/// What need not be read; without colour it is dim.
pub const FAINT: Rgb = Rgb::new(88, 94, 104);

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub cols: usize,
    pub rows: usize,
}

/// How a glyph is drawn. Without colour a background other than [`PAPER`] is shown as reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    pub fg: Rgb,
    pub bg: Rgb,
    pub bold: bool,
}

/// One place on the screen. Its glyph takes one column.
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
    /// What a terminal says, within reason. Serial consoles say 0×0 and get 80×24.
    pub fn new(cols: u16, rows: u16) -> Self {
        let or = |said: u16, usual, most| match said {
            0 => usual,
            said => usize::from(said).min(most),
        };
        Self { cols: or(cols, 80, 1000), rows: or(rows, 24, 500) }
    }
}

impl Ink {
    pub const fn new(fg: Rgb) -> Self {
        Self { fg, bg: PAPER, bold: false }
    }

    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub const fn on(self, bg: Rgb) -> Self {
        Self { bg, ..self }
    }
}

impl Cell {
    /// The cell as a terminal of this depth is told it. The blocks of some fonts leave seams above, and traces beside them;
    /// a background leaves none.
    fn at(self, depth: Depth) -> Self {
        let Ink { fg, bg, bold } = self.ink;
        let (glyph, fg, bg) = match self.glyph {
            '█' if depth.paints() => (' ', PAPER, fg),
            '▀' if depth.paints() => ('▄', bg, fg),
            glyph => (glyph, fg, bg),
        };
        let ink = Ink { fg, bg, bold };
        Self { glyph, ink }
    }
}

impl Grid {
    pub fn new(size: Size) -> Self {
        let blank = Cell { glyph: ' ', ink: Ink::new(PAPER) };
        Self { size, cells: vec![blank; size.cols * size.rows] }
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn row(&self, row: usize) -> &[Cell] {
        &self.cells[row * self.size.cols..][..self.size.cols]
    }

    /// Sets a cell; outside of the grid nothing.
    pub fn put(&mut self, col: usize, row: usize, glyph: char, ink: Ink) {
        if col < self.size.cols && row < self.size.rows {
            // A blank has no colour but its background.
            let blank = Ink::new(PAPER).on(ink.bg);
            let ink = if glyph == ' ' { blank } else { ink };
            self.cells[row * self.size.cols + col] = Cell { glyph, ink };
        }
    }

    /// Writes text as far as the grid goes.
    pub fn text(&mut self, col: usize, row: usize, text: &str, ink: Ink) {
        for (i, glyph) in text.chars().enumerate() {
            self.put(col + i, row, glyph, ink);
        }
    }
}

/// The bytes that make a terminal which shows `old`, or anything at all, show `new`.
pub fn diff(old: Option<&Grid>, new: &Grid, depth: Depth) -> Vec<u8> {
    let old = old.filter(|old| old.size == new.size);
    // Whether there are colours is for `Style` to say, by TERM as well as by NO_COLOR.
    force_color_output(true);
    let mut out = String::new();
    let mut pen = None;
    for row in 0..new.size.rows {
        if old.is_some_and(|old| old.row(row) == new.row(row)) {
            continue;
        }
        let told = |grid: &Grid| -> Vec<Cell> {
            let cells = grid.row(row).iter();
            cells.map(|cell| cell.at(depth)).collect()
        };
        let (cells, before) = (told(new), old.map(told));
        let changed = |col: usize| match &before {
            Some(before) => before[col] != cells[col],
            None => true,
        };
        // In some fonts blocks stick out to the side, and what stuck out remains when they go.
        let leaves_trace = |col: usize| {
            let before = before.as_ref().and_then(|before| before.get(col));
            before.is_some_and(|cell| "▄▀█".contains(cell.glyph)) && changed(col)
        };
        let mut at = None;
        for (col, cell) in cells.iter().enumerate() {
            if !(changed(col) || leaves_trace(col + 1) || col > 0 && leaves_trace(col - 1)) {
                continue;
            }
            let skipped = &cells[at.unwrap_or(col)..col];
            match at {
                None => put(&mut out, MoveTo(col as u16, row as u16)),
                // To write a few cells again is shorter than to go past them.
                Some(_) if skipped.len() < 4 && skipped.iter().all(|cell| is_drawn_by(pen, cell, depth)) => {
                    out.extend(skipped.iter().map(|cell| cell.glyph));
                }
                Some(_) => put(&mut out, MoveRight(skipped.len() as u16)),
            }
            at = Some(col + 1);
            if !is_drawn_by(pen, cell, depth) {
                change_pen(&mut pen, Pen::new(cell.ink, depth), &mut out);
            }
            out.push(cell.glyph);
        }
    }
    if out.is_empty() {
        return Vec::new();
    }
    // Shown at once by terminals that know how; the others ignore it.
    let mut frame = String::new();
    put(&mut frame, BeginSynchronizedUpdate);
    frame.push_str(&out);
    put(&mut frame, SetAttribute(Attribute::Reset));
    put(&mut frame, EndSynchronizedUpdate);
    frame.into_bytes()
}

fn put(out: &mut String, command: impl Command) {
    // A string takes everything.
    let _ = command.write_ansi(out);
}

/// What the terminal draws with: an [`Ink`] at one depth.
#[derive(Clone, Copy, PartialEq)]
struct Pen {
    bold: bool,
    dim: bool,
    reverse: bool,
    fg: Option<Color>,
    bg: Option<Color>,
}

impl Pen {
    fn new(ink: Ink, depth: Depth) -> Self {
        let colourless = depth == Depth::None;
        Self {
            bold: ink.bold,
            dim: colourless && ink.fg == FAINT,
            reverse: colourless && ink.bg != PAPER,
            fg: depth.nearest(ink.fg),
            bg: depth.nearest(ink.bg),
        }
    }
}

/// Whether a pen draws this cell as it should be. A blank is all background.
fn is_drawn_by(pen: Option<Pen>, cell: &Cell, depth: Depth) -> bool {
    let wanted = Pen::new(cell.ink, depth);
    pen.is_some_and(|pen| match cell.glyph {
        ' ' => (pen.bg, pen.reverse) == (wanted.bg, wanted.reverse),
        _ => pen == wanted,
    })
}

/// Writes what differs; from an unknown pen everything.
fn change_pen(pen: &mut Option<Pen>, next: Pen, out: &mut String) {
    let kept = pen.filter(|pen| (!pen.bold || next.bold) && (!pen.dim || next.dim) && (!pen.reverse || next.reverse));
    if kept.is_none() {
        put(out, SetAttribute(Attribute::Reset));
    }
    for (on, was, attribute) in [
        (next.bold, kept.is_some_and(|pen| pen.bold), Attribute::Bold),
        (next.dim, kept.is_some_and(|pen| pen.dim), Attribute::Dim),
        (next.reverse, kept.is_some_and(|pen| pen.reverse), Attribute::Reverse),
    ] {
        if on && !was {
            put(out, SetAttribute(attribute));
        }
    }
    if let Some(colour) = next.fg.filter(|_| next.fg != kept.and_then(|pen| pen.fg)) {
        match sixteen(colour, 30) {
            Some(code) => _ = write!(out, "\x1b[{code}m"),
            None => put(out, SetForegroundColor(colour)),
        }
    }
    if let Some(colour) = next.bg.filter(|_| next.bg != kept.and_then(|pen| pen.bg)) {
        match sixteen(colour, 40) {
            Some(code) => _ = write!(out, "\x1b[{code}m"),
            None => put(out, SetBackgroundColor(colour)),
        }
    }
    *pen = Some(next);
}

/// The code of one of sixteen colours. crossterm writes it as one of 256 (`38;5;9`), which a terminal of sixteen takes
/// apart: 5 blinks.
fn sixteen(colour: Color, base: u8) -> Option<u8> {
    match colour {
        Color::AnsiValue(n @ 0..8) => Some(base + n),
        Color::AnsiValue(n @ 8..16) => Some(base + 52 + n),
        _ => None,
    }
}
