//! What this machine does by itself, without talklight: the floor that a figure is measured beside.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::rig::monotonic_ns;
use crate::stats::Samples;

/// Sleeps as a bare C program would.
pub fn sleep_until(ns: u64) {
    let until = TimeSpec::from_duration(Duration::from_nanos(ns));
    let absolute = ClockNanosleepFlags::TIMER_ABSTIME;
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, absolute, &until).is_err() {}
}

pub fn pause(time: Duration) {
    sleep_until(monotonic_ns() + time.as_nanos() as u64);
}

/// A thread that does nothing but sleep to an instant, again and again, until it is dropped into `late`.
pub struct Sleeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Samples>,
}

impl Sleeper {
    /// `slack_ns`: by how much the kernel may put a wake-up off; its own default if none.
    pub fn start(cadence: Duration, slack_ns: Option<u64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            if let Some(slack_ns) = slack_ns {
                set_timerslack(slack_ns).expect("a thread may set its timer slack");
            }
            let mut late = Samples::default();
            let mut next = monotonic_ns();
            while !stopped.load(Ordering::Relaxed) {
                next += cadence.as_nanos() as u64;
                sleep_until(next);
                late.push(monotonic_ns() - next);
            }
            late
        });
        Self { stop, thread }
    }

    pub fn late(self) -> Samples {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a sleeper sleeps")
    }
}

/// Keeps every core busy at normal priority while it lives.
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            let stop = Arc::clone(&stop);
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
        }
        Self(stop)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The least that a command needs: a thread that reads a socket, and one that is handed what it read.
pub struct Hops {
    socket: UnixStream,
    done: Receiver<u64>,
}

impl Hops {
    /// The first thread sleeps for `wait` before it hands on, as a button is confirmed.
    pub fn start(wait: Duration) -> Self {
        let (socket, mut theirs) = UnixStream::pair().expect("a socket");
        let (hand_on, taken) = sync_channel(1);
        let (tell, done) = channel();
        thread::spawn(move || {
            let _ = set_timerslack(1);
            let mut byte = [0];
            while theirs.read_exact(&mut byte).is_ok() {
                if !wait.is_zero() {
                    pause(wait);
                }
                let _ = hand_on.send(());
            }
        });
        thread::spawn(move || taken.iter().all(|()| tell.send(monotonic_ns()).is_ok()));
        Self { socket, done }
    }

    pub fn once(&mut self) -> u64 {
        let begun = monotonic_ns();
        self.socket.write_all(&[0]).expect("its own socket");
        self.done.recv().expect("its own thread") - begun
    }
}
