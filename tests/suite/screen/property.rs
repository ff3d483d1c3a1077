//! Any state, any size, any moment.

use std::time::Duration;

use proptest::prelude::*;
use talklight::core::look::Pattern;
use talklight::core::plan::Plan;
use talklight::core::timer::{Outcome, Phase, Refusal, Talk};
use talklight::engine::board::{Fault, Happening, Health, Snapshot};
use talklight::engine::event::{Origin, Refused};
use talklight::screen::Place;
use talklight::screen::grid::{Size, diff};
use talklight::screen::keys::{Notice, Ui};
use talklight::screen::style::{Depth, Style};
use talklight::screen::view::view;

use super::{FANCY, START, emulate, idle, s, text};

fn any_plan() -> impl Strategy<Value = Plan> {
    let name = "[a-z0-9][a-z0-9_-]{0,23}";
    let length = prop_oneof![1_000..400_000u64, 1_000..86_400_000u64];
    (name, length, prop::array::uniform3(0.0..1.0f64)).prop_map(|(name, length, mut marks)| {
        marks.sort_by(f64::total_cmp);
        let [flash, red, yellow] = marks.map(|mark| Duration::from_millis((mark * length as f64) as u64));
        Plan::new(&name, Duration::from_millis(length), yellow, red, flash).unwrap()
    })
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let happening = prop_oneof![
        Just(Happening::Refused(Refused::Command(Refusal::Stale))),
        Just(Happening::Phase(Phase::Yellow)),
        Just(Happening::Done(Outcome::Cleared)),
        Just(Happening::StripFailed("no such device".into())),
        "\\PC{0,99}".prop_map(|text| Happening::Failed(text.into())),
    ];
    let state = prop_oneof![Just(0u8), Just(1), Just(2), Just(2), Just(2),];
    (
        prop::collection::vec(any_plan(), 1..12),
        state,
        (1..400usize, any::<bool>(), 167..2500u64),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        prop::collection::vec((0..700u64, happening), 0..9),
    )
        .prop_map(|(plans, state, (leds, bar, half), (spi, failing, stuck), log)| {
            let mut snapshot = idle(&plans);
            let talk = Talk { plan: plans[plans.len() / 2], started: START, late: Duration::ZERO };
            match state {
                0 => {}
                1 => (snapshot.timer.undo, snapshot.timer.undo_until) = (Some(talk), Some(START + s(9.25))),
                _ => snapshot.timer.talk = Some(talk),
            }
            snapshot.look.leds = leds;
            snapshot.look.flash_half = Duration::from_millis(half);
            if bar {
                snapshot.look.pattern = Pattern::Bar;
            }
            if spi {
                snapshot.strip_kind = "spi".into();
            }
            if failing {
                snapshot.strip = Health::Failing("writing \u{1b}[2J failed: ".repeat(9).into());
            }
            if stuck {
                snapshot.faults.push(Fault::new(Origin::Button, "closed for a minute"));
            }
            let mut at = START - s(700.0);
            for (gap, what) in log {
                at = at + Duration::from_millis(gap * 300);
                snapshot.note(at, Origin::Keyboard, what);
            }
            snapshot
        })
}

fn any_ui() -> impl Strategy<Value = Ui> {
    (any::<bool>(), any::<bool>(), prop::option::of(("\\PC{0,99}", any::<bool>(), 0..10_000u64))).prop_map(
        |(console, help, notice)| {
            let mut ui = Ui::new(if console { Place::Console } else { Place::Daemon });
            ui.help = help && console;
            ui.notice =
                notice.map(|(text, urgent, ms)| Notice { text, urgent, until: START + Duration::from_millis(ms) });
            ui
        },
    )
}

fn any_style() -> impl Strategy<Value = Style> {
    let depth = prop_oneof![
        Just(Depth::None),
        Just(Depth::Console),
        Just(Depth::Sixteen),
        Just(Depth::Indexed),
        Just(Depth::True)
    ];
    (depth, any::<bool>()).prop_map(|(depth, plain)| Style { depth, plain, lines: false })
}

fn any_size() -> impl Strategy<Value = Size> {
    let size = prop_oneof![
        8 => (1..12u16, 1..12u16),
        8 => (1..120u16, 1..50u16),
        1 => (1..300u16, 1..300u16)
    ];
    size.prop_map(|(cols, rows)| Size::new(cols, rows))
}

/// Moments near the start, around the end, and long after.
fn any_moment() -> impl Strategy<Value = u64> {
    prop_oneof![0..12_000_000_000u64, 0..500_000_000_000u64, 0..200_000_000_000_000u64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// All glyphs are printable; a plain screen is ASCII.
    #[test]
    fn every_screen_can_be_drawn(snapshot in any_snapshot(), ui in any_ui(), style in any_style(), size in any_size(), ns in any_moment()) {
        let now = START + Duration::from_nanos(ns);
        let (grid, _) = view(&snapshot, &ui, now, size, style);
        prop_assert_eq!(grid.size(), size);
        for row in 0..size.rows {
            for cell in grid.row(row) {
                prop_assert!(!cell.glyph.is_control());
                prop_assert!(!style.plain || cell.glyph.is_ascii() || cell.glyph == style.block(), "{:?}", cell.glyph);
            }
        }
    }

    /// The screen does not change before the moment that it returns, which is in the future.
    #[test]
    fn a_screen_holds_until_its_moment(snapshot in any_snapshot(), ui in any_ui(), size in any_size(), ns in any_moment(), parts in prop::collection::vec(0.0..1.0f64, 8)) {
        let now = START + Duration::from_nanos(ns);
        let (grid, until) = view(&snapshot, &ui, now, size, FANCY);
        let span = match until {
            Some(until) => {
                prop_assert!(until > now);
                until.since(now) - Duration::from_nanos(1)
            }
            None => Duration::from_secs(86_400),
        };
        for part in parts.into_iter().chain([1.0]) {
            let then = now + span.mul_f64(part).min(span);
            let (later, _) = view(&snapshot, &ui, then, size, FANCY);
            prop_assert!(grid == later, "{:?} later\n{}\n{}", then.since(now), text(&grid), text(&later));
        }
    }

    /// Updates from frame to frame lead to the same picture as drawing the last frame from nothing.
    #[test]
    fn changes_add_up(snapshots in prop::collection::vec((any_snapshot(), any_ui(), any_moment()), 1..5), style in any_style(), size in any_size()) {
        let grids: Vec<_> = snapshots
            .iter()
            .map(|(snapshot, ui, ns)| view(snapshot, ui, START + Duration::from_nanos(*ns), size, style).0)
            .collect();
        let mut frames = vec![diff(None, &grids[0], style.depth)];
        frames.extend(grids.windows(2).map(|pair| diff(Some(&pair[0]), &pair[1], style.depth)));
        let last = grids.last().unwrap();
        let shown = emulate(&frames, size);
        prop_assert_eq!(&shown, &emulate(&[diff(None, last, style.depth)], size));
        let cells = (0..size.rows).flat_map(|row| last.row(row));
        for (shown, cell) in shown.iter().zip(cells) {
            let blocks = match cell.glyph {
                '█' => shown.starts_with(' '),
                '▀' => shown.starts_with('▄'),
                _ => false,
            };
            prop_assert!(blocks || shown.starts_with(cell.glyph));
        }
        prop_assert!(diff(Some(last), last, style.depth).is_empty());
    }
}
