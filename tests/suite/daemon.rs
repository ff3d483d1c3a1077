//! The real binary, driven through its socket.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::harness::{Frame, House, PATIENCE, QUICK, until};

/// The phase of the plan `QUICK` this long after its start, by arithmetic of its own.
fn phase_after(ns: u64) -> &'static str {
    match ns {
        0..500_000_000 => "green",
        500_000_000..1_000_000_000 => "yellow",
        1_000_000_000..1_500_000_000 => "red",
        1_500_000_000..2_000_000_000 => "flash",
        _ => "over",
    }
}

/// Its colour, where the flash is counted back from the end: lit for the last quarter of a second.
fn colour_after(ns: u64) -> &'static str {
    match phase_after(ns) {
        "green" => "00ff99",
        "yellow" => "ffaa00",
        "red" => "ff0000",
        "flash" if ns >= 1_750_000_000 => "ff0000",
        _ => "000000",
    }
}

/// Every frame of a talk shows what its own time asks for.
fn assert_talk_is_right(frames: &[Frame], started_ns: u64) {
    for frame in frames {
        let elapsed = frame.t_ns - started_ns;
        assert_eq!(frame.phase, phase_after(elapsed), "{elapsed} ns into the talk");
        assert!(frame.leds.iter().all(|led| led == colour_after(elapsed)), "{elapsed} ns into the talk: {frame:?}");
    }
}

fn phases(frames: &[Frame]) -> Vec<&str> {
    let mut phases: Vec<&str> = frames.iter().map(|frame| frame.phase.as_str()).collect();
    phases.dedup();
    phases
}

fn started(frames: &[Frame]) -> u64 {
    frames.iter().find(|frame| frame.phase == "green").expect("the talk began").t_ns
}

#[test]
fn a_whole_talk() {
    let house = House::running(QUICK);
    assert_eq!(house.does(&["start"]), "started quick, 0:02");
    until("the talk is over", || house.tape().last().unwrap().phase == "over");
    let frames = house.tape();
    assert_eq!(phases(&frames), ["ready", "green", "yellow", "red", "flash", "over"]);
    assert_eq!(frames[0].leds[0], "404040");
    assert!(frames[0].leds[1..].iter().all(|led| led == "000000"));
    let talk: Vec<Frame> = frames.into_iter().filter(|frame| frame.phase != "ready").collect();
    assert_talk_is_right(&talk, started(&talk));
    assert_eq!(house.status()["phase"], "over");
}

#[test]
fn what_is_refused_says_what_to_do() {
    let house = House::running(&format!(
        "{QUICK}\n[[plan]]\nname = \"long\"\nlength = \"1h\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"30s\"\n"
    ));
    assert_eq!(house.refuses(&["undo"]), "talklight: there is no reset to undo; start a talk");
    assert_eq!(house.refuses(&["start", "longer"]), "talklight: there is no plan `longer`; there is quick, long");
    assert_eq!(house.does(&["choose", "long"]), "the next talk is long, 1:00:00");
    assert_eq!(house.does(&["reset"]), "ready already; there is no talk to reset");
    assert_eq!(house.does(&["start"]), "started long, 1:00:00");
    assert_eq!(house.refuses(&["start"]), "talklight: a talk is running, 1:00:00 left; reset it first");
    let refusal = "talklight: a talk is running, 1:00:00 left; choose when it is over, or reset it";
    assert_eq!(house.refuses(&["choose", "quick"]), refusal);
    assert!(house.does(&["reset"]).starts_with("reset at 0:0"));
    assert!(house.does(&["status"]).contains("the reset can be undone for"));
    assert!(house.does(&["undo"]).starts_with("undone, "));
    assert_eq!(house.refuses(&["undo"]), "talklight: only a reset can be undone; to end this talk, reset it");
}

#[test]
fn a_command_for_an_older_generation_is_refused() {
    let house = House::running(QUICK);
    let ready = house.status()["generation"].as_u64().unwrap();
    let started = house.say(&format!("if {ready} start"));
    assert_eq!((&started["ok"], &started["status"]["generation"]), (&true.into(), &(ready + 1).into()));
    let again = house.say(&format!("if {ready} reset"));
    assert_eq!(again["ok"], false);
    assert_eq!(again["message"], "the timer has changed since you looked; look, and do it again");
    assert_eq!(house.say(&format!("if {} reset", ready + 1))["ok"], true);
}

#[test]
fn a_daemon_killed_at_any_moment_goes_on_to_the_same_end() {
    let mut house = House::running(QUICK);
    house.does(&["start"]);
    until("the talk is on the tape", || phases(&house.tape()).contains(&"green"));
    let began = started(&house.tape());
    for kill_at in [300, 700, 1200, 1700] {
        until("the moment has come", || talklight::core::clock::now().as_ns() >= began + kill_at * 1_000_000);
        house.signal(Signal::SIGKILL);
        house.start();
        // The first frame already is right, and so are all that follow: the end has not moved at all.
        assert_talk_is_right(&house.tape(), began);
    }
    until("the talk is over", || house.tape().last().unwrap().phase == "over");
    assert_talk_is_right(&house.tape(), began);
    assert!(house.log().contains("the talk goes on: quick"), "{}", house.log());
}

#[test]
fn a_command_that_was_answered_is_never_lost() {
    let plans = "[[plan]]\nname = \"a\"\nlength = \"1h\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"30s\"\n";
    let mut house = House::running(&format!("{plans}{}", plans.replace("\"a\"", "\"b\"")));
    let mut generation = house.status()["generation"].as_u64().unwrap();
    for round in 0..12 {
        let (request, phase) = match round % 4 {
            0 => (["choose b", "choose a"][round / 4 % 2], "ready"),
            1 => ("start", "green"),
            2 => ("reset", "ready"),
            _ => ("undo", "green"),
        };
        if round % 4 == 0 && round > 0 {
            house.say("reset");
            generation += 1;
        }
        assert_eq!(house.say(request)["ok"], true, "{request}");
        generation += 1;
        house.signal(Signal::SIGKILL);
        house.start();
        let status = house.status();
        assert_eq!((&status["phase"], &status["generation"]), (&phase.into(), &generation.into()), "after {request}");
        assert_eq!(status["chosen"], ["b", "a", "b"][round / 4]);
    }
}

#[test]
fn sigterm_keeps_the_talk_and_ctrl_c_forgets_it() {
    for (signal, phase) in [(Signal::SIGTERM, "green"), (Signal::SIGHUP, "green"), (Signal::SIGINT, "ready")] {
        let mut house = House::running(&QUICK.replace("\"2s\"", "\"1h\""));
        house.does(&["start"]);
        assert!(house.signal(signal).success(), "{signal}");
        let last = house.tape().pop().unwrap();
        assert!(last.leds.iter().all(|led| led == "000000"), "{signal} left {last:?}");
        assert!(!house.socket().exists());
        house.start();
        assert_eq!(house.status()["phase"], phase, "after {signal}");
    }
}

#[test]
fn a_resume_file_that_cannot_be_trusted_is_ignored_with_a_warning() {
    let mut house = House::running(QUICK);
    house.does(&["start"]);
    house.signal(Signal::SIGKILL);
    fs::write(house.folder.file("s.talk"), "not what was kept").unwrap();
    house.start();
    assert_eq!(house.status()["phase"], "ready");
    until("the warning is in the log", || house.log().contains("s.talk is ignored, this is ready: it is damaged"));
}

#[test]
fn one_daemon_per_socket_and_a_socket_left_by_a_crash_is_taken_over() {
    let mut house = House::running(QUICK);
    let pid = house.daemon.as_ref().unwrap().id();
    let second = house.refuses(&["--headless"]);
    assert!(second.contains("another talklight listens at"), "{second}");
    assert!(second.contains(&format!("process {pid} (talklight) holds it")), "{second}");
    house.signal(Signal::SIGKILL);
    assert!(house.socket().exists());
    assert!(house.refuses(&["status"]).contains("no talklight answers at"));
    house.start();
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let house = House::new(QUICK);
    fs::write(house.socket(), "precious").unwrap();
    assert!(house.refuses(&["--headless"]).contains("is there and is no socket"));
    assert_eq!(fs::read_to_string(house.socket()).unwrap(), "precious");
}

#[test]
fn the_socket_is_for_its_group_whatever_the_umask() {
    for umask in ["000", "027", "077"] {
        let mut house = House::new(QUICK);
        let mut shell = std::process::Command::new("sh");
        let daemon = house.command(&["--headless"]);
        let line = format!("umask {umask}; exec \"$0\" \"$@\"");
        shell.args(["-c", &line]).arg(daemon.get_program()).args(daemon.get_args());
        house.daemon = Some(shell.current_dir(house.folder.path()).stderr(Stdio::null()).spawn().unwrap());
        until("the socket is there", || UnixStream::connect(house.socket()).is_ok());
        assert_eq!(fs::metadata(house.socket()).unwrap().mode() & 0o777, 0o660, "umask {umask}");
    }
}

#[test]
fn hostile_clients_stop_nobody() {
    let house = House::running(QUICK);
    house.does(&["start"]);
    let connect = || UnixStream::connect(house.socket()).unwrap();
    let silent: Vec<UnixStream> = (0..300).map(|_| connect()).collect();
    let nonsense = |bytes: &[u8]| {
        let mut stream = connect();
        // It may hang up before it has heard all.
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.contains("a request is one line of less than 256 bytes"), "{answer}");
    };
    nonsense(&vec![b'x'; 1 << 20]);
    nonsense(b"\xff\xfe\n");
    assert_eq!(house.status()["plan"]["name"], "quick");
    let watchers: Vec<UnixStream> = (0..40)
        .map(|_| {
            let mut stream = connect();
            stream.write_all(b"watch\n").unwrap();
            stream
        })
        .collect();
    let heard = watchers.iter().filter(|watcher| {
        let mut line = String::new();
        BufReader::new(*watcher).read_line(&mut line).is_ok_and(|_| line.contains("quick"))
    });
    // Each one more takes the place of the oldest, whether that has heard something yet or not.
    assert!(heard.count() >= 32);
    until("the talk is over", || house.tape().last().unwrap().phase == "over");
    let frames = house.tape();
    let talk: Vec<Frame> = frames.into_iter().filter(|frame| frame.phase != "ready").collect();
    assert_talk_is_right(&talk, started(&talk));
    assert_eq!(house.status()["phase"], "over");
    let pid = house.daemon.as_ref().unwrap().id();
    if let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) {
        let open = open.count();
        assert!(open < 300, "{open} descriptors");
    }
    drop((silent, watchers));
}

#[test]
fn one_that_crowds_the_watchers_loses_its_own_places() {
    let house = House::running(QUICK);
    let mut other = house.command(&["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("ready"));
    let crowd: Vec<UnixStream> = (0..100)
        .map(|_| {
            let mut stream = UnixStream::connect(house.socket()).unwrap();
            stream.write_all(b"watch\n").unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream
        })
        .collect();
    house.does(&["start"]);
    assert!(lines.next().expect("still there").unwrap().contains("green"));
    other.kill().unwrap();
    other.wait().unwrap();
    drop(crowd);
}

#[test]
fn a_watcher_gets_a_line_for_each_change_and_none_else() {
    let house = House::running(QUICK);
    let mut child = house.command(&["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    let mut seen = vec![next()];
    house.does(&["reset"]);
    house.refuses(&["undo"]);
    house.does(&["start"]);
    seen.extend((0..5).map(|_| next()));
    let phases: Vec<&str> = seen.iter().map(|status| status["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["ready", "green", "yellow", "red", "flash", "over"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_log_has_a_line_for_each_thing_that_happened_and_none_for_what_did_not() {
    let mut house = House::running(&QUICK.replace("\"2s\"", "\"1h\""));
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
    assert_eq!(lines[0], "talklight 0.1.0: simulated strip of 8 LEDs by config.toml, listening at s");
    assert_eq!(lines[1], "talk started by the socket: quick, 1:00:00");
    assert!(lines[2].starts_with("talk reset at 0:0") && lines[2].contains(" by the socket, "), "{log}");
    assert!(lines[3].starts_with("reset undone by the socket, "), "{log}");
    assert!(lines[4].starts_with("talk reset at 0:0"), "{log}");
    assert_eq!(lines[5], "stopping");
}

#[test]
fn the_service_manager_hears_of_readiness_the_watchdog_the_status_and_the_end() {
    let mut house = House::new(QUICK);
    let manager = UnixDatagram::bind(house.folder.file("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    house.env("NOTIFY_SOCKET", house.folder.file("notify").to_str().unwrap());
    house.start();
    let mut heard = Vec::new();
    let mut hear = |wanted: &str| {
        while !heard.iter().any(|line: &String| line.contains(wanted)) {
            let mut line = [0; 1024];
            let length = manager.recv(&mut line).unwrap_or_else(|_| panic!("no {wanted} among {heard:?}"));
            heard.push(String::from_utf8_lossy(&line[..length]).into_owned());
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("STATUS=ready, quick, 0:02; simulated strip sending");
    house.does(&["start"]);
    hear("STATUS=green, quick, 0:02; simulated strip sending");
    hear("STATUS=over, quick");
    house.signal(Signal::SIGTERM);
    hear("STOPPING=1");
}

#[test]
fn lines_for_the_journal_carry_their_priority() {
    let mut house = House::new(QUICK);
    let log = File::create(house.folder.file("log")).unwrap();
    let metadata = log.metadata().unwrap();
    house.env("JOURNAL_STREAM", &format!("{}:{}", metadata.dev(), metadata.ino()));
    house.start();
    house.does(&["start"]);
    house.signal(Signal::SIGTERM);
    assert!(house.log().contains("<5>talk started by the socket: quick, 0:02\n"), "{}", house.log());
}

#[test]
fn what_keeps_it_from_starting_is_an_error_in_the_journal() {
    let mut house = House::new("[strip]\nleds = 0\n");
    let log = File::create(house.folder.file("log")).unwrap();
    let metadata = log.metadata().unwrap();
    house.env("JOURNAL_STREAM", &format!("{}:{}", metadata.dev(), metadata.ino()));
    let status = house.command(&["--headless"]).stderr(log).status().unwrap();
    assert_eq!(status.code(), Some(78));
    assert!(house.log().starts_with("<3>config.toml:2: strip.leds: "), "{}", house.log());
}

#[test]
fn a_second_hang_up_does_not_keep_the_strip_from_going_dark() {
    for _ in 0..5 {
        let mut house = House::running(QUICK);
        house.does(&["start"]);
        let pid = nix::unistd::Pid::from_raw(house.daemon.as_ref().unwrap().id() as i32);
        nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
        assert!(house.signal(Signal::SIGHUP).success());
        assert!(house.tape().pop().unwrap().leds.iter().all(|led| led == "000000"));
        assert!(!house.socket().exists());
    }
}

#[test]
fn what_lies_in_the_way_of_the_resume_file_stops_nothing() {
    let house = House::running(QUICK);
    nix::unistd::mkfifo(&house.folder.file("s.talk.new"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(house.does(&["start"]), "started quick, 0:02");
    assert!(house.folder.file("s.talk").is_file());
}

#[test]
fn sockets_of_any_name_keep_their_files_apart() {
    for name in ["x.talk", "x.lock", "x.new"] {
        let house = House::new(QUICK);
        let socket = |command: &mut std::process::Command| {
            command
                .args(["--socket", name])
                .current_dir(house.folder.path())
                .env_clear()
                .stdin(Stdio::null())
                .stderr(Stdio::null());
        };
        let mut daemon = std::process::Command::new(crate::harness::TALKLIGHT);
        socket(daemon.arg("--headless"));
        let mut daemon = daemon.spawn().unwrap();
        until("the daemon answers", || UnixStream::connect(house.folder.file(name)).is_ok());
        for verb in ["start", "reset", "status"] {
            let mut client = std::process::Command::new(crate::harness::TALKLIGHT);
            socket(client.arg(verb));
            assert!(client.stdout(Stdio::null()).status().unwrap().success(), "{name}: {verb}");
        }
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
}

#[test]
fn a_flag_that_a_command_has_no_use_for_is_refused() {
    let house = House::running(QUICK);
    let mut command = std::process::Command::new(crate::harness::TALKLIGHT);
    let output = command.args(["--plan", "quick", "--socket"]).arg(house.socket()).arg("start").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(crate::harness::text(&output.stderr).contains("--plan is for the timer itself"));
    assert_eq!(house.run(&["start", ""]).status.code(), Some(2));
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn a_config_with_mistakes_ends_with_78_and_names_them_all() {
    let house = House::new("[strip]\nleds = 0\nbrightness = 300\n");
    for arguments in [&["--headless"][..], &["check"][..]] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        let told = crate::harness::text(&output.stderr);
        assert!(
            told.contains("config.toml:2: strip.leds") && told.contains("config.toml:3: strip.brightness"),
            "{told}"
        );
    }
}

#[test]
fn a_command_without_a_daemon_says_so() {
    let house = House::new(QUICK);
    let said = house.refuses(&["start"]);
    let expected = "talklight: no talklight answers at s; start one, or name its socket with --socket";
    assert_eq!(said, expected);
}

#[test]
fn a_daemon_that_does_not_answer_does_not_keep_its_client_for_ever() {
    let house = House::new(QUICK);
    let _deaf = UnixListener::bind(house.socket()).unwrap();
    assert!(house.refuses(&["start"]).contains("the daemon does not answer"));
}

#[test]
fn a_tape_that_takes_no_more_is_told_and_does_not_stop_the_talk() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let mut house = House::new(QUICK);
    let mut command = house.command(&["--headless", "--tape", "/dev/full"]);
    house.daemon = Some(command.stderr(Stdio::null()).spawn().unwrap());
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.does(&["start"]);
    until("the tape's end is told", || !house.status()["faults"].as_array().unwrap().is_empty());
    assert_eq!(house.status()["faults"][0]["input"], "tape");
    assert_eq!(house.status()["strip"]["health"], "sending");
}

#[test]
fn a_tape_that_cannot_be_begun_does_not_keep_the_timer_from_starting() {
    let mut house = House::new(QUICK);
    let log = File::create(house.folder.file("log")).unwrap();
    let mut command = house.command(&["--headless", "--tape", "no/such/folder"]);
    house.daemon = Some(command.stderr(log).spawn().unwrap());
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.does(&["start"]);
    until("the warning is in the log", || house.log().contains("there is no tape: no/such/folder: No such file"));
}

#[test]
fn a_tape_goes_on_where_the_last_process_left_it() {
    let mut house = House::new(QUICK);
    for _ in 0..2 {
        let mut command = house.command(&["--headless", "--tape", "tape.0"]);
        house.daemon = Some(command.stderr(Stdio::null()).spawn().unwrap());
        until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
        house.signal(Signal::SIGTERM);
    }
    let dark = house.tape().iter().filter(|frame| frame.leds.iter().all(|led| led == "000000")).count();
    assert_eq!(dark, 2, "each ended with a dark frame");
}

#[test]
fn a_watcher_outlives_a_crash_of_its_daemon() {
    let mut house = House::running(&QUICK.replace("\"2s\"", "\"1h\""));
    let mut child = house.command(&["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut sees = |phase: &str| assert!(lines.next().unwrap().unwrap().contains(&format!("\"phase\":\"{phase}\"")));
    sees("ready");
    house.does(&["start"]);
    sees("green");
    house.signal(Signal::SIGKILL);
    house.start();
    sees("green");
    house.does(&["reset"]);
    sees("ready");
    child.kill().unwrap();
    child.wait().unwrap();
}
