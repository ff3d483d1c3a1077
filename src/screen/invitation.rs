//! The invitation for a phone: a QR code, the address, the code to type, and the seconds for which they are valid.

use std::time::Duration;

use super::grid::Ink;
use super::style::Depth;
use super::text::wrapped;
use super::view::{Painter, QUIET, Span, TEXT};
use crate::control::invite::{InvitationCard, NO_NETWORK};
use crate::core::look::Rgb;
use crate::core::timer::seconds_left;
use crate::os::site::Reach;

/// Dark on light, as cameras expect a QR code.
const CODE: Ink = Ink::new(Rgb::BLACK).on(Rgb::new(255, 255, 255));
/// Columns between the QR code and the text.
const GUTTER: usize = 3;
/// The columns that the text needs beside the QR code.
const TEXT_COLS: usize = 24;
/// The rows that it needs below the QR code.
const TEXT_ROWS: usize = 5;

impl Painter<'_> {
    /// Draws the invitation from `row` down: the text, and the QR code if there is room for both.
    pub fn invitation(&mut self, invited: &InvitationCard, span: Span, row: usize) {
        let size = self.grid.size();
        let left = seconds_left(invited.until.since(self.now));
        self.changes_at(Some(invited.until - (left - Duration::from_secs(1))));

        // The strip above may be narrower than the screen; this is not.
        let span = Span { cols: size.cols.saturating_sub(span.from), ..span };
        let modules = invited.modules();
        let (dot_cols, dots_per_row) = self.style.dot();
        let (cols, rows) = (modules.len() * dot_cols, modules.len().div_ceil(dots_per_row));
        let room = size.rows.saturating_sub(row);
        // Without colour nothing can be drawn dark on light.
        let fits = !modules.is_empty() && self.style.depth != Depth::None && rows <= room && cols <= span.cols;
        let beside = fits && cols + GUTTER + TEXT_COLS <= span.cols;
        let above = fits && !beside && rows + TEXT_ROWS <= room;
        let top = row + usize::from(rows + 1 < room);
        if beside || above {
            for row in top..top + rows {
                self.grid.text(span.from, row, &" ".repeat(cols), CODE);
            }
            let ink = if self.style.plain { CODE.on(Rgb::BLACK) } else { CODE };
            let all = (modules.len(), modules.len());
            self.grid.dots((span.from, top), all, (self.style, ' '), ink, |x, y| modules[y][x]);
        }
        let right = if beside { cols + GUTTER } else { 0 };
        let span = Span { from: span.from + right, cols: span.cols - right };
        self.invitation_text(invited, left, span, if above { top + rows } else { top });
    }

    fn invitation_text(&mut self, invited: &InvitationCard, left: Duration, span: Span, mut row: usize) {
        let (start, end) = invited.code.split_at(invited.code.len() / 2);
        let mut add = |text: &str, ink| {
            for line in wrapped(text, span.cols, 4, self.style.plain) {
                self.left(span, row, &line, ink);
                row += 1;
            }
        };
        if invited.reach == Reach::Nobody {
            add(NO_NETWORK, TEXT);
            return;
        }
        add("pair a phone at", QUIET);
        add(&invited.address, TEXT);
        add("with the code", QUIET);
        add(&format!("{start} {end}"), TEXT.bold());
        add(&format!("once, for {} s", left.as_secs()), QUIET);
        if let Some(trouble) = invited.trouble() {
            add(&trouble, QUIET);
        }
    }
}
