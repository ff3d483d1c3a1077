//! The picture of the screen, and what the keys do, in virtual time.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::time::Duration;

use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, ReadyLook};
use talklight::core::plan::Plan;
use talklight::core::timer::{Outcome, Phase, Talk, Timer};
use talklight::core::words::Words;
use talklight::engine::board::{Happening, Health, Phones, Snapshot};
use talklight::engine::event::Origin;
use talklight::screen::Place;
use talklight::screen::grid::{Grid, Size};
use talklight::screen::keys::Ui;
use talklight::screen::style::{Depth, Style};
use talklight::screen::view::view;

mod keys;
mod picture;
mod property;
mod show;
mod style;

const FANCY: Style = Style { depth: Depth::True, plain: false, lines: false };
const PLAIN: Style = Style { depth: Depth::Sixteen, plain: true, lines: false };
const CONSOLE: Style = Style { depth: Depth::Console, plain: true, lines: false };
const COLOURLESS: Style = Style { depth: Depth::None, plain: false, lines: false };
const START: Moment = Moment::from_ns(1_000_000_000_000);

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn lightning() -> Plan {
    Plan::new("lightning", s(300.0), s(120.0), s(60.0), s(30.0)).unwrap()
}

/// A daemon that is ready, with `plans`; the first is chosen.
fn idle(plans: &[Plan]) -> Snapshot {
    Snapshot {
        timer: Timer::new(plans[0], 7),
        look: Look {
            leds: 60,
            palette: Palette::CLASSIC,
            pattern: Pattern::Solid,
            ready: ReadyLook::Dot,
            flash_half: s(0.5),
        },
        plans: plans.into(),
        words: Default::default(),
        stage: Default::default(),
        web: None,
        strip_kind: "simulated".into(),
        name: "".into(),
        strip: Health::Sending,
        phones: Phones::default(),
        faults: Vec::new(),
        log: VecDeque::new(),
        number: 1,
    }
}

/// A talk of the default plan that the button has started.
fn talk() -> Snapshot {
    let mut snapshot = idle(&[lightning()]);
    snapshot.timer.talk = Some(Talk { plan: lightning(), started: START, late: Duration::ZERO });
    snapshot.note(START, Origin::Button, Happening::Done(Outcome::Started(lightning())));
    snapshot
}

/// A moment in each phase.
fn moments() -> [(Phase, Snapshot, Moment); 6] {
    [
        (Phase::Ready, idle(&[lightning()]), START),
        (Phase::Green, talk(), START + s(1.5)),
        (Phase::Yellow, talk(), START + s(200.0)),
        (Phase::Red, talk(), START + s(245.25)),
        (Phase::Flash, talk(), START + s(280.1)),
        (Phase::Over, talk(), START + s(371.0)),
    ]
}

fn size(cols: u16, rows: u16) -> Size {
    Size::new(cols, rows)
}

fn look(snapshot: &Snapshot, now: Moment, size: Size, style: Style) -> Grid {
    view(snapshot, &Ui::new(Place::Daemon), now, size, style).0
}

/// The grid as text. Each row begins with a bar and has no blanks at its end.
fn text(grid: &Grid) -> String {
    let rows = (0..grid.size().rows).map(|row| {
        let row: String = grid.row(row).iter().map(|cell| cell.glyph).collect();
        format!("|{}\n", row.trim_end())
    });
    rows.collect()
}

fn shows(grid: &Grid, words: &str) -> bool {
    text(grid).contains(words)
}

/// What a terminal shows after `frames`: glyph, colours and attributes of every cell.
fn emulate(frames: &[Vec<u8>], Size { cols, rows }: Size) -> Vec<String> {
    let (cols, rows) = (cols as u16, rows as u16);
    let nonzero = |size| NonZeroU16::new(size).unwrap();
    let mut parser = vt100::Parser::new(nonzero(rows), nonzero(cols), 0);
    for bytes in frames {
        parser.process(bytes);
    }
    let screen = parser.screen();
    let cell = |row, col| {
        let cell = screen.cell(row, col).unwrap();
        let glyph = if cell.has_contents() { cell.contents() } else { " " };
        let blank = glyph == " ";
        // The foreground of a blank is invisible.
        let front = (!blank).then(|| (cell.fgcolor(), cell.bold(), cell.dim()));
        format!("{glyph}{front:?}{:?}{}", cell.bgcolor(), cell.inverse())
    };
    (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))).map(|(row, col)| cell(row, col)).collect()
}
