//! The real binary, controlled through its socket.

mod clients;
mod reports;
mod service;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::child::{self, Program};
use crate::harness::{Frame, Instance, PATIENCE, QUICK, TALKLIGHT, assert_order, connect, until};

/// The phase of the plan `QUICK` this long after its start, computed independently.
fn phase_after(ns: u64) -> &'static str {
    match ns {
        0..500_000_000 => "green",
        500_000_000..1_000_000_000 => "yellow",
        1_000_000_000..1_500_000_000 => "red",
        1_500_000_000..2_000_000_000 => "flash",
        _ => "over",
    }
}

/// The colour of that phase. The flash is counted back from the end: the strip is lit in the last quarter of a second.
fn colour_after(ns: u64) -> &'static str {
    match phase_after(ns) {
        "green" => "00ff99",
        "yellow" => "ffaa00",
        "red" => "ff0000",
        "flash" if ns >= 1_750_000_000 => "ff0000",
        _ => "000000",
    }
}

/// Checks that every frame of a talk is right for its time.
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
    let house = Instance::running(QUICK);
    assert_eq!(house.does(&["start"]), "started quick, 0:02");
    until("the talk is over", || house.tape().last().unwrap().phase == "over");
    let frames = house.tape();
    assert_order(phases(&frames));
    assert_eq!(frames[0].leds[0], "404040");
    assert!(frames[0].leds[1..].iter().all(|led| led == "000000"));
    let talk: Vec<Frame> = frames.into_iter().filter(|frame| frame.phase != "ready").collect();
    assert_talk_is_right(&talk, started(&talk));
    assert_eq!(house.status()["phase"], "over");
}

#[test]
fn refusals_say_what_to_do_instead() {
    let house = Instance::running(&format!(
        "{QUICK}\n[[plan]]\nname = \"long\"\nlength = \"1h\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"30s\"\n"
    ));
    assert_eq!(house.refuses(&["undo"]), "talklight: there is no reset to undo; start a talk");
    assert_eq!(house.refuses(&["start", "longer"]), "talklight: there is no plan `longer`; the plans are quick, long");
    assert_eq!(house.does(&["choose", "long"]), "the next talk is long, 1:00:00");
    assert_eq!(house.does(&["reset"]), "ready already; there is no talk to reset");
    assert_eq!(house.does(&["start"]), "started long, 1:00:00");
    for (command, remedy) in [
        (&["start"][..], " left; reset it first"),
        (&["choose", "quick"], " left; choose when it is over, or reset it"),
    ] {
        let refusal = house.refuses(command);
        assert!(refusal.starts_with("talklight: a talk is running, ") && refusal.ends_with(remedy), "{refusal}");
    }
    assert!(house.refuses(&["late", "59m"]).starts_with("talklight: less than 5"));
    assert!(house.does(&["late", "30s"]).starts_with("0:30 taken off, 59:"));
    assert!(
        house.does(&["status"]).contains("0:30 was taken off, because it was started late; this can be undone for")
    );
    assert!(house.does(&["undo"]).starts_with("0:30 given back, "));
    assert!(house.does(&["reset"]).starts_with("reset at 0:"));
    assert!(house.does(&["status"]).contains("the reset can be undone for"));
    assert!(house.does(&["undo"]).starts_with("undone, "));
    assert_eq!(
        house.refuses(&["undo"]),
        "talklight: there is nothing to undo: a `late` can be taken back for 10 seconds; to end this talk, reset it"
    );
}

#[test]
fn a_command_for_an_older_generation_is_refused() {
    let house = Instance::running(QUICK);
    let ready = house.status()["generation"].as_u64().unwrap();
    let started = house.say(&format!("if {ready} start"));
    assert_eq!((&started["ok"], &started["status"]["generation"]), (&true.into(), &(ready + 1).into()));
    let again = house.say(&format!("if {ready} reset"));
    assert_eq!(again["ok"], false);
    assert_eq!(again["message"], "the timer has changed since you looked; look, and do it again");
    assert_eq!(house.say(&format!("if {} reset", ready + 1))["ok"], true);
}

#[test]
fn a_talk_ends_at_the_same_time_despite_kills() {
    let mut house = Instance::running(QUICK);
    house.does(&["start"]);
    until("the talk is on the tape", || phases(&house.tape()).contains(&"green"));
    let began = started(&house.tape());
    for kill_at in [300, 700, 1200, 1700] {
        until("the moment has come", || talklight::core::clock::now().as_ns() >= began + kill_at * 1_000_000);
        house.signal(Signal::SIGKILL);
        house.start();
        // Every frame is right from the first one on: the end of the talk has not moved.
        assert_talk_is_right(&house.tape(), began);
    }
    until("the talk is over", || house.tape().last().unwrap().phase == "over");
    assert_talk_is_right(&house.tape(), began);
    house.wait_log("the talk goes on: quick");
}

#[test]
fn an_acknowledged_command_survives_a_kill() {
    let plans = "[[plan]]\nname = \"a\"\nlength = \"1h\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"30s\"\n";
    let mut house = Instance::running(&format!("{plans}{}", plans.replace("\"a\"", "\"b\"")));
    let mut generation = house.status()["generation"].as_u64().unwrap();
    for round in 0..15 {
        let (request, phase) = match round % 5 {
            0 => (["choose b", "choose a"][round / 5 % 2], "ready"),
            1 => ("start", "green"),
            2 => ("late 30s", "green"),
            3 => ("reset", "ready"),
            _ => ("undo", "green"),
        };
        if round % 5 == 0 && round > 0 {
            house.say("reset");
            generation += 1;
        }
        assert_eq!(house.say(request)["ok"], true, "{request}");
        generation += 1;
        house.signal(Signal::SIGKILL);
        house.start();
        let status = house.status();
        assert_eq!((&status["phase"], &status["generation"]), (&phase.into(), &generation.into()), "after {request}");
        let is_late = status["phase"] == "green" && request != "start";
        assert_eq!(status["late_ms"], if is_late { 30_000 } else { 0 }, "after {request}");
        assert_eq!(status["chosen"], ["b", "a", "b"][round / 5]);
    }
}

#[test]
fn sigterm_keeps_the_talk_and_ctrl_c_forgets_it() {
    for (signal, phase) in [(Signal::SIGTERM, "green"), (Signal::SIGHUP, "green"), (Signal::SIGINT, "ready")] {
        let mut house = Instance::running(&QUICK.replace("\"2s\"", "\"1h\""));
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
fn a_damaged_resume_file_is_ignored_with_a_warning() {
    let mut house = Instance::running(QUICK);
    house.does(&["start"]);
    house.signal(Signal::SIGKILL);
    fs::write(house.folder.file("s.talk"), "damaged").unwrap();
    house.start();
    assert_eq!(house.status()["phase"], "ready");
    house.wait_log("s.talk is ignored, this is ready: it is damaged");
}

#[test]
fn a_socket_has_one_daemon_and_one_left_by_a_crash_is_replaced() {
    let mut house = Instance::running(QUICK);
    let pid = house.daemon.as_ref().unwrap().id();
    let second = house.refuses(&["--headless"]);
    assert!(second.contains("another talklight already listens at"), "{second}");
    assert!(second.contains(&format!("process {pid} (talklight) holds it")), "{second}");
    house.signal(Signal::SIGKILL);
    assert!(house.socket().exists());
    assert!(house.refuses(&["status"]).contains("no talklight answers at"));
    house.start();
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn a_file_that_is_not_a_socket_is_not_removed() {
    let house = Instance::new(QUICK);
    fs::write(house.socket(), "precious").unwrap();
    assert!(house.refuses(&["--headless"]).contains("exists and is not a socket"));
    assert_eq!(fs::read_to_string(house.socket()).unwrap(), "precious");
}

#[test]
fn the_socket_has_mode_660_under_any_umask() {
    for umask in ["000", "027", "077"] {
        let mut house = Instance::new(QUICK);
        let mut shell = child::command("sh");
        let daemon = house.command(&["--headless"]);
        let line = format!("umask {umask}; exec \"$0\" \"$@\"");
        shell.args(["-c", &line]).arg(daemon.get_program()).args(daemon.get_args());
        house.daemon = Some(shell.current_dir(house.folder.path()).stderr(Stdio::null()).spawn().unwrap());
        until("the socket is there", || UnixStream::connect(house.socket()).is_ok());
        assert_eq!(fs::metadata(house.socket()).unwrap().mode() & 0o777, 0o660, "umask {umask}");
    }
}

#[test]
fn a_second_sighup_does_not_prevent_the_dark_frame() {
    for _ in 0..5 {
        let mut house = Instance::running(QUICK);
        house.does(&["start"]);
        let pid = nix::unistd::Pid::from_raw(house.daemon.as_ref().unwrap().id() as i32);
        nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
        assert!(house.signal(Signal::SIGHUP).success());
        assert!(house.tape().pop().unwrap().leds.iter().all(|led| led == "000000"));
        assert!(!house.socket().exists());
    }
}

#[test]
fn a_fifo_in_place_of_the_resume_draft_is_replaced() {
    let house = Instance::running(QUICK);
    nix::unistd::mkfifo(&house.folder.file("s.talk.new"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(house.does(&["start"]), "started quick, 0:02");
    assert!(house.folder.file("s.talk").is_file());
}

#[test]
fn the_files_of_sockets_with_similar_names_do_not_collide() {
    for name in ["x.talk", "x.lock", "x.new"] {
        let house = Instance::new(QUICK);
        let socket = |command: &mut std::process::Command| {
            command
                .args(["--socket", name])
                .current_dir(house.folder.path())
                .env_clear()
                .stdin(Stdio::null())
                .stderr(Stdio::null());
        };
        let mut daemon = child::command(TALKLIGHT);
        socket(daemon.arg("--headless"));
        let _daemon = Program::spawn(daemon);
        until("the daemon answers", || UnixStream::connect(house.folder.file(name)).is_ok());
        for verb in ["start", "reset", "status"] {
            let mut client = child::command(TALKLIGHT);
            socket(client.arg(verb));
            assert!(child::run(client).status.success(), "{name}: {verb}");
        }
    }
}

#[test]
fn a_config_with_mistakes_ends_with_78_and_names_them_all() {
    let house = Instance::new("[strip]\nleds = 0\nbrightness = 300\n");
    for arguments in [&["--headless"][..], &["check"][..]] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}");
        let message = crate::harness::text(&output.stderr);
        assert!(
            message.contains("config.toml:2: strip.leds") && message.contains("config.toml:3: strip.brightness"),
            "{message}"
        );
    }
}
