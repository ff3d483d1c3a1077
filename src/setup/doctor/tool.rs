//! What another program has to say. It is waited for, but not for ever.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Each answers within a second, on the slowest Pi.
const PATIENCE: Duration = Duration::from_secs(3);

/// What it prints; `None` if there is no such program, it fails, or it hangs.
pub fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = answer.recv_timeout(PATIENCE) else {
        // It has not been waited for, so the number is still its own.
        let _ = kill(pid, Signal::SIGKILL);
        return None;
    };
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The value of a key in lines of `key=value`; empty if it is not there.
pub fn value<'t>(lines: &'t str, key: &str) -> &'t str {
    let mut pairs = lines.lines().filter_map(|line| line.split_once('='));
    pairs.find_map(|(name, value)| (name == key).then_some(value)).unwrap_or_default()
}
