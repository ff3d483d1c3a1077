//! The processes that tests start: how they begin, and that they end.

use std::sync::mpsc;
use std::thread;

use crate::child;
use crate::harness::{end, until};

#[test]
fn a_child_begins_with_no_signal_ignored_or_blocked() {
    let mut command = child::command("cat");
    command.arg("/proc/self/status");
    let status = String::from_utf8(child::run(command).stdout).unwrap();
    let mask = |name: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    // From the 32nd on they are the C library's own, or mean nothing to anybody here.
    let named = (1 << 31) - 1;
    assert_eq!((mask("SigIgn:") & named, mask("SigBlk:") & named), (0, 0));
}

/// A test that panics is a thread that ends.
#[test]
fn a_child_dies_with_the_thread_that_started_it() {
    let (send, started) = mpsc::channel();
    let test = thread::spawn(move || {
        send.send(child::command("sleep").arg("600").spawn().unwrap()).unwrap();
        panic!("as a test that fails, of which no value is dropped");
    });
    let mut child = started.recv().unwrap();
    assert!(test.join().is_err());
    assert!(!end(&mut child).success());
}

/// Nothing of a process that is killed is dropped either.
#[test]
fn a_child_dies_with_the_process_of_the_tests() {
    let folder = crate::harness::Folder::new();
    let pid = folder.file("pid");
    let mut tests = child::command(std::env::current_exe().unwrap());
    tests.args(["--exact", "processes::sleeper", "--ignored"]).env("TALKLIGHT_SLEEPER", &pid);
    let mut tests = child::Program::spawn(tests);
    let mut sleeper = String::new();
    until("the sleeper sleeps", || {
        sleeper = std::fs::read_to_string(&pid).unwrap_or_default();
        sleeper.ends_with('\n')
    });
    tests.child.kill().unwrap();
    tests.child.wait().unwrap();
    until("the sleeper is gone", || !std::path::Path::new("/proc").join(sleeper.trim()).exists());
}

#[test]
#[ignore = "does nothing by itself: another test starts it"]
fn sleeper() {
    let Some(pid) = std::env::var_os("TALKLIGHT_SLEEPER") else { return };
    let mut sleeper = child::command("sleep").arg("600").spawn().unwrap();
    std::fs::write(pid, format!("{}\n", sleeper.id())).unwrap();
    sleeper.wait().unwrap();
}
