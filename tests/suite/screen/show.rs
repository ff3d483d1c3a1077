//! A show on the screen: its picture, and the key that ends it.

use talklight::show::{Owner, Scene, Show, gauge::Gauge, sample};

use super::*;
use talklight::core::timer::Command;

#[test]
fn a_show_is_drawn_and_r_ends_it() {
    let mut ready = idle(&[lightning()]);
    let keys = |snapshot: &Snapshot| text(&look(snapshot, START, size(80, 24), FANCY));
    assert!(!keys(&ready).contains("r end show"));
    let gauge = Gauge::new(0.5, talklight::core::look::Rgb::new(0x20, 0x40, 0xff)).unwrap();
    let test = "ws2812 grb 30 tens".parse().unwrap();
    for (scene, lit) in [(Scene::Gauge(gauge), 30), (Scene::Sample(test), 30)] {
        let show = Show::new(scene, Owner::new("a program"), sample::LEASE, START);
        ready.stage.offer(show, &ready.timer, START).unwrap();
        let grid = look(&ready, START, size(80, 24), FANCY);
        assert_eq!(grid.row(1).iter().filter(|cell| cell.glyph == '█').count(), lit);
        assert!(keys(&ready).contains("space start   r end show"), "{}", keys(&ready));
    }
    let over = text(&look(&ready, START + sample::LEASE, size(80, 24), FANCY));
    assert!(!over.contains("r end show"));
}

#[test]
fn the_demonstration_says_what_it_is_and_draws_its_colours() {
    let mut ready = idle(&[lightning()]);
    let show = Show::new(Scene::Demo, Owner::new("demo"), s(12.0), START);
    ready.stage.offer(show, &ready.timer, START).unwrap();
    for (at, word) in [(0.0, "TALK"), (3.0, "WRAP UP"), (6.0, "FINISH"), (8.0, "LAST SENTENCE"), (11.5, "TIME IS UP")] {
        let grid = look(&ready, START + s(at), size(80, 24), FANCY);
        assert!(shows(&grid, &format!("demonstration: {word}")), "{}", text(&grid));
        let lit = grid.row(1).iter().filter(|cell| cell.glyph == '█').count();
        // The first half of a flash is dark.
        assert_eq!(lit, if at < 8.0 { 60 } else { 0 }, "{word}");
    }
    assert!(shows(&look(&ready, START + s(12.0), size(80, 24), FANCY), "R E A D Y"));
}

#[test]
fn the_words_of_a_plan_are_its_own() {
    let mut snapshot = talk();
    let words = Words { yellow: "zum Schluss".into(), ..Words::default() };
    snapshot.words = [words].into();
    assert!(shows(&look(&snapshot, START, size(40, 10), FANCY), "TALK"));
    assert!(shows(&look(&snapshot, START + s(200.0), size(40, 10), FANCY), "ZUM SCHLUSS"));
}

#[test]
fn between_talks_the_screen_says_how_long_the_room_waits() {
    let mut snapshot = talk();
    snapshot.timer.apply(Command::Reset, START + s(60.0)).unwrap();
    let at = |elapsed| text(&look(&snapshot, START + s(elapsed), size(80, 24), FANCY));
    assert!(at(60.0).contains("R E A D Y   0:00 since the last talk"), "{}", at(60.0));
    assert!(at(125.9).contains("1:05 since the last talk"));
    let (_, next) = view(&snapshot, &Ui::new(Place::Daemon), START + s(125.9), size(80, 24), FANCY);
    assert_eq!(next, Some(START + s(126.0)), "it counts by itself");
    assert!(!at(3660.0).contains("since"), "after an hour it is no news");
    assert!(!text(&look(&idle(&[lightning()]), START, size(80, 24), FANCY)).contains("since"));
}

#[test]
fn a_strip_that_fails_in_a_talk_is_told_over_the_whole_width() {
    let mut snapshot = talk();
    snapshot.strip = Health::Failing("unplugged".into());
    for (cols, rows, words) in [
        (80, 24, "The strip has failed. Tell the speaker: 3:12 left."),
        (40, 10, "Strip failed. Tell the speaker: 3:12"),
        (200, 60, "The strip has failed. Tell the speaker: 3:12 left."),
    ] {
        let grid = look(&snapshot, START + s(108.0), size(cols, rows), FANCY);
        assert!(shows(&grid, words), "{}", text(&grid));
        let row = (0..rows).find(|&row| grid.row(row.into())[cols as usize / 2].glyph != ' ').unwrap();
        let alarm = grid.row(row.into())[0].ink.bg;
        assert!(grid.row(row.into()).iter().all(|cell| cell.ink.bg == alarm), "over the whole width");
    }
    let ready = Snapshot { strip: Health::Failing("unplugged".into()), ..idle(&[lightning()]) };
    assert!(!shows(&look(&ready, START, size(80, 24), FANCY), "Tell the speaker"));
}
