//! A window is closed: the program in it ends soon, and does not spin.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, open};
use talklight::core::clock;

use super::{FILES, LONG, cpu_ms};
use crate::harness::{Chance, Instance, TALKLIGHT, pause, until};

#[test]
fn a_closed_window_ends_the_program_in_it() {
    hang_ups(20);
}

#[test]
#[ignore = "takes a minute"]
fn two_hundred_closed_windows_end_the_programs_in_them() {
    hang_ups(200);
}

/// The program in the window.
#[derive(Clone, Copy, Debug)]
enum Program {
    Daemon,
    /// A daemon during a talk.
    Talk,
    /// SIGHUP ends it.
    Console,
    /// SIGHUP is ignored, as under nohup, so that only the terminal reports the hang-up.
    ConsoleWithoutSignal,
}

/// Closes windows at random moments. Each program must end and use at most 50 ms of CPU for that. At most a quarter may take longer
/// than a second, because the machine may be busy.
fn hang_ups(count: usize) {
    let mut chance = Chance(count as u64);
    let behind_console = Instance::running(LONG);
    let mut took = Vec::new();
    let mut worst_cpu = 0;
    for program in [Program::Daemon, Program::Talk, Program::Console, Program::ConsoleWithoutSignal]
        .into_iter()
        .cycle()
        .take(count)
    {
        let own = Instance::new(LONG);
        let (house, script) = match program {
            Program::Daemon | Program::Talk => (&own, "exec \"$0\" \"$@\""),
            Program::Console => (&behind_console, "exec \"$0\" console \"$@\""),
            Program::ConsoleWithoutSignal => (&behind_console, "trap '' HUP; exec \"$0\" console \"$@\""),
        };
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        let command =
            Command::from(crate::child::command("sh")).args(["-c", script, TALKLIGHT]).args(FILES).env_clear();
        let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        let mut child = Reaped(command.envs(env).current_dir(house.folder.path()).spawn(pts).unwrap());
        if let Program::Talk = program {
            until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
            house.does(&["start"]);
        }
        pause(Duration::from_millis(chance.between(0, 150)));
        // With a key that the program may not have read yet.
        let keys: &[u8] = if chance.between(0, 1) == 0 { b"\x1b" } else { b"?" };
        (&pty).write_all(keys).unwrap();
        let before = cpu_ms(child.0.id());
        let closed = clock::now();
        drop(pty);
        let mut cpu = before;
        until(&format!("the {program:?} ends"), || {
            cpu = cpu_ms(child.0.id()).or(cpu);
            child.0.try_wait().unwrap().is_some()
        });
        took.push(clock::now().since(closed));
        let spent = cpu.zip(before).map_or(0, |(cpu, before)| cpu - before);
        assert!(spent <= 50, "{program:?}: {spent} ms of CPU after its window was closed");
        worst_cpu = worst_cpu.max(spent);
    }
    took.sort_unstable();
    let (median, most) = (took[count / 2], took[count - 1]);
    println!("{count} closed windows: median {median:?}, most {most:?}; at most {worst_cpu} ms of CPU");
    let late = took.iter().filter(|took| **took > Duration::from_secs(1)).count();
    assert!(late * 4 <= count, "{late} of {count} took longer than a second, the longest {most:?}");
}

struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
