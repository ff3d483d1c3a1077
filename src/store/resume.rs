//! The resume file beside the control socket, by which a talk survives a restart of the daemon.
//!
//! The file names the boot it belongs to, since its times are meaningless in another one. It is replaced atomically: a kill at
//! any moment leaves either the old or the new file. It begins with a checksum, which reveals damage.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::timer::Timer;
use crate::os::private;

/// A longer file is damaged.
const FILE_BYTES_MAX: u64 = 16 * 1024;
const VERSION: u32 = 1;

/// The path of the resume file and the current boot.
#[derive(Clone, Debug)]
pub struct ResumeFile {
    path: PathBuf,
    boot: String,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    boot: String,
    timer: Timer,
}

/// The content of a resume file.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "only one value exists, at start")]
pub enum Found {
    Nothing,
    Timer(Timer),
    /// A talk was running when the machine went down. How much time has passed since is unknown.
    OtherBoot,
    /// The file is damaged or invalid, for this reason.
    Unusable(String),
}

impl ResumeFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, boot: boot_id() }
    }

    /// Reads the timer that an earlier daemon of this boot has saved.
    pub fn find(&self, now: Moment) -> Found {
        if self.boot.is_empty() {
            return Found::Nothing;
        }
        match private::read(&self.path, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Err(error) => Found::Unusable(error.to_string()),
            Ok(bytes) => decode(&bytes, &self.boot, now),
        }
    }

    /// Saves `timer`.
    ///
    /// # Errors
    /// The error of the file system, with the path.
    pub fn keep(&self, timer: &Timer) -> io::Result<()> {
        private::replace(&self.path, encode(timer, &self.boot).as_bytes())
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }

    /// Removes the file. Errors are ignored: the next start reads the file or reports it.
    pub fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The content of a file that saves `timer`.
pub fn encode(timer: &Timer, boot: &str) -> String {
    let record = Record { version: VERSION, boot: boot.into(), timer: *timer };
    let text = serde_json::to_string(&record).expect("a record has no maps");
    format!("{} {text}", checksum(&text))
}

/// Reads the content of a file, for a process of `boot`.
pub fn decode(bytes: &[u8], boot: &str, now: Moment) -> Found {
    let record = match record(bytes) {
        Ok(record) => record,
        Err(why) => return Found::Unusable(why),
    };
    if record.version != VERSION {
        return Found::Unusable(format!("it has version {}, not {VERSION}", record.version));
    }
    match record.timer.last_talk().map(|talk| talk.started) {
        None if record.boot != boot => Found::Nothing,
        Some(_) if record.boot != boot => Found::OtherBoot,
        Some(started) if started > now => Found::Unusable("its talk starts in the future".into()),
        _ => Found::Timer(record.timer),
    }
}

fn record(bytes: &[u8]) -> Result<Record, String> {
    let text = str::from_utf8(bytes).unwrap_or_default();
    let (sum, text) = text.split_once(' ').unwrap_or_default();
    if bytes.len() as u64 > FILE_BYTES_MAX || sum != checksum(text) {
        return Err("it is damaged".into());
    }
    // serde's message is left out, since it would put the file's content in the log.
    serde_json::from_str(text).map_err(|_| "it is unreadable; was it written by another version?".into())
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// The id of the current boot, from which `CLOCK_BOOTTIME` counts.
#[cfg(target_os = "linux")]
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
}

/// Other systems have no boot id. A talk that starts in the future still reveals an earlier boot.
#[cfg(not(target_os = "linux"))]
fn boot_id() -> String {
    "unknown".into()
}
