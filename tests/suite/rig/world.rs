//! The world outside of the Pi: buttons, and faults of the hardware.

use std::io::Write;
use std::time::Duration;

use super::{Level, Log, Rig, SPIDEV, lock, wait_for};
use crate::child::PATIENCE;

/// The outside world. Each call returns once the Pi has taken it; a program that is stopped takes nothing. What no program is
/// there to take holds from the next start.
impl Rig {
    pub fn gpio(&self, line: u32, level: Level) {
        lock(&self.world).levels.insert(line, level);
        self.tell(&format!("gpio {line} {}", level.symbol()));
    }

    /// A clean press of 50 ms, done when this returns.
    pub fn press(&self, line: u32) {
        self.press_for(line, Duration::from_millis(50));
    }

    /// A clean press: the line goes to the other level, or low if it was open, and is let go after `held`.
    pub fn press_for(&self, line: u32, held: Duration) {
        let rest = lock(&self.world).levels.get(&line).copied().unwrap_or(Level::Open);
        let drives = |log: &Log| log.drives.iter().filter(|drive| drive.line == line).count();
        let before = drives(&self.log());
        self.bounce(line, if rest == Level::Low { Level::High } else { Level::Low }, &[held]);
        let pid = self.log().pid;
        if let Some(pid) = pid {
            let pressed =
                wait_for(held + PATIENCE, || (drives(&self.log()) >= before + 2 || !hears(pid)).then_some(()));
            assert!(pressed.is_some(), "line {line} was not pressed");
        }
        if rest == Level::Open {
            self.gpio(line, Level::Open);
        }
    }

    /// Drives the line to `level`, and to the other one after each delay: exact however busy the machine is. Returns once it
    /// has begun; the next command for the line ends it.
    pub fn bounce(&self, line: u32, level: Level, delays: &[Duration]) {
        assert_ne!(level, Level::Open, "a bounce is between low and high");
        let last = if delays.len().is_multiple_of(2) { level } else { level.other() };
        lock(&self.world).levels.insert(line, last);
        let delays: String = delays.iter().map(|delay| format!(" {}", delay.as_micros())).collect();
        self.tell(&format!("bounce {line} {}{delays}", level.symbol()));
    }

    /// A line that picks up noise: it toggles at this pace until its next command.
    pub fn hum(&self, line: u32, pace: Duration) {
        self.tell(&format!("hum {line} {}", pace.as_micros()));
    }

    /// The program hears of a line's edges this late, as on a machine that is slow to serve its interrupts. Each tells when it was.
    pub fn gpio_lag(&self, line: u32, lag: Duration) {
        self.tell(&format!("gpiolag {line} {}", lag.as_micros()));
    }

    /// Of a line's next edges so many are told and so many then lost, as when the program does not read them for too long.
    pub fn gpio_lose(&self, line: u32, told: u32, lost: u32) {
        self.tell(&format!("gpiolose {line} {told} {lost}"));
    }

    /// Every write fails with `errno`; 0: they work again.
    pub fn spi_error(&self, errno: i32) {
        self.fault("spierr", u128::from(errno.unsigned_abs()));
    }

    /// A write fails with EIO at this chance, from 0 to 100; the same seed fails the same writes.
    pub fn spi_fail_percent(&self, percent: u32) {
        self.fault("spifail", u128::from(percent));
    }

    /// Every write blocks until this is switched off.
    pub fn spi_hang(&self, on: bool) {
        self.fault("spihang", u128::from(on));
    }

    /// The next write blocks this long, once, in whole milliseconds.
    pub fn spi_stall(&self, stall: Duration) {
        if lock(&self.world).live {
            self.tell(&format!("spistall {}", stall.as_millis()));
        } else {
            self.fault("spistall", stall.as_millis());
        }
    }

    /// A write blocks this long at this chance, from 0 to 100, as the seed has it.
    pub fn spi_slow_percent(&self, percent: u32, stall: Duration) {
        self.tell(&format!("spislow {percent} {}", stall.as_millis()));
    }

    /// Sets the wall clock this many seconds ahead of the real one.
    pub fn wall_clock(&self, ahead_s: i32) {
        self.tell(&format!("wall {ahead_s}"));
    }

    /// Makes the next reading of a clock fail in the program's thread of this name: what cannot happen, happens there.
    pub fn no_clock(&self, thread: &str) {
        self.tell(&format!("noclock {thread}"));
    }

    /// The SPI device goes: its node vanishes, and what has it open fails with ESHUTDOWN for ever.
    pub fn spi_gone(&self) {
        self.remove(SPIDEV);
        self.tell("spigone 1");
    }

    /// A new SPI device comes under the old name.
    pub fn spi_back(&self) {
        self.put(SPIDEV, "");
    }

    /// Another program takes a line, or gives it back: it can be asked for again only then.
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

    /// The gpiochip goes: its node vanishes, open lines hang up and fail with ENODEV.
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
        // A program that has not opened a node yet reads its commands when it does.
        let pid = self.log().pid;
        if let Some(pid) = pid {
            let heard = wait_for(PATIENCE, || (self.log().synced >= number || !hears(pid)).then_some(()));
            assert!(heard.is_some(), "the pretend pi does not hear `{command}`");
        }
    }

    pub(super) fn write(&self, commands: &str) {
        assert!(commands.len() <= nix::libc::PIPE_BUF, "too long for the rig's fifo: make the bounce shorter");
        (&self.control).write_all(commands.as_bytes()).expect("cannot write to the rig's fifo");
    }
}

/// A process that has ended or is stopped does nothing that one could wait for.
fn hears(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !"TtZX".contains(state))
}
