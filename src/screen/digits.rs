//! Digits of seven strokes, as large as there is room for.

use super::grid::{Grid, Ink};
use super::style::Style;

/// A size of digits, in dots: strokes are `stroke` thick and enclose holes `hole` wide and high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Font {
    stroke: usize,
    hole: usize,
    /// What fills a cell where there are no halves of it.
    plain: Option<char>,
}

/// Where strokes run: top, upper left, upper right, middle, lower left, lower right, bottom.
const STROKES: [u8; 10] =
    [0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010, 0b1111111, 0b1111011];

impl Font {
    /// The largest font in which `text` fits into `cols` × `rows`, if any does. A dot is half a row high and one column
    /// wide, which is about square; in plain glyphs it is one row and two columns.
    pub fn fitting(text: &str, cols: usize, rows: usize, style: Style) -> Option<Self> {
        let plain = style.plain.then(|| style.block());
        let most = rows * if style.plain { 1 } else { 2 };
        (1..=most / 5)
            .flat_map(|stroke| (stroke..=stroke * 3 / 2).map(move |hole| (stroke, hole)))
            .map(|(stroke, hole)| Self { stroke, hole, plain })
            .filter(|font| font.rows() <= rows && font.cols(text) <= cols)
            .max_by_key(|font| (font.height(), font.stroke))
    }

    pub fn rows(&self) -> usize {
        if self.plain.is_some() { self.height() } else { self.height().div_ceil(2) }
    }

    pub fn cols(&self, text: &str) -> usize {
        let dots: usize = text.chars().map(|c| self.width(c) + self.stroke).sum();
        dots.saturating_sub(self.stroke) * if self.plain.is_some() { 2 } else { 1 }
    }

    /// Draws digits, colons and pluses; anything else is a gap.
    pub fn draw(&self, grid: &mut Grid, col: usize, row: usize, text: &str, ink: Ink) {
        let mut left = 0;
        for c in text.chars() {
            let width = self.width(c);
            if let Some(block) = self.plain {
                for (x, y) in (0..self.height()).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    if self.dot(c, x, y) {
                        let col = col + 2 * (left + x);
                        grid.put(col, row + y, block, ink);
                        grid.put(col + 1, row + y, block, ink);
                    }
                }
            } else {
                for (x, y) in (0..self.rows()).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    let glyph = match (self.dot(c, x, 2 * y), self.dot(c, x, 2 * y + 1)) {
                        (true, true) => '█',
                        (true, false) => '▀',
                        (false, true) => '▄',
                        (false, false) => continue,
                    };
                    grid.put(col + left + x, row + y, glyph, ink);
                }
            }
            left += width + self.stroke;
        }
    }

    fn height(&self) -> usize {
        3 * self.stroke + 2 * self.hole
    }

    fn width(&self, c: char) -> usize {
        match c {
            '0'..='9' => 2 * self.stroke + self.hole,
            '+' => 3 * self.stroke,
            _ => self.stroke,
        }
    }

    /// Whether the dot at `x`, `y` of a glyph is lit.
    fn dot(&self, c: char, x: usize, y: usize) -> bool {
        let &Self { stroke, hole, .. } = self;
        let (width, height) = (self.width(c), self.height());
        // Mirrored, the lower half is like the upper one.
        let mirrored = height - 1 - y.min(height - 1);
        let middle = y >= stroke + hole && mirrored >= stroke + hole;
        match c {
            _ if y >= height => false,
            // Not at its right edge, so that it stands among the others as evenly as they do.
            '1' => {
                let upright = (width - stroke) / 2;
                let flag = y < stroke && (upright / 2..upright).contains(&x);
                flag || mirrored < stroke || (upright..upright + stroke).contains(&x)
            }
            '0'..='9' => {
                let strokes = STROKES[c as usize - '0' as usize];
                let has = |stroke: usize| strokes & (0b1000000 >> stroke) != 0;
                let (upper, lower) = (mirrored >= stroke + hole, y >= stroke + hole);
                let (left, right) = (x < stroke, x >= width - stroke);
                let lit = has(0) && y < stroke
                    || has(3) && middle
                    || has(6) && mirrored < stroke
                    || left && (has(1) && upper || has(4) && lower)
                    || right && (has(2) && upper || has(5) && lower);
                let side = usize::from(x >= width / 2);
                let turns = match y < height / 2 {
                    true => has(0) && has(1 + side),
                    false => has(6) && has(4 + side),
                };
                lit && !(turns && is_outside(x.min(width - 1 - x), y.min(mirrored), stroke))
            }
            ':' => {
                let above = stroke + (hole - stroke) / 2;
                (above..above + stroke).contains(&y.min(mirrored))
            }
            '+' => middle || (stroke..2 * stroke).contains(&x) && y >= hole && mirrored >= hole,
            _ => false,
        }
    }
}

/// Whether a dot, by its distances from the two edges, is outside of a corner of this radius.
fn is_outside(x: usize, y: usize, radius: usize) -> bool {
    let from_centre = |distance: usize| (2 * radius).saturating_sub(2 * distance + 1).pow(2);
    x < radius && y < radius && from_centre(x) + from_centre(y) > (2 * radius).pow(2)
}
