//! A pretend Raspberry Pi for the real binary, without root: it runs under a preload library (`rig/pishim.c`) that shows it
//! SPI, a gpiochip and a Pi's `/proc` and `/sys`, logs every transfer with its time, and drives lines and faults on command.
//!
//! ```ignore
//! let pi = Rig::builder().level(17, Level::High).build();
//! pi.start(env!("CARGO_BIN_EXE_talklight"), ["--config", "pi.toml"]);
//! let pressed_ns = monotonic_ns();
//! pi.press(17);
//! pi.wait_frame_after(pressed_ns, Duration::from_secs(1), |frame| frame.pixels[0] == [0, 255, 0, 0]);
//! assert!(pi.frames(Profile::WS2812B_150, 3).faults.is_empty());
//! ```

// Each test that includes this file uses a part of it.
#![allow(dead_code, unused_imports)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
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
#[path = "rig/program.rs"]
mod program;
#[path = "rig/ws2812.rs"]
mod ws2812;

pub use board::{Builder, Model};
pub use log::{Drive, Edge, LineRequest, Look, Refusal, Transfer};
pub use ws2812::{Decoded, Frame, Profile};

use log::Log;
use program::{Program, run_to_end, shim};
use ws2812::Decoder;

const SPIDEV: &str = "/dev/spidev0.0";
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// One Pi with its wires. It outlives the programs started on it; dropped, it kills what still runs and leaves no file.
pub struct Rig {
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    gpiochip: String,
    control: File,
    world: Mutex<World>,
    program: Mutex<Option<Program>>,
    log: Mutex<Log>,
}

/// The outside, as it is told to every program that starts.
#[derive(Default)]
struct World {
    levels: BTreeMap<u32, Level>,
    faults: BTreeMap<&'static str, u128>,
    busy: BTreeSet<u32>,
    live: bool,
    commands: usize,
}

/// A line as the outside world drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Low,
    High,
    /// Not driven: a pull decides.
    Open,
}

impl Rig {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A file of the test's own, gone with the rig: a config, a socket, a tape.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file of the Pi, under `/dev`, `/proc`, `/sys`, `/boot` or `/etc/talklight`.
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let real = self.real(path);
        fs::create_dir_all(real.parent().unwrap_or(&self.dir)).expect("cannot make a folder of the rig");
        fs::write(&real, content).unwrap_or_else(|error| panic!("cannot put `{path}`: {error}"));
    }

    /// Installs a program of the Pi's, written in the shell.
    pub fn install(&self, name: &str, script: &str) {
        let path = self.dir.join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.dir)).expect("cannot make the rig's bin");
        // By another process: a file that is open for writing, as it may be in a child that another test is starting, is busy.
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
        let written = Command::new("/bin/sh").args(["-c", write]).arg(&path).arg(script).status();
        assert!(written.is_ok_and(|status| status.success()), "cannot install `{name}`");
    }

    /// Takes a file off the Pi, if it is there.
    pub fn remove(&self, path: &str) {
        let _ = fs::remove_file(self.real(path));
    }

    /// Makes a node refuse to be opened with "permission denied", even by root, until it is allowed again.
    pub fn allow(&self, path: &str, allowed: bool) {
        let mode = Permissions::from_mode(if allowed { 0o660 } else { 0 });
        fs::set_permissions(self.real(path), mode).unwrap_or_else(|error| panic!("no `{path}` to forbid: {error}"));
    }

    fn real(&self, path: &str) -> PathBuf {
        self.dir.join("root").join(path.trim_start_matches('/'))
    }
}

/// The programs.
impl Rig {
    /// Starts the daemon, or starts it again; levels and faults are as they were, and the log goes on.
    pub fn start(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        assert!(self.pid().is_none(), "the pi runs a program already: kill or terminate it first");
        let mut command = Command::new(program);
        command.args(args).envs(self.prepare()).stdin(Stdio::null());
        *lock(&self.program) = Some(Program::spawn(command));
    }

    /// The environment for a program that the test starts by itself, as in a pseudo-terminal: the Pi's one daemon.
    pub fn prepare(&self) -> Vec<(OsString, OsString)> {
        *lock(&self.program) = None;
        // What an earlier program left unread is not for this one.
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

    /// Runs a client of the daemon to its end: in the Pi's environment, but with no view of its hardware.
    pub fn run(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut command = Command::new(program);
        command.args(args).envs(self.env.iter().cloned());
        run_to_end(command)
    }

    /// Runs a second program on the Pi's hardware to its end. It sees the levels of now; later ones, and faults, are the daemon's.
    pub fn run_on_pi(&self, program: impl AsRef<OsStr>, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut command = Command::new(program);
        command.args(args).envs(self.second());
        run_to_end(command)
    }

    /// The environment of a second program on the Pi's hardware that the test starts by itself.
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

    /// The program that was started last has ended.
    pub fn has_ended(&self) -> bool {
        lock(&self.program).is_some() && self.pid().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().expect("no program runs on the pi");
        kill(Pid::from_raw(pid.cast_signed()), signal).expect("cannot signal the program");
    }

    /// SIGKILL, as by a crash.
    #[track_caller]
    pub fn kill(&self) -> ExitStatus {
        if self.pid().is_some() {
            self.signal(Signal::SIGKILL);
        }
        self.wait_exit(STOP_LIMIT).expect("the program outlived SIGKILL")
    }

    /// SIGTERM, and waits for the end.
    #[track_caller]
    pub fn terminate(&self) -> ExitStatus {
        if self.pid().is_some() {
            self.signal(Signal::SIGTERM);
        }
        let status = self.wait_exit(STOP_LIMIT);
        status.unwrap_or_else(|| panic!("no end within {STOP_LIMIT:?} of SIGTERM; output: {:#?}", self.output()))
    }

    /// The exit status, with all output read; `None` while the program still runs after `timeout`.
    pub fn wait_exit(&self, timeout: Duration) -> Option<ExitStatus> {
        let status = wait_for(timeout, || {
            let mut program = lock(&self.program);
            let program = program.as_mut().expect("no program was started");
            program.child.try_wait().expect("cannot wait for the program")
        })?;
        lock(&self.world).live = false;
        wait_for(Duration::from_secs(1), || lock(&self.program).as_ref().is_none_or(Program::is_read).then_some(()));
        Some(status)
    }

    /// Every line of stdout and stderr since the last start.
    pub fn output(&self) -> Vec<String> {
        lock(&self.program).as_ref().map(Program::lines).unwrap_or_default()
    }

    /// The first line with `text` in it, of the output since the last start.
    #[track_caller]
    pub fn wait_line(&self, text: &str, timeout: Duration) -> String {
        let line = self.wait_while_running(timeout, || self.output().into_iter().find(|line| line.contains(text)));
        line.unwrap_or_else(|| panic!("no line with `{text}` within {timeout:?}; output: {:#?}", self.output()))
    }

    /// As `wait_for`, but gives up when the program has ended and a last look finds nothing.
    fn wait_while_running<T>(&self, timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let found = wait_for(timeout, || {
            let ended = self.has_ended();
            if ended {
                self.wait_exit(STOP_LIMIT);
            }
            look().map(Some).or_else(|| ended.then_some(None))
        });
        found.flatten()
    }
}

/// The outside world. Each call returns once the Pi has taken it, or after a second if the program is stopped. What no program is
/// there to take holds from the next start.
impl Rig {
    pub fn gpio(&self, line: u32, level: Level) {
        lock(&self.world).levels.insert(line, level);
        self.tell(&format!("gpio {line} {}", level.symbol()));
    }

    /// A clean press of 50 ms, done when this returns.
    pub fn press(&self, line: u32) {
        self.press_for(line, Duration::from_millis(50));
    }

    /// A clean press: the line goes to the other level, or low if it was open, and is let go after `held`.
    pub fn press_for(&self, line: u32, held: Duration) {
        let rest = lock(&self.world).levels.get(&line).copied().unwrap_or(Level::Open);
        let drives = |log: &Log| log.drives.iter().filter(|drive| drive.line == line).count();
        let before = drives(&self.log());
        self.bounce(line, if rest == Level::Low { Level::High } else { Level::Low }, &[held]);
        if self.log().pid.is_some() {
            wait_for(held + STOP_LIMIT, || (drives(&self.log()) >= before + 2).then_some(()));
        }
        if rest == Level::Open {
            self.gpio(line, Level::Open);
        }
    }

    /// Drives the line to `level`, and to the other one after each delay: exact however busy the machine is. Returns once it
    /// has begun; the next command for the line ends it.
    pub fn bounce(&self, line: u32, level: Level, delays: &[Duration]) {
        assert_ne!(level, Level::Open, "a bounce is between low and high");
        let last = if delays.len().is_multiple_of(2) { level } else { level.other() };
        lock(&self.world).levels.insert(line, last);
        let delays: String = delays.iter().map(|delay| format!(" {}", delay.as_micros())).collect();
        self.tell(&format!("bounce {line} {}{delays}", level.symbol()));
    }

    /// A line that picks up noise: it toggles at this pace until its next command.
    pub fn hum(&self, line: u32, pace: Duration) {
        self.tell(&format!("hum {line} {}", pace.as_micros()));
    }

    /// The program hears of a line's edges this late, as on a machine that is slow to serve its interrupts. Each tells when it was.
    pub fn gpio_lag(&self, line: u32, lag: Duration) {
        self.tell(&format!("gpiolag {line} {}", lag.as_micros()));
    }

    /// Of a line's next edges so many are told and so many then lost, as when the program does not read them for too long.
    pub fn gpio_lose(&self, line: u32, told: u32, lost: u32) {
        self.tell(&format!("gpiolose {line} {told} {lost}"));
    }

    /// Every write fails with `errno`; 0: they work again.
    pub fn spi_error(&self, errno: i32) {
        self.fault("spierr", u128::from(errno.unsigned_abs()));
    }

    /// A write fails with EIO at this chance, from 0 to 100; the same seed fails the same writes.
    pub fn spi_fail_percent(&self, percent: u32) {
        self.fault("spifail", u128::from(percent));
    }

    /// Every write blocks until this is switched off.
    pub fn spi_hang(&self, on: bool) {
        self.fault("spihang", u128::from(on));
    }

    /// The next write blocks this long, once, in whole milliseconds.
    pub fn spi_stall(&self, stall: Duration) {
        if lock(&self.world).live {
            self.tell(&format!("spistall {}", stall.as_millis()));
        } else {
            self.fault("spistall", stall.as_millis());
        }
    }

    /// A write blocks this long at this chance, from 0 to 100, as the seed has it.
    pub fn spi_slow_percent(&self, percent: u32, stall: Duration) {
        self.tell(&format!("spislow {percent} {}", stall.as_millis()));
    }

    /// Sets the wall clock this many seconds ahead of the real one.
    pub fn wall_clock(&self, ahead_s: i32) {
        self.tell(&format!("wall {ahead_s}"));
    }

    /// Makes the next reading of a clock fail in the program's thread of this name: what cannot happen, happens there.
    pub fn no_clock(&self, thread: &str) {
        self.tell(&format!("noclock {thread}"));
    }

    /// The SPI device goes: its node vanishes, and what has it open fails with ESHUTDOWN for ever.
    pub fn spi_gone(&self) {
        self.remove(SPIDEV);
        self.tell("spigone 1");
    }

    /// A new SPI device comes under the old name.
    pub fn spi_back(&self) {
        self.put(SPIDEV, "");
    }

    /// Another program takes a line, or gives it back: it can be asked for again only then.
    pub fn gpio_busy(&self, line: u32, busy: bool) {
        let mut world = lock(&self.world);
        if busy {
            world.busy.insert(line);
        } else {
            world.busy.remove(&line);
        }
        drop(world);
        self.tell(&format!("gpiobusy {line} {}", u32::from(busy)));
    }

    /// The gpiochip goes: its node vanishes, open lines hang up and fail with ENODEV.
    pub fn gpio_gone(&self) {
        self.remove(&self.gpiochip);
        self.tell("gpiogone 1");
    }

    pub fn gpio_back(&self) {
        self.put(&self.gpiochip, "");
    }

    fn fault(&self, name: &'static str, value: u128) {
        lock(&self.world).faults.insert(name, value);
        self.tell(&format!("{name} {value}"));
    }

    fn tell(&self, command: &str) {
        let number = {
            let mut world = lock(&self.world);
            if !world.live {
                return;
            }
            world.commands += 1;
            world.commands
        };
        self.write(&format!("{command}\nsync {number}\n"));
        // A program that has not opened a node yet reads its commands when it does.
        if self.log().pid.is_some() {
            self.wait_while_running(Duration::from_secs(1), || (self.log().synced >= number).then_some(()));
        }
    }

    fn write(&self, commands: &str) {
        assert!(commands.len() <= nix::libc::PIPE_BUF, "too long for the rig's fifo: make the bounce shorter");
        (&self.control).write_all(commands.as_bytes()).expect("cannot write to the rig's fifo");
    }
}

/// What came out.
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

    /// Every frame since the rig was built, with its bits held against `profile`.
    pub fn frames(&self, profile: Profile, channels: usize) -> Decoded {
        let mut decoder = Decoder::new(profile, channels);
        self.log().transfers.iter().for_each(|transfer| decoder.feed(transfer));
        decoder.finish()
    }

    /// The first frame since the rig was built for which `is_it` holds, seen already or still to come.
    #[track_caller]
    pub fn wait_frame(&self, timeout: Duration, is_it: impl FnMut(&Frame) -> bool) -> Frame {
        self.wait_frame_after(0, timeout, is_it)
    }

    /// As `wait_frame`, of those whose first bit is at `after_ns` of CLOCK_MONOTONIC or later.
    #[track_caller]
    pub fn wait_frame_after(&self, after_ns: u64, timeout: Duration, mut is_it: impl FnMut(&Frame) -> bool) -> Frame {
        let mut looked_at = 0;
        let found = self.wait_while_running(timeout, || {
            let mut log = self.log();
            let frames = &log.frames()[looked_at..];
            looked_at += frames.len();
            frames.iter().find(|frame| frame.first_bit_ns >= after_ns && is_it(frame)).cloned()
        });
        found.unwrap_or_else(|| {
            let last = self.log().frames().last().cloned();
            panic!("no such frame in {timeout:?}, of {looked_at}; the last: {last:?}; output: {:#?}", self.output())
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

/// CLOCK_MONOTONIC, the clock of every time in the rig.
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
        // A log that is a file and a child that is a process id wake nobody.
        #[allow(clippy::disallowed_methods)]
        thread::sleep(Duration::from_millis(2));
    }
}

/// A test that failed while it held a lock must not hide its reason behind "poisoned".
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
