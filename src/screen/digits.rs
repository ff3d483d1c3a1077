//! Large digits of seven segments.

use super::grid::{Grid, Ink};
use super::style::Style;

/// A size of digits, in [dots](Style::dot): the segments are `stroke` thick, and the holes between them `hole` wide and high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Font {
    stroke: usize,
    hole: usize,
    style: Style,
}

/// The lit segments of each digit: top, upper left, upper right, middle, lower left, lower right, bottom.
const SEGMENTS: [u8; 10] =
    [0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010, 0b1111111, 0b1111011];

impl Font {
    /// The largest font in which `text` fits into `cols` × `rows`; `None` if none fits.
    pub fn fitting(text: &str, cols: usize, rows: usize, style: Style) -> Option<Self> {
        let (_, dots_per_row) = style.dot();
        (1..=rows * dots_per_row / 5)
            .flat_map(|stroke| (stroke..=stroke * 3 / 2).map(move |hole| Self { stroke, hole, style }))
            .filter(|font| font.rows() <= rows && font.cols(text) <= cols)
            .max_by_key(|font| (font.height(), font.stroke))
    }

    /// The rows that a digit takes.
    pub fn rows(&self) -> usize {
        self.height().div_ceil(self.style.dot().1)
    }

    /// The columns that `text` takes.
    pub fn cols(&self, text: &str) -> usize {
        let dots: usize = text.chars().map(|c| self.width(c) + self.stroke).sum();
        dots.saturating_sub(self.stroke) * self.style.dot().0
    }

    /// Draws digits, colons and plus signs. Any other character is a gap.
    pub fn draw(&self, grid: &mut Grid, mut col: usize, row: usize, text: &str, ink: Ink) {
        for c in text.chars() {
            let size = (self.width(c), self.height());
            grid.dots((col, row), size, (self.style, self.style.block()), ink, |x, y| self.dot(c, x, y));
            col += (self.width(c) + self.stroke) * self.style.dot().0;
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
        // Symmetric parts are described once, for the upper half.
        let mirrored = height - 1 - y;
        let middle = y >= stroke + hole && mirrored >= stroke + hole;
        match c {
            // In the middle, so that its distance from the digits beside it is even.
            '1' => {
                let upright = (width - stroke) / 2;
                let flag = y < stroke && (upright / 2..upright).contains(&x);
                flag || mirrored < stroke || (upright..upright + stroke).contains(&x)
            }
            '0'..='9' => {
                let segments = SEGMENTS[c as usize - '0' as usize];
                let has = |segment: usize| segments & (0b1000000 >> segment) != 0;
                let (upper, lower) = (mirrored >= stroke + hole, y >= stroke + hole);
                let (left, right) = (x < stroke, x >= width - stroke);
                let lit = has(0) && y < stroke
                    || has(3) && middle
                    || has(6) && mirrored < stroke
                    || left && (has(1) && upper || has(4) && lower)
                    || right && (has(2) && upper || has(5) && lower);
                let side = usize::from(x >= width / 2);
                let is_corner = match y < height / 2 {
                    true => has(0) && has(1 + side),
                    false => has(6) && has(4 + side),
                };
                lit && !(is_corner && is_outside(x.min(width - 1 - x), y.min(mirrored), stroke))
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

/// Whether a dot at these distances from two edges is outside of a round corner of this radius.
fn is_outside(x: usize, y: usize, radius: usize) -> bool {
    let from_centre = |distance: usize| (2 * radius).saturating_sub(2 * distance + 1).pow(2);
    x < radius && y < radius && from_centre(x) + from_centre(y) > (2 * radius).pow(2)
}
