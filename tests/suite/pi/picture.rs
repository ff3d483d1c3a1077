//! The expected picture of the strip and its bytes, computed independently.

/// The plan of a talk, in milliseconds. The marks are time left.
#[derive(Clone, Copy)]
pub struct Plan {
    pub length: u64,
    pub yellow: u64,
    pub red: u64,
    pub flash: u64,
    /// Half a period of the flash, in milliseconds.
    pub half: u64,
}

impl Plan {
    /// The same plan, this many times as long.
    pub fn times(self, times: u64) -> Self {
        let Self { length, yellow, red, flash, half } = self;
        let [length, yellow, red, flash, half] = [length, yellow, red, flash, half].map(|ms| ms * times);
        Self { length, yellow, red, flash, half }
    }

    pub fn phase(self, elapsed_ns: u64) -> &'static str {
        match self.left_ns(elapsed_ns) {
            0 => "over",
            left if left <= self.flash * 1_000_000 => "flash",
            left if left <= self.red * 1_000_000 => "red",
            left if left <= self.yellow * 1_000_000 => "yellow",
            _ => "green",
        }
    }

    /// The name of the colour. None when dark.
    pub fn colour(self, elapsed_ns: u64) -> Option<&'static str> {
        let halves = self.left_ns(elapsed_ns).div_ceil(self.half * 1_000_000);
        match self.phase(elapsed_ns) {
            "over" => None,
            // Counted back from the end, the first half-period is lit, the second dark, and so on.
            "flash" => (halves % 2 == 1).then_some("red"),
            phase => Some(phase),
        }
    }

    pub fn left_ns(self, elapsed_ns: u64) -> u64 {
        (self.length * 1_000_000).saturating_sub(elapsed_ns)
    }
}

/// Five phases of 200 ms: green, yellow, red, dark, red.
pub const BRISK: Plan = Plan { length: 1000, yellow: 800, red: 600, flash: 400, half: 200 };

/// The same with phases of 500 ms.
pub const CALM: Plan = Plan { length: 2500, yellow: 2000, red: 1500, flash: 1000, half: 500 };

/// Green for an hour.
pub const LONG: Plan = Plan { length: 3_630_000, yellow: 30_000, red: 20_000, flash: 10_000, half: 500 };

/// A strip and its settings. By default colours are sent unchanged.
#[derive(Clone)]
pub struct Strip {
    pub leds: usize,
    pub chip: &'static str,
    pub order: &'static str,
    pub gamma: bool,
    pub brightness: u8,
    pub max_milliamps: u64,
    pub bar: bool,
    pub green: [u8; 3],
    pub yellow: [u8; 3],
}

impl Strip {
    pub fn channels(&self) -> usize {
        if self.chip == "ws2812" { 3 } else { 4 }
    }

    pub fn frame_bytes(&self) -> usize {
        280 + 4 * self.channels() * self.leds
    }

    /// The bytes of the longest frame that the buffer takes.
    pub fn frame_bytes_max(&self, bufsiz: usize) -> usize {
        let led = 4 * self.channels();
        280 + (bufsiz - 280) / led * led
    }

    /// The picture at `elapsed_ns` of the talk. `None` is before the talk.
    pub fn look(&self, plan: Plan, elapsed_ns: Option<u64>) -> Vec<[u8; 3]> {
        let (colour, lit) = match elapsed_ns {
            None => (READY, 1),
            Some(elapsed_ns) => {
                let lit = match self.bar {
                    false => self.leds as u64,
                    true => (plan.left_ns(elapsed_ns) * self.leds as u64).div_ceil(plan.length * 1_000_000),
                };
                match plan.colour(elapsed_ns) {
                    None => ([0; 3], 0),
                    Some("green") => (self.green, lit),
                    Some("yellow") => (self.yellow, lit),
                    Some(_) => (RED, lit),
                }
            }
        };
        (0..self.leds).map(|led| if (led as u64) < lit { colour } else { [0; 3] }).collect()
    }

    /// The bytes on the wire for an LED of this colour.
    pub fn bytes(&self, colour: [u8; 3], scale: f64) -> Vec<u8> {
        let mut channels = colour.map(|channel| {
            let part = f64::from(channel) / 255.0;
            let light = if self.gamma { part.powf(2.25) } else { part };
            (light * f64::from(self.brightness) * scale).round() as u8
        });
        if channels == [0; 3] {
            // A dim LED must not be dark, so the strongest channel keeps one step.
            let strongest = *colour.iter().max().unwrap();
            channels = colour.map(|channel| u8::from(channel > 0 && channel == strongest));
        }
        let mut white = 0;
        if self.channels() == 4 {
            white = *channels.iter().min().unwrap();
            channels = channels.map(|channel| channel - white);
        }
        let mut bytes: Vec<u8> = self.order.chars().map(|channel| channels["rgb".find(channel).unwrap()]).collect();
        if self.channels() == 4 {
            bytes.push(white);
        }
        bytes
    }

    /// The current of a frame whose channel values add up to `sum`, in units of 1 mA divided by 255 and the number of channels.
    pub fn current(&self, sum: u64) -> u64 {
        // The controller of each LED draws 1 mA.
        self.leds as u64 * 255 * self.channels() as u64 + sum * MILLIAMPS_PER_LED
    }

    /// The limit in the same unit.
    pub fn current_max(&self) -> u64 {
        match self.max_milliamps {
            0 => u64::MAX,
            limit => limit * 255 * self.channels() as u64,
        }
    }

    /// The largest scale, in steps of 2^-16, at which the beginning of every phase keeps the limit.
    pub fn scale(&self, plan: Plan) -> f64 {
        let begins = [plan.length, plan.yellow, plan.red].map(|left| {
            let look = self.look(plan, Some((plan.length - left) * 1_000_000));
            let lit = look.iter().filter(|led| **led != [0; 3]).count() as u64;
            (look[0], lit)
        });
        let steps = (0..=1 << 16).rev().map(|step| f64::from(step) / 65536.0);
        let fits = |scale: &f64| {
            begins
                .iter()
                .all(|&(colour, lit)| self.current(lit * sum(&self.bytes(colour, *scale))) <= self.current_max())
        };
        if self.max_milliamps == 0 {
            return 1.0;
        }
        steps.into_iter().find(fits).expect("the limit is high enough")
    }

    pub fn config(&self) -> String {
        let hex = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
        format!(
            "[strip]\nkind = \"spi\"\nleds = {}\nchip = \"{}\"\norder = \"{}\"\ngamma = {}\nbrightness = {}\n\
             max_milliamps = {}\nmilliamps_per_led = {MILLIAMPS_PER_LED}\npattern = \"{}\"\n\
             colours = {{ green = \"{}\", yellow = \"{}\" }}\n",
            self.leds,
            self.chip,
            self.order,
            self.gamma,
            self.brightness,
            self.max_milliamps,
            if self.bar { "bar" } else { "solid" },
            hex(self.green),
            hex(self.yellow),
        )
    }
}

pub const PLAIN: Strip = Strip {
    leds: 8,
    chip: "ws2812",
    order: "grb",
    gamma: false,
    brightness: 255,
    max_milliamps: 0,
    bar: false,
    green: [0x00, 0xff, 0x90],
    yellow: [0xff, 0xaa, 0x00],
};

const RED: [u8; 3] = [0xff, 0x00, 0x00];

const READY: [u8; 3] = [0x40, 0x40, 0x40];

pub const MILLIAMPS_PER_LED: u64 = 55;

pub fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}
