//! The world outside the Pi: buttons, and faults of the hardware.

use std::io::Write;
use std::time::Duration;

use super::{Level, Log, Rig, SPIDEV, lock, wait_for};
use crate::child::PATIENCE;

/// Each call returns when the program on the Pi has obeyed it; a stopped program does not obey. Without a program, levels and
/// faults apply from the next start.
impl Rig {
    pub fn gpio(&self, line: u32, level: Level) {
        lock(&self.world).levels.insert(line, level);
        self.tell(&format!("gpio {line} {}", level.symbol()));
    }

    /// A clean press of 50 ms, which is over when this returns.
    pub fn press(&self, line: u32) {
        self.press_for(line, Duration::from_millis(50));
    }

    /// A clean press: the line goes to the other level, or low if it was open, and returns after `held`.
    pub fn press_for(&self, line: u32, held: Duration) {
        let rest = lock(&self.world).levels.get(&line).copied().unwrap_or(Level::Open);
        let drives = |log: &Log| log.drives.iter().filter(|drive| drive.line == line).count();
        let before = drives(&self.log());
        self.bounce(line, if rest == Level::Low { Level::High } else { Level::Low }, &[held]);
        let pid = self.log().pid;
        if let Some(pid) = pid {
            let pressed =
                wait_for(held + PATIENCE, || (drives(&self.log()) >= before + 2 || !is_running(pid)).then_some(()));
            assert!(pressed.is_some(), "line {line} was not pressed");
        }
        if rest == Level::Open {
            self.gpio(line, Level::Open);
        }
    }

    /// Drives the line to `level`, and to the other one after each delay. The edges are exact also on a busy machine. Returns
    /// when this has begun; the next command for the line ends it.
    pub fn bounce(&self, line: u32, level: Level, delays: &[Duration]) {
        assert_ne!(level, Level::Open, "a bounce is between low and high");
        let last = if delays.len().is_multiple_of(2) { level } else { level.other() };
        lock(&self.world).levels.insert(line, last);
        let delays: String = delays.iter().map(|delay| format!(" {}", delay.as_micros())).collect();
        self.tell(&format!("bounce {line} {}{delays}", level.symbol()));
    }

    /// Noise on a line: it toggles at this pace until its next command.
    pub fn hum(&self, line: u32, pace: Duration) {
        self.tell(&format!("hum {line} {}", pace.as_micros()));
    }

    /// Delivers edges of a line late, as a machine that is slow to serve interrupts. The events keep their real times.
    pub fn gpio_lag(&self, line: u32, lag: Duration) {
        self.tell(&format!("gpiolag {line} {}", lag.as_micros()));
    }

    /// Delivers the next `told` edges of a line, then loses `lost`, as if the program did not read for too long.
    pub fn gpio_lose(&self, line: u32, told: u32, lost: u32) {
        self.tell(&format!("gpiolose {line} {told} {lost}"));
    }

    /// Every write fails with `errno`; 0 ends that.
    pub fn spi_error(&self, errno: i32) {
        self.fault("spierr", u128::from(errno.unsigned_abs()));
    }

    /// This percentage of writes fails with EIO. The same seed fails the same writes.
    pub fn spi_fail_percent(&self, percent: u32) {
        self.fault("spifail", u128::from(percent));
    }

    /// Writes block until this is off again.
    pub fn spi_hang(&self, on: bool) {
        self.fault("spihang", u128::from(on));
    }

    /// The next write blocks for `stall`, in whole milliseconds.
    pub fn spi_stall(&self, stall: Duration) {
        if lock(&self.world).live {
            self.tell(&format!("spistall {}", stall.as_millis()));
        } else {
            self.fault("spistall", stall.as_millis());
        }
    }

    /// This percentage of writes blocks for `stall`, chosen by the seed.
    pub fn spi_slow_percent(&self, percent: u32, stall: Duration) {
        self.tell(&format!("spislow {percent} {}", stall.as_millis()));
    }

    /// Sets the wall clock this many seconds ahead of the real one.
    pub fn wall_clock(&self, ahead_s: i32) {
        self.tell(&format!("wall {ahead_s}"));
    }

    /// The next reading of a clock in the thread of this name fails, which makes the thread panic.
    pub fn no_clock(&self, thread: &str) {
        self.tell(&format!("noclock {thread}"));
    }

    /// The SPI device disappears with its node. Open descriptors fail with ESHUTDOWN from now on.
    pub fn spi_gone(&self) {
        self.remove(SPIDEV);
        self.tell("spigone 1");
    }

    /// A new SPI device appears under the same name.
    pub fn spi_back(&self) {
        self.put(SPIDEV, "");
    }

    /// Another program takes a line, or releases it.
    pub fn gpio_busy(&self, line: u32, busy: bool) {
        let mut world = lock(&self.world);
        if busy {
            world.busy.insert(line);
        } else {
            world.busy.remove(&line);
        }
        drop(world);
        self.tell(&format!("gpiobusy {line} {}", u32::from(busy)));
    }

    /// The GPIO chip disappears with its node. Open lines hang up and fail with ENODEV.
    pub fn gpio_gone(&self) {
        self.remove(&self.gpiochip);
        self.tell("gpiogone 1");
    }

    pub fn gpio_back(&self) {
        self.put(&self.gpiochip, "");
    }

    fn fault(&self, name: &'static str, value: u128) {
        lock(&self.world).faults.insert(name, value);
        self.tell(&format!("{name} {value}"));
    }

    fn tell(&self, command: &str) {
        let number = {
            let mut world = lock(&self.world);
            if !world.live {
                return;
            }
            world.commands += 1;
            world.commands
        };
        self.write(&format!("{command}\nsync {number}\n"));
        // A program reads commands only after it has opened its first node.
        let pid = self.log().pid;
        if let Some(pid) = pid {
            let obeyed = wait_for(PATIENCE, || (self.log().synced >= number || !is_running(pid)).then_some(()));
            assert!(obeyed.is_some(), "the pretend pi does not obey `{command}`");
        }
    }

    pub(super) fn write(&self, commands: &str) {
        assert!(commands.len() <= nix::libc::PIPE_BUF, "too long for the rig's fifo: make the bounce shorter");
        (&self.control).write_all(commands.as_bytes()).expect("cannot write to the rig's fifo");
    }
}

/// Whether a process runs: not ended, not stopped.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !"TtZX".contains(state))
}
