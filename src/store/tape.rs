//! The tape: every frame in a file, one line of JSON each.
//!
//! A thread of its own writes, so that a slow disk delays no frame. What it cannot take in time is left out, and the
//! line after says how much.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::core::clock::Moment;
use crate::core::look::Rgb;
use crate::core::timer::Phase;
use crate::engine::event::{Event, Events, Origin};

/// Frames that may wait for the disk: two minutes' flashing.
const QUEUE: usize = 256;
/// How long the end waits for a disk that takes nothing.
const FLUSH: Duration = Duration::from_secs(1);

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
struct Line<'a> {
    t_ns: u64,
    phase: &'a str,
    leds: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
}

impl Tape {
    /// Goes on with the tape at `path`, or begins it. Should it take no more, `events` hears of it once.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path, events: Events) -> io::Result<Self> {
        // Non-blocking, lest a FIFO in its place keeps us waiting.
        let nonblock = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let file = File::options().append(true).create(true).custom_flags(nonblock).open(path)?;
        let (frames, queue) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(1);
        let path = path.display().to_string();
        thread::Builder::new().name("tape".into()).spawn(move || {
            if let Err(error) = write(file, &queue) {
                let _ = events.send(Event::Input(Origin::Tape, Some(format!("{path}: {error}").into())));
            }
            let _ = finished.send(());
        })?;
        Ok(Self { frames: Some(frames), left_out: 0, done })
    }

    /// Records one frame. Never waits.
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
    /// Waits until all is written.
    fn drop(&mut self) {
        self.frames = None;
        let _ = self.done.recv_timeout(FLUSH);
    }
}

/// Writes until the last frame, or until the disk takes no more: the tape ends there, the talk goes on.
fn write(file: File, queue: &Receiver<Frame>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    for Frame { at, phase, leds, left_out } in queue {
        let leds = leds.iter().map(|Rgb { r, g, b }| format!("{r:02x}{g:02x}{b:02x}")).collect();
        let line = Line { t_ns: at.as_ns(), phase: phase.as_str(), leds, left_out };
        serde_json::to_writer(&mut file, &line)?;
        file.write_all(b"\n")?;
        file.flush()?;
    }
    Ok(())
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it with a reference
fn is_zero(number: &u64) -> bool {
    *number == 0
}
