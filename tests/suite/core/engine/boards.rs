use super::*;

#[test]
fn remember_the_latest_happenings() {
    let mut house = House::new(look());
    for _ in 0..LOG_LENGTH {
        house.play("start reset +1s");
    }
    let latest = house.board.latest();
    assert_eq!(latest.log.len(), LOG_LENGTH);
    assert_eq!(latest.last_entry(), 2 * LOG_LENGTH as u64);
    assert_eq!(latest.log[0].number, LOG_LENGTH as u64 + 1);
    assert_eq!(latest.news(latest.last_entry() - 2).count(), 2);
    assert_eq!(latest.news(latest.last_entry()).count(), 0);
    assert_eq!(latest.news(0).count(), LOG_LENGTH);
}

#[test]
fn ring_for_news() {
    let mut house = House::new(look());
    let mut subscription = house.board.subscribe().unwrap();
    subscription.clear();
    let readers: Vec<_> = (0..3)
        .map(|_| (Arc::clone(&house.board), house.board.subscribe().unwrap()))
        .map(|(board, subscription)| {
            thread::spawn(move || {
                subscription.wait().unwrap();
                board.latest()
            })
        })
        .collect();
    house.play("start");
    subscription.wait().unwrap();
    for reader in readers {
        let snapshot = reader.join().unwrap();
        assert_eq!(snapshot.timer.at(house.now).phase, Phase::Green);
    }
}

/// Somebody who never looks, and somebody who has gone, hold up nobody.
#[test]
fn wait_for_no_reader() {
    let mut house = House::new(look());
    let deaf = house.board.subscribe().unwrap();
    drop(house.board.subscribe().unwrap());
    for _ in 0..400 {
        house.play("start reset");
    }
    deaf.wait().unwrap();
}
