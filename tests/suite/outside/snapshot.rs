//! Properties of reading a snapshot, as a console gets it, for any line.

use std::time::Duration;

use talklight::control::protocol::{Status, decode, encode};
use talklight::core::clock::Moment;
use talklight::engine::board::Snapshot;
use talklight::screen::Place;
use talklight::screen::grid::Size;
use talklight::screen::keys::Ui;
use talklight::screen::style::{Depth, Style};
use talklight::screen::view::view;

pub fn holds(bytes: &[u8]) {
    let Ok(line) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(snapshot) = decode::<Snapshot>(line) else {
        return;
    };
    assert!((1..=5438).contains(&snapshot.look.leds) && !snapshot.plans.is_empty());
    let again = encode(&snapshot);
    let again = decode::<Snapshot>(&again);
    assert_eq!(again.as_ref(), Ok(&snapshot));

    let (began, length) = match snapshot.timer.last_talk() {
        Some(talk) => (talk.started, talk.plan.length()),
        None => (Moment::from_ns(0), Duration::ZERO),
    };
    let moments = [began, began + length / 2, began + length - Duration::from_nanos(1), began + length];
    for now in moments.into_iter().chain([Moment::from_ns(u64::MAX)]) {
        is_drawn(&snapshot, now);
        assert!(!Status::new(&snapshot, now).line().is_empty());
    }
}

/// Checks that a screen can show the snapshot, and that its next change is later.
fn is_drawn(snapshot: &Snapshot, now: Moment) {
    let style = Style { depth: Depth::True, plain: false, lines: false };
    let (grid, until) = view(snapshot, &Ui::new(Place::Console), now, Size::new(60, 16), style);
    for row in 0..grid.size().rows {
        assert!(grid.row(row).iter().all(|cell| !cell.glyph.is_control()));
    }
    // No change can come after the last moment.
    let last = now == Moment::from_ns(u64::MAX);
    assert!(until.is_none_or(|until| until > now || last), "{until:?}");
}
