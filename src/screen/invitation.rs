//! The invitation of a phone: a QR code, the address, the code, and how long they are good.

use std::time::Duration;

use super::grid::Ink;
use super::style::Depth;
use super::text::wrapped;
use super::view::{Painter, QUIET, Span, TEXT};
use crate::control::invite::{InvitationCard, half_block};
use crate::core::look::Rgb;
use crate::core::timer::seconds_left;

/// Dark on light, as cameras have it, whatever the screen's own colours.
const CODE: Ink = Ink::new(Rgb::BLACK).on(Rgb::new(255, 255, 255));
/// Columns between the QR code and the words.
const GUTTER: usize = 3;
/// The words need this many columns beside the QR code.
const WORDS_MIN: usize = 24;
/// And these rows beneath it.
const WORDS_ROWS: usize = 5;

impl Painter<'_> {
    /// Draws the invitation below `row`: the words, and the QR code where there is room for both.
    pub fn invitation(&mut self, invited: &InvitationCard, span: Span, row: usize) {
        let size = self.grid.size();
        let left = seconds_left(invited.until.since(self.now));
        let next = invited.until - (left - Duration::from_secs(1));
        self.changes_at(Some(next));

        // The whole width from there on: the strip above may take less of it.
        let span = Span { cols: size.cols.saturating_sub(span.from), ..span };
        let modules = invited.modules();
        // Without blocks of half a row a module is a row high, and two columns wide.
        let (cols, rows) = match self.style.plain {
            true => (2 * modules.len(), modules.len()),
            false => (modules.len(), modules.len().div_ceil(2)),
        };
        let room = size.rows.saturating_sub(row);
        // Without colour there is no telling what is dark.
        let drawn = self.style.depth != Depth::None;
        let fits = drawn && rows <= room && cols <= span.cols;
        let beside = fits && cols + GUTTER + WORDS_MIN <= span.cols;
        let beneath = fits && !beside && rows + WORDS_ROWS <= room;
        let top = row + usize::from(rows + 1 < room);
        if beside || beneath {
            self.modules(&modules, span.from, top);
        }
        let right = if beside { cols + GUTTER } else { 0 };
        let words = Span { from: span.from + right, cols: span.cols - right };
        let row = if beneath { top + rows } else { top };
        self.words(invited, left, words, row, size.rows);
    }

    fn modules(&mut self, modules: &[Vec<bool>], col: usize, row: usize) {
        if self.style.plain {
            for (y, line) in modules.iter().enumerate() {
                for (x, &is_dark) in line.iter().enumerate() {
                    let ink = if is_dark { CODE.on(Rgb::BLACK) } else { CODE };
                    self.grid.text(col + 2 * x, row + y, "  ", ink);
                }
            }
            return;
        }
        for (y, pair) in modules.chunks(2).enumerate() {
            for x in 0..modules.len() {
                let lower = pair.get(1).is_some_and(|row| row[x]);
                self.grid.put(col + x, row + y, half_block([pair[0][x], lower]), CODE);
            }
        }
    }

    fn words(&mut self, invited: &InvitationCard, left: Duration, span: Span, row: usize, rows: usize) {
        let (start, end) = invited.code.split_at(invited.code.len() / 2);
        let mut lines = vec![("a phone is paired at".to_owned(), QUIET)];
        // An address is one word: where it does not fit, it goes on in the next row.
        let glyphs: Vec<char> = invited.address.chars().collect();
        let pieces = glyphs.chunks(span.cols.max(1)).map(|piece| piece.iter().collect());
        lines.extend(pieces.map(|piece: String| (piece, TEXT)));
        lines.push(("with the code".into(), QUIET));
        lines.push((format!("{start} {end}"), TEXT.bold()));
        lines.push((format!("once, for {} s", left.as_secs()), QUIET));
        if invited.is_local_only {
            let text = "only this machine can open it: `listen` under [web] is a loopback address";
            let why = wrapped(text, span.cols, 4, self.style.plain);
            lines.extend(why.into_iter().map(|line| (line, QUIET)));
        }
        for ((text, ink), row) in lines.into_iter().zip(row..rows) {
            self.left(span, row, &text, ink);
        }
    }
}
