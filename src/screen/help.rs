//! The page that explains.

use super::Place;
use super::grid::{Grid, Ink};
use super::style::Style;
use super::text::wrapped;
use super::view::{HINT, QUIET, TEXT};
use crate::core::plan::Clock;
use crate::engine::board::Snapshot;

/// A heading, and under it what goes on the left and what it means.
type Section = (&'static str, Vec<(String, String)>);

/// Columns between two columns of sections, and the most that one takes.
const GUTTER: usize = 4;
const COLUMN_MAX: usize = 56;
/// Columns before the meanings.
const INDENT: usize = 9;

/// Draws the page into a place of column, row, columns and rows: in two columns where there is room, without headings
/// where there is little.
pub fn draw(
    grid: &mut Grid,
    snapshot: &Snapshot,
    place: Place,
    style: Style,
    (col, row, cols, rows): (usize, usize, usize, usize),
) {
    let [lights, button, keys, wrong] = sections(snapshot, place);
    let (two, airy) = (cols >= 64, rows >= 14);
    let width = if two { (cols - GUTTER) / 2 } else { cols }.min(COLUMN_MAX);
    let columns = match two {
        true => vec![vec![lights, keys], vec![button, wrong]],
        false => vec![vec![keys, lights, button, wrong]],
    };
    for (i, sections) in columns.into_iter().enumerate() {
        let col = col + i * (width + GUTTER);
        let mut lines: Vec<[(usize, String, Ink); 2]> = Vec::new();
        let nothing = || (0, String::new(), HINT);
        let indent = INDENT.min(width / 2);
        for (heading, entries) in sections {
            if airy {
                if !lines.is_empty() {
                    lines.push([nothing(), nothing()]);
                }
                lines.push([(0, heading.to_string(), QUIET), nothing()]);
            }
            for (what, meaning) in entries {
                let room = width.saturating_sub(indent);
                for (n, line) in wrapped(&meaning, room, 3, style.plain).into_iter().enumerate() {
                    let what = if n == 0 { what.clone() } else { String::new() };
                    lines.push([(0, what, TEXT.bold()), (indent, line, TEXT)]);
                }
            }
        }
        if lines.len() > rows {
            lines.truncate(rows.saturating_sub(1));
            lines.push([(0, "a larger window shows more".into(), QUIET), nothing()]);
        }
        for (y, parts) in lines.into_iter().take(rows).enumerate() {
            for (x, text, ink) in parts {
                grid.text(col + x, row + y, &text, ink);
            }
        }
    }
}

/// The page line by line.
pub fn lines(snapshot: &Snapshot, place: Place) -> Vec<String> {
    let mut lines = Vec::new();
    for (heading, entries) in sections(snapshot, place) {
        lines.push(heading.to_string());
        lines.extend(entries.iter().map(|(what, meaning)| format!("  {what:<INDENT$}{meaning}")));
    }
    lines
}

fn sections(snapshot: &Snapshot, place: Place) -> [Section; 4] {
    let phone = snapshot.web.is_some();
    let plan = snapshot.timer.chosen;
    let entry = |what: &str, meaning: &str| (what.to_string(), meaning.to_string());
    let from = |left| format!("from {} left", Clock(left));
    let quit = match place {
        Place::Daemon => "quit; strip goes dark",
        Place::Console => "detach; the talk goes on",
    };
    [
        (
            "lights",
            vec![
                entry("green", "from the start"),
                entry("yellow", &from(plan.yellow())),
                entry("red", &from(plan.red())),
                entry("flash", &from(plan.flash())),
                entry("dark", "time is up"),
            ],
        ),
        ("button", vec![entry("press", "start the talk"), entry("hold", "until it is dark: reset")]),
        (
            "keys",
            [
                Some(entry("space", "start the talk")),
                Some(entry("r", "reset: end the talk")),
                Some(entry("u", "undo a reset for 10 s")),
                Some(entry("1-9", "choose the next plan")),
                phone.then(|| entry("p", "pair a phone")),
                Some(entry("q", quit)),
                Some(entry("ctrl-l", "draw this screen anew")),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
        (
            "if something looks wrong",
            vec![
                entry("mistake", "r, then space"),
                entry("dark", "why is told here in red; the time is kept"),
                entry("colours", "if mixed up: `order` in the config"),
                entry("flicker", "ground wire, level shifter"),
            ],
        ),
    ]
}
