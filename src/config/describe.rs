//! Describes a config in words, for `talklight check`.

use std::time::Duration;

use super::convert::HEADER_PINS;
use super::{Active, Buttons, Config, Kind};
use crate::core::drive::Drive;
use crate::core::look::{Look, Pattern, Picture, ReadyLook};
use crate::core::plan::{Clock, Plan};

impl Config {
    /// The config in words, several lines without a final newline.
    pub fn describe(&self) -> String {
        let mut lines: Vec<_> = self.plans.iter().map(describe_plan).collect();
        if self.plans.len() > 1 {
            lines.push(format!("the button starts {}", self.chosen.name()));
        }
        lines.extend(self.describe_strip());
        lines.push(match &self.buttons {
            Some(buttons) => buttons.describe(),
            None => "no button".into(),
        });
        if let Some(socket) = &self.socket {
            lines.push(format!("control socket {}", socket.display()));
        }
        if let Some(tape) = &self.tape {
            lines.push(format!("every frame is recorded in {}", tape.display()));
        }
        lines.join("\n")
    }

    fn describe_strip(&self) -> Vec<String> {
        let Look { leds, pattern, ready, flash_half, .. } = self.look;
        let pictures: Vec<_> = self.look.brightest(&self.plans).collect();
        let mut lines = match &self.strip {
            Kind::Simulated(drive) => {
                let mut lines = vec![format!("{}, simulated", count(leds))];
                lines.extend(
                    drive.as_ref().map(|drive| format!("as a real strip, {}", current(drive, leds, &pictures))),
                );
                lines
            }
            #[cfg(target_os = "linux")]
            Kind::Spi(spi) => spi.describe(leds, &pictures),
        };
        let pattern = match pattern {
            Pattern::Solid => "every LED in the phase's colour",
            Pattern::Bar => "a bar that shortens with the time left",
        };
        let ready = match ready {
            ReadyLook::Dot => "the first LED dim",
            ReadyLook::Off => "dark",
        };
        lines.push(format!("{pattern}; before a talk {ready}"));
        let hz = (500.0 / flash_half.as_secs_f64()).round() / 1000.0;
        lines.push(format!("flash: at most {hz} a second, as long dark as lit"));
        lines
    }
}

#[cfg(target_os = "linux")]
impl super::SpiConfig {
    fn describe(&self, leds: usize, pictures: &[Picture]) -> Vec<String> {
        /// The window of the WS2812B's data sheet: T1H = 3/f ≤ 950 ns and T1L = 1/f ≥ 300 ns.
        const WS2812B_HZ: std::ops::RangeInclusive<u32> = 3_158_000..=3_333_000;
        let settings = self.drive.settings();
        let mut lines = vec![format!(
            "{} {} in the order {} on {} at {} MHz",
            count(leds),
            name_of(&crate::core::drive::Chip::ALL, settings.chip),
            name_of(&crate::core::drive::Order::ALL, settings.order),
            self.device.path().display(),
            f64::from(self.clock_hz) / 1e6,
        )];
        if !WS2812B_HZ.contains(&self.clock_hz) {
            let what = "this clock is outside the WS2812B's data sheet, 3.158 to 3.333 MHz; 3.3 MHz works on every Pi";
            lines.push(what.into());
        }
        lines.push(current(&self.drive, leds, pictures));
        lines
    }
}

impl Buttons {
    fn describe(&self) -> String {
        let hold = humantime::format_duration(self.hold);
        let start = self.start.map(|gpio| match self.reset {
            Some(_) => format!("{} starts", pin(gpio)),
            None => format!("{} starts; held for {hold} it resets", pin(gpio)),
        });
        let reset = self.reset.map(|gpio| format!("{} resets", pin(gpio)));
        let level = match self.active {
            Active::Low => "low",
            Active::High => "high",
        };
        let parts: Vec<_> = start.into_iter().chain(reset).collect();
        format!("button: {}; pressed is {level}", parts.join(", "))
    }
}

/// The current of the strip, and by how much the limit dims it.
fn current(drive: &Drive, leds: usize, pictures: &[Picture]) -> String {
    let milliamps = drive.milliamps(leds, pictures);
    let dimmed = match (drive.scale() * 100.0).floor() {
        100.0 => String::new(),
        part => format!(", dimmed to {part} % by the limit of {} mA", drive.settings().max_milliamps),
    };
    format!("{} draw at most {milliamps} mA{dimmed}", count(leds))
}

fn describe_plan(plan: &Plan) -> String {
    let flashing = if plan.red() == plan.flash() { "flashing red" } else { "flashing" };
    let phases = [
        ("green", plan.length() - plan.yellow()),
        ("yellow", plan.yellow() - plan.red()),
        ("red", plan.red() - plan.flash()),
        (flashing, plan.flash()),
    ];
    let phases: String = phases
        .into_iter()
        .filter(|(_, time)| !time.is_zero())
        .map(|(phase, time)| format!("{phase} for {}, ", Clock(time)))
        .collect();
    format!("{}, {}: {phases}then off", plan.name(), Clock(plan.length()))
}

fn pin(gpio: u32) -> String {
    format!("GPIO {gpio} (pin {})", HEADER_PINS[gpio as usize])
}

pub(super) fn count(leds: usize) -> String {
    match leds {
        1 => "1 LED".into(),
        _ => format!("{leds} LEDs"),
    }
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(target_os = "linux")]
fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], meaning: T) -> &'static str {
    names.iter().find(|(_, named)| *named == meaning).map_or("", |(name, _)| name)
}
