use super::*;

#[test]
fn keep_the_latest_log_entries() {
    let mut sim = Sim::new(look());
    for _ in 0..LOG_LENGTH {
        sim.play("start reset +1s");
    }
    let latest = sim.board.latest();
    assert_eq!(latest.log.len(), LOG_LENGTH);
    assert_eq!(latest.last_entry(), 2 * LOG_LENGTH as u64);
    assert_eq!(latest.log[0].number, LOG_LENGTH as u64 + 1);
    assert_eq!(latest.news(latest.last_entry() - 2).count(), 2);
    assert_eq!(latest.news(latest.last_entry()).count(), 0);
    assert_eq!(latest.news(0).count(), LOG_LENGTH);
}

#[test]
fn wake_subscribers_for_news() {
    let mut sim = Sim::new(look());
    let mut subscription = sim.board.subscribe().unwrap();
    subscription.clear();
    let readers: Vec<_> = (0..3)
        .map(|_| (Arc::clone(&sim.board), sim.board.subscribe().unwrap()))
        .map(|(board, subscription)| {
            thread::spawn(move || {
                subscription.wait().unwrap();
                board.latest()
            })
        })
        .collect();
    sim.play("start");
    subscription.wait().unwrap();
    for reader in readers {
        let snapshot = reader.join().unwrap();
        assert_eq!(snapshot.timer.at(sim.now).phase, Phase::Green);
    }
}

/// One subscriber never reads, another is dropped.
#[test]
fn do_not_wait_for_readers() {
    let mut sim = Sim::new(look());
    let idle = sim.board.subscribe().unwrap();
    drop(sim.board.subscribe().unwrap());
    for _ in 0..400 {
        sim.play("start reset");
    }
    idle.wait().unwrap();
}
