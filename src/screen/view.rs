//! The screen as a function of what is going on and the time: strip, phase, clock, plan, happenings, keys.

use std::time::Duration;

use super::digits::Font;
use super::grid::{FAINT, Grid, Ink, Size};
use super::help;
use super::keys::Ui;
use super::style::{Depth, Style};
use super::text::spaced;
use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::plan::Clock;
use crate::core::timer::{Phase, Reading, seconds_left, whole_seconds};
use crate::engine::board::Snapshot;

pub(super) const TEXT: Ink = Ink::new(Rgb::new(222, 226, 232));
pub(super) const QUIET: Ink = Ink::new(Rgb::new(146, 153, 164));
pub(super) const HINT: Ink = Ink::new(FAINT);
const READY: Rgb = Rgb::new(222, 226, 232);
const OVER: Rgb = Rgb::new(140, 164, 196);

/// What a screen of `size` shows at `now`, and until when it stays so; always, if nothing happens, where there is no such
/// moment.
pub fn view(snapshot: &Snapshot, ui: &Ui, now: Moment, size: Size, style: Style) -> (Grid, Option<Moment>) {
    let reading = snapshot.timer.at(now);
    let mut painter =
        Painter { grid: Grid::new(size), until: None, snapshot, ui, now, style, reading, text: shown_time(&reading) };
    painter.paint();
    (painter.grid, painter.until)
}

/// The time as the big digits show it.
pub fn shown_time(reading: &Reading) -> String {
    match reading.phase {
        Phase::Over => format!("+{}", Clock(whole_seconds(reading.overrun))),
        _ => Clock(seconds_left(reading.left)).to_string(),
    }
}

pub(super) struct Painter<'a> {
    pub grid: Grid,
    /// The earliest moment at which something drawn so far changes.
    until: Option<Moment>,
    pub snapshot: &'a Snapshot,
    pub ui: &'a Ui,
    pub now: Moment,
    pub style: Style,
    pub reading: Reading,
    text: String,
}

/// The rows of each part, top down; none where there is no room.
#[derive(Default)]
pub(super) struct Rows {
    top: usize,
    strip: usize,
    under_strip: usize,
    head: usize,
    clock: usize,
    line: usize,
    labels: usize,
    over_news: usize,
    news: usize,
    over_keys: usize,
    pub plans: usize,
    pub keys: usize,
    bottom: usize,
}

/// A stretch of columns.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub from: usize,
    pub cols: usize,
}

impl Rows {
    /// Shares out `rows`: first what must be there, then air, then size.
    fn new(rows: usize, has_plans: bool) -> Self {
        let mut left = rows;
        let mut share = Self::default();
        let mut give = |part: &mut usize, wanted: usize| {
            let given = wanted.min(left);
            *part += given;
            left -= given;
        };
        give(&mut share.head, 1);
        give(&mut share.strip, 1);
        give(&mut share.news, 1);
        give(&mut share.keys, 1);
        give(&mut share.line, 1);
        if rows >= 8 {
            give(&mut share.clock, 5);
            give(&mut share.labels, 1);
            give(&mut share.under_strip, 1);
            give(&mut share.over_keys, 1);
            give(&mut share.top, 1);
            give(&mut share.plans, usize::from(has_plans));
            give(&mut share.over_news, 1);
            give(&mut share.clock, 3);
            give(&mut share.news, 1);
            give(&mut share.strip, rows / 20);
            give(&mut share.clock, 4);
            give(&mut share.bottom, 1);
            give(&mut share.under_strip, rows / 36);
            give(&mut share.top, rows / 36);
            give(&mut share.over_keys, rows / 40);
            give(&mut share.over_news, rows / 40);
            give(&mut share.news, rows / 12);
        }
        share.clock += left;
        share
    }
}

impl Painter<'_> {
    fn paint(&mut self) {
        self.changes_at(self.snapshot.timer.next_phase(self.now));
        self.changes_at(self.snapshot.next_change(self.now));
        self.changes_at(self.next_second());

        let size = self.grid.size();
        let has_plans = self.snapshot.plans.len() > 1;
        let rows = Rows::new(size.rows, has_plans);
        let (span, pitch) = self.columns(size.cols);

        let invited = self.ui.invited.as_ref().filter(|invited| self.now < invited.until);
        if let Some(invited) = invited {
            // Without air, which the QR code needs more.
            let strip = rows.strip.min(1);
            self.strip(span, 0, strip, pitch);
            self.head(span, strip, true);
            self.invitation(invited, span, strip + 1);
            return;
        }
        let mut row = rows.top;
        self.strip(span, row, rows.strip, pitch);
        row += rows.strip + rows.under_strip;
        if self.ui.help {
            self.head(span, row, true);
            let row = row + 1 + usize::from(size.rows > 16);
            let rows = size.rows.saturating_sub(row);
            let cols = (size.cols - span.from).saturating_sub(span.from.min(2));
            let place = (span.from, row, cols, rows);
            help::draw(&mut self.grid, self.snapshot, self.ui.place, self.style, place);
            return;
        }
        self.head(span, row, rows.clock == 0);
        row += rows.head;
        self.clock(span, row, rows.clock);
        row += rows.clock;
        self.plan_line(span, row, rows.line, rows.labels);
        let highest = row;
        row += rows.line + rows.labels + rows.over_news;
        let inline = self.keys(span, row + rows.news + rows.over_keys, &rows);
        self.news(span, highest, row, rows.news, inline);
    }

    pub fn changes_at(&mut self, moment: Option<Moment>) {
        self.until = self.until.into_iter().chain(moment).min();
    }

    /// When the clock, or the countdown of undo, shows another second.
    fn next_second(&self) -> Option<Moment> {
        let part = |left: Duration| left - (seconds_left(left) - Duration::from_secs(1));
        match self.reading.phase {
            Phase::Ready => self.reading.undo.map(|left| self.now + part(left)),
            Phase::Over => {
                let passed = self.reading.overrun - whole_seconds(self.reading.overrun);
                Some(self.now + (Duration::from_secs(1) - passed))
            }
            _ => Some(self.now + part(self.reading.left)),
        }
    }

    /// The columns everything is aligned to, and how many of them each LED takes: the largest whole number, as long as that
    /// leaves little of the screen unused.
    fn columns(&self, cols: usize) -> (Span, usize) {
        let margin = match cols {
            0..30 => 0,
            30..60 => 1,
            60..100 => 2,
            _ => cols / 24,
        };
        let wide = cols - 2 * margin;
        let pitch = wide / self.snapshot.look.leds;
        let exact = pitch * self.snapshot.look.leds;
        let cols = if exact * 3 >= wide * 2 { exact } else { wide };
        let from = margin + (wide - cols) / 2;
        (Span { from, cols }, pitch)
    }

    /// The phase's colour, light enough to be read.
    fn ink(&self, phase: Phase) -> Ink {
        let palette = self.snapshot.look.palette;
        Ink::new(match phase {
            Phase::Ready => READY,
            Phase::Green => readable(palette.green),
            Phase::Yellow => readable(palette.yellow),
            Phase::Red | Phase::Flash => readable(palette.red),
            Phase::Over => OVER,
        })
    }

    fn strip(&mut self, span: Span, row: usize, rows: usize, pitch: usize) {
        let leds = self.snapshot.look.leds;
        let mut frame = Vec::new();
        self.snapshot.shown(self.now).paint(leds, &mut frame);
        // Of a trial on more LEDs than the config has there is no place for the rest.
        frame.resize(leds, Rgb::BLACK);
        let lit = match (self.style.depth, self.reading.phase) {
            (Depth::None, Phase::Green) => 'G',
            (Depth::None, Phase::Yellow) => 'Y',
            (Depth::None, Phase::Red | Phase::Flash) => 'R',
            (Depth::None, Phase::Ready | Phase::Over) => 'o',
            _ => self.style.block(),
        };
        // In an even number of rows a full stop above the middle is the middle.
        let off = match self.style.plain || rows.is_multiple_of(2) {
            true => '.',
            false => '·',
        };
        let edge = match self.style.plain || self.style.depth == Depth::None {
            true => ' ',
            false => '▌',
        };
        // Each column shows the LED at its place, however many there are of either.
        let led_at = |col: usize| col * leds / span.cols;
        for col in 0..span.cols {
            let led = led_at(col);
            let is_middle = pitch < 2 || col % pitch == (pitch - 1) / 2;
            let is_last = pitch > 1 && led_at(col + 1) != led;
            for y in 0..rows {
                let (glyph, ink) = match frame[led] {
                    Rgb::BLACK if is_middle && y == (rows - 1) / 2 => (off, HINT),
                    Rgb::BLACK => continue,
                    colour if is_last => (edge, Ink::new(colour)),
                    colour => (lit, Ink::new(colour)),
                };
                self.grid.put(span.from + col, row + y, glyph, ink);
            }
        }
    }

    /// The phase on the left; on the right the plan, or the time where it has no other place.
    fn head(&mut self, span: Span, row: usize, with_time: bool) {
        let word = self.reading.phase.as_str().to_ascii_uppercase();
        let word = if span.cols >= 56 { spaced(&word) } else { word };
        let ink = self.ink(self.reading.phase).bold();
        if with_time {
            let text = self.text.clone();
            let (word_fits, fits) = (word.len() + text.len() < span.cols, text.len() <= span.cols);
            if word_fits || !fits {
                self.left(span, row, &word, ink);
            }
            if fits {
                self.right(span, row, &text, ink);
            }
            return;
        }
        self.left(span, row, &word, ink);
        let room = span.cols.saturating_sub(word.len() + 2);
        let plan = self.reading.plan;
        let length = format!("  {}", Clock(plan.length()));
        if plan.name().len() + length.len() <= room {
            self.right(span, row, &format!("{}{length}", plan.name()), QUIET);
            let name = Span { cols: span.cols - length.len(), ..span };
            self.right(name, row, plan.name(), TEXT);
        } else if plan.name().len() <= room {
            self.right(span, row, plan.name(), TEXT);
        }
    }

    /// The big digits, as large as the plan's longest time allows, so that they keep their size.
    fn clock(&mut self, span: Span, row: usize, rows: usize) {
        let ink = self.ink(self.reading.phase);
        let longest = Clock(seconds_left(self.reading.plan.length())).to_string();
        let measure = if self.text.len() > longest.len() { &self.text } else { &longest };
        // Air above and below, once the digits are large without.
        let height = rows - (rows.saturating_sub(6) / 3).min(2);
        let Some(font) = Font::fitting(measure, span.cols, height, self.style) else {
            let word = Span { from: span.from + span.cols.saturating_sub(self.text.len()) / 2, ..span };
            if rows > 0 {
                self.left(word, row + rows / 2, &self.text.clone(), ink.bold());
            }
            return;
        };
        let col = span.from + (span.cols - font.cols(&self.text)) / 2;
        let row = row + (rows - font.rows()).div_ceil(2);
        font.draw(&mut self.grid, col, row, &self.text, ink);
    }

    /// The whole plan as a line, a piece for each phase: what is past is thin, what is to come in its phase's colour.
    fn plan_line(&mut self, span: Span, row: usize, rows: usize, labels: usize) {
        let Reading { phase, plan, left, .. } = self.reading;
        let (length, cols) = (plan.length().as_nanos(), span.cols as u128);
        // The first column that begins at or after a mark.
        let column = |left: Duration| ((length - left.as_nanos()) * cols).div_ceil(length) as usize;
        // The clock's seconds move the cursor, so that it needs no moments of its own.
        let shown = match phase {
            Phase::Ready => plan.length(),
            _ => seconds_left(left).min(plan.length()),
        };
        let at = ((length - shown.as_nanos()) * cols / length) as usize;
        let at = at.min(span.cols.saturating_sub(1));
        let [yellow, red, flash] = [plan.yellow(), plan.red(), plan.flash()].map(column);
        let [past, to_come, cursor] = match self.style.plain {
            true => ['.', '=', self.style.block()],
            false => ['▁', '▄', '█'],
        };
        for col in (0..span.cols).take(rows * span.cols) {
            let phase_there = match col {
                _ if col >= flash => Phase::Flash,
                _ if col >= red => Phase::Red,
                _ if col >= yellow => Phase::Yellow,
                _ => Phase::Green,
            };
            let dash = phase_there == Phase::Flash && (col - flash) % 2 == 1;
            let gap = dash || [yellow, red, flash].contains(&(col + 1));
            let (glyph, ink) = match () {
                () if col == at && phase.is_running() => (cursor, TEXT.bold()),
                () if gap => continue,
                () if col < at || phase == Phase::Over => (past, HINT),
                () => (to_come, self.ink(phase_there)),
            };
            self.grid.put(span.from + col, row, glyph, ink);
        }
        let mut free = 0;
        let mut label = |left: Duration, col: usize| {
            let label = Clock(left).to_string();
            if labels > 0 && col >= free && col + label.len() <= span.cols {
                let passed = phase == Phase::Over || phase.is_running() && left >= shown;
                let ink = if passed { HINT } else { QUIET };
                self.grid.text(span.from + col, row + rows, &label, ink);
                free = col + label.len() + 1;
            }
        };
        for left in [plan.length(), plan.yellow(), plan.red(), plan.flash()] {
            label(left, column(left));
        }
        label(Duration::ZERO, span.cols.saturating_sub(4));
    }

    pub fn left(&mut self, span: Span, row: usize, text: &str, ink: Ink) {
        for (i, glyph) in text.chars().take(span.cols).enumerate() {
            self.grid.put(span.from + i, row, glyph, ink);
        }
    }

    pub fn right(&mut self, span: Span, row: usize, text: &str, ink: Ink) {
        let start = span.cols.saturating_sub(text.chars().count());
        self.left(Span { from: span.from + start, cols: span.cols - start }, row, text, ink);
    }
}

/// The colour a little towards white, and further as long as it is dark.
fn readable(colour: Rgb) -> Rgb {
    let lighter = |channel: u8| channel + (255 - channel) / 6;
    let mut colour = Rgb::new(lighter(colour.r), lighter(colour.g), lighter(colour.b));
    let luma = |c: Rgb| (3 * u32::from(c.r) + 6 * u32::from(c.g) + u32::from(c.b)) / 10;
    while luma(colour) < 96 {
        colour = Rgb::new(lighter(colour.r), lighter(colour.g), lighter(colour.b));
    }
    colour
}
