//! A stop while the strip hangs and the channel is full. The stop is a flag and a wake-up, and the signal thread ends the process.

use super::*;
use crate::child::has_ended;
use crate::terminal::Terminal;
use pty_process::blocking::Command;

/// A stop may take 3 s. The program gives up on a strip that hangs after 2.2 s (`LAST_FRAME` and `LAST_LINE` in `run`); the
/// rest is for a machine that has other things to do. The strip hangs until after the end, so that only giving up ends it.
const GONE: Duration = Duration::from_secs(10);

/// Hangs the strip during a talk, and fills the channel and the queue of the socket.
fn hang(pi: &Pi) -> Vec<UnixStream> {
    pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
    pi.rig.spi_hang(true);
    let ask = || {
        let mut stream = UnixStream::connect(pi.rig.path("s")).unwrap();
        let _ = writeln!(stream, "choose talk");
        stream
    };
    // The frame of the next beat hangs. Only then do requests wait.
    pause(Duration::from_millis(1200));
    (0..70).map(|_| ask()).collect()
}

#[test]
fn a_signal_ends_it_and_the_talk_is_kept_or_forgotten() {
    let signals = [(Signal::SIGTERM, true), (Signal::SIGHUP, true), (Signal::SIGINT, false)];
    in_parallel(&signals, |&(signal, keeps)| {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("start");
        let _waiting = hang(&pi);
        let asked_ns = monotonic_ns();
        let pid = pi.rig.pid().unwrap();
        pi.rig.signal(signal);
        until("the daemon ends", || has_ended(pid));
        let took = Duration::from_nanos(monotonic_ns() - asked_ns);
        assert!(pi.rig.wait_exit(PATIENCE).expect("the daemon ends").success(), "{signal}");
        assert!(took < GONE, "{signal}: {took:?}");
        pi.rig.spi_hang(false);
        pi.start();
        assert_eq!(pi.status()["phase"], if keeps { "green" } else { "ready" }, "{signal}");
    });
}

#[test]
fn keys_end_it_and_the_talk_is_forgotten() {
    in_parallel(&["q", "\u{3}"], |key| {
        let pi = Pi::new(Rig::builder(), &PLAIN, LONG, "");
        let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        let command = Command::from(crate::child::command(TALKLIGHT))
            .args(pi.begin(&[]))
            .env_clear()
            .envs(env)
            .envs(pi.rig.prepare());
        let mut screen = Terminal::run(command, (80, 24));
        pi.wait_begun();
        screen.sees("space start");
        screen.keys(" ");
        screen.sees("talk started by the keyboard");
        let _waiting = hang(&pi);
        // A key that cannot be sent says so.
        until("a press is refused", || {
            screen.keys("u");
            // A key that comes sooner is the same key held down.
            pause(Duration::from_millis(800));
            screen.text().contains("the timer does not answer; press again")
        });
        screen.keys(key);
        screen.sees("again to quit");
        // A pause, so that the key does not count as held down.
        pause(Duration::from_millis(300));
        let asked_ns = monotonic_ns();
        screen.keys(key);
        until("the program ends", || has_ended(screen.pid()));
        let took = Duration::from_nanos(monotonic_ns() - asked_ns);
        assert!(screen.ends().success());
        assert!(took < GONE, "{took:?}");
        pi.rig.spi_hang(false);
        pi.start();
        assert_eq!(pi.status()["phase"], "ready");
    });
}
