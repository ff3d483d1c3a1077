//! The log of the preload library: one line for each event, with its time by CLOCK_MONOTONIC.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::ws2812::{Decoder, Frame, Profile};
use super::{Level, monotonic_ns};

/// Bytes on MOSI.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub start_ns: u64,
    pub end_ns: u64,
    pub hz_asked: u32,
    pub hz: u32,
    pub mode: u32,
    pub dma: bool,
    pub bytes: Vec<u8>,
}

/// A failed transfer.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    pub at_ns: u64,
    pub errno: i32,
    pub bytes: usize,
}

/// A change of a line by the outside world.
#[derive(Clone, Copy, Debug)]
pub struct Drive {
    pub at_ns: u64,
    pub line: u32,
    pub level: Level,
}

/// An edge that the program read.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub at_ns: u64,
    pub line: u32,
    /// An edge to active: for a line that is active low, a falling edge.
    pub rising: bool,
    pub seq: u32,
    /// The time in the event.
    pub stamp_ns: u64,
    /// The program read too late, so the oldest edge was dropped for this one.
    pub overflowed: bool,
}

/// The program requested a line. `flags` are GPIO_V2_LINE_FLAG_ bits.
#[derive(Clone, Copy, Debug)]
pub struct LineRequest {
    pub at_ns: u64,
    pub line: u32,
    pub flags: u64,
    pub debounce_us: u32,
}

/// The program read a line's level.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub at_ns: u64,
    pub line: u32,
}

/// A reader of the growing log.
pub struct Log {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    /// The process that reads the commands.
    pub pid: Option<u32>,
    /// The number of its last `sync` command.
    pub synced: usize,
    picture: Decoder,
    pictured: usize,
    pub transfers: Vec<Transfer>,
    pub refusals: Vec<Refusal>,
    pub drives: Vec<Drive>,
    pub edges: Vec<Edge>,
    pub requests: Vec<LineRequest>,
    pub looks: Vec<Look>,
    pub wall_clock_readings: usize,
}

impl Log {
    pub fn new(path: PathBuf, channels: usize, leds: usize) -> Log {
        Log {
            path,
            file: None,
            rest: Vec::new(),
            pid: None,
            synced: 0,
            picture: Decoder::new(Profile::LAX, channels, leds),
            pictured: 0,
            transfers: Vec::new(),
            refusals: Vec::new(),
            drives: Vec::new(),
            edges: Vec::new(),
            requests: Vec::new(),
            looks: Vec::new(),
            wall_clock_readings: 0,
        }
    }

    pub fn catch_up(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return };
        let mut text = std::mem::take(&mut self.rest);
        file.read_to_end(&mut text).expect("cannot read the rig's log");
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.rest = text.split_off(whole);
        for line in String::from_utf8_lossy(&text).lines() {
            assert!(self.read(line).is_some(), "cannot parse a line of the rig's log: `{line:.80}`");
        }
    }

    /// The frames so far.
    pub fn frames(&mut self) -> &[Frame] {
        self.transfers[self.pictured..].iter().for_each(|transfer| self.picture.feed(transfer));
        self.pictured = self.transfers.len();
        if self.picture.latches_ns().is_some_and(|latches_ns| latches_ns < monotonic_ns()) {
            self.picture.idle();
        }
        self.picture.frames()
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split(' ');
        let kind = fields.next()?;
        if !matches!(kind, "S" | "F" | "G" | "E" | "L" | "V" | "W" | "T" | "K") {
            return Some(());
        }
        let at_ns = fields.next()?.parse().ok()?;
        let mut number = || fields.next()?.parse::<u64>().ok();
        match kind {
            "S" => {
                let (end_ns, hz_asked, hz) = (number()?, number()? as u32, number()? as u32);
                let (mode, dma, bytes) = (number()? as u32, number()? == 1, unhex(fields.next()?)?);
                let start_ns = at_ns;
                self.transfers.push(Transfer { start_ns, end_ns, hz_asked, hz, mode, dma, bytes });
            }
            "F" => {
                let (errno, bytes) = (number()? as i32, number()? as usize);
                self.refusals.push(Refusal { at_ns, errno, bytes });
            }
            "G" => {
                let line = number()? as u32;
                let level = Level::of(fields.next()?)?;
                self.drives.push(Drive { at_ns, line, level });
            }
            "E" => {
                let (line, rising) = (number()? as u32, number()? == 1);
                let (seq, stamp_ns) = (number()? as u32, number()?);
                let overflowed = fields.next().is_some();
                self.edges.push(Edge { at_ns, line, rising, seq, stamp_ns, overflowed });
            }
            "L" => {
                let line = number()? as u32;
                let flags = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
                let debounce_us = fields.nth(1)?.parse().ok()?;
                self.requests.push(LineRequest { at_ns, line, flags, debounce_us });
            }
            "V" => self.looks.push(Look { at_ns, line: number()? as u32 }),
            "W" => self.wall_clock_readings += 1,
            "T" => self.pid = Some(number()? as u32),
            _ => self.synced = number()? as usize,
        }
        Some(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks_exact(2) {
        bytes.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
    }
    Some(bytes)
}
