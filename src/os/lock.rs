//! Advisory locks that end with their process, and the name of the holder.

use std::fmt;
use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{major, minor};

/// The path of a file that belongs to another file, such as `control.sock.lock`.
pub fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

/// Locks `file` until it is closed.
///
/// # Errors
/// [`Held`] if another process has the lock. A file system without locks is not an error.
pub fn hold(file: &File) -> Result<(), Held> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Held { by: file.metadata().ok().and_then(|file| holder(&file)) }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Another process holds the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    by: Option<u32>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pid) = self.by else {
            return write!(f, "another process holds it; stop that one first");
        };
        write!(f, "process {pid}")?;
        if let Ok(name) = std::fs::read_to_string(format!("/proc/{pid}/comm")) {
            write!(f, " ({})", name.trim_end())?;
        }
        write!(f, " holds it; stop that one first")
    }
}

impl std::error::Error for Held {}

/// The process that holds a lock on a file, by the lines of /proc/locks, such as
/// `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`: process, device and inode.
pub fn holder(file: &Metadata) -> Option<u32> {
    let (device, inode) = (file.dev(), file.ino());
    let place = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, held, ..] = words[..] else {
            return None;
        };
        (held == place).then(|| pid.parse().ok()).flatten()
    })
}
