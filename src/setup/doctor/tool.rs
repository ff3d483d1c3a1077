//! The output of other programs, with a time limit.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The tools asked here answer within a second on the slowest Pi.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What `program` prints. `None` if it is missing, fails or hangs.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let (sender, result) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = result.recv_timeout(TIMEOUT) else {
        // Nothing has waited for the child yet, so the kernel has not given its id to another process.
        let _ = kill(pid, Signal::SIGKILL);
        return None;
    };
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The value of a key in lines of `key=value`; empty if the key is missing.
pub fn value<'t>(lines: &'t str, key: &str) -> &'t str {
    let mut pairs = lines.lines().filter_map(|line| line.split_once('='));
    pairs.find_map(|(name, value)| (name == key).then_some(value)).unwrap_or_default()
}
