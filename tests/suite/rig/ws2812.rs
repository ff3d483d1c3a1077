//! Decodes the bytes on MOSI as a WS2812 strip does: bytes to runs of one level, runs to pulses, pulses to bits, bits to pixels.

use super::log::Transfer;

/// The pulse widths that a strip accepts, each as (min, max) in ns, and the low that ends a frame.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub t0h: (u32, u32),
    pub t1h: (u32, u32),
    pub t0l: (u32, u32),
    pub t1l: (u32, u32),
    pub reset_ns: u32,
}

impl Profile {
    /// The WS2812B datasheet: T0H 400, T1H 800, T0L 850, T1L 450 ns, each ± 150.
    pub const WS2812B_150: Profile =
        Profile { t0h: (250, 550), t1h: (650, 950), t0l: (700, 1000), t1l: (300, 600), reset_ns: 280_000 };

    /// The WS2812B-V5 datasheet: a shorter zero, and longer highs and lows.
    pub const WS2812B_V5: Profile =
        Profile { t0h: (220, 380), t1h: (580, 1600), t0l: (580, 1600), t1l: (220, 1600), reset_ns: 280_000 };

    /// What real strips accept beyond the datasheets, for tests that only need the picture.
    pub const LAX: Profile =
        Profile { t0h: (200, 500), t1h: (550, 5500), t0l: (450, 5000), t1l: (200, 5000), reset_ns: 280_000 };
}

/// The frames of a capture, and their timing.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    pub frames: Vec<Frame>,
    /// Pulses outside the profile, and frames that end within a pixel.
    pub faults: Vec<String>,
    pub timing: Timing,
}

/// The pixels of one latch.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The start of the transfer with the first bit, by CLOCK_MONOTONIC.
    pub write_ns: u64,
    /// The rising edge of the first bit.
    pub first_bit_ns: u64,
    /// `[r, g, b, w]`, as on a strip with the order grb. With three channels w is 0.
    pub pixels: Vec<[u8; 4]>,
    /// Bits on the wire, with those of an incomplete last pixel.
    pub bits: usize,
}

/// The measured range of each pulse width.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub t0h: Span,
    pub t1h: Span,
    pub t0l: Span,
    pub t1l: Span,
}

/// The least and the largest value so far. Without a value the least is infinite.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub min_ns: f64,
    pub max_ns: f64,
}

impl Span {
    fn note(&mut self, ns: f64) {
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
    }
}

impl Default for Span {
    fn default() -> Span {
        Span { min_ns: f64::INFINITY, max_ns: f64::NEG_INFINITY }
    }
}

/// Decodes transfers one after the other. MOSI idles low between them.
pub struct Decoder {
    profile: Profile,
    channels: usize,
    leds: usize,
    wire_ns: f64,
    level: bool,
    run_ns: f64,
    pulse: Option<Pulse>,
    first: Option<Pulse>,
    bytes: Vec<u8>,
    bits: usize,
    decoded: Decoded,
}

/// A high whose following low is not complete yet.
#[derive(Clone, Copy)]
struct Pulse {
    write_ns: u64,
    start_ns: f64,
    high_ns: f64,
}

impl Decoder {
    /// For a strip of `leds` LEDs; 0 for as many as there are bits for.
    pub fn new(profile: Profile, channels: usize, leds: usize) -> Decoder {
        assert!(matches!(channels, 3 | 4), "a pixel has 3 or 4 channels");
        Decoder {
            profile,
            channels,
            leds,
            wire_ns: 0.0,
            level: false,
            run_ns: 0.0,
            pulse: None,
            first: None,
            bytes: Vec::new(),
            bits: 0,
            decoded: Decoded::default(),
        }
    }

    pub fn feed(&mut self, transfer: &Transfer) {
        let clock_ns = 1e9 / f64::from(transfer.hz);
        // Transfers never overlap on the wire, also if the rig gives them no time.
        let idle_ns = transfer.start_ns as f64 - self.wire_ns;
        if idle_ns > 0.0 {
            self.run(false, idle_ns, transfer.start_ns);
        }
        for &byte in &transfer.bytes {
            if byte == 0 && transfer.dma {
                self.run(false, 8.0 * clock_ns, transfer.start_ns);
                continue;
            }
            let (mut rest, mut left) = (byte, 8);
            while left > 0 {
                let level = rest & 0x80 != 0;
                let same = if level { rest.leading_ones() } else { rest.leading_zeros() }.min(left);
                self.run(level, f64::from(same) * clock_ns, transfer.start_ns);
                rest = rest.checked_shl(same).unwrap_or(0);
                left -= same;
            }
            if !transfer.dma {
                // Without DMA the controller pauses for one clock after each byte, and MOSI keeps the last bit.
                self.run(byte & 1 != 0, clock_ns, transfer.start_ns);
            }
        }
    }

    /// The complete frames so far.
    pub fn frames(&self) -> &[Frame] {
        &self.decoded.frames
    }

    /// When the incomplete frame latches if the wire stays idle. `None` between two frames.
    pub fn latches_ns(&self) -> Option<u64> {
        self.pulse.map(|_| self.wire_ns as u64 + u64::from(self.profile.reset_ns))
    }

    /// The wire stays idle, which ends the incomplete frame.
    pub fn idle(&mut self) {
        self.low(f64::INFINITY);
    }

    pub fn finish(mut self) -> Decoded {
        self.idle();
        self.decoded
    }

    fn run(&mut self, level: bool, ns: f64, write_ns: u64) {
        if level != self.level {
            if level {
                self.low(self.run_ns);
            }
            self.level = level;
            self.run_ns = 0.0;
        }
        self.run_ns += ns;
        if level {
            let start_ns = self.wire_ns;
            let pulse = self.pulse.get_or_insert(Pulse { write_ns, start_ns, high_ns: 0.0 });
            pulse.high_ns = self.run_ns;
        } else if self.run_ns >= f64::from(self.profile.reset_ns) {
            self.low(self.run_ns);
        }
        self.wire_ns += ns;
    }

    /// The low after a high is complete, or long enough: together they are a bit.
    fn low(&mut self, low_ns: f64) {
        let Some(pulse) = self.pulse.take() else {
            return;
        };
        let Profile { t0h, t1h, t0l, t1l, reset_ns } = self.profile;
        let timing = &mut self.decoded.timing;
        let one = pulse.high_ns > f64::from(t0h.1 + t1h.0) / 2.0;
        let (high, low, high_span, low_span) = if one {
            (t1h, t1l, &mut timing.t1h, &mut timing.t1l)
        } else {
            (t0h, t0l, &mut timing.t0h, &mut timing.t0l)
        };
        let latch = low_ns >= f64::from(reset_ns);
        self.first.get_or_insert(pulse);
        high_span.note(pulse.high_ns);
        if !latch {
            low_span.note(low_ns);
        }
        self.judge("high", pulse.high_ns, high, pulse);
        if !latch {
            self.judge("low", low_ns, low, pulse);
        }
        if self.bits.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(byte) = self.bytes.last_mut() {
            *byte |= u8::from(one) << (7 - self.bits % 8);
        }
        self.bits += 1;
        if latch {
            self.latch();
        }
    }

    fn judge(&mut self, level: &str, ns: f64, (min, max): (u32, u32), pulse: Pulse) {
        if ns < f64::from(min) - 0.5 || ns > f64::from(max) + 0.5 {
            let (bit, at_ns) = (self.bits, pulse.start_ns);
            let fault = format!("bit {bit} at {at_ns:.0}: {level} {ns:.0} ns outside ({min}, {max})");
            self.decoded.faults.push(fault);
        }
    }

    /// The frame without the dark pixels beyond the strip. Lit ones stay, so that tests see them.
    fn seen(&self, mut pixels: Vec<[u8; 4]>) -> Vec<[u8; 4]> {
        while self.leds > 0 && pixels.len() > self.leds && pixels.last() == Some(&[0; 4]) {
            pixels.pop();
        }
        pixels
    }

    fn latch(&mut self) {
        let Some(first) = self.first.take() else {
            return;
        };
        let (bytes, bits) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.bits));
        let wide = 8 * self.channels;
        if bits % wide != 0 {
            let fault = format!("frame at {:.0}: {bits} bits, not a multiple of {wide}", first.start_ns);
            self.decoded.faults.push(fault);
        }
        let whole = bytes[..bits / 8].chunks_exact(self.channels);
        self.decoded.frames.push(Frame {
            write_ns: first.write_ns,
            first_bit_ns: first.start_ns as u64,
            pixels: self.seen(whole.map(|grbw| [grbw[1], grbw[0], grbw[2], *grbw.get(3).unwrap_or(&0)]).collect()),
            bits,
        });
    }
}
