//! The tape: a file with every frame, as one line of JSON each.
//!
//! A separate thread writes the file, so that a slow disk delays no frame. Frames that it cannot write in time are left out;
//! the next line says how many.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::timer::Phase;
use crate::engine::event::{Event, Events, Origin};

/// Frames that may wait for the disk: two minutes of flashing.
const QUEUE: usize = 256;
/// How long dropping the tape waits for the disk.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// The delay before a file that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The sending end of the tape.
pub struct Tape {
    frames: Option<SyncSender<Frame>>,
    left_out: u64,
    done: Receiver<()>,
}

struct Frame {
    at: Moment,
    phase: Phase,
    leds: Vec<Rgb>,
    left_out: u64,
}

#[derive(Serialize)]
struct Line {
    t_ns: u64,
    phase: Phase,
    leds: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
}

impl Tape {
    /// Opens the tape at `path`; new frames are appended. A failed write is sent to `events` as a fault and tried again.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn new(path: &Path, events: Events) -> io::Result<Self> {
        let (frames, queue) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(1);
        let writer = Writer { path: path.into(), file: None, tried: None, is_told: false, left_out: 0, events };
        thread::Builder::new().name("tape".into()).spawn(move || {
            writer.run(&queue);
            let _ = finished.send(());
        })?;
        Ok(Self { frames: Some(frames), left_out: 0, done })
    }

    /// Records one frame. Never blocks.
    pub fn record(&mut self, at: Moment, phase: Phase, leds: &[Rgb]) {
        let Some(frames) = &self.frames else { return };
        match frames.try_send(Frame { at, phase, leds: leds.to_vec(), left_out: self.left_out }) {
            Ok(()) => self.left_out = 0,
            Err(TrySendError::Full(_)) => self.left_out += 1,
            Err(TrySendError::Disconnected(_)) => self.frames = None,
        }
    }
}

impl Drop for Tape {
    /// Waits until all frames are written, for at most a second.
    fn drop(&mut self) {
        self.frames = None;
        let _ = self.done.recv_timeout(FLUSH_TIMEOUT);
    }
}

/// The writing end of the tape, on its own thread.
struct Writer {
    path: PathBuf,
    file: Option<File>,
    /// When the last write was tried, if it failed.
    tried: Option<Moment>,
    /// Whether the engine has been told of a fault.
    is_told: bool,
    left_out: u64,
    events: Events,
}

impl Writer {
    /// Writes frames until the sending end is dropped.
    fn run(mut self, queue: &Receiver<Frame>) {
        for frame in queue {
            self.left_out += frame.left_out;
            if self.tried.is_some_and(|tried| frame.at.since(tried) < RETRY) {
                self.left_out += 1;
                continue;
            }
            let written = self.write(&frame);
            self.tried = written.is_err().then_some(frame.at);
            let fault = written.err().map(|error| {
                self.file = None;
                self.left_out += 1;
                format!("{}: {error}", self.path.display()).into()
            });
            // Not blocking, because the engine may be waiting for this thread to end; the next frame tries again.
            let is_news = fault.is_some() || self.is_told;
            if is_news && self.events.try_send(Event::Fault(Origin::Tape, fault)) == Ok(true) {
                self.is_told = self.tried.is_some();
            }
        }
    }

    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(open(&self.path)?),
        };
        let leds = frame.leds.iter().map(|Rgb { r, g, b }| format!("{r:02x}{g:02x}{b:02x}")).collect();
        let line = Line { t_ns: frame.at.as_ns(), phase: frame.phase, leds, left_out: self.left_out };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        let length = file.metadata()?.len();
        file.write_all(&line).inspect_err(|_| {
            // A full disk takes a part of a line; without that part the next line begins where a line begins.
            let _ = file.set_len(length);
        })?;
        self.left_out = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Non-blocking, since opening a FIFO in its place would block.
    let nonblock = nix::fcntl::OFlag::O_NONBLOCK.bits();
    File::options().append(true).create(true).custom_flags(nonblock).open(path)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
