//! Clients of the daemon: hostile, slow, and ordinary ones.

use super::*;

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
