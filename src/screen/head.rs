//! The line above the clock: the phase in words, the plan, and how long the room has waited. And the alarm above it.

use std::time::Duration;

use super::footer::ALERT;
use super::grid::Ink;
use super::text::spaced;
use super::view::{DETAIL, Painter, QUIET, Span, TEXT, shown_time};
use crate::core::plan::Clock;
use crate::core::timer::{Phase, seconds_left, whole_seconds};
use crate::engine::board::Health;

/// After a longer time the break between two talks is no news.
const WAITED_MAX: Duration = Duration::from_secs(60 * 60);

impl Painter<'_> {
    /// The phase on the left. On the right the plan, or the time if the clock has no room.
    pub fn head(&mut self, span: Span, row: usize, with_time: bool) {
        let (word, ink) = self.word(span.cols);
        if with_time {
            let text = shown_time(&self.reading);
            let (word_fits, fits) = (word.chars().count() + text.len() < span.cols, text.len() <= span.cols);
            if word_fits || !fits {
                self.left(span, row, &word, ink);
            }
            if fits {
                self.right(span, row, &text, ink);
            }
            return;
        }
        self.left(span, row, &word, ink);
        let used = word.chars().count() + 2;
        let mut room = span.cols.saturating_sub(used);
        let plan = self.reading.plan;
        let (name, length) = (plan.name(), format!("  {}", Clock(plan.length())));
        if name.len() + length.len() <= room {
            self.right(span, row, &length, QUIET);
            self.right(Span { cols: span.cols - length.len(), ..span }, row, name, TEXT);
            room -= name.len() + length.len();
        } else if name.len() <= room {
            self.right(span, row, name, TEXT);
            room -= name.len();
        }
        if let Some(waited) = self.since_end() {
            let text = format!("{} since the last talk", Clock(whole_seconds(waited)));
            if text.len() + 3 <= room {
                self.left(Span { from: span.from + used + 1, cols: text.len() }, row, &text, DETAIL);
            }
        }
    }

    /// The word for the phase, or for that of the demonstration, fit for `cols` columns.
    fn word(&self, cols: usize) -> (String, Ink) {
        let (phase, prefix, words) = match self.snapshot.demo(self.now) {
            Some(demo) => {
                let reading = demo.at(self.now);
                (reading.phase, "demonstration: ", self.snapshot.words(&self.snapshot.timer.chosen))
            }
            None => (self.reading.phase, "", self.snapshot.words(&self.reading.plan)),
        };
        let word = words.of(phase).to_uppercase();
        let is_wide = cols >= 56 && prefix.is_empty();
        let word = if is_wide { spaced(&word) } else { format!("{prefix}{word}") };
        (word, self.ink(phase).bold())
    }

    /// Between talks: how long the room has waited since the last one.
    pub fn since_end(&self) -> Option<Duration> {
        self.reading.idle.filter(|&idle| self.reading.phase == Phase::Ready && idle < WAITED_MAX)
    }

    /// What the chair must do when the strip fails during a talk, because it no longer follows the talk.
    pub fn failed(&self) -> Option<String> {
        let fails = matches!(self.snapshot.strip, Health::Failing(_)) && self.reading.phase.is_running();
        let left = Clock(seconds_left(self.reading.left));
        let long = format!("The strip has failed. Tell the speaker: {left} left.");
        let is_long = long.len() <= self.grid.size().cols;
        fails.then(|| if is_long { long } else { format!("Strip failed. Tell the speaker: {left}") })
    }

    /// Draws an alarm over the whole width.
    pub fn banner(&mut self, row: usize, rows: usize, text: &str) {
        let cols = self.grid.size().cols;
        for row in row..row + rows {
            self.left(Span { from: 0, cols }, row, &" ".repeat(cols), ALERT);
        }
        let from = cols.saturating_sub(text.len()) / 2;
        self.left(Span { from, cols: cols - from }, row + rows.saturating_sub(1) / 2, text, ALERT.bold());
    }
}
