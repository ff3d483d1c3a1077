//! The expected picture, computed independently from the start of the talk and the time.

use talklight::core::timer::Phase;

/// A bar without gamma, at full brightness, without a limit of current. Times are in milliseconds; marks are time left.
#[derive(Clone, Copy)]
pub struct Bar {
    pub leds: usize,
    pub length: u64,
    pub yellow: u64,
    pub red: u64,
    pub flash: u64,
    pub half: u64,
}

/// In the channel order of the rig's pixels.
pub type Pixels = Vec<[u8; 4]>;

impl Bar {
    pub fn config(&self) -> String {
        let Self { leds, length, yellow, red, flash, half } = self;
        format!(
            r##"
strip = {{ kind = "spi", leds = {leds}, pattern = "bar", gamma = false, brightness = 255, max_milliamps = 0, colours = {{ green = "#00ff90", yellow = "#ffaa00", red = "#ff0000", ready = "#404040" }} }}
flash = {{ hz = {:?} }}
[[plan]]
name = "bar"
length = "{length}ms"
yellow = "{yellow}ms"
red = "{red}ms"
flash = "{flash}ms"
"##,
            500.0 / *half as f64
        )
    }

    pub fn phase(&self, elapsed_ns: u64) -> Phase {
        match self.left_ns(elapsed_ns) {
            0 => Phase::Over,
            left if left <= self.flash * 1_000_000 => Phase::Flash,
            left if left <= self.red * 1_000_000 => Phase::Red,
            left if left <= self.yellow * 1_000_000 => Phase::Yellow,
            _ => Phase::Green,
        }
    }

    pub fn pixels(&self, elapsed_ns: u64) -> Pixels {
        let left_ns = self.left_ns(elapsed_ns);
        let lit = (left_ns * self.leds as u64).div_ceil(self.length * 1_000_000);
        // Counted back from the end, the first half-period is lit, the second dark, and so on.
        let dark = left_ns.div_ceil(self.half * 1_000_000).is_multiple_of(2);
        match self.phase(elapsed_ns) {
            Phase::Green => self.first(lit, [0x00, 0xff, 0x90, 0]),
            Phase::Yellow => self.first(lit, [0xff, 0xaa, 0x00, 0]),
            Phase::Flash if dark => self.first(0, [0; 4]),
            _ => self.first(lit, [0xff, 0x00, 0x00, 0]),
        }
    }

    /// The picture before a talk.
    pub fn ready(&self) -> Pixels {
        self.first(1, [0x40, 0x40, 0x40, 0])
    }

    fn left_ns(&self, elapsed_ns: u64) -> u64 {
        (self.length * 1_000_000).saturating_sub(elapsed_ns)
    }

    fn first(&self, lit: u64, colour: [u8; 4]) -> Pixels {
        let led = |led| if led < lit { colour } else { [0; 4] };
        (0..self.leds as u64).map(led).collect()
    }
}
