//! A show on the screen: its picture, and the key that ends it.

use talklight::show::{Owner, Scene, Show, gauge::Gauge, sample};

use super::*;

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
