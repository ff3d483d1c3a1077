//! The paired devices in their file: the form of talklight 0.2, wrong clocks, and 30 days without use. Time is an argument.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use proptest::prelude::*;
use talklight::core::clock::{Moment, Stamp};
use talklight::store::pairing::{PAIRED_MAX, Pairing, UNUSED_MAX, Visitor};
use talklight::web::visitor::browser;

use crate::harness::Folder;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// In 2026, shortly after boot.
const START: Stamp = Stamp { at: Moment::from_ns(30_000_000_000), wall_s: 1_790_000_000 };

/// A process of the timer on a machine whose clocks are given.
struct Run<'a> {
    folder: &'a Folder,
    pairing: Pairing,
    now: Stamp,
}

impl<'a> Run<'a> {
    fn new(folder: &'a Folder, now: Stamp) -> Self {
        let pairing = Pairing::new(folder.file("paired"));
        assert_eq!(pairing.load(now), Ok(None));
        pairing.tidy(now);
        Self { folder, pairing, now }
    }

    /// Time passes, and the process looks after the devices each hour.
    fn pass(&mut self, time: Duration) -> Vec<String> {
        let mut unpaired = Vec::new();
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(HOUR);
            left -= step;
            self.now = Stamp { at: self.now.at + step, wall_s: self.now.wall_s + step.as_secs() };
            unpaired.extend(self.pairing.tidy(self.now));
        }
        unpaired
    }

    /// The wall clock is set.
    fn set_clock(&mut self, seconds: i64) {
        self.now.wall_s = self.now.wall_s.saturating_add_signed(seconds);
    }

    fn pair(&self, name: &str) -> String {
        self.pairing.issue(&Visitor { name: name.into(), is_https: false }, self.now).unwrap()
    }

    fn knows(&self, token: &str) -> bool {
        self.pairing.visit(token, self.now).is_some()
    }

    fn names(&self) -> Vec<String> {
        self.pairing.devices(self.now).into_iter().map(|device| device.name).collect()
    }

    /// The machine is off for a time, and its clock is then wrong by `wrong_s`.
    fn reboot(self, off: Duration, wrong_s: i64) -> Run<'a> {
        let wall_s = (self.now.wall_s + off.as_secs()).saturating_add_signed(wrong_s);
        Run::new(self.folder, Stamp { at: START.at, wall_s })
    }
}

#[test]
fn a_device_that_was_not_used_for_thirty_days_is_unpaired() {
    let folder = Folder::new();
    let mut run = Run::new(&folder, START);
    let [used, unused] = ["used", "unused"].map(|name| run.pair(name));
    for _ in 0..4 {
        assert_eq!(run.pass(7 * DAY), [""; 0]);
        assert!(run.knows(&used));
    }
    assert_eq!(run.pass(2 * DAY), [""; 0]);
    assert_eq!(run.pass(HOUR), ["unused"]);
    assert!(run.knows(&used) && !run.knows(&unused));
    let run = run.reboot(20 * DAY, 0);
    assert_eq!(run.names(), ["used"]);
    assert!(run.knows(&used));
    let run = run.reboot(UNUSED_MAX + HOUR, 0);
    assert!(!run.knows(&used), "also across a restart");
    assert_eq!(run.pairing.count(), 0);
}

#[test]
fn a_clock_that_is_behind_unpairs_nothing() {
    let folder = Folder::new();
    let mut run = Run::new(&folder, START);
    let old = run.pair("old");
    run.pass(20 * DAY);
    let new = run.pair("new");
    // A Pi without a battery begins at the time of its last stop, or years before.
    for wrong_s in [-(40 * 86_400), -(3 * 365 * 86_400), -1_700_000_000] {
        run = run.reboot(20 * DAY, wrong_s);
        assert_eq!(run.pass(5 * HOUR), [""; 0]);
        assert!(run.knows(&old) && run.knows(&new), "{wrong_s}");
        run.set_clock(-wrong_s);
        assert_eq!(run.pass(HOUR), [""; 0]);
    }
}

#[test]
fn a_clock_that_is_set_while_the_timer_runs_unpairs_nothing() {
    let folder = Folder::new();
    let mut run = Run::new(&folder, Stamp { wall_s: 1_600_000_000, ..START });
    let token = run.pair("phone");
    run.pass(HOUR);
    // The network comes, and with it the time of day: six years later.
    run.set_clock(190_000_000);
    assert_eq!(run.pass(HOUR), [""; 0]);
    assert!(run.knows(&token));
    let [device] = &run.pairing.devices(run.now)[..] else { panic!() };
    assert_eq!((device.paired, device.seen), (Some(2 * HOUR), Some(Duration::ZERO)));
    // The file has the right times by then, so that a restart does not unpair it.
    let run = run.reboot(2 * DAY, 0);
    assert!(run.knows(&token));
    // A clock that was ahead is set back.
    let mut run = run.reboot(Duration::ZERO, 86_400 * 3650);
    let future = run.pair("from the future");
    run.set_clock(-86_400 * 3650);
    run.pass(HOUR);
    let mut run = run.reboot(HOUR, 0);
    assert!(run.knows(&future));
    assert_eq!(run.pass(UNUSED_MAX + HOUR).len(), 1);
}

#[test]
fn the_file_is_written_once_a_day_at_most() {
    let folder = Folder::new();
    let mut run = Run::new(&folder, START);
    let tokens = ["a", "b", "c"].map(|name| run.pair(name));
    let inode = || fs::metadata(folder.file("paired")).unwrap().ino();
    let mut writes = 0;
    let mut last = (inode(), fs::read(folder.file("paired")).unwrap());
    for _ in 0..10 * 24 * 4 {
        run.pass(HOUR / 4);
        assert!(tokens.iter().all(|token| run.knows(token)));
        let now = (inode(), fs::read(folder.file("paired")).unwrap());
        writes += u32::from(now != last);
        last = now;
    }
    assert_eq!(writes, 10, "one for all devices");
    // Nobody uses them, so nothing is written.
    run.pass(20 * DAY);
    let now = (inode(), fs::read(folder.file("paired")).unwrap());
    assert!(now.1 == last.1);
}

#[test]
fn the_file_of_talklight_0_2_is_read_and_brought_up_to_date() {
    let folder = Folder::new();
    let path = folder.file("paired");
    let hashes = [
        "8db2dcbe6b1c7ed0f6f3d3a4cbc8a9d7c5f0b0a2f0a0c2a5f3f6e8f3f6a4a1b2",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ];
    fs::write(&path, hashes.map(|hash| format!("{hash}\n")).concat()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut run = Run::new(&folder, START);
    let devices = run.pairing.devices(run.now);
    assert_eq!(devices.iter().map(|device| &*device.id).collect::<Vec<_>>(), ["8db2dcbe", "00000000"]);
    assert!(devices.iter().all(|device| (device.paired, device.seen) == (None, None)));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(hashes.iter().all(|hash| text.contains(hash)));
    // They are unpaired like the others, 30 days from now.
    assert_eq!(run.pass(UNUSED_MAX), [""; 0]);
    assert_eq!(run.pass(HOUR).len(), 2);
}

#[test]
fn a_token_of_talklight_0_2_is_valid() {
    let folder = Folder::new();
    let token = {
        let run = Run::new(&folder, START);
        run.pair("a device")
    };
    let path = folder.file("paired");
    let new = fs::read_to_string(&path).unwrap();
    let device: serde_json::Value = serde_json::from_str(new.lines().nth(1).unwrap()).unwrap();
    fs::write(&path, format!("{}\n", device["hash"].as_str().unwrap())).unwrap();
    let run = Run::new(&folder, START);
    assert!(run.knows(&token));
    assert!(Run::new(&folder, START).knows(&token), "also after it was written anew");
    let [device] = &run.pairing.devices(run.now)[..] else { panic!() };
    assert_eq!((device.paired, device.seen), (None, Some(Duration::ZERO)));
}

#[test]
fn a_removed_device_is_out_at_once_and_after_a_restart() {
    let folder = Folder::new();
    let run = Run::new(&folder, START);
    let [stays, goes] = ["stays", "goes"].map(|name| run.pair(name));
    let id = run.pairing.devices(run.now)[1].id.clone();
    assert_eq!(run.pairing.remove(&id, run.now).unwrap().as_deref(), Some("goes"));
    assert_eq!(run.pairing.remove(&id, run.now).unwrap(), None);
    assert_eq!(run.pairing.remove("", run.now).unwrap(), None);
    for run in [run, Run::new(&folder, START)] {
        assert!(run.knows(&stays) && !run.knows(&goes));
    }
}

#[test]
fn a_further_device_replaces_the_one_that_was_not_used_for_longest() {
    let folder = Folder::new();
    let mut run = Run::new(&folder, START);
    let tokens: Vec<String> = (0..PAIRED_MAX).map(|number| run.pair(&number.to_string())).collect();
    run.pass(HOUR);
    for (number, token) in tokens.iter().enumerate() {
        assert!(number == 7 || run.knows(token));
    }
    run.pair("new");
    assert!(!run.knows(&tokens[7]) && run.knows(&tokens[0]));
}

/// The name of the timer outlives restarts, since its cookies do.
#[test]
fn a_timer_keeps_its_name() {
    let [folder, other] = [Folder::new(), Folder::new()];
    let run = Run::new(&folder, START);
    run.pair("phone");
    let name = run.pairing.timer().unwrap();
    assert_eq!(run.reboot(DAY, 0).pairing.timer().unwrap(), name);
    assert_ne!(Run::new(&other, START).pairing.timer().unwrap(), name);
}

#[test]
fn browsers_have_words_and_strange_ones_none_of_their_own() {
    let cases = [
        ("Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
            "Chrome on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("curl/8.5.0", "curl"),
        ("\u{1b}[31mchair's phone", "a device"),
        ("", "a device"),
    ];
    for (agent, word) in cases {
        assert_eq!(browser(agent), word);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Whatever is in the file, it is read or put aside.
    #[test]
    fn any_file_is_read_or_put_aside(text in "(\\{\"timer\":\"[a-z]{0,2}\",\"since_s\":[0-9]{1,3}\\}\n)?([0-9a-f]{62,65}|\\PC{0,80})(\n\\PC{0,20}){0,3}") {
        let folder = Folder::new();
        let path = folder.file("paired");
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let pairing = Pairing::new(path.clone());
        let message = pairing.load(START).unwrap();
        prop_assert_eq!(message.is_some(), !path.exists());
        pairing.tidy(START);
        let token = pairing.issue(&Visitor::program(), START).unwrap();
        let again = Pairing::new(path);
        prop_assert_eq!(again.load(START), Ok(None));
        prop_assert!(again.visit(&token, START).is_some());
        prop_assert_eq!(again.timer(), pairing.timer());
    }
}
