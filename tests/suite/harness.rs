//! The real binary in a folder of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::child;

pub const TALKLIGHT: &str = env!("CARGO_BIN_EXE_talklight");

pub use crate::child::PATIENCE;

/// A plan of two seconds, with four phases of half a second.
pub const QUICK: &str = r#"
[[plan]]
name = "quick"
length = "2s"
yellow = "1500ms"
red = "1s"
flash = "500ms"

[flash]
hz = 2.0

[strip]
leds = 8
"#;

/// A folder that is removed on drop.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Below the target folder the path of a socket would be too long.
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with config, socket, tapes and log, and at most one running daemon.
pub struct Instance {
    pub folder: Folder,
    pub daemon: Option<Child>,
    env: Vec<(String, String)>,
}

impl Instance {
    pub fn new(config: &str) -> Self {
        let folder = Folder::new();
        fs::write(folder.file("config.toml"), config).unwrap();
        Self { folder, daemon: None, env: Vec::new() }
    }

    /// With a daemon that has shown its first frame.
    pub fn running(config: &str) -> Self {
        let mut instance = Self::new(config);
        instance.start();
        instance
    }

    pub fn env(&mut self, name: &str, value: &str) {
        self.env.push((name.into(), value.into()));
    }

    /// The binary with this config and socket, and an empty environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = child::command(TALKLIGHT);
        // Relative paths, so that messages about them are the same in every folder.
        command.args(arguments).args(["--config", "config.toml", "--socket", "s"]);
        command.env_clear().envs(self.env.iter().cloned()).current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    /// Starts a daemon, and waits until it answers.
    pub fn start(&mut self) {
        // Create the file now, so that the latest tape is the one of this daemon.
        let tape = format!("tape.{}", self.tapes());
        File::create(self.folder.file(&tape)).unwrap();
        let log = File::options().create(true).append(true).open(self.folder.file("log")).unwrap();
        let mut command = self.command(&["--headless", "--tape", &tape]);
        self.daemon = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        until("the daemon answers", || UnixStream::connect(self.socket()).is_ok() && !self.tape().is_empty());
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.file("s")
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        child::run(self.command(arguments))
    }

    /// Runs a command that must succeed, and returns its output.
    pub fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim_end().into()
    }

    /// Runs a command that must fail, and returns its message.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr).trim_end().into()
    }

    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.does(&["status", "--json"])).unwrap()
    }

    /// Sends one line to the socket, and returns the reply.
    pub fn say(&self, line: &str) -> serde_json::Value {
        ask(&self.socket(), line)
    }

    pub fn signal(&mut self, signal: Signal) -> ExitStatus {
        let mut daemon = self.daemon.take().unwrap();
        kill(Pid::from_raw(daemon.id() as i32), signal).unwrap();
        end(&mut daemon)
    }

    /// The complete log. The daemon must have ended, since a running one may still write.
    pub fn log(&self) -> String {
        assert!(self.daemon.is_none(), "the daemon still writes to the log");
        self.log_so_far()
    }

    /// Waits until the log contains `text`, and returns the log.
    pub fn wait_log(&self, text: &str) -> String {
        until(text, || self.log_so_far().contains(text));
        self.log_so_far()
    }

    fn log_so_far(&self) -> String {
        fs::read_to_string(self.folder.file("log")).unwrap()
    }

    /// The complete lines of the latest tape.
    pub fn tape(&self) -> Vec<Frame> {
        let Some(latest) = self.tapes().checked_sub(1) else {
            return Vec::new();
        };
        let tape = fs::read_to_string(self.folder.file(&format!("tape.{latest}"))).unwrap();
        let whole = tape.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn tapes(&self) -> usize {
        (0..).take_while(|n| self.folder.file(&format!("tape.{n}")).exists()).count()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// A line of the tape.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Frame {
    pub t_ns: u64,
    pub phase: String,
    pub leds: Vec<String>,
}

/// The phases of a talk in their order.
pub const WHOLE_TALK: [&str; 6] = ["ready", "green", "yellow", "red", "flash", "over"];

/// Checks that these are phases of a whole talk in their order. A busy machine may skip some in the middle; the tests in virtual
/// time check that each phase is shown.
pub fn assert_order<'a>(phases: impl IntoIterator<Item = &'a str>) {
    let phases: Vec<&str> = phases.into_iter().collect();
    let in_order = WHOLE_TALK.iter().filter(|phase| phases.contains(phase));
    assert!(in_order.eq(&phases), "{phases:?}");
    assert!(phases.starts_with(&WHOLE_TALK[..2]) && phases.ends_with(&WHOLE_TALK[5..]), "{phases:?}");
}

/// A pseudo-random generator with a fixed seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }
}

/// A connection to a daemon, with a read timeout.
pub fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends one line to a daemon's socket, and returns the reply.
pub fn ask(socket: &Path, line: &str) -> serde_json::Value {
    let mut stream = connect(socket);
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// Waits for the end of a child.
pub fn end(child: &mut Child) -> ExitStatus {
    let mut end = None;
    until("the child ends", || {
        end = child.try_wait().unwrap();
        end.is_some()
    });
    end.unwrap()
}

/// Waits until `condition` holds; `what` names it.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = talklight::core::clock::now() + PATIENCE;
    while !condition() {
        assert!(talklight::core::clock::now() < end, "waited in vain: {what}");
        pause(Duration::from_millis(5));
    }
}

/// Sleeps in the place of a person. Tests wait for conditions, not for time.
#[allow(clippy::disallowed_methods)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
