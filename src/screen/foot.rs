//! The foot of the screen: what has happened, what is wrong, and what the keys do now.

use std::time::Duration;

use super::Place;
use super::grid::{Ink, PAPER};
use super::text::wrapped;
use super::view::{HINT, Painter, QUIET, Rows, Span, TEXT};
use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::plan::{Clock, Plan};
use crate::core::timer::{END_GUARD, Phase, seconds_left};
use crate::engine::board::{Fault, Health, Tone};

/// How long a happening is news.
pub const NEWS: Duration = Duration::from_secs(6);

// Not bold: of sixteen colours, bold black is grey on many terminals.
const ALERT: Ink = Ink::new(PAPER).on(Rgb::new(255, 184, 64));
const TROUBLE: Ink = Ink::new(Rgb::new(255, 100, 92)).bold();

/// A line about something that happened.
struct Item {
    text: String,
    ink: Ink,
    /// When it happened, once it is no news any more.
    since: Option<Moment>,
}

/// A key and what it does.
type Hint = (String, String, Ink);

impl Painter<'_> {
    /// What happened of late, the newest first, over what is wrong now. Where there are too few rows, from `row` on,
    /// what somebody waits to read takes those from `line` on, the plan's line among them, for as long as it is news.
    pub fn news(&mut self, span: Span, line: usize, row: usize, rows: usize, inline: bool) {
        if rows == 0 {
            return;
        }
        let (cols, plain) = (span.cols, self.style.plain);
        let (items, just_failed) = self.happenings(rows);
        let fresh = items.first().is_some_and(|item| item.since.is_none());
        let pressing = fresh && items[0].ink != TEXT;
        let highest = match pressing || just_failed {
            true => line,
            false => row.min(line + 1),
        };
        let bottom = row + rows;
        let most = bottom - highest;
        let troubles = self.troubles();
        let first = match items.first() {
            Some(item) if fresh => {
                let lines = most.saturating_sub(troubles.len()).clamp(1, 2);
                wrapped(&item.text, cols, lines, plain)
            }
            _ => Vec::new(),
        };
        let each = (most.saturating_sub(first.len()) / troubles.len().max(1)).clamp(1, 2);
        let troubles = troubles.iter().flat_map(|why| wrapped(why, cols, each, plain));
        let mut lower: Vec<_> = troubles.map(|line| (line, TROUBLE)).collect();
        if lower.is_empty() && !inline && first.len() < most {
            lower.push((self.health(), QUIET));
        }
        lower.truncate(most - usize::from(fresh));
        let top = bottom - (first.len() + lower.len()).clamp(rows, most.max(rows));
        for covered in top..row {
            self.left(span, covered, &" ".repeat(cols), HINT);
        }
        for (row, (line, ink)) in (bottom - lower.len()..).zip(&lower) {
            self.left(span, row, line, *ink);
        }
        let mut free = top..bottom - lower.len();
        for (i, item) in items.iter().enumerate() {
            let lines = match i {
                0 if fresh => first.clone(),
                _ => wrapped(&item.text, cols, 1, plain),
            };
            let width = lines.iter().map(|line| line.chars().count()).max();
            let width = width.unwrap_or(0);
            for (line, row) in lines.iter().zip(&mut free) {
                if item.ink == ALERT && span.from > 0 {
                    let (from, cols) = (span.from - 1, cols + 2);
                    self.left(Span { from, cols }, row, &format!(" {line:<width$} "), ALERT);
                } else {
                    self.left(span, row, line, item.ink);
                }
                if let Some(since) = item.since {
                    self.age(span, row, width, since);
                }
            }
        }
    }

    /// The latest happenings, and whether a trouble that is still one is among those that are news.
    fn happenings(&mut self, most: usize) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        let mut just_failed = false;
        let notice = self.ui.notice.as_ref();
        if let Some(notice) = notice.filter(|notice| self.now < notice.until).cloned() {
            self.changes_at(Some(notice.until));
            let ink = if notice.urgent { ALERT } else { TEXT.bold() };
            let text = notice.text;
            items.push(Item { text, ink, since: None });
        }
        let snapshot = self.snapshot;
        let troubled = !self.troubles().is_empty();
        for entry in snapshot.log.iter().rev() {
            let old = entry.at + NEWS;
            let new = self.now < old;
            let (told, ink) = match entry.tone() {
                Tone::Quiet => continue,
                // Told as what is wrong now.
                Tone::Fault if troubled => (false, TROUBLE),
                Tone::Fault | Tone::Warning => (true, TROUBLE),
                Tone::Refused => (true, ALERT),
                Tone::Done => (true, TEXT),
            };
            if told && items.len() > most {
                break;
            }
            if new {
                self.changes_at(Some(old));
            }
            just_failed |= new && !told;
            if told {
                let (ink, since) = if new { (ink, None) } else { (HINT, Some(entry.at)) };
                let text = entry.to_string();
                items.push(Item { text, ink, since });
            }
        }
        (items, just_failed)
    }

    /// How long ago something happened, at the right end of its line.
    fn age(&mut self, span: Span, row: usize, taken: usize, since: Moment) {
        let seconds = self.now.since(since).as_secs();
        let (unit, name) = match seconds {
            0..3600 => (60, "min"),
            3600..86400 => (3600, "h"),
            _ => (86400, "d"),
        };
        let age = match seconds / unit {
            0 => "<1 min".into(),
            count => format!("{count} {name}"),
        };
        // Room for the longest, so that no line gains an age as it gets older.
        if taken + 2 + "<1 min".len() <= span.cols {
            self.right(span, row, &age, HINT);
            self.changes_at(Some(since + Duration::from_secs((seconds / unit + 1) * unit)));
        }
    }

    /// What the keys do now. Returns whether the strip's health, as long as it is good, has found room beside them.
    pub fn keys(&mut self, span: Span, row: usize, rows: &Rows) -> bool {
        let may_choose = self.snapshot.plans.len() > 1 && !self.reading.phase.is_running();
        if may_choose && rows.plans > 0 {
            let [brief, full] = self.plan_hints();
            let fits = width(&full, 3) <= span.cols;
            self.hints(span, row, if fits { &full } else { &brief }, 3);
        }
        if rows.keys == 0 {
            return false;
        }
        let row = row + rows.plans;
        let mut hints = self.key_hints(may_choose && rows.plans == 0);
        // Before a key is left out, the last ones go without a word.
        let mut gap = 3;
        for (narrower, bare) in [(3, 0), (2, 0), (2, 1), (2, 2), (1, 2)] {
            gap = narrower;
            for (_, word, _) in hints.iter_mut().rev().take(bare) {
                word.clear();
            }
            if width(&hints, gap) <= span.cols {
                break;
            }
        }
        let end = self.hints(span, row, &hints, gap);
        let health = self.health();
        let fits = end + 3 + health.len() <= span.cols;
        if fits && self.troubles().is_empty() {
            self.right(span, row, &health, QUIET);
        }
        fits
    }

    /// Draws as many hints as there is room for, and returns the column after them.
    fn hints(&mut self, span: Span, row: usize, hints: &[Hint], gap: usize) -> usize {
        let mut end = 0;
        for (key, word, ink) in hints {
            let col = if end == 0 { 0 } else { end + gap };
            let next = col + key.len() + word.len() + usize::from(!word.is_empty());
            if next > span.cols {
                if col + 3 <= span.cols {
                    self.grid.text(span.from + col, row, "...", QUIET);
                }
                break;
            }
            self.grid.text(span.from + col, row, key, TEXT.bold());
            let after = span.from + col + key.len() + 1;
            self.grid.text(after, row, word, *ink);
            end = next;
        }
        end
    }

    fn key_hints(&self, may_choose: bool) -> Vec<Hint> {
        let mut keys = Vec::new();
        let mut add = |key: &str, word: &str| keys.push((key.into(), word.into(), QUIET));
        match self.reading.phase {
            Phase::Ready => {
                add("space", "start");
                if self.snapshot.shown(self.now).scene().is_some() {
                    add("r", "end show");
                }
            }
            Phase::Over => {
                if self.reading.overrun >= END_GUARD {
                    add("space", "start");
                }
                add("r", "ready");
            }
            _ => add("r", "reset"),
        }
        if let Some(left) = self.reading.undo {
            add("u", &format!("undo ({})", seconds_left(left).as_secs()));
        }
        if may_choose {
            add(&format!("1-{}", self.snapshot.plans.len().min(9)), "plan");
        }
        if self.snapshot.web.is_some() {
            add("p", "phone");
        }
        add("?", "help");
        match self.ui.place {
            Place::Daemon => add("q", "quit"),
            Place::Console => add("q", "detach"),
        }
        keys
    }

    /// The plans by their keys, without and with their lengths.
    fn plan_hints(&self) -> [Vec<Hint>; 2] {
        let hints = |full: bool| {
            let plans = (1..=9).zip(self.snapshot.plans.iter());
            let hint = |(n, plan): (i32, &Plan)| {
                let word = match full {
                    true => format!("{} {}", plan.name(), Clock(plan.length())),
                    false => plan.name().into(),
                };
                let is_chosen = *plan == self.snapshot.timer.chosen;
                let ink = if is_chosen { TEXT.bold() } else { QUIET };
                (n.to_string(), word, ink)
            };
            plans.map(hint).collect()
        };
        [hints(false), hints(true)]
    }

    fn health(&self) -> String {
        let kind = &*self.snapshot.strip_kind;
        match &self.snapshot.strip {
            Health::Failing(why) => format!("{kind} strip: failing: {why}"),
            _ if self.snapshot.trial(self.now).is_some() => format!("{kind} strip: being tested"),
            _ if kind == "simulated" => "simulated strip".into(),
            Health::Starting => format!("{kind} strip: starting"),
            Health::Sending => format!("{kind} strip: sending"),
        }
    }

    /// What is wrong now.
    fn troubles(&self) -> Vec<String> {
        let fails = matches!(self.snapshot.strip, Health::Failing(_));
        let strip = fails.then(|| self.health()).into_iter();
        let inputs = self.snapshot.faults.iter();
        let inputs = inputs.map(|Fault { input, error }| format!("{input}: failed: {error}"));
        strip.chain(inputs).collect()
    }
}

/// The columns that hints take.
fn width(hints: &[Hint], gap: usize) -> usize {
    let each = hints.iter().map(|(key, word, _)| {
        let word = if word.is_empty() { 0 } else { 1 + word.len() };
        key.len() + word + gap
    });
    each.sum::<usize>().saturating_sub(gap)
}
