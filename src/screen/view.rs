//! The screen as a function of the snapshot and the time: strip, phase, clock, plan, messages, keys.

use std::time::Duration;

use super::digits::Font;
use super::grid::{FAINT, Grid, Ink, Size};
use super::keys::Ui;
use super::style::{Depth, Style};
use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::plan::Clock;
use crate::core::timer::{Phase, Reading, seconds_left, whole_seconds};
use crate::engine::board::Snapshot;

pub(super) const TEXT: Ink = Ink::new(Rgb::new(222, 226, 232));
pub(super) const QUIET: Ink = Ink::new(Rgb::new(146, 153, 164));
pub(super) const DETAIL: Ink = Ink::new(FAINT);
const READY: Rgb = Rgb::new(222, 226, 232);
const OVER: Rgb = Rgb::new(140, 164, 196);

/// The screen of `size` at `now`, and the moment of its next change by time alone; `None` if only an event can change it.
pub fn view(snapshot: &Snapshot, ui: &Ui, now: Moment, size: Size, style: Style) -> (Grid, Option<Moment>) {
    let reading = snapshot.timer.at(now);
    let mut painter = Painter { grid: Grid::new(size), until: None, snapshot, ui, now, style, reading };
    painter.paint();
    (painter.grid, painter.until)
}

/// The time as the clock shows it: what is left, or with a plus sign what has passed since the end.
pub fn shown_time(reading: &Reading) -> String {
    match reading.phase {
        Phase::Over => format!("+{}", Clock(whole_seconds(reading.overrun))),
        _ => Clock(seconds_left(reading.left)).to_string(),
    }
}

/// The screen while it is drawn.
pub(super) struct Painter<'a> {
    pub grid: Grid,
    /// The earliest moment at which something drawn so far changes.
    until: Option<Moment>,
    pub snapshot: &'a Snapshot,
    pub ui: &'a Ui,
    pub now: Moment,
    pub style: Style,
    pub reading: Reading,
}

/// The rows of each part, from the top; 0 if there is no room for it.
#[derive(Default)]
pub(super) struct Rows {
    top: usize,
    strip: usize,
    below_strip: usize,
    head: usize,
    clock: usize,
    line: usize,
    labels: usize,
    above_messages: usize,
    messages: usize,
    above_keys: usize,
    pub plans: usize,
    pub keys: usize,
    bottom: usize,
}

/// A range of columns.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// The first column.
    pub from: usize,
    pub cols: usize,
}

impl Rows {
    /// Divides `rows`: first for what must be there, then for space between the parts, then for larger parts.
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
        give(&mut share.messages, 1);
        give(&mut share.keys, 1);
        give(&mut share.line, 1);
        if rows >= 8 {
            give(&mut share.clock, 5);
            give(&mut share.labels, 1);
            give(&mut share.below_strip, 1);
            give(&mut share.above_keys, 1);
            give(&mut share.top, 1);
            give(&mut share.plans, usize::from(has_plans));
            give(&mut share.above_messages, 1);
            give(&mut share.clock, 3);
            give(&mut share.messages, 1);
            give(&mut share.strip, rows / 20);
            give(&mut share.clock, 4);
            give(&mut share.bottom, 1);
            give(&mut share.below_strip, rows / 36);
            give(&mut share.top, rows / 36);
            give(&mut share.above_keys, rows / 40);
            give(&mut share.above_messages, rows / 40);
            give(&mut share.messages, rows / 12);
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

        if let Some(invited) = self.ui.invited.as_ref().filter(|invited| self.now < invited.until) {
            // Without space between the parts, because the QR code needs it.
            let strip = rows.strip.min(1);
            self.strip(span, 0, strip, pitch);
            self.head(span, strip, true);
            self.invitation(invited, span, strip + 1);
            return;
        }
        let mut row = rows.top;
        match self.failed() {
            Some(text) => self.banner(row, rows.strip, &text),
            None => self.strip(span, row, rows.strip, pitch),
        }
        row += rows.strip + rows.below_strip;
        if self.ui.help {
            self.head(span, row, true);
            self.help(span, row + 1 + usize::from(size.rows > 16));
            return;
        }
        self.head(span, row, rows.clock == 0);
        row += rows.head;
        self.clock(span, row, rows.clock);
        row += rows.clock;
        self.plan_line(span, row, rows.line, rows.labels);
        let line = row;
        row += rows.line + rows.labels + rows.above_messages;
        let has_health = self.keys(span, row + rows.messages + rows.above_keys, &rows);
        self.messages(span, line, row, rows.messages, has_health);
    }

    /// Notes that something drawn changes at `moment`.
    pub fn changes_at(&mut self, moment: Option<Moment>) {
        self.until = self.until.into_iter().chain(moment).min();
    }

    /// When the clock, or the countdown of undo, shows its next second.
    fn next_second(&self) -> Option<Moment> {
        let part = |left: Duration| left - (seconds_left(left) - Duration::from_secs(1));
        match self.reading.phase {
            Phase::Ready => {
                let idle =
                    self.since_end().map(|idle| self.now + (whole_seconds(idle) + Duration::from_secs(1) - idle));
                self.reading.undo.map(|left| self.now + part(left)).into_iter().chain(idle).min()
            }
            Phase::Over => {
                let overrun = self.reading.overrun;
                Some(self.now + (whole_seconds(overrun) + Duration::from_secs(1) - overrun))
            }
            // The second of an undo begins at another moment than that of the clock.
            _ => self.reading.undo.into_iter().chain([self.reading.left]).map(|left| self.now + part(left)).min(),
        }
    }

    /// The columns of the strip, to which everything is aligned, and those of an LED, rounded down. All LEDs have the same width
    /// if that leaves at most a third of the screen unused.
    fn columns(&self, cols: usize) -> (Span, usize) {
        let margin = match cols {
            0..30 => 0,
            30..60 => 1,
            60..100 => 2,
            _ => cols / 24,
        };
        let room = cols - 2 * margin;
        let pitch = room / self.snapshot.look.leds;
        let exact = pitch * self.snapshot.look.leds;
        let cols = if exact * 3 >= room * 2 { exact } else { room };
        let from = margin + (room - cols) / 2;
        (Span { from, cols }, pitch)
    }

    /// The colour of the phase, light enough for text.
    pub fn ink(&self, phase: Phase) -> Ink {
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
        // A test may light more LEDs than the config has; the screen shows those of the config.
        frame.resize(leds, Rgb::BLACK);
        let lit = match (self.style.depth, self.reading.phase) {
            (Depth::None, Phase::Green) => 'G',
            (Depth::None, Phase::Yellow) => 'Y',
            (Depth::None, Phase::Red | Phase::Flash) => 'R',
            (Depth::None, Phase::Ready | Phase::Over) => 'o',
            _ => self.style.block(),
        };
        // In an even number of rows the bottom of the row above the middle is the middle.
        let off = match self.style.plain || rows.is_multiple_of(2) {
            true => '.',
            false => '·',
        };
        let edge = match self.style.plain || self.style.depth == Depth::None {
            true => ' ',
            false => '▌',
        };
        // There may be more LEDs than columns, or fewer.
        let led_at = |col: usize| col * leds / span.cols;
        for col in 0..span.cols {
            let led = led_at(col);
            let is_middle = pitch < 2 || col % pitch == (pitch - 1) / 2;
            let is_last = pitch > 1 && led_at(col + 1) != led;
            for y in 0..rows {
                let (glyph, ink) = match frame[led] {
                    Rgb::BLACK if is_middle && y == (rows - 1) / 2 => (off, DETAIL),
                    Rgb::BLACK => continue,
                    colour if is_last => (edge, Ink::new(colour)),
                    colour => (lit, Ink::new(colour)),
                };
                self.grid.put(span.from + col, row + y, glyph, ink);
            }
        }
    }

    /// The digits of the clock, as large as the longest time of the plan allows, so that their size does not change.
    fn clock(&mut self, span: Span, row: usize, rows: usize) {
        let ink = self.ink(self.reading.phase);
        let longest = Clock(seconds_left(self.reading.plan.length())).to_string();
        let time = shown_time(&self.reading);
        let measure = if time.len() > longest.len() { &time } else { &longest };
        // Large digits leave space above and below.
        let height = rows - (rows.saturating_sub(6) / 3).min(2);
        let Some(font) = Font::fitting(measure, span.cols, height, self.style) else {
            let word = Span { from: span.from + span.cols.saturating_sub(time.len()) / 2, ..span };
            if rows > 0 {
                self.left(word, row + rows / 2, &time, ink.bold());
            }
            return;
        };
        let col = span.from + (span.cols - font.cols(&time)) / 2;
        let row = row + (rows - font.rows()).div_ceil(2);
        font.draw(&mut self.grid, col, row, &time, ink);
    }

    /// The plan as a line with a section for each phase: thin for the past, in the colour of the phase for the future.
    fn plan_line(&mut self, span: Span, row: usize, rows: usize, labels: usize) {
        let Reading { phase, plan, left, .. } = self.reading;
        let (length, cols) = (plan.length().as_nanos(), span.cols as u128);
        // The first column that begins at a mark or after it.
        let column = |left: Duration| ((length - left.as_nanos()) * cols).div_ceil(length) as usize;
        // The cursor moves when the clock does, so that it causes no redraws of its own.
        let shown = match phase {
            Phase::Ready => plan.length(),
            _ => seconds_left(left).min(plan.length()),
        };
        let at = ((length - shown.as_nanos()) * cols / length) as usize;
        let at = at.min(span.cols.saturating_sub(1));
        let [yellow, red, flash] = [plan.yellow(), plan.red(), plan.flash()].map(column);
        let [past, future, cursor] = match self.style.plain {
            true => ['.', '=', self.style.block()],
            false => ['▁', '▄', '█'],
        };
        for col in (0..span.cols).take(rows * span.cols) {
            let phase_here = match col {
                _ if col >= flash => Phase::Flash,
                _ if col >= red => Phase::Red,
                _ if col >= yellow => Phase::Yellow,
                _ => Phase::Green,
            };
            let dash = phase_here == Phase::Flash && (col - flash) % 2 == 1;
            let gap = dash || [yellow, red, flash].contains(&(col + 1));
            let (glyph, ink) = if col == at && phase.is_running() {
                (cursor, TEXT.bold())
            } else if gap {
                continue;
            } else if col < at || phase == Phase::Over {
                (past, DETAIL)
            } else {
                (future, self.ink(phase_here))
            };
            self.grid.put(span.from + col, row, glyph, ink);
        }
        let mut free = 0;
        let mut label = |left: Duration, col: usize| {
            let label = Clock(left).to_string();
            if labels > 0 && col >= free && col + label.len() <= span.cols {
                let passed = phase == Phase::Over || phase.is_running() && left >= shown;
                let ink = if passed { DETAIL } else { QUIET };
                self.grid.text(span.from + col, row + rows, &label, ink);
                free = col + label.len() + 1;
            }
        };
        for left in [plan.length(), plan.yellow(), plan.red(), plan.flash()] {
            label(left, column(left));
        }
        label(Duration::ZERO, span.cols.saturating_sub(4));
    }

    /// Writes text from the left end of a span, up to its right end.
    pub fn left(&mut self, span: Span, row: usize, text: &str, ink: Ink) {
        for (i, glyph) in text.chars().take(span.cols).enumerate() {
            self.grid.put(span.from + i, row, glyph, ink);
        }
    }

    /// Writes text up to the right end of a span.
    pub fn right(&mut self, span: Span, row: usize, text: &str, ink: Ink) {
        let start = span.cols.saturating_sub(text.chars().count());
        self.left(Span { from: span.from + start, cols: span.cols - start }, row, text, ink);
    }
}

/// The colour, a sixth lighter, and lighter still until it is bright enough for text.
fn readable(colour: Rgb) -> Rgb {
    let lighter = |channel: u8| channel + (255 - channel) / 6;
    let mut colour = Rgb::new(lighter(colour.r), lighter(colour.g), lighter(colour.b));
    let luma = |c: Rgb| (3 * u32::from(c.r) + 6 * u32::from(c.g) + u32::from(c.b)) / 10;
    while luma(colour) < 96 {
        colour = Rgb::new(lighter(colour.r), lighter(colour.g), lighter(colour.b));
    }
    colour
}
