//! The daemon's reports: the log, the journal, the service manager, the tape.

use super::*;

#[test]
fn the_log_has_one_line_for_each_change() {
    let mut house = Instance::running(&QUICK.replace("\"2s\"", "\"1h\""));
    house.refuses(&["undo"]);
    house.does(&["start"]);
    house.refuses(&["start"]);
    house.does(&["reset"]);
    house.does(&["undo"]);
    house.does(&["reset"]);
    house.does(&["reset"]);
    house.signal(Signal::SIGTERM);
    let log = house.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 6, "{log}");
    assert_eq!(
        lines[0],
        concat!("talklight ", env!("CARGO_PKG_VERSION"), ": simulated strip of 8 LEDs by config.toml, listening at s")
    );
    assert_eq!(lines[1], "talk started by the socket: quick, 1:00:00");
    assert!(lines[2].starts_with("talk reset at 0:0") && lines[2].contains(" by the socket, "), "{log}");
    assert!(lines[3].starts_with("reset undone by the socket, "), "{log}");
    assert!(lines[4].starts_with("talk reset at 0:0"), "{log}");
    assert_eq!(lines[5], "stopping");
}

#[test]
fn the_service_manager_gets_readiness_watchdog_status_and_stop() {
    let mut house = Instance::new(QUICK);
    let manager = UnixDatagram::bind(house.folder.file("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    house.env("NOTIFY_SOCKET", house.folder.file("notify").to_str().unwrap());
    house.start();
    let mut received = Vec::new();
    let mut receive = |wanted: &str| {
        while !received.iter().any(|line: &String| line.contains(wanted)) {
            let mut line = [0; 1024];
            let length = manager.recv(&mut line).unwrap_or_else(|_| panic!("no {wanted} among {received:?}"));
            received.push(String::from_utf8_lossy(&line[..length]).into_owned());
        }
    };
    receive("READY=1");
    receive("WATCHDOG=1");
    receive("STATUS=ready, quick, 0:02; simulated strip sending");
    house.does(&["start"]);
    receive("STATUS=green, quick, 0:02; simulated strip sending");
    receive("STATUS=over, quick");
    house.signal(Signal::SIGTERM);
    receive("STOPPING=1");
}

#[test]
fn journal_lines_begin_with_their_priority() {
    let mut house = Instance::new(QUICK);
    let log = File::create(house.folder.file("log")).unwrap();
    let metadata = log.metadata().unwrap();
    house.env("JOURNAL_STREAM", &format!("{}:{}", metadata.dev(), metadata.ino()));
    house.start();
    house.does(&["start"]);
    house.signal(Signal::SIGTERM);
    assert!(house.log().contains("<5>talk started by the socket: quick, 0:02\n"), "{}", house.log());
}

#[test]
fn a_failed_start_is_an_error_in_the_journal() {
    let mut house = Instance::new("[strip]\nleds = 0\n");
    let log = File::create(house.folder.file("log")).unwrap();
    let metadata = log.metadata().unwrap();
    house.env("JOURNAL_STREAM", &format!("{}:{}", metadata.dev(), metadata.ino()));
    let refused = house.command(&["--headless"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    assert_eq!(child::wait(refused, "the daemon").status.code(), Some(78));
    assert!(house.log().starts_with("<3>config.toml:2: strip.leds: "), "{}", house.log());
}

#[test]
fn a_full_disk_is_a_fault_of_the_tape_and_does_not_stop_the_talk() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let mut house = Instance::new(QUICK);
    let mut command = house.command(&["--headless", "--tape", "/dev/full"]);
    house.daemon = Some(command.stderr(Stdio::null()).spawn().unwrap());
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.does(&["start"]);
    until("the fault of the tape is in the status", || !house.status()["faults"].as_array().unwrap().is_empty());
    assert_eq!(house.status()["faults"][0]["input"], "tape");
    assert_eq!(house.status()["strip"]["health"], "sending");
}

/// A limit of the file's length, as a disk that fills up in the middle of a line.
#[test]
fn a_tape_that_is_full_ends_with_a_whole_line() {
    let mut house = Instance::new(QUICK);
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" --headless --config config.toml --socket s --tape tape.0";
    let mut command = child::command("/bin/sh");
    command.args(["-c", script, TALKLIGHT]).env_clear().current_dir(house.folder.path());
    house.daemon = Some(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    until("the tape is full", || {
        house.run(&["start"]);
        house.run(&["reset"]);
        house.status()["faults"][0]["input"] == "tape"
    });
    // The tape is tried again every second, and holds a part of a line for a moment each time.
    until("the tape ends with a whole line", || {
        let tape = fs::read_to_string(house.folder.file("tape.0")).unwrap();
        tape.len() > 1000
            && tape.ends_with('\n')
            && tape.lines().all(|line| serde_json::from_str::<Frame>(line).is_ok())
    });
}

#[test]
fn a_tape_that_cannot_be_opened_does_not_stop_the_timer() {
    let mut house = Instance::new(QUICK);
    let log = File::create(house.folder.file("log")).unwrap();
    let mut command = house.command(&["--headless", "--tape", "no/such/folder"]);
    house.daemon = Some(command.stderr(log).spawn().unwrap());
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.does(&["start"]);
    house.wait_log("tape failed: no/such/folder: No such file");
    assert_eq!(house.status()["faults"][0]["input"], "tape");
    // Once the cause is removed, the fault disappears from the status.
    std::fs::create_dir_all(house.folder.file("no/such")).unwrap();
    until("the fault is gone", || house.status()["faults"].as_array().is_some_and(Vec::is_empty));
    house.does(&["reset"]);
    until("the tape continues", || {
        std::fs::read_to_string(house.folder.file("no/such/folder")).is_ok_and(|tape| tape.contains("left_out"))
    });
}

#[test]
fn a_new_process_appends_to_the_tape() {
    let mut house = Instance::new(QUICK);
    for _ in 0..2 {
        let mut command = house.command(&["--headless", "--tape", "tape.0"]);
        house.daemon = Some(command.stderr(Stdio::null()).spawn().unwrap());
        until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
        house.signal(Signal::SIGTERM);
    }
    let dark = house.tape().iter().filter(|frame| frame.leds.iter().all(|led| led == "000000")).count();
    assert_eq!(dark, 2, "each process ended with a dark frame");
}
