//! The end of a daemon by a crash or a signal, and the strip after it. Only one daemon may drive a strip.

use super::*;

#[test]
fn after_a_kill_at_any_moment_the_next_daemon_shows_the_right_picture() {
    let pi = Pi::running(&PLAIN, CALM, BUTTON);
    let kill_and_start = || {
        pi.rig.kill();
        let before = pi.rig.transfers().len();
        pause(std::time::Duration::from_millis(20));
        assert_eq!(pi.rig.transfers().len(), before, "no daemon sends");
        pi.start();
        pi.rig.transfers()[before].start_ns
    };
    kill_and_start();
    pi.press(START);
    let mut firsts = Vec::new();
    for ms in [100, 700, 1200, 1700, 2200] {
        pi.wait_elapsed(ms);
        firsts.push(kill_and_start());
        until("the talk continues or is over", || {
            pi.lines_with("the talk goes on: talk, 0:0") == 1 || pi.phases().ends_with(&["over".into()])
        });
    }
    pi.wait_phase("over");
    kill_and_start();
    assert_eq!(pi.status()["phase"], "over");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
    // On the wire no dark frame follows a crash, unless the phase is dark.
    let started_ns = pi.started_ns().unwrap() - boot_time_ahead_ns();
    let frames = pi.rig.frames(Profile::LAX, 3).frames;
    for first in firsts {
        let frame = frames.iter().find(|frame| frame.write_ns == first).unwrap();
        let dark = frame.pixels.iter().all(|pixel| *pixel == [0; 4]);
        let elapsed_ns = first - started_ns;
        assert!(!dark || ["flash", "over"].contains(&CALM.phase(elapsed_ns)), "dark at {elapsed_ns} ns");
    }
}

#[test]
fn every_handled_signal_blanks_the_strip() {
    let signals = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];
    in_parallel(&signals, |&signal| {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("start");
        pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
        pi.stop(signal);
        pi.check_wire();
        assert_eq!(pi.rig.output().last().unwrap(), "stopping");
    });
}

#[test]
fn the_service_blanks_the_strip_only_when_it_stays_down() {
    // SERVICE_RESULT and EXIT_STATUS of systemd.exec(5), and whether the strip goes dark.
    let ends = [
        ("success", "0", true),
        ("timeout", "TERM", true),
        ("start-limit-hit", "1", true),
        ("exit-code", "78", true),
        ("exit-code", "1", false),
        ("exit-code", "101", false),
        ("signal", "KILL", false),
        ("core-dump", "ABRT", false),
        ("watchdog", "ABRT", false),
        ("oom-kill", "KILL", false),
        ("resources", "", false),
        ("protocol", "0", false),
    ];
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.does("start");
    pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
    pi.rig.kill();
    let arguments = pi.arguments(&["blank", "--after-service"]);
    for (result, status, blanks) in ends {
        let before = pi.rig.transfers().len();
        let variables = [format!("SERVICE_RESULT={result}"), format!("EXIT_STATUS={status}")];
        let command = variables.iter().map(String::as_str).chain([TALKLIGHT]);
        let ran = pi.rig.run_on_pi("env", command.chain(arguments.iter().map(String::as_str)));
        assert_eq!(output(&ran), (Some(0), String::new()), "{result} {status}");
        let sent = pi.rig.transfers().split_off(before);
        assert_eq!(sent.len(), usize::from(blanks), "{result} {status}");
        assert!(!blanks || pi.is_dark());
    }
}

#[test]
fn blanking_by_hand_needs_a_strip_that_no_process_drives() {
    let pi = Pi::running(&PLAIN, LONG, BUTTON);
    pi.does("start");
    pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
    let blank = || output(&pi.rig.run_on_pi(TALKLIGHT, pi.arguments(&["blank"])));
    let held = pi.rig.pid().unwrap();
    let (code, told) = blank();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(&format!("process {held} (talklight) holds it")), "{told}");
    assert!(!pi.is_dark());
    pi.rig.kill();
    assert_eq!(blank(), (Some(0), String::new()));
    assert!(pi.is_dark());
    pi.rig.remove("/dev/spidev0.0");
    let (code, told) = blank();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("/dev/spidev0.0 is not there"), "{told}");
}

#[test]
fn a_second_daemon_on_the_same_strip_is_refused() {
    let pi = Pi::running(&PLAIN, BRISK, BUTTON);
    pi.does("start");
    let held = pi.rig.pid().unwrap();
    let mut arguments = pi.arguments(&["--headless"]);
    *arguments.last_mut().unwrap() = pi.rig.path("other").display().to_string();
    let (code, told) = output(&pi.rig.run_on_pi(TALKLIGHT, arguments));
    assert_eq!(code, Some(1), "{told}");
    let holder = format!("process {held} (talklight) holds it; stop that one first");
    assert!(told.contains("another process drives the strip on /dev/spidev0.0") && told.ends_with(&holder), "{told}");
    assert!(!pi.rig.path("other").exists());
    pi.wait_phase("over");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
    assert_eq!(pi.told("failed"), 0);
}
