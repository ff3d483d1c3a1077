//! The timer's file beside the control socket: how a talk survives its process.
//!
//! It names the boot it belongs to, since its times mean nothing in another one, and is replaced whole: a process killed
//! at any moment leaves the old one or the new one. A checksum goes before the rest, so that damage is seen.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use crate::core::clock::Moment;
use crate::core::timer::Timer;
use crate::os::lock::beside;

/// A file that holds more than this is not ours.
const LENGTH_MAX: u64 = 16 * 1024;
const VERSION: u32 = 1;

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

/// What was found.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, at the start")]
pub enum Found {
    Nothing,
    Timer(Timer),
    /// A talk was under way when the machine went down; how far it had come cannot be known.
    OtherBoot,
    /// Something that cannot be trusted, and why.
    Unusable(String),
}

impl ResumeFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, boot: boot_id() }
    }

    /// The timer that the last process of this boot kept.
    pub fn find(&self, now: Moment) -> Found {
        if self.boot.is_empty() {
            return Found::Nothing;
        }
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            Err(error) => Found::Unusable(error.to_string()),
            Ok(bytes) => decode(&bytes, &self.boot, now),
        }
    }

    /// Replaces the file by one that holds `timer`.
    ///
    /// # Errors
    /// What the file system says, with the path.
    pub fn keep(&self, timer: &Timer) -> io::Result<()> {
        let draft = beside(&self.path, "new");
        let write = || {
            // What lies in the way, left by a crash or put there by somebody, is not written into.
            let _ = fs::remove_file(&draft);
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(encode(timer, &self.boot).as_bytes())?;
            fs::rename(&draft, &self.path)
        };
        write().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }

    pub fn forget(&self) {
        // What is not there need not be forgotten, and what cannot be removed is refused or resumed at the next start.
        let _ = fs::remove_file(&self.path);
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        // Non-blocking, lest a FIFO in its place keeps us waiting.
        let file =
            File::options().read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
            return Err(io::Error::other("it is not a file that this user alone can write"));
        }
        let mut bytes = Vec::new();
        // One more than there can be, so that what is longer is seen to be.
        file.take(LENGTH_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What a file holds that keeps `timer` for another process of `boot`.
pub fn encode(timer: &Timer, boot: &str) -> String {
    let record = Record { version: VERSION, boot: boot.into(), timer: *timer };
    let text = serde_json::to_string(&record).expect("a record has no maps");
    format!("{} {text}", checksum(&text))
}

/// What a file of these bytes tells a process of `boot`.
pub fn decode(bytes: &[u8], boot: &str, now: Moment) -> Found {
    let record = match record(bytes) {
        Ok(record) => record,
        Err(why) => return Found::Unusable(why),
    };
    if record.version != VERSION {
        return Found::Unusable(format!("it is of version {}, not {VERSION}", record.version));
    }
    match record.timer.last_talk().map(|talk| talk.started) {
        None if record.boot != boot => Found::Nothing,
        Some(_) if record.boot != boot => Found::OtherBoot,
        Some(began) if began > now => Found::Unusable("its talk begins in the future".into()),
        _ => Found::Timer(record.timer),
    }
}

fn record(bytes: &[u8]) -> Result<Record, String> {
    let text = str::from_utf8(bytes).unwrap_or_default();
    let (sum, text) = text.split_once(' ').unwrap_or_default();
    if bytes.len() as u64 > LENGTH_MAX || sum != checksum(text) {
        return Err("it is damaged".into());
    }
    // What it says is not said again in the log.
    serde_json::from_str(text).map_err(|_| "it is unreadable; was it kept by another version?".into())
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// Names the boot that `CLOCK_BOOTTIME` counts from.
#[cfg(target_os = "linux")]
fn boot_id() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim_end().to_owned()
}

/// Elsewhere boots cannot be told apart by name; a start in the future still gives an older one away.
#[cfg(not(target_os = "linux"))]
fn boot_id() -> String {
    "unknown".into()
}
