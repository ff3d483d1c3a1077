//! The release binary: started, spoken to, and looked at from outside.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use talklight::board::Snapshot;
use talklight::clock;
use talklight::wire::{self, Reply, SnapshotRecord};

use crate::floor::pause;
use crate::rig::{Level, Rig, monotonic_ns};

pub const TALKLIGHT: &str = env!("CARGO_BIN_EXE_talklight");
/// The button's line.
pub const BUTTON: u32 = 17;
/// The name of a program's first thread.
const MAIN: &str = "talklight";

/// A daemon, named by its control socket.
pub struct Daemon {
    pub pid: u32,
    socket: PathBuf,
    /// Unless it is the rig's.
    child: Option<Child>,
}

impl Daemon {
    /// Drives the strip of a pretend Pi.
    pub fn on_rig(rig: &Rig, config: &str) -> Self {
        let socket = rig.path("s");
        rig.start(TALKLIGHT, arguments(config, &socket));
        let mut daemon = Self {
            pid: 0,
            socket,
            child: None,
        };
        daemon.ready();
        daemon.pid = rig.pid().expect("the daemon runs");
        daemon
    }

    /// Has a simulated strip and no rig.
    pub fn simulated(rig: &Rig, config: &str, more: &[&str]) -> Self {
        let socket = rig.path("simulated.s");
        let mut command = Command::new(TALKLIGHT);
        command
            .args(arguments(config, &socket))
            .args(["--strip", "simulated"])
            .args(more);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("the daemon starts");
        let daemon = Self {
            pid: child.id(),
            socket,
            child: Some(child),
        };
        daemon.ready();
        daemon
    }

    fn ready(&self) {
        let limit = monotonic_ns() + 10_000_000_000;
        while UnixStream::connect(&self.socket).is_err() {
            assert!(monotonic_ns() < limit, "the daemon does not answer");
            pause(Duration::from_millis(1));
        }
        // The first frame, and what a start leaves to be done.
        pause(Duration::from_millis(100));
    }

    /// A connection whose thread in the daemon waits for a line.
    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).expect("the daemon listens");
        pause(Duration::from_millis(5));
        stream
    }

    /// A command that is obeyed.
    pub fn say(&self, line: &str) {
        let answer = ask(self.connect(), line);
        let reply: Reply = wire::decode(&answer).expect("an answer");
        assert!(reply.ok, "{line}: {}", reply.message);
    }

    pub fn snapshot(&self) -> Snapshot {
        let line = ask(self.connect(), "attach");
        let record = wire::decode::<SnapshotRecord>(&line).expect("a snapshot");
        record.try_into().expect("a snapshot of this version")
    }

    /// The CPU time of all its threads since its start, those that have ended too.
    pub fn cpu_ns(&self) -> u64 {
        let of = clock_getcpuclockid(Pid::from_raw(self.pid.cast_signed()));
        let time = clock_gettime(of.expect("it runs")).expect("it has a clock");
        time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned()
    }

    /// Its threads of now. That of the preload library has the name of the first one, and is called `rig` here.
    pub fn threads(&self) -> Vec<Thread> {
        let task = format!("/proc/{}/task", self.pid);
        let folders = fs::read_dir(task).expect("it runs").flatten();
        let thread = |folder: fs::DirEntry| {
            let read = |name| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
            let name = read("comm").trim().to_owned();
            let first = folder.file_name() == *self.pid.to_string();
            let name = match name.as_str() {
                MAIN if first => "engine".into(),
                MAIN => "rig".into(),
                _ => name,
            };
            let cpu_ns = read("schedstat").split(' ').next()?.parse().ok()?;
            let voluntary = field(&read("status"), "voluntary_ctxt_switches:")?;
            Some(Thread {
                name,
                cpu_ns,
                voluntary,
            })
        };
        folders.filter_map(thread).collect()
    }

    /// Resident memory and the part of it that is its own, in KiB.
    pub fn memory_kib(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let kib = |name| field(&status, name).expect("the kernel tells");
        (kib("VmRSS:"), kib("RssAnon:"))
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

pub struct Thread {
    pub name: String,
    pub cpu_ns: u64,
    pub voluntary: u64,
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The line that comes back.
pub fn ask(mut stream: UnixStream, line: &str) -> String {
    writeln!(stream, "{line}").expect("the daemon reads");
    let mut answer = String::new();
    let read = BufReader::new(stream).read_line(&mut answer);
    read.expect("the daemon answers");
    answer
}

/// A Pi with its button let go.
pub fn pi() -> Rig {
    Rig::builder().level(BUTTON, Level::High).build()
}

fn arguments(config: &str, socket: &Path) -> Vec<PathBuf> {
    let file = socket.with_extension("toml");
    fs::write(&file, config).expect("the rig's folder");
    let words = ["--headless", "--config", "--socket"].map(PathBuf::from);
    let [headless, config, at] = words;
    vec![headless, config, file, at, socket.into()]
}

/// How far CLOCK_BOOTTIME, the daemon's clock, is ahead of CLOCK_MONOTONIC, the rig's.
pub fn boot_ahead_ns() -> u64 {
    let before = monotonic_ns();
    let boot = clock::now().as_ns();
    let after = monotonic_ns();
    (boot - before).saturating_sub((after - before) / 2)
}
