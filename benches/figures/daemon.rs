//! The release binary, its sockets and its `/proc`.

use std::collections::BTreeMap;
use std::fs::{self, read_to_string};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use talklight::control::protocol::{self, Reply};
use talklight::engine::board::Snapshot;

use crate::floor::pause;
use crate::rig::{Rig, monotonic_ns};

pub const TALKLIGHT: &str = env!("CARGO_BIN_EXE_talklight");

pub struct Daemon {
    pid: u32,
    socket: PathBuf,
    /// None if the rig has the process.
    child: Option<Child>,
}

impl Daemon {
    /// Starts a daemon with the strip of a pretend Pi.
    pub fn on_rig(rig: &Rig, config: &str) -> Self {
        let socket = rig.path("s");
        fs::write(config_of(&socket), config).unwrap();
        rig.start(TALKLIGHT, arguments(&socket));
        Self::ready(rig.pid().unwrap(), socket, None)
    }

    /// Starts a daemon with a simulated strip, in the folder of the rig.
    pub fn simulated(rig: &Rig, config: &str, more: &[&str]) -> Self {
        let socket = rig.path("simulated.s");
        fs::write(config_of(&socket), config).unwrap();
        let mut command = Command::new(TALKLIGHT);
        command.args(arguments(&socket)).args(["--strip", "simulated"]).args(more).current_dir(rig.path(""));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        Self::ready(child.id(), socket, Some(child))
    }

    /// The daemon that now listens at the same socket.
    pub fn again(&self) -> Self {
        Self::ready(0, self.socket.clone(), None)
    }

    /// The arguments of its start.
    pub fn arguments(&self) -> [PathBuf; 5] {
        arguments(&self.socket)
    }

    fn ready(pid: u32, socket: PathBuf, child: Option<Child>) -> Self {
        let limit = monotonic_ns() + 10_000_000_000;
        while UnixStream::connect(&socket).is_err() {
            assert!(monotonic_ns() < limit, "the daemon does not answer");
            pause(Duration::from_millis(1));
        }
        // The first frame and other work of a start.
        pause(Duration::from_millis(100));
        Self { pid, socket, child }
    }

    /// Gives the engine real-time scheduling (FIFO) as the unit does, if this user may.
    pub fn favour(&self) -> bool {
        let chrt =
            Command::new("chrt").args(["--fifo", "--reset-on-fork", "--pid", "10", &self.pid.to_string()]).status();
        chrt.is_ok_and(|status| status.success())
    }

    /// Sends one line. Returns the time of sending and the reply.
    pub fn ask(&self, line: &str) -> (u64, String) {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        // Give the daemon's thread time to wait for the line.
        pause(Duration::from_millis(5));
        let said = monotonic_ns();
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        (said, answer)
    }

    /// Sends a command that must succeed, and returns the time of sending.
    pub fn does(&self, line: &str) -> u64 {
        let (said, answer) = self.ask(line);
        let reply: Reply = protocol::decode(&answer).unwrap();
        assert!(reply.ok, "{line}: {}", reply.message);
        said
    }

    pub fn snapshot(&self) -> Snapshot {
        protocol::decode(&self.ask("attach").1).unwrap()
    }

    /// The CPU time in ns since the start, also of ended threads, and the voluntary context switches of each thread. Both exclude
    /// the thread of the rig's preload library, which has the name of the program.
    pub fn work(&self) -> (u64, BTreeMap<String, u64>) {
        let clock = clock_getcpuclockid(Pid::from_raw(self.pid.cast_signed()));
        let mut cpu_ns = Duration::from(clock_gettime(clock.unwrap()).unwrap()).as_nanos() as u64;
        let mut switches = BTreeMap::new();
        for folder in fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap() {
            let folder = folder.unwrap();
            let read = |name| read_to_string(folder.path().join(name)).unwrap();
            let name = read("comm").trim().to_owned();
            let first = folder.file_name() == *self.pid.to_string();
            if name == "talklight" && !first {
                let spent: u64 = read("schedstat").split(' ').next().unwrap().parse().unwrap();
                cpu_ns -= spent;
            } else {
                let name = if first { "engine".into() } else { name };
                *switches.entry(name).or_default() += field(&read("status"), "voluntary_ctxt_switches:");
            }
        }
        (cpu_ns, switches)
    }

    /// Resident memory, and its private part, in KiB.
    pub fn memory(&self) -> (u64, u64) {
        let status = read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        (field(&status, "VmRSS:"), field(&status, "RssAnon:"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn config_of(socket: &Path) -> PathBuf {
    socket.with_extension("toml")
}

fn arguments(socket: &Path) -> [PathBuf; 5] {
    ["--headless".into(), "--config".into(), config_of(socket), "--socket".into(), socket.into()]
}
