//! The same work without talklight: the least that this machine needs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;
use std::time::Duration;

use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use crate::rig::monotonic_ns;

/// The cost of a frame on the rig, with that of the rig's log.
const FRAME_NS: u64 = 100_000;

/// Sleeps by the system call, as a C program would.
fn sleep_until(ns: u64) {
    let until = TimeSpec::from_duration(Duration::from_nanos(ns));
    let absolute = ClockNanosleepFlags::TIMER_ABSTIME;
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, absolute, &until).is_err() {}
}

pub fn pause(time: Duration) {
    sleep_until(monotonic_ns() + time.as_nanos() as u64);
}

/// Wakes `times` times, once a second. The CPU time of each.
pub fn wakes_ns(times: u32) -> u64 {
    let spent = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let before = spent();
    (0..times).for_each(|_| pause(Duration::from_secs(1)));
    ((spent() - before) / times).as_nanos() as u64
}

/// How late three threads wake from a sleep until every `cadence` while `work` runs: one with the default timer slack, one
/// without slack, and one that also works as long as a frame takes, for which the scheduler lowers its priority. `busy` threads
/// never sleep.
pub fn beside(cadence: Duration, busy: usize, work: impl FnOnce()) -> [Vec<u64>; 3] {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    let stop = &AtomicBool::new(false);
    let sleep = |slack_ns: Option<u64>, work_ns: u64, mut next: u64| {
        let mut late = Vec::new();
        slack_ns.map(set_timerslack);
        while !stop.load(Relaxed) {
            next += cadence.as_nanos() as u64;
            sleep_until(next);
            let woken = monotonic_ns();
            late.push(woken - next);
            while monotonic_ns() < woken + work_ns {}
        }
        late
    };
    thread::scope(|scope| {
        let stopping = Stop(stop);
        (0..busy).for_each(|_| drop(scope.spawn(|| while !stop.load(Relaxed) {})));
        let (now, part) = (monotonic_ns(), cadence.as_nanos() as u64 / 4);
        let sleepers = [
            scope.spawn(move || sleep(None, 0, now)),
            scope.spawn(move || sleep(Some(1), 0, now + part)),
            scope.spawn(move || sleep(Some(1), FRAME_NS, now + 2 * part)),
        ];
        work();
        drop(stopping);
        sleepers.map(|sleeper| sleeper.join().unwrap())
    })
}

/// The least that a command needs: one thread reads a socket and hands the line to another.
pub struct Hops(UnixStream, Receiver<u64>);

impl Hops {
    pub fn start() -> Self {
        let (socket, mut theirs) = UnixStream::pair().unwrap();
        let (hand_on, taken) = sync_channel(1);
        let (tell, done) = channel();
        thread::spawn(move || {
            set_timerslack(1).unwrap();
            let mut wait = [0; 8];
            while theirs.read_exact(&mut wait).is_ok() {
                pause(Duration::from_nanos(u64::from_ne_bytes(wait)));
                let _ = hand_on.send(());
            }
        });
        thread::spawn(move || taken.iter().all(|()| tell.send(monotonic_ns()).is_ok()));
        Self(socket, done)
    }

    /// The first thread sleeps for `wait` before it hands the line on, as the debounce of a button does.
    pub fn once(&mut self, wait: Duration) -> u64 {
        let begun = monotonic_ns();
        let wait = wait.as_nanos() as u64;
        self.0.write_all(&wait.to_ne_bytes()).unwrap();
        self.1.recv().unwrap() - begun
    }
}
