//! The one place where tests start processes. A process starts with default signals, ends with its test, and is waited for
//! with a limit.

// Each program that includes this file uses only a part of it.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::unistd::{Pid, getpid, getppid};

/// The limit of every wait, long enough for a busy machine. Only a failing test waits so long. The kernel of a loaded virtual
/// machine may leave its own workers waiting for most of a minute, and with them terminals and the end of processes.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Whether a process has ended, as far as it can end by itself: its parent, or the kernel, may still have work with it.
pub fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in brackets (proc_pid_stat(5)).
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// A command whose process starts with default signals. It is killed when the thread that started it ends, also if the test
/// panics or the test process is killed.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let parent = getpid();
    // SAFETY: between fork and exec, `start` only makes system calls and does not allocate.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || start(parent));
    }
    command
}

/// Resets the signals: under `nohup` the tests ignore SIGHUP, and a child inherits ignored and blocked signals.
fn start(parent: Pid) -> io::Result<()> {
    for number in Signal::iterator().filter(|&number| number != Signal::SIGKILL && number != Signal::SIGSTOP) {
        // SAFETY: the default action is not a handler.
        #[allow(unsafe_code)]
        unsafe {
            signal(number, SigHandler::SigDfl)?;
        }
    }
    SigSet::empty().thread_set_mask()?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have ended before the line above.
    if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}

/// Writes a shell script. Another process writes it: if this process did, a child that another test starts at that moment could
/// inherit the open file, and a file that is open for writing cannot be run.
pub fn script(path: &Path, text: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let written = command("/bin/sh").args(["-c", write]).arg(path).arg(text).status();
    assert!(written.is_ok_and(|status| status.success()), "cannot write `{}`", path.display());
}

/// Runs a program to its end, and kills it after [`PATIENCE`].
pub fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    wait(child, &format!("{command:?}"))
}

/// Waits for a child, and returns its output. `what` names it in messages.
pub fn wait(child: Child, what: &str) -> Output {
    let pid = Pid::from_raw(child.id().cast_signed());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    match end.recv_timeout(PATIENCE) {
        Ok(output) => output.expect("cannot read a program's output"),
        Err(_) => {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("no end within {PATIENCE:?}: {what}");
        }
    }
}

/// A child whose output is read line by line. It is killed on drop.
pub struct Program {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    arrivals: mpsc::Receiver<()>,
    taken: usize,
}

impl Program {
    pub fn spawn(mut command: Command) -> Program {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let lines = Arc::default();
        let (arrived, arrivals) = mpsc::channel();
        read_lines(child.stdout.take(), &lines, arrived.clone());
        read_lines(child.stderr.take(), &lines, arrived);
        Program { child, lines, arrivals, taken: 0 }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Both pipes are closed.
    pub fn is_read(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }

    /// Waits for the next line.
    pub fn next_line(&mut self) -> String {
        match self.arrivals.recv_timeout(PATIENCE) {
            Ok(()) => self.taken += 1,
            Err(RecvTimeoutError::Timeout) => panic!("no further line within {PATIENCE:?} after {:#?}", self.lines()),
            Err(RecvTimeoutError::Disconnected) => panic!("it has ended after {:#?}", self.lines()),
        }
        self.lines().swap_remove(self.taken - 1)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(pipe: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>, arrived: mpsc::Sender<()>) {
    let (pipe, lines) = (pipe.expect("the child has pipes"), Arc::clone(lines));
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            // Tests that only use `lines` do not receive this.
            let _ = arrived.send(());
        }
    });
}
