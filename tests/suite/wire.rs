//! Round trips of the messages and the resume file; foreign data is refused.

use std::time::Duration;

use proptest::prelude::*;
use talklight::control::protocol::{ClientRequest, Status, Verb};
use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;
use talklight::core::timer::{Command, Outcome, Phase, Refusal, Timer};
use talklight::engine::board::{Fault, Happening, Health, Phones, Snapshot};
use talklight::engine::event::{Origin, Refused};
use talklight::show::gauge::Gauge;
use talklight::show::{Owner, Scene, Show, Stage};
use talklight::store::resume::{Found, ResumeFile, decode};

pub fn plan(name: &str, length: u64) -> Plan {
    let s = Duration::from_secs;
    Plan::new(name, s(length), s(length * 2 / 5), s(length / 5), s(length / 10)).unwrap()
}

pub fn snapshot(timer: Timer) -> Snapshot {
    Snapshot {
        timer,
        look: Look {
            leds: 60,
            palette: Palette::CLASSIC,
            pattern: Pattern::Bar,
            ready: ReadyLook::Dot,
            flash_half: Duration::from_millis(500),
        },
        plans: vec![plan("lightning", 300), plan("ignite", 290)].into(),
        words: Default::default(),
        stage: Stage::default(),
        web: None,
        strip_kind: "spi".into(),
        name: "Main hall".into(),
        strip: Health::Failing("a wire is loose".into()),
        phones: Phones::default(),
        faults: vec![Fault::new(Origin::Button, "stuck")],
        log: Default::default(),
        number: 3,
    }
}

pub fn timer() -> impl Strategy<Value = Timer> {
    let commands = prop_oneof![
        Just(Command::Start(None)),
        Just(Command::Start(Some(plan("ignite", 290)))),
        Just(Command::StartLate(None, Duration::from_secs(30))),
        Just(Command::Late(Duration::from_millis(12_345))),
        Just(Command::Reset),
        Just(Command::Undo),
        Just(Command::Choose(plan("ignite", 290))),
    ];
    (any::<u32>(), prop::collection::vec((commands, 0..200_000_000_000_u64), 0..8)).prop_map(|(generation, steps)| {
        let mut timer = Timer::new(plan("lightning", 300), generation.into());
        let mut now = 0;
        for (command, wait) in steps {
            now += wait;
            let _ = timer.apply(command, Moment::from_ns(now));
        }
        timer
    })
}

proptest! {
    #[test]
    fn a_timer_round_trips(timer in timer()) {
        let text = serde_json::to_string(&timer).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timer>(&text).unwrap(), timer);
    }

    #[test]
    fn a_snapshot_round_trips(timer in timer()) {
        let mut sent = snapshot(timer);
        let trial = "sk6812-rgbw bgr 25 tens".parse().unwrap();
        let now = Moment::from_ns(1 << 50);
        let lease = Duration::from_secs(10);
        let gauge = Gauge::new(0.37, Rgb::new(1, 2, 3)).unwrap();
        for (scene, owner) in [(Scene::Sample(trial), "tester"), (Scene::Gauge(gauge), "a program")] {
            let _ = sent.stage.offer(Show::new(scene, Owner::new(owner), lease, now), &sent.timer, now);
        }
        sent.note(now, Origin::Clock, Happening::ShowBegan(Scene::Demo));
        sent.note(now, Origin::Button, Happening::Refused(Refused::Command(Refusal::AlreadyRunning { left: lease })));
        sent.note(now, Origin::Keyboard, Happening::Done(Outcome::Started(plan("ignite", 290))));
        let text = serde_json::to_string(&sent).unwrap();
        prop_assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), sent);
    }

    #[test]
    fn a_request_round_trips(
        plan in "[a-z][a-z0-9_-]{0,20}", which in 0..12, ms in 1..1_000_000_000u64,
        generation in any::<Option<u64>>(), deadline in any::<Option<u64>>(), console in any::<bool>()
    ) {
        let verb = match which {
            0 => Verb::Start(None),
            1 => Verb::Start(Some(plan)),
            2 => Verb::Reset,
            3 => Verb::Undo,
            4 => Verb::Choose(plan),
            5 => Verb::Status,
            6 => Verb::StartLate(None, Duration::from_millis(ms)),
            7 => Verb::StartLate(Some(plan), Duration::from_millis(ms)),
            8 => Verb::StartLate(Some("late".into()), Duration::from_millis(ms)),
            9 => Verb::Late(Duration::from_millis(ms)),
            10 => Verb::Demo,
            _ => Verb::Watch,
        };
        let deadline = deadline.map(Moment::from_ns);
        let origin = if console { Origin::Console } else { Origin::Socket };
        let request = ClientRequest { verb, generation, deadline, origin };
        prop_assert_eq!(request.line().parse::<ClientRequest>(), Ok(request));
    }

    #[test]
    fn a_resume_file_with_a_changed_byte_is_refused(timer in timer(), index in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = Folder::new();
        let file = folder.file();
        file.keep(&timer).unwrap();
        let mut bytes = std::fs::read(file.path()).unwrap();
        let index = index.index(bytes.len());
        prop_assume!(bytes[index] != byte);
        bytes[index] = byte;
        std::fs::write(file.path(), &bytes).unwrap();
        let found = file.find(Moment::from_ns(u64::MAX));
        prop_assert!(matches!(&found, Found::Unusable(_)), "{found:?}");
    }
}

#[test]
fn malformed_requests_get_a_message() {
    const VERBS: &str = "expected start, late, reset, undo, choose, demo, status, watch, attach, try, invite, token, forget, devices, remove or hello";
    let mistake = |line: &str| line.parse::<ClientRequest>().unwrap_err();
    assert_eq!(mistake(""), VERBS);
    assert_eq!(mistake("stop"), VERBS);
    assert_eq!(mistake("choose"), "`choose` needs the name of a plan");
    assert_eq!(mistake("remove"), "`remove` needs the id of a device, which `devices` lists");
    assert_eq!(mistake("hello x"), "`hello` takes the number of a try");
    assert_eq!(mistake("start a b"), "the name of a plan is one word");
    assert_eq!(mistake("reset now"), "there are more words than this request has");
    assert_eq!(
        mistake("if x reset"),
        "`if` must be followed by the generation that `status` shows, as in `if 17 reset`"
    );
}

#[test]
fn the_status_keeps_its_json_shape() {
    let s = |seconds: u64| Moment::from_ns(seconds * 1_000_000_000);
    let mut timer = Timer::new(plan("lightning", 300), 40);
    timer.apply(Command::Start(None), s(100)).unwrap();
    let status = Status::new(&snapshot(timer), s(301));
    let expected = serde_json::json!({
        "phase": "yellow",
        "plan": {"name": "lightning", "length_ms": 300_000, "yellow_ms": 120_000, "red_ms": 60_000, "flash_ms": 30_000,
            "words": {
                "ready": "ready", "green": "talk", "yellow": "wrap up", "red": "finish", "flash": "last sentence",
                "over": "time is up",
            }},
        "version": env!("CARGO_PKG_VERSION"),
        "left_ms": 99_000,
        "overrun_ms": 0,
        "since_end_ms": null,
        "late_ms": 0,
        "undo_ms": null,
        "generation": 41,
        "chosen": "lightning",
        "plans": ["lightning", "ignite"],
        "choices": [{"name": "lightning", "length_ms": 300_000}, {"name": "ignite", "length_ms": 290_000}],
        "demo": null,
        "strip": {"kind": "spi", "leds": 60, "health": "failing", "error": "a wire is loose", "trial": null},
        "look": {"green": "#00ff99", "yellow": "#ffaa00", "red": "#ff0000", "flash_half_ns": 500_000_000, "pattern": "bar", "ready": "dot"},
        "codes_closed_ms": null,
        "pairing_open_ms": null,
        "last_paired": null,
        "pages_with_sound": 0,
        "faults": [{"input": "button", "error": "stuck"}],
        "name": "Main hall",
        "at_ns": 301_000_000_000_u64,
    });
    assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    let words = "yellow: 1:39 left of lightning, 5:00; spi strip failing: a wire is loose; button failed: stuck";
    assert_eq!(status.line(), words);

    timer.apply(Command::Reset, s(301)).unwrap();
    let words = "ready: the next talk is lightning, 5:00 (of lightning, ignite); the reset can be undone for 9 s; spi strip failing";
    assert!(Status::new(&snapshot(timer), s(302)).line().starts_with(words));
    timer.apply(Command::Undo, s(303)).unwrap();
    assert!(Status::new(&snapshot(timer), s(463)).line().starts_with("over: lightning ended 1:03 ago; spi strip"));
}

#[test]
fn a_resume_file_is_accepted_only_if_valid_and_of_this_boot() {
    let folder = Folder::new();
    let file = folder.file();
    let now = Moment::from_ns(5_000);
    let mut timer = Timer::new(plan("lightning", 300), 1);
    timer.apply(Command::Start(None), now).unwrap();
    assert!(matches!(file.find(now), Found::Nothing));

    file.keep(&timer).unwrap();
    assert!(matches!(file.find(now), Found::Timer(found) if found == timer));
    assert!(matches!(file.find(Moment::from_ns(4_999)), Found::Unusable(why) if why.contains("future")));

    let text = std::fs::read_to_string(file.path()).unwrap();
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let (_, record) = text.split_once(' ').unwrap();
        let record = record.replace(from, to);
        std::fs::write(file.path(), format!("{:08x} {record}", crc32fast::hash(record.as_bytes()))).unwrap();
        file.find(now)
    };
    assert!(matches!(edit("\"version\":1", "\"version\":2"), Found::Unusable(why) if why.contains("version 2")));
    assert!(matches!(edit("\"boot\":\"", "\"boot\":\"x"), Found::OtherBoot));
    assert!(matches!(edit("\"yellow_ns\":1", "\"yellow_ns\":9"), Found::Unusable(_)));
    assert!(matches!(edit("{\"version\"", "{{\"version\""), Found::Unusable(_)));
    // The content of the file does not appear in the message.
    let long = format!("\"version\":\"{}\"", "x".repeat(9_999));
    assert!(matches!(edit("\"version\":1", &long), Found::Unusable(why) if why.contains("another version")));
    std::fs::write(file.path(), vec![b' '; 1 << 20]).unwrap();
    assert!(matches!(file.find(now), Found::Unusable(_)));

    file.forget();
    assert!(matches!(file.find(now), Found::Nothing));
    std::os::unix::fs::symlink("/dev/zero", file.path()).unwrap();
    assert!(matches!(file.find(now), Found::Unusable(_)));
}

/// A temporary folder.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wire-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> ResumeFile {
        ResumeFile::new(self.0.join("control.talk"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Files written by 0.1.0: a running talk, and one that was reset.
#[test]
fn a_resume_file_of_an_older_version_is_readable() {
    const BOOT: &str = "4c9cb5db-7a70-4878-ac5f-58faeea262ff";
    let read = |file: &[u8], now| match decode(file, BOOT, Moment::from_ns(now)) {
        Found::Timer(timer) => timer,
        found => panic!("{found:?}"),
    };
    let started = 13_009_614_941_388;
    let now = started + 200_000_000_000;
    let talk = read(include_bytes!("../fixtures/resume-0.1.0-talk"), now);
    let reading = talk.at(Moment::from_ns(now));
    assert_eq!((reading.phase, reading.plan.name(), reading.left), (Phase::Yellow, "ignite", Duration::from_secs(90)));
    assert_eq!(talk.chosen.name(), "lightning");
    let mut reset = read(include_bytes!("../fixtures/resume-0.1.0-reset"), started + 19_000_000_000);
    let undone = reset.apply(Command::Undo, Moment::from_ns(started + 10_000_000_000)).unwrap();
    assert_eq!(undone, Outcome::Undone { left: Duration::from_secs(280) });
    assert_eq!(reset.generation, 600_058_082_988_015);
}

#[test]
fn a_look_out_of_range_is_refused() {
    let look = snapshot(Timer::new(plan("lightning", 300), 1)).look;
    let text = serde_json::to_string(&look).unwrap();
    let read = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        serde_json::from_str::<Look>(&text.replace(from, to)).is_ok()
    };
    assert!(read("\"leds\":60", "\"leds\":1") && read("\"leds\":60", "\"leds\":5438"));
    assert!(!read("\"leds\":60", "\"leds\":0") && !read("\"leds\":60", "\"leds\":5439"));
    assert!(!read("\"nanos\":500000000", "\"nanos\":0"));
}

#[test]
fn time_alone_makes_no_other_status() {
    let s = |seconds: u64| Moment::from_ns(seconds * 1_000_000_000);
    let mut timer = Timer::new(plan("lightning", 300), 1);
    timer.apply(Command::Start(None), s(100)).unwrap();
    let at = |timer, seconds| Status::new(&snapshot(timer), s(seconds));
    // The time left, the overrun, and the moment itself; then the time for an undo.
    assert!(at(timer, 110).is_same_but_for_time(&at(timer, 111)));
    assert!(at(timer, 500).is_same_but_for_time(&at(timer, 501)));
    assert!(!at(timer, 110).is_same_but_for_time(&at(timer, 300)), "another phase");
    timer.apply(Command::Reset, s(120)).unwrap();
    assert!(at(timer, 121).is_same_but_for_time(&at(timer, 122)));
    let standing = "ready, lightning, 5:00; spi strip failing: a wire is loose; button failed: stuck";
    assert_eq!(at(timer, 121).standing(), standing);
    let one = Snapshot { plans: vec![plan("lightning", 300)].into(), ..snapshot(timer) };
    assert!(!Status::new(&one, s(140)).line().contains("(of "), "a single plan is no choice");
}

#[test]
fn the_test_picture_is_in_the_status_while_it_is_shown() {
    let (now, lease) = (Moment::from_ns(1 << 50), Duration::from_secs(10));
    let mut snapshot = snapshot(Timer::new(plan("lightning", 300), 1));
    let trial = "sk6812-rgbw bgr 25 tens";
    let show = Show::new(Scene::Sample(trial.parse().unwrap()), Owner::new("tester"), lease, now);
    snapshot.stage.offer(show, &snapshot.timer, now).unwrap();
    assert_eq!(Status::new(&snapshot, now).strip.trial.as_deref(), Some(trial));
    assert_eq!(Status::new(&snapshot, now + lease).strip.trial, None);
}
