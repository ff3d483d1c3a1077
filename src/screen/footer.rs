//! The lower part of the screen: recent messages, present faults, and what the keys do now.

use std::time::Duration;

use super::Place;
use super::grid::{BACKGROUND, Ink};
use super::text::wrapped;
use super::view::{DETAIL, Painter, QUIET, Rows, Span, TEXT};
use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::plan::Clock;
use crate::core::timer::{END_GUARD, Phase, seconds_left};
use crate::engine::board::{Fault, Health, Tone};
use crate::os::network;

/// How long a message is new.
pub const NEWS: Duration = Duration::from_secs(6);

// Not bold: with sixteen colours, many terminals show bold black as grey.
pub(super) const ALERT: Ink = Ink::new(BACKGROUND).on(Rgb::new(255, 184, 64));
const FAULT: Ink = Ink::new(Rgb::new(255, 100, 92)).bold();

/// How long after the start of a talk its chair is reminded of the key for a late start.
const LATE_WINDOW: Duration = Duration::from_secs(2 * 60);

/// A message.
struct Item {
    text: String,
    ink: Ink,
    /// When it happened; `None` while it is new.
    since: Option<Moment>,
}

/// A key and what it does.
struct Hint {
    key: String,
    word: String,
    ink: Ink,
}

impl Hint {
    fn cols(&self) -> usize {
        self.key.len() + usize::from(!self.word.is_empty()) + self.word.len()
    }
}

impl Painter<'_> {
    /// Draws the recent messages, the newest first, above the present faults, in `rows` from `row` down. If they need more, they
    /// cover the rows above: for as long as they are new, refusals and faults from `line` on, which is the plan's line, and
    /// others from the row below it. The health of the strip is added if it has no room beside the keys.
    pub fn messages(&mut self, span: Span, line: usize, row: usize, rows: usize, has_health: bool) {
        if rows == 0 {
            return;
        }
        let (cols, plain) = (span.cols, self.style.plain);
        let (items, has_new_fault) = self.recent(rows);
        let faults = self.faults();
        let phones = self.phones();
        let newest = items.first().filter(|item| item.since.is_none());
        let is_urgent = has_new_fault || newest.is_some_and(|item| item.ink != TEXT);
        let highest = if is_urgent { line } else { row.min(line + 1) };
        let bottom = row + rows;
        let most = bottom - highest;

        let newest_max = most.saturating_sub(faults.len() + phones.len()).clamp(1, 2);
        let mut newest = newest.map(|item| wrapped(&item.text, cols, newest_max, plain));
        let newest_rows = newest.as_ref().map_or(0, Vec::len);
        let fault_max = (most.saturating_sub(newest_rows) / faults.len().max(1)).clamp(1, 2);
        let faults = faults.iter().flat_map(|fault| wrapped(fault, cols, fault_max, plain));
        let mut lower: Vec<_> = faults.map(|line| (line, FAULT)).collect();
        if lower.is_empty() && phones.is_empty() && !has_health && newest_rows < most {
            lower.push((self.health(), QUIET));
        }
        lower.extend(phones.iter().flat_map(|line| wrapped(line, cols, 1, plain)).map(|line| (line, TEXT)));
        lower.truncate(most - usize::from(newest.is_some()));

        let top = bottom - (newest_rows + lower.len()).clamp(rows, most.max(rows));
        for covered in top..row {
            self.left(span, covered, &" ".repeat(cols), DETAIL);
        }
        let middle = bottom - lower.len();
        for (row, (line, ink)) in (middle..).zip(&lower) {
            self.left(span, row, line, *ink);
        }
        let mut free = top..middle;
        for item in &items {
            let lines = newest.take().unwrap_or_else(|| wrapped(&item.text, cols, 1, plain));
            self.item(span, &mut free, item, &lines);
        }
    }

    fn item(&mut self, span: Span, rows: &mut impl Iterator<Item = usize>, item: &Item, lines: &[String]) {
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        for (line, row) in lines.iter().zip(rows) {
            if item.ink == ALERT && span.from > 0 {
                let (from, cols) = (span.from - 1, span.cols + 2);
                self.left(Span { from, cols }, row, &format!(" {line:<width$} "), ALERT);
            } else {
                self.left(span, row, line, item.ink);
            }
            if let Some(since) = item.since {
                self.age(span, row, width, since);
            }
        }
    }

    /// The latest messages, at most one more than `most`, and whether a present fault is new.
    fn recent(&mut self, most: usize) -> (Vec<Item>, bool) {
        let mut items = Vec::new();
        let mut has_new_fault = false;
        if let Some(notice) = self.ui.notice.as_ref().filter(|notice| self.now < notice.until) {
            self.changes_at(Some(notice.until));
            let ink = if notice.urgent { ALERT } else { TEXT.bold() };
            items.push(Item { text: notice.text.clone(), ink, since: None });
        }
        let has_faults = !self.faults().is_empty();
        let snapshot = self.snapshot;
        for entry in snapshot.log.iter().rev() {
            let ink = match entry.tone() {
                Tone::Quiet => continue,
                Tone::Fault | Tone::Warning => FAULT,
                Tone::Refused => ALERT,
                Tone::Done => TEXT,
            };
            // The present faults are shown by themselves.
            let is_shown = has_faults && entry.tone() == Tone::Fault;
            if !is_shown && items.len() > most {
                break;
            }
            let old = entry.at + NEWS;
            let is_new = self.now < old;
            if is_new {
                self.changes_at(Some(old));
            }
            match is_shown {
                true => has_new_fault |= is_new,
                false if is_new => items.push(Item { text: entry.to_string(), ink, since: None }),
                false => items.push(Item { text: entry.to_string(), ink: DETAIL, since: Some(entry.at) }),
            }
        }
        (items, has_new_fault)
    }

    /// Draws at the end of a row how long ago something happened, if its text of `width` columns leaves room.
    fn age(&mut self, span: Span, row: usize, width: usize, since: Moment) {
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
        // Room for the longest age, so that none appears when it gets shorter.
        if width + 2 + "<1 min".len() <= span.cols {
            self.right(span, row, &age, DETAIL);
            self.changes_at(Some(since + Duration::from_secs((seconds / unit + 1) * unit)));
        }
    }

    /// Draws what the keys do now. Returns whether the health of the strip fits beside them; it is drawn there if it is good.
    pub fn keys(&mut self, span: Span, row: usize, rows: &Rows) -> bool {
        let may_choose = self.snapshot.plans.len() > 1 && !self.reading.phase.is_running();
        if may_choose && rows.plans > 0 {
            let full = self.plan_hints(true);
            let hints = if width(&full, 3) <= span.cols { full } else { self.plan_hints(false) };
            self.hints(span, row, &hints, 3);
        }
        if rows.keys == 0 {
            return false;
        }
        let row = row + rows.plans;
        let mut hints = self.key_hints(may_choose && rows.plans == 0);
        // If there is too little room, the gaps shrink, and the last keys lose their words, before a key is left out.
        let mut gap = 3;
        for (narrower, without_word) in [(3, 0), (2, 0), (2, 1), (2, 2), (1, 2), (1, 3)] {
            gap = narrower;
            for hint in hints.iter_mut().rev().take(without_word) {
                hint.word.clear();
            }
            if width(&hints, gap) <= span.cols {
                break;
            }
        }
        let end = self.hints(span, row, &hints, gap);
        let health = self.health();
        let has_room = |text: &str| end + 3 + text.chars().count() <= span.cols;
        let fits = has_room(&health);
        if fits && self.faults().is_empty() {
            let named = self.name().map(|name| format!("{name}: {health}")).filter(|named| has_room(named));
            self.right(span, row, &named.unwrap_or(health), QUIET);
        }
        fits
    }

    /// Draws as many hints as fit, and returns the column after them.
    fn hints(&mut self, span: Span, row: usize, hints: &[Hint], gap: usize) -> usize {
        let mut end = 0;
        for hint in hints {
            let col = if end == 0 { 0 } else { end + gap };
            if col + hint.cols() > span.cols {
                if col + 3 <= span.cols {
                    self.grid.text(span.from + col, row, "...", QUIET);
                }
                break;
            }
            self.grid.text(span.from + col, row, &hint.key, TEXT.bold());
            self.grid.text(span.from + col + hint.key.len() + 1, row, &hint.word, hint.ink);
            end = col + hint.cols();
        }
        end
    }

    fn key_hints(&self, may_choose: bool) -> Vec<Hint> {
        let phase = self.reading.phase;
        let mut hints = Vec::new();
        let mut add = |key: &str, word: &str| hints.push(Hint { key: key.into(), word: word.into(), ink: QUIET });
        if phase == Phase::Ready || phase == Phase::Over && self.reading.overrun >= END_GUARD {
            add("space", "start");
        }
        if phase.is_running() {
            add("r", "reset");
            if self.reading.plan.length() - self.reading.left < LATE_WINDOW {
                add("l", "late");
            }
        } else if phase == Phase::Over {
            add("r", "ready");
        } else if self.snapshot.show(self.now).is_some() {
            add("r", "end show");
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
        hints
    }

    /// The plans and their keys.
    fn plan_hints(&self, with_lengths: bool) -> Vec<Hint> {
        let mut hints = Vec::new();
        for (n, plan) in (1..=9).zip(self.snapshot.plans.iter()) {
            let mut word = plan.name().to_string();
            if with_lengths {
                word = format!("{word} {}", Clock(plan.length()));
            }
            let ink = if *plan == self.snapshot.timer.chosen { TEXT.bold() } else { QUIET };
            hints.push(Hint { key: n.to_string(), word, ink });
        }
        hints
    }

    /// The name of the timer, unless it is only that of this machine.
    fn name(&self) -> Option<&str> {
        let name = &*self.snapshot.name;
        (!name.is_empty() && network::host_name().as_deref() != Some(name)).then_some(name)
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

    /// What fails now.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Health::Failing(_) = self.snapshot.strip {
            faults.push(self.health());
        }
        let others = self.snapshot.faults.iter();
        faults.extend(others.map(|Fault { input, error }| format!("{input}: failed: {error}")));
        faults
    }
}

/// The columns of hints with gaps between them.
fn width(hints: &[Hint], gap: usize) -> usize {
    hints.iter().map(|hint| hint.cols() + gap).sum::<usize>().saturating_sub(gap)
}
