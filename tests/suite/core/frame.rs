use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, Picture, ReadyLook, Rgb};
use talklight::core::plan::Plan;
use talklight::core::timer::{Command, Phase, Timer};

use super::harness::{BOOT, look, plan, play, span};
use super::model::{Model, SECOND, ns};
use super::timer::{Gap, any_plan, commands, gaps};

fn started(plan: Plan) -> Timer {
    let mut timer = Timer::new(plan, 0);
    timer.apply(Command::Start(None), BOOT).unwrap();
    timer
}

fn painted(look: &Look, timer: &Timer, now: Moment) -> Vec<Rgb> {
    // `paint` must overwrite every LED of the frame before.
    let mut frame = vec![Rgb::new(1, 2, 3); look.leds];
    look.picture(&timer.at(now)).paint(&mut frame);
    frame
}

/// The start of the talk and every later change of its picture.
fn changes(look: &Look, timer: &Timer) -> Vec<Moment> {
    std::iter::successors(Some(BOOT), |&now| look.next_change(timer, now)).collect()
}

fn at(ns: u64) -> Moment {
    Moment::from_ns(BOOT.as_ns() + ns)
}

fn just_before(moment: Moment) -> Moment {
    Moment::from_ns(moment.as_ns() - 1)
}

/// Plans of about a second, short enough to check every instant that could matter.
fn small_plans() -> impl Iterator<Item = Plan> {
    [
        [1_000_000_000, 600_000_000, 400_000_000, 300_000_000],
        [1_000_000_000, 999_999_999, 999_999_999, 999_999_999],
        [1_000_000_007, 500_000_003, 500_000_003, 250_000_001],
        [1_234_567_891, 800_000_000, 800_000_000, 0],
        [1_000_000_000, 0, 0, 0],
        [1_500_000_000, 1_400_000_000, 1_300_000_000, 1],
    ]
    .into_iter()
    .map(|spans| {
        let [length, yellow, red, flash] = spans.map(Duration::from_nanos);
        Plan::new("small", length, yellow, red, flash).unwrap()
    })
}

fn looks() -> Vec<Look> {
    let mut looks = Vec::new();
    for leds in [1, 2, 3, 7, 60] {
        for pattern in [Pattern::Solid, Pattern::Bar] {
            for hz in [0.2, 1.0, 2.9, 3.0] {
                looks.push(Look { leds, pattern, flash_half: Look::flash_half(hz), ..look() });
            }
        }
    }
    // Phases with equal colours, and dark ones.
    for (yellow, red) in [
        (Palette::CLASSIC.green, Palette::CLASSIC.red),
        (Palette::CLASSIC.red, Palette::CLASSIC.red),
        (Rgb::BLACK, Rgb::BLACK),
    ] {
        let palette = Palette { yellow, red, ..Palette::CLASSIC };
        looks.extend([Pattern::Solid, Pattern::Bar].map(|pattern| Look { palette, pattern, ..look() }));
    }
    looks
}

/// Every edge in nanoseconds of the talk, the instants beside it, and a grid between them.
fn instants(look: &Look, plan: &Plan) -> BTreeSet<u64> {
    let length = ns(plan.length());
    let flash = ns(plan.flash());
    let halves = flash / (2 * ns(look.flash_half)) * 2;
    let flash = (0..=halves).map(|half| half * flash / halves.max(1));
    let bar = (0..=look.leds as u64).map(|led| led * length / look.leds as u64);
    let marks = [plan.yellow(), plan.red(), plan.flash()].map(ns);
    let edges = flash.chain(bar).chain(marks).map(|left| length - left.min(length));
    let beside = edges.flat_map(|edge| edge.saturating_sub(3)..=edge + 3);
    let grid = (0..length + SECOND).step_by(3_700_001);
    beside.chain(grid).collect()
}

#[test]
fn next_change_is_exact_at_every_instant() {
    for plan in small_plans() {
        let timer = started(plan);
        let mut model = Model::new(plan);
        model.apply(Command::Start(None), BOOT);
        for look in looks() {
            let changes = changes(&look, &timer);
            let mut since = 0;
            for instant in instants(&look, &plan) {
                let now = at(instant);
                while changes.get(since + 1).is_some_and(|&next| next <= now) {
                    since += 1;
                    let next = changes[since];
                    assert_ne!(
                        model.frame(&look, next),
                        model.frame(&look, just_before(next)),
                        "no change at {next:?}: {look:?} {plan:?}"
                    );
                }
                let frame = painted(&look, &timer, now);
                assert_eq!(frame, model.frame(&look, now), "{now:?} {look:?} {plan:?}");
                assert_eq!(frame, model.frame(&look, changes[since]), "changed before {now:?}: {look:?} {plan:?}");
                assert_eq!(look.next_change(&timer, now).as_ref(), changes.get(since + 1), "{now:?} {look:?} {plan:?}");
            }
        }
    }
}

#[test]
fn ready_and_over_never_change_without_a_command() {
    for script in ["ready", "start +1m reset ready", "start +5m over"] {
        let sim = play(script);
        let timer = sim.board.latest().timer;
        for look in looks() {
            assert_eq!(look.next_change(&timer, sim.now), None, "`{script}` {look:?}");
        }
    }
}

#[test]
fn each_phase_has_its_picture() {
    let Palette { green, yellow, red, ready } = Palette::CLASSIC;
    let frame = |script: &str| play(script).strip.lit()[..8].to_vec();
    let mut dot = [Rgb::BLACK; 8];
    dot[0] = ready;
    assert_eq!(frame("ready"), dot);
    assert_eq!(frame("start green"), [green; 8]);
    assert_eq!(frame("start +3m yellow"), [yellow; 8]);
    assert_eq!(frame("start +4m red"), [red; 8]);
    assert_eq!(frame("start +270s flash"), [Rgb::BLACK; 8]);
    assert_eq!(frame("start +270.5s flash"), [red; 8]);
    assert_eq!(frame("start +5m over"), [Rgb::BLACK; 8]);

    let off = Look { ready: ReadyLook::Off, ..look() };
    assert_eq!(painted(&off, &Timer::new(plan("short"), 0), BOOT), [Rgb::BLACK; 8]);
}

/// The phase has a whole number of periods, so it begins and ends with an edge.
#[test]
fn the_flash_is_counted_back_from_the_end() {
    play("start +270s-1ns red lit:8 +1ns flash lit:0 +0.5s-1ns lit:0 +1ns lit:8 +0.5s-1ns lit:8 +1ns lit:0");
    play("start +299s-1ns flash lit:8 +1ns lit:0 +0.5s-1ns lit:0 +1ns lit:8 +0.5s-1ns lit:8 +1ns over lit:0");
    let flash: Vec<Moment> = changes(&look(), &started(plan("lightning")))
        .into_iter()
        .filter(|&change| change >= BOOT + span("270s"))
        .collect();
    let expected: Vec<Moment> = (0..=60).map(|half| BOOT + span("270s") + span("500ms") * half).collect();
    assert_eq!(flash, expected);
}

/// A flash is a pair of opposing changes (WCAG 2.1), counted in every window of a second as broadcasters count.
#[test]
fn never_more_than_three_flashes_in_any_second() {
    for hz in [0.2, 0.7, 1.0, 1.5, 2.0, 2.5, 2.999, Look::FLASH_HZ_MAX] {
        let look = Look { flash_half: Look::flash_half(hz), ..look() };
        for flash in ["30s", "29.99s", "30.17s", "7.000000001s", "333ms", "1ns"] {
            let plan = Plan::new("flash", span("40s"), span("35s"), span("30.17s"), span(flash)).unwrap();
            let changes = changes(&look, &started(plan));
            for (nth, &first) in changes.iter().enumerate() {
                let window = changes[nth..].iter().take_while(|change| change.since(first) < span("1s"));
                assert!(window.count() <= 6, "{hz} Hz, flashing from {flash} left, at {first:?}");
            }
            let end = changes.last().unwrap();
            assert_eq!(*end, BOOT + span("40s"));
            assert_ne!(painted(&look, &started(plan), just_before(*end)), [Rgb::BLACK; 8]);
        }
    }
}

#[test]
fn a_bar_starts_full_shortens_and_is_lit_until_the_end() {
    for plan in small_plans().chain([plan("lightning"), plan("short")]) {
        for look in looks().into_iter().filter(|look| look.pattern == Pattern::Bar && look.palette == Palette::CLASSIC)
        {
            let timer = started(plan);
            let mut lit_before = look.leds;
            assert_eq!(look.picture(&timer.at(BOOT)).lit(), look.leds);
            let changes = changes(&look, &timer);
            for &change in &changes {
                for now in [just_before(change).max(BOOT), change] {
                    let lit = look.picture(&timer.at(now)).lit();
                    let phase = timer.at(now).phase;
                    let dark = lit == 0 && matches!(phase, Phase::Flash | Phase::Over);
                    assert!(dark || (1..=lit_before).contains(&lit), "{lit} {now:?} {look:?}");
                    if !dark {
                        lit_before = lit;
                    }
                }
            }
            let last = look.picture(&timer.at(just_before(BOOT + plan.length())));
            assert_eq!(last.lit(), 1);
        }
    }
}

#[test]
fn a_bar_of_ten_leds_loses_one_each_second() {
    let mut bar = super::harness::Sim::new(Look { leds: 10, pattern: Pattern::Bar, ..look() });
    bar.play(
        "start:short green lit:10 +1s-1ns lit:10 +1ns lit:9 +1s lit:8 +2s green lit:6 +1s-1ns lit:6 +1ns yellow lit:5",
    );
    bar.play("+2s red lit:3 +1s flash lit:0 +0.5s lit:2 +0.5s lit:0 +0.5s flash lit:1 +0.5s-1ns lit:1 +1ns over lit:0");
}

/// The limit of current is computed for the pictures of `brightest`. No picture of a talk may draw more than all of these, and
/// none of these may draw more than every picture of the talk.
#[test]
fn brightest_has_the_picture_with_the_highest_current() {
    let plans = [plan("lightning"), plan("short"), small_plans().next().unwrap()];
    for look in looks() {
        let named: Vec<Picture> = look.brightest(&plans).collect();
        let mut shown = vec![look.picture(&Timer::new(plans[0], 0).at(BOOT))];
        for plan in plans {
            let timer = started(plan);
            shown.extend(changes(&look, &timer).iter().map(|&now| look.picture(&timer.at(now))));
        }
        let covers = |big: &Picture, small: &Picture| {
            small.lit() == 0 || big.colour() == small.colour() && big.lit() >= small.lit()
        };
        for picture in &shown {
            assert!(named.iter().any(|big| covers(big, picture)), "{picture:?} {look:?}");
        }
        for picture in &named {
            assert!(shown.iter().any(|big| covers(big, picture)), "{picture:?} {look:?}");
        }
    }
}

#[test]
fn brightest_omits_phases_that_the_plan_omits() {
    let Palette { green, yellow, red, .. } = Palette::CLASSIC;
    let off = Look { ready: ReadyLook::Off, ..look() };
    for (marks, expected) in [
        (["2m", "1m", "30s"], vec![green, yellow, red]),
        (["0s", "0s", "0s"], vec![green]),
        (["2m", "2m", "30s"], vec![green, red]),
        (["2m", "1m", "1m"], vec![green, yellow, red]),
        (["2m", "0s", "0s"], vec![green, yellow]),
    ] {
        let [yellow, red, flash] = marks.map(span);
        let plan = Plan::new("some", span("5m"), yellow, red, flash).unwrap();
        let named: Vec<Rgb> = off
            .brightest(&[plan])
            .filter(|picture| *picture != Picture::DARK)
            .map(|picture| picture.colour())
            .collect();
        assert_eq!(named, expected, "{marks:?}");
    }
}

#[test]
fn rounding_never_exceeds_three_flashes_a_second() {
    for hz in [Look::FLASH_HZ_MIN, 0.3, 0.7, 1.0, 1.1, 2.3, 2.9, Look::FLASH_HZ_MAX] {
        let period = Look::flash_half(hz) * 2;
        let exact = 1e9 / hz;
        assert!((0.0..=2.0).contains(&(period.as_nanos() as f64 - exact)), "{hz}");
    }
    assert_eq!(Look::flash_half(1.0), span("500ms"));
    assert!(Look::flash_half(3.0) * 6 >= span("1s"));
}

fn any_look() -> impl Strategy<Value = Look> {
    let pattern = prop_oneof![Just(Pattern::Solid), Just(Pattern::Bar)];
    let ready = prop_oneof![Just(ReadyLook::Dot), Just(ReadyLook::Off)];
    let palette = prop_oneof![
        3 => Just(Palette::CLASSIC),
        1 => Just(Palette { yellow: Palette::CLASSIC.green, ..Palette::CLASSIC }),
    ];
    (1..=320_usize, pattern, ready, palette, 0.2..=3.0_f64).prop_map(|(leds, pattern, ready, palette, hz)| Look {
        leds,
        palette,
        pattern,
        ready,
        flash_half: Look::flash_half(hz),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn next_change_is_exact_for_any_look(
        look in any_look(),
        plan in any_plan(),
        part in 0.0..=1.0_f64,
        edge in -1..=1_i64,
        between in prop::array::uniform8(0.0..1.0_f64),
    ) {
        let (mut timer, mut model) = (Timer::new(plan, 0), Model::new(plan));
        timer.apply(Command::Start(None), BOOT).unwrap();
        model.apply(Command::Start(None), BOOT);

        // A random moment of the talk, then one at an edge or beside it.
        let mut now = BOOT + plan.length().mul_f64(part);
        for _ in 0..2 {
            let frame = painted(&look, &timer, now);
            prop_assert_eq!(&frame, &model.frame(&look, now));
            let Some(next) = look.next_change(&timer, now) else {
                prop_assert_eq!(timer.at(now).phase, Phase::Over);
                break;
            };
            prop_assert!(next > now);
            prop_assert_ne!(&frame, &model.frame(&look, next));
            let still = between.map(|part| now + next.since(now).mul_f64(part));
            for instant in still.into_iter().chain([just_before(next)]) {
                let instant = instant.clamp(now, just_before(next));
                prop_assert_eq!(&frame, &model.frame(&look, instant));
                prop_assert_eq!(look.next_change(&timer, instant), Some(next));
            }
            now = Moment::from_ns(next.as_ns().saturating_add_signed(edge));
        }
    }

    #[test]
    fn next_change_is_exact_after_any_commands(
        look in any_look(),
        moves in prop::collection::vec((gaps(), commands()), 1..12),
        last in gaps(),
    ) {
        let (mut timer, mut model) = (Timer::new(plan("lightning"), 0), Model::new(plan("lightning")));
        let mut now = BOOT;
        for (gap, command) in moves.into_iter().chain([(last, Command::Undo)]) {
            now = Gap::after(gap, now, &model);
            let _ = timer.apply(command, now);
            model.apply(command, now);
            let frame = painted(&look, &timer, now);
            prop_assert_eq!(&frame, &model.frame(&look, now));
            if let Some(next) = look.next_change(&timer, now) {
                prop_assert_eq!(&frame, &model.frame(&look, just_before(next)));
                prop_assert_ne!(&frame, &model.frame(&look, next));
            }
        }
    }
}

/// Red goes dark at the flash mark, and at the end, at every rate.
#[test]
fn the_flash_begins_and_ends_with_an_edge_at_every_rate() {
    for hz in [0.2, 0.33, 0.75, 1.0, 1.7, 2.9, Look::FLASH_HZ_MAX] {
        let look = Look { flash_half: Look::flash_half(hz), ..look() };
        let timer = started(plan("lightning"));
        let changes = changes(&look, &timer);
        let mark = BOOT + span("270s");
        assert!(changes.contains(&mark), "{hz} Hz");
        assert_eq!(painted(&look, &timer, mark), [Rgb::BLACK; 8], "{hz} Hz");
        assert_ne!(painted(&look, &timer, just_before(BOOT + span("5m"))), [Rgb::BLACK; 8], "{hz} Hz");
    }
}
