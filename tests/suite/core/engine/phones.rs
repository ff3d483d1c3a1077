//! Pairing by the button, and news of phones.

use super::*;
use talklight::engine::event::{Events, POSTED_MAX, QUEUE};

/// What the log tells from its entry `seen` on.
fn told(sim: &Sim, seen: u64) -> Vec<String> {
    sim.board.latest().news(seen).map(|entry| entry.to_string()).collect()
}

#[test]
fn pairing_is_open_for_a_minute_and_shows_two_white_leds() {
    play("web pair white +59.999999999s white +1ns ready shut enter! +1m ready");
    play("web start:short +10s over pair white +1m over shut");
    play("web pair white +30s pair white +59s white +1s ready shut");
}

#[test]
fn the_first_phone_shuts_pairing() {
    play("web pair +10s white enter ready shut enter! pair white enter ready");
    play("enter! web enter!");
}

#[test]
fn a_talk_shuts_pairing_and_opens_none() {
    play("web pair +1s start green shut enter! +10s reset ready shut +10s ready");
    play("web start +1m pair! green shut enter! +2m pair! yellow");
    play("web start +1m reset pair white undo green shut");
    // The hold of one button: reset, and five seconds after its press pairing.
    play("web start +1m reset ready +4s pair white +59s white start green shut");
}

#[test]
fn a_reset_shuts_pairing_and_the_button_may_open_it_again() {
    play("web pair white reset= ready shut enter! pair white");
}

#[test]
fn pairing_ranks_with_tests() {
    play("web try trial pair! trial shut +10s pair white try! white enter try trial");
    let mut sim = play("web");
    let gauge = Scene::Gauge(talklight::show::gauge::Gauge::new(0.5, Rgb::new(0, 0, 255)).unwrap());
    sim.offer(gauge, "a", span("10m"));
    sim.play("pair white +1m shut");
    assert_eq!(sim.board.latest().shown(sim.now).scene().map(Scene::rank), Some(Rank::Stream));
}

#[test]
fn without_the_web_nothing_is_opened() {
    let mut sim = play("pair! ready shut");
    let seen = sim.board.latest().last_entry();
    let request =
        Request { action: Action::OpenPairing, generation: None, deadline: None, origin: Origin::Button, reply: None };
    sim.step(Some(Event::Request(request)));
    let why = "no phone can be paired, because the web is off; `talklight remote` says how to turn it on";
    assert_eq!(told(&sim, seen), [why]);
}

#[test]
fn the_log_and_the_board_tell_by_which_browser_a_phone_was_paired() {
    let mut sim = play("web pair +7s enter");
    let news = PhoneNews::Paired { name: "Firefox on Android".into(), by: PairedBy::Button };
    sim.step(Some(Event::Phones(news)));
    let open = "pairing is open for a minute: open the remote on a phone and press \"Pair this phone\"";
    assert_eq!(told(&sim, 0), [open, "Firefox on Android was paired by the button"]);
    let status = talklight::engine::status::Status::new(&sim.board.latest(), sim.now);
    let paired = status.last_paired.clone().unwrap();
    assert_eq!((&*paired.name, paired.by, paired.at_ns), ("Firefox on Android", PairedBy::Button, sim.now.as_ns()));
    assert!(status.line().contains("; Firefox on Android was paired by the button 0:00 ago"), "{}", status.line());
    sim.play("pair +1m");
    assert_eq!(told(&sim, 2), [open, "pairing is closed"]);
}

#[test]
fn closed_codes_are_told_until_they_are_open() {
    let mut sim = play("web");
    let until = sim.now + span("60s");
    sim.step(Some(Event::Phones(PhoneNews::CodesClosed(until))));
    let status = |sim: &Sim| talklight::engine::status::Status::new(&sim.board.latest(), sim.now);
    assert_eq!(status(&sim).codes_closed_ms, Some(60_000));
    sim.play("+59.999s");
    assert_eq!(status(&sim).codes_closed_ms, Some(1));
    assert!(status(&sim).line().contains("; codes are refused for 1 s, since ten were wrong"));
    sim.play("+1ms");
    assert_eq!(status(&sim).codes_closed_ms, None);
    sim.step(Some(Event::Phones(PhoneNews::CodesClosed(sim.now + span("60s")))));
    sim.step(Some(Event::Phones(PhoneNews::CodesOpen)));
    assert_eq!(status(&sim).codes_closed_ms, None);
}

/// Those who get a status for each change hear of it, also if nothing else has happened since the codes were open again by time.
#[test]
fn codes_that_are_closed_again_and_pairing_that_is_open_for_longer_are_changes() {
    let mut sim = play("web");
    let status = |sim: &Sim| talklight::engine::status::Status::new(&sim.board.latest(), sim.now);
    let close = |sim: &mut Sim| sim.step(Some(Event::Phones(PhoneNews::CodesClosed(sim.now + span("60s")))));
    let pair = |sim: &mut Sim| {
        sim.play("pair");
    };
    for (again, change) in [("61s", &close as &dyn Fn(&mut Sim)), ("20s", &pair)] {
        change(&mut sim);
        let first = status(&sim);
        sim.pass(span("7s") + span("1ns"));
        assert!(status(&sim).is_same_but_for_time(&first), "only time has passed");
        sim.pass(span(again));
        change(&mut sim);
        assert!(!status(&sim).is_same_but_for_time(&first));
    }
}

/// The channel is full when phones are paired, as if the strip hung.
#[test]
fn news_of_phones_is_not_lost_while_the_channel_is_full() {
    let (events, inbox) = Events::channel();
    while events.try_send(Event::Retry) == Ok(true) {}
    let news = |name: &str| Event::Phones(PhoneNews::Paired { name: name.into(), by: PairedBy::Code });
    events.post(news("a"));
    for count in 1..1000 {
        events.post(Event::Phones(PhoneNews::Sound(count)));
    }
    events.post(news("b"));
    let mut names = Vec::new();
    let mut sounds = Vec::new();
    let mut others = 0;
    while let Some(event) = inbox.wait(span("1ns")) {
        match event {
            Event::Phones(PhoneNews::Paired { name, .. }) => names.push(name.to_string()),
            Event::Phones(PhoneNews::Sound(count)) => sounds.push(count),
            _ => others += 1,
        }
    }
    assert_eq!((names, sounds, others), (vec!["a".to_owned(), "b".into()], vec![999], QUEUE));
    // The oldest is lost only if nobody has listened for long.
    for number in 0..=POSTED_MAX {
        events.post(news(&number.to_string()));
    }
    let first = inbox.wait(span("1ns"));
    assert!(matches!(first, Some(Event::Phones(PhoneNews::Paired { name, .. })) if *name == *"1"));
}
