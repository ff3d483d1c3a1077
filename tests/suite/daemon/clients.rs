//! Hostile, slow and ordinary clients.

use super::*;

#[test]
fn hostile_clients_do_not_stop_the_timer() {
    let house = Instance::running(QUICK);
    house.does(&["start"]);
    let connect = || connect(&house.socket());
    let silent: Vec<UnixStream> = (0..300).map(|_| connect()).collect();
    let nonsense = |bytes: &[u8]| {
        let mut stream = connect();
        // The daemon may disconnect before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.contains("a request must be one line of text"), "{answer}");
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
    let served = watchers.iter().filter(|watcher| {
        let mut line = String::new();
        BufReader::new(*watcher).read_line(&mut line).is_ok_and(|_| line.contains("quick"))
    });
    // Each further watcher replaces the oldest, which may not have received anything yet.
    assert!(served.count() >= 32);
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
fn a_process_with_too_many_watchers_loses_its_own() {
    let house = Instance::running(QUICK);
    let mut other = Program::spawn(house.command(&["status", "--watch", "--json"]));
    assert!(other.next_line().contains("ready"));
    let crowd: Vec<UnixStream> = (0..100)
        .map(|_| {
            let mut stream = connect(&house.socket());
            stream.write_all(b"watch\n").unwrap();
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            stream
        })
        .collect();
    house.does(&["start"]);
    assert!(other.next_line().contains("green"));
    drop(crowd);
}

#[test]
fn a_watcher_gets_one_line_for_each_change() {
    let house = Instance::running(QUICK);
    let mut watcher = Program::spawn(house.command(&["status", "--watch", "--json"]));
    let mut next = || -> String {
        let status: serde_json::Value = serde_json::from_str(&watcher.next_line()).unwrap();
        status["phase"].as_str().unwrap().into()
    };
    let mut phases = vec![next()];
    house.does(&["reset"]);
    house.refuses(&["undo"]);
    house.does(&["start"]);
    while phases.last().is_some_and(|phase| phase != "over") {
        phases.push(next());
    }
    assert_order(phases.iter().map(String::as_str));
}

#[test]
fn a_watcher_reconnects_after_a_crash() {
    let mut house = Instance::running(&QUICK.replace("\"2s\"", "\"1h\""));
    let mut watcher = Program::spawn(house.command(&["status", "--watch", "--json"]));
    let mut sees = |phase: &str| assert!(watcher.next_line().contains(&format!("\"phase\":\"{phase}\"")));
    sees("ready");
    house.does(&["start"]);
    sees("green");
    house.signal(Signal::SIGKILL);
    house.start();
    sees("green");
    house.does(&["reset"]);
    sees("ready");
}

#[test]
fn a_flag_without_effect_on_the_command_is_refused() {
    let house = Instance::running(QUICK);
    let mut command = child::command(TALKLIGHT);
    command.args(["--plan", "quick", "--socket"]).arg(house.socket()).arg("start");
    let output = child::run(command);
    assert_eq!(output.status.code(), Some(2));
    assert!(crate::harness::text(&output.stderr).contains("--plan applies only when starting the timer"));
    assert_eq!(house.run(&["start", ""]).status.code(), Some(2));
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn a_command_without_a_daemon_fails_with_a_remedy() {
    let house = Instance::new(QUICK);
    let message = house.refuses(&["start"]);
    let expected = "talklight: no talklight answers at s; start one, or name its socket with --socket";
    assert_eq!(message, expected);
}

#[test]
fn a_client_gives_up_on_a_daemon_that_does_not_answer() {
    let house = Instance::new(QUICK);
    let _listener = UnixListener::bind(house.socket()).unwrap();
    assert!(house.refuses(&["start"]).contains("the daemon does not answer"));
}

#[test]
fn a_time_that_cannot_be_read_is_a_mistake_on_the_command_line() {
    for arguments in [&["late", "0s"][..], &["late", "soon"], &["late", ""], &["start", "--late", "30"]] {
        let output = child::command(TALKLIGHT).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("expected a length of time with a unit, such as `30s` or `1m 30s`"), "{told}");
    }
}
