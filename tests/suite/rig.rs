//! A pretend Raspberry Pi for the real binary, without root. A preload library (`rig/pishim.c`) gives the binary an SPI device, a
//! GPIO chip, and a Pi's `/proc` and `/sys`. It logs every transfer with its time, and drives lines and faults on command.
//!
//! ```ignore
//! let pi = Rig::builder().level(17, Level::High).build();
//! pi.start(env!("CARGO_BIN_EXE_talklight"), ["--config", "pi.toml"]);
//! pi.press(17);
//! assert!(pi.frames(Profile::WS2812B_150, 3).faults.is_empty());
//! ```

// Each program that includes this file uses only a part of it.
#![allow(dead_code, unused_imports)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

#[path = "rig/board.rs"]
mod board;
#[path = "rig/log.rs"]
mod log;
#[path = "rig/shim.rs"]
mod shim;
#[path = "rig/world.rs"]
mod world;
#[path = "rig/ws2812.rs"]
mod ws2812;

pub use board::{Builder, Model};
pub use log::{Drive, Edge, LineRequest, Look, Refusal, Transfer};
pub use ws2812::{Decoded, Frame, Profile};

use crate::child::{self, PATIENCE, Program};
use log::Log;
use shim::shim;
use ws2812::Decoder;

const SPIDEV: &str = "/dev/spidev0.0";

/// A Pi with its wires. It stays when a program on it ends. On drop it kills running programs and removes its files.
pub struct Rig {
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    gpiochip: String,
    control: File,
    world: Mutex<World>,
    program: Mutex<Option<Program>>,
    /// The LEDs of its strip. 0 for as many as a frame has bits for.
    leds: usize,
    /// The length of spidev's buffer, in bytes.
    pub bufsiz: usize,
    log: Mutex<Log>,
}

/// The state of the outside world. Every program gets it at its start.
#[derive(Default)]
struct World {
    levels: BTreeMap<u32, Level>,
    faults: BTreeMap<&'static str, u128>,
    busy: BTreeSet<u32>,
    live: bool,
    commands: usize,
}

/// How the outside world drives a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Low,
    High,
    /// Not driven; a pull decides.
    Open,
}

impl Rig {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The path of a file for the test, such as a config, a socket or a tape. It is removed with the rig.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file of the Pi, under `/dev`, `/proc`, `/sys`, `/boot` or `/etc/talklight`.
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let real = self.real(path);
        fs::create_dir_all(real.parent().unwrap_or(&self.dir)).expect("cannot make a folder of the rig");
        fs::write(&real, content).unwrap_or_else(|error| panic!("cannot put `{path}`: {error}"));
    }

    /// Installs a shell script as a program of the Pi.
    pub fn install(&self, name: &str, script: &str) {
        let path = self.dir.join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.dir)).expect("cannot make the rig's bin");
        child::script(&path, script);
    }

    /// Removes a file of the Pi, if there is one.
    pub fn remove(&self, path: &str) {
        let _ = fs::remove_file(self.real(path));
    }

    /// Sets whether a node may be opened. If not, opening it fails with "permission denied", also for root.
    pub fn allow(&self, path: &str, allowed: bool) {
        let mode = Permissions::from_mode(if allowed { 0o660 } else { 0 });
        fs::set_permissions(self.real(path), mode).unwrap_or_else(|error| panic!("cannot change `{path}`: {error}"));
    }

    fn real(&self, path: &str) -> PathBuf {
        self.dir.join("root").join(path.trim_start_matches('/'))
    }
}

/// Programs on the Pi.
impl Rig {
    /// Starts the daemon. After an earlier one, levels and faults stay, and the log continues.
    pub fn start(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        assert!(self.pid().is_none(), "the pi runs a program already: kill or terminate it first");
        let mut command = child::command(program);
        command.args(args).envs(self.prepare()).stdin(Stdio::null());
        *lock(&self.program) = Some(Program::spawn(command));
    }

    /// The environment of a daemon that the test starts by itself, for example in a pseudo-terminal.
    pub fn prepare(&self) -> Vec<(OsString, OsString)> {
        *lock(&self.program) = None;
        // Drop commands that an earlier program did not read.
        let _ = (&self.control).read_to_end(&mut Vec::new());
        self.log().pid = None;
        let mut world = lock(&self.world);
        for (fault, value) in &world.faults {
            self.write(&format!("{fault} {value}\n"));
        }
        for line in &world.busy {
            self.write(&format!("gpiobusy {line} 1\n"));
        }
        world.faults.remove("spistall");
        world.live = true;
        self.shimmed(&world)
    }

    fn shimmed(&self, world: &World) -> Vec<(OsString, OsString)> {
        let levels = world.levels.iter().filter(|(_, level)| **level != Level::Open);
        let levels: Vec<_> = levels.map(|(line, level)| format!("{line}={}", level.symbol())).collect();
        let mut env = self.env.clone();
        env.push(("PISHIM_LEVELS".into(), levels.join(",").into()));
        env.push(("LD_PRELOAD".into(), shim().into()));
        env
    }

    /// Runs a client of the daemon to its end. It has the Pi's environment, but does not see its hardware.
    pub fn run(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut command = child::command(program);
        command.args(args).envs(self.env.iter().cloned());
        child::run(command)
    }

    /// Runs a second program on the Pi's hardware to its end. Only the daemon sees later levels and faults.
    pub fn run_on_pi(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut command = child::command(program);
        command.args(args).envs(self.second());
        child::run(command)
    }

    /// The environment of a second program that the test starts by itself.
    pub fn second(&self) -> Vec<(OsString, OsString)> {
        let mut env = self.shimmed(&lock(&self.world));
        env.push(("PISHIM_CTL".into(), "0".into()));
        env
    }

    /// The process id, while the program runs.
    pub fn pid(&self) -> Option<u32> {
        let mut program = lock(&self.program);
        let child = &mut program.as_mut()?.child;
        child.try_wait().expect("cannot wait for the program").is_none().then(|| child.id())
    }

    /// The latest program has ended.
    pub fn has_ended(&self) -> bool {
        lock(&self.program).is_some() && self.pid().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().expect("no program runs on the pi");
        kill(Pid::from_raw(pid.cast_signed()), signal).expect("cannot signal the program");
    }

    /// Sends SIGKILL, as a crash, and waits for the end.
    #[track_caller]
    pub fn kill(&self) -> ExitStatus {
        if self.pid().is_some() {
            self.signal(Signal::SIGKILL);
        }
        self.wait_exit(PATIENCE).expect("the program outlived SIGKILL")
    }

    /// Sends SIGTERM, and waits for the end.
    #[track_caller]
    pub fn terminate(&self) -> ExitStatus {
        if self.pid().is_some() {
            self.signal(Signal::SIGTERM);
        }
        self.ends()
    }

    /// Waits for the end of the program, and fails after [`PATIENCE`].
    #[track_caller]
    pub fn ends(&self) -> ExitStatus {
        let status = self.wait_exit(PATIENCE);
        status.unwrap_or_else(|| {
            panic!("no end within {PATIENCE:?}; threads: {:#?}; output: {:#?}", self.threads(), self.output())
        })
    }

    /// The name, the state and the system call of each thread of the program.
    fn threads(&self) -> Vec<String> {
        let tasks = self.pid().and_then(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok());
        let tasks = tasks.into_iter().flatten().filter_map(Result::ok);
        let told = |task: fs::DirEntry| {
            let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            format!("{} {} {}", read("stat"), read("wchan"), read("syscall"))
        };
        tasks.map(told).collect()
    }

    /// The exit status, after all output was read. `None` if the program still runs after `timeout`.
    pub fn wait_exit(&self, timeout: Duration) -> Option<ExitStatus> {
        let status = wait_for(timeout, || {
            let mut program = lock(&self.program);
            let program = program.as_mut().expect("no program was started");
            program.child.try_wait().expect("cannot wait for the program")
        })?;
        lock(&self.world).live = false;
        let read = wait_for(PATIENCE, || lock(&self.program).as_ref().is_none_or(Program::is_read).then_some(()));
        assert!(read.is_some(), "a program has ended, but its output is still open");
        Some(status)
    }

    /// Every line of stdout and stderr since the last start.
    pub fn output(&self) -> Vec<String> {
        lock(&self.program).as_ref().map(Program::lines).unwrap_or_default()
    }

    /// Waits for a line with `text` in the output since the last start.
    #[track_caller]
    pub fn wait_line(&self, text: &str, timeout: Duration) -> String {
        let line = self.wait_while_running(timeout, || self.output().into_iter().find(|line| line.contains(text)));
        line.unwrap_or_else(|| panic!("no line with `{text}` within {timeout:?}; output: {:#?}", self.output()))
    }

    /// As `wait_for`, but stops early if the program has ended.
    fn wait_while_running<T>(&self, timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let found = wait_for(timeout, || {
            let ended = self.has_ended();
            if ended {
                self.wait_exit(PATIENCE);
            }
            look().map(Some).or_else(|| ended.then_some(None))
        });
        found.flatten()
    }
}

/// What the programs did.
impl Rig {
    pub fn transfers(&self) -> Vec<Transfer> {
        self.log().transfers.clone()
    }

    pub fn refusals(&self) -> Vec<Refusal> {
        self.log().refusals.clone()
    }

    pub fn drives(&self) -> Vec<Drive> {
        self.log().drives.clone()
    }

    pub fn edges(&self) -> Vec<Edge> {
        self.log().edges.clone()
    }

    pub fn requests(&self) -> Vec<LineRequest> {
        self.log().requests.clone()
    }

    pub fn looks(&self) -> Vec<Look> {
        self.log().looks.clone()
    }

    /// How often the program asked for the time of day.
    pub fn wall_clock_readings(&self) -> usize {
        self.log().wall_clock_readings
    }

    /// Every frame since the rig was built, with its timing checked against `profile`.
    pub fn frames(&self, profile: Profile, channels: usize) -> Decoded {
        let mut decoder = Decoder::new(profile, channels, self.leds);
        self.log().transfers.iter().for_each(|transfer| decoder.feed(transfer));
        decoder.finish()
    }

    /// Waits for the first frame since the rig was built for which `matches` holds.
    #[track_caller]
    pub fn wait_frame(&self, timeout: Duration, matches: impl FnMut(&Frame) -> bool) -> Frame {
        self.wait_frame_after(0, timeout, matches)
    }

    /// As `wait_frame`, for frames whose first bit is at `after_ns` of CLOCK_MONOTONIC or later.
    #[track_caller]
    pub fn wait_frame_after(&self, after_ns: u64, timeout: Duration, mut matches: impl FnMut(&Frame) -> bool) -> Frame {
        let mut looked_at = 0;
        let found = self.wait_while_running(timeout, || {
            let mut log = self.log();
            let frames = &log.frames()[looked_at..];
            looked_at += frames.len();
            frames.iter().find(|frame| frame.first_bit_ns >= after_ns && matches(frame)).cloned()
        });
        found.unwrap_or_else(|| {
            let last = self.log().frames().last().cloned();
            panic!(
                "no such frame within {timeout:?} among {looked_at}; the last: {last:?}; output: {:#?}",
                self.output()
            )
        })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        let mut log = lock(&self.log);
        log.catch_up();
        log
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(lock(&self.program).take());
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Level {
    fn of(symbol: &str) -> Option<Level> {
        [Level::Low, Level::High, Level::Open].into_iter().find(|level| symbol.starts_with(level.symbol()))
    }

    fn symbol(self) -> char {
        match self {
            Level::Low => '0',
            Level::High => '1',
            Level::Open => 'z',
        }
    }

    fn other(self) -> Level {
        match self {
            Level::Low => Level::High,
            Level::High => Level::Low,
            Level::Open => Level::Open,
        }
    }
}

/// The time by CLOCK_MONOTONIC, as everywhere in the rig.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("linux has CLOCK_MONOTONIC");
    now.tv_sec().cast_unsigned() * 1_000_000_000 + now.tv_nsec().cast_unsigned()
}

fn wait_for<T>(timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline_ns = monotonic_ns() + timeout.as_nanos() as u64;
    loop {
        let late = monotonic_ns() >= deadline_ns;
        let found = look();
        if found.is_some() || late {
            return found;
        }
        // Neither a file nor a process id can wake this thread.
        #[allow(clippy::disallowed_methods)]
        thread::sleep(Duration::from_millis(2));
    }
}

/// Ignores poisoning, so that the first failure of a test is the one that is shown.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
