//! The rig's part of the daemon's CPU time for a frame.

use std::env::current_exe;
use std::fs::File;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rppal::spi::{Bus, Mode, SlaveSelect, Spi};
use talklight::core::drive::Chip;
use talklight::strip::spi::frame_bytes;

use crate::figures::pi;
use crate::floor::pause;
use crate::rig::Rig;

/// Runs this program as a writer of this many frames, one a second, to the rig's strip or to /dev/null.
pub const FLAG: &str = "--writer";
const NOWHERE: &str = "/dev/null";

/// Writes the frames, and prints the CPU time of each.
pub fn run(arguments: &[String]) {
    let [frames, to] = arguments else { panic!("{FLAG} takes how many frames, and where to") };
    let frames: u32 = frames.parse().unwrap();
    let bytes = vec![0x88; frame_bytes(60, Chip::Ws2812)];
    let mut write: Box<dyn FnMut()> = if to == NOWHERE {
        let mut file = File::options().write(true).open(to).unwrap();
        Box::new(move || file.write_all(&bytes).unwrap())
    } else {
        let spi = Spi::new(Bus::Spi0, SlaveSelect::Ss0, 3_300_000, Mode::Mode0);
        let mut spi = spi.unwrap();
        Box::new(move || assert_eq!(spi.write(&bytes).unwrap(), bytes.len()))
    };
    // Only this thread: the figures of the daemon exclude the rig's thread too.
    let spent = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    write();
    let before = spent();
    for _ in 0..frames {
        pause(Duration::from_secs(1));
        write();
    }
    println!("{}", ((spent() - before) / frames).as_nanos());
}

/// Two writers that differ only in the target.
pub struct Writers {
    rig: Rig,
    nowhere: Child,
}

impl Writers {
    pub fn start(frames: u32) -> Self {
        let (rig, me) = (pi(), current_exe().unwrap());
        let arguments = |to| [FLAG.to_owned(), frames.to_string(), String::from(to)];
        rig.start(&me, arguments("the strip"));
        let mut nowhere = Command::new(me);
        nowhere.args(arguments(NOWHERE)).stdout(Stdio::piped());
        Self { rig, nowhere: nowhere.spawn().unwrap() }
    }

    /// Waits for both. Returns the additional CPU time of a frame on the rig.
    pub fn rigs_share_ns(self) -> u64 {
        let Self { rig, nowhere } = self;
        let ended = rig.wait_exit(Duration::from_secs(20));
        assert!(ended.is_some_and(|status| status.success()));
        let on_rig: u64 = rig.output()[0].parse().unwrap();
        let output = nowhere.wait_with_output().unwrap();
        let bare: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
        on_rig.saturating_sub(bare)
    }
}
