//! The file of the paired devices: a line of JSON about the timer, and one for each device, the oldest first.
//!
//! Talklight 0.2 wrote only the hash of each device, one a line. Such a file is read, too.

use std::collections::VecDeque;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::device::Device;
use super::{PAIRED_MAX, secret};
use crate::os::private;

/// More than a file of [`PAIRED_MAX`] devices has.
const BYTES_MAX: u64 = 64 * 1024;
const UNREADABLE: &str = "it does not hold paired devices";

/// What the file holds.
#[derive(Clone, Debug, Default)]
pub struct Paired {
    pub timer: TimerName,
    /// The oldest first.
    pub devices: VecDeque<Device>,
}

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerName {
    /// Tells this timer from another one on the same host, whose cookies a browser sends to both.
    pub timer: String,
    /// Since when the file has this form. Counts for devices without a time of their own.
    pub since_s: u64,
}

/// Reads the file. The second value is false if it is in the form of talklight 0.2.
///
/// # Errors
/// The system's error, or why the file is not accepted.
pub fn read(path: &Path) -> io::Result<(Paired, bool)> {
    let bytes = private::read(path, BYTES_MAX)?;
    let text = str::from_utf8(&bytes).map_err(|_| io::Error::other(UNREADABLE))?;
    let mut lines = text.lines();
    let paired = if text.starts_with('{') {
        let timer = lines.next().and_then(|line| serde_json::from_str(line).ok());
        let devices: Option<_> = lines.map(|line| serde_json::from_str(line).ok()).collect();
        timer.zip(devices).map(|(timer, devices)| (Paired { timer, devices }, true))
    } else {
        let devices: Option<_> = lines.map(|line| secret::unhex(line).map(Device::unknown)).collect();
        devices.map(|devices| (Paired { timer: TimerName::default(), devices }, false))
    };
    let is_good = |paired: &Paired, is_new: bool| {
        let name = paired.timer.timer.bytes();
        paired.devices.len() <= PAIRED_MAX
            && (!is_new || name.len() > 0 && name.clone().all(|b| b.is_ascii_alphanumeric()))
    };
    paired.filter(|(paired, is_new)| is_good(paired, *is_new)).ok_or_else(|| io::Error::other(UNREADABLE))
}

/// Replaces the file. Without fsync, which would delay all requests of the web.
///
/// # Errors
/// The system's error.
pub fn save(path: &Path, paired: &Paired) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut text = serde_json::to_string(&paired.timer)? + "\n";
    for device in &paired.devices {
        text += &(serde_json::to_string(device)? + "\n");
    }
    private::replace(path, text.as_bytes())
}
