//! The help page.

use super::Place;
use super::text::wrapped;
use super::view::{Painter, QUIET, Span, TEXT};
use crate::core::plan::Clock;
use crate::engine::board::Snapshot;

/// A heading and its entries: a word, and what it means.
type Section = (&'static str, Vec<(&'static str, String)>);

/// Columns between two columns of sections.
const GUTTER: usize = 4;
/// The widest column of sections.
const COLUMN_MAX: usize = 56;
/// The columns of the words, before the meanings.
const INDENT: usize = 9;

impl Painter<'_> {
    /// Draws the page from `row` down: in two columns if there is room, and without headings if there are few rows.
    pub fn help(&mut self, span: Span, row: usize) {
        let size = self.grid.size();
        let rows = size.rows.saturating_sub(row);
        // The strip above may be narrower than the screen; this is not.
        let cols = (size.cols - span.from).saturating_sub(span.from.min(2));
        let [lights, button, keys, problems] = sections(self.snapshot, self.ui.place);
        let (columns, width) = match cols >= 64 {
            true => (vec![vec![lights, keys], vec![button, problems]], (cols - GUTTER) / 2),
            false => (vec![vec![keys, lights, button, problems]], cols),
        };
        let width = width.min(COLUMN_MAX);
        for (n, sections) in columns.into_iter().enumerate() {
            self.help_column(&sections, Span { from: span.from + n * (width + GUTTER), cols: width }, row, rows);
        }
    }

    fn help_column(&mut self, sections: &[Section], span: Span, row: usize, rows: usize) {
        let indent = INDENT.min(span.cols / 2);
        let mut lines = Vec::new();
        for (heading, entries) in sections {
            if rows >= 14 {
                if !lines.is_empty() {
                    lines.push(("", QUIET, String::new()));
                }
                lines.push((heading, QUIET, String::new()));
            }
            for (word, meaning) in entries {
                let meaning = wrapped(meaning, span.cols - indent, 3, self.style.plain);
                let words = [*word].into_iter().chain(std::iter::repeat(""));
                lines.extend(words.zip(meaning).map(|(word, meaning)| (word, TEXT.bold(), meaning)));
            }
        }
        if lines.len() > rows {
            lines.truncate(rows.saturating_sub(1));
            lines.push(("a larger window shows more", QUIET, String::new()));
        }
        for (row, (word, ink, meaning)) in (row..row + rows).zip(lines) {
            self.grid.text(span.from, row, word, ink);
            self.grid.text(span.from + indent, row, &meaning, TEXT);
        }
    }
}

/// The page as text.
pub fn text(snapshot: &Snapshot, place: Place) -> String {
    let mut text = String::new();
    for (heading, entries) in sections(snapshot, place) {
        text += &format!("{heading}\n");
        for (word, meaning) in entries {
            text += &format!("  {word:<INDENT$}{meaning}\n");
        }
    }
    text
}

fn sections(snapshot: &Snapshot, place: Place) -> [Section; 4] {
    let plan = snapshot.timer.chosen;
    let words = snapshot.words(&plan);
    let from = |left| Clock(left).to_string();
    let lights = vec![
        ("green", words.green),
        ("yellow", format!("{}, {}", words.yellow, from(plan.yellow()))),
        ("red", format!("{}, {}", words.red, from(plan.red()))),
        ("flash", format!("{}, {}", words.flash, from(plan.flash()))),
        ("dark", words.over),
    ];
    let button = vec![("press", "start the talk".into()), ("hold", "until the strip is dark: reset".into())];
    let mut keys = vec![
        ("space", "start the talk".into()),
        ("r", "reset: end the talk".into()),
        ("u", "undo, for 10 s".into()),
        ("l", "late: take off 10 s".into()),
        ("d", "explain the colours".into()),
    ];
    if snapshot.plans.len() > 1 {
        keys.push(("1-9", "choose the next plan".into()));
    }
    if snapshot.web.is_some() {
        keys.push(("p", "pair a phone".into()));
    }
    let quit = match place {
        Place::Daemon => "quit; strip goes dark",
        Place::Console => "detach; talk goes on",
    };
    keys.extend([("q", quit.into()), ("?", "open or close this page".into()), ("ctrl-l", "redraw the screen".into())]);
    let problems = vec![
        ("mistake", "u takes back a stop".into()),
        ("dark", "the red text says why; the talk goes on".into()),
        ("colours", "wrong: set `order` in the config".into()),
        ("flicker", "check ground wire and level shifter".into()),
    ];
    [("lights", lights), ("button", button), ("keys", keys), ("if something looks wrong", problems)]
}
