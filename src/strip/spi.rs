//! A WS2812 or SK6812 strip on the data line of an SPI bus.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rppal::spi::{Bus, Error as SpiError, Mode, SlaveSelect, Spi};
use smart_leds::{RGB8, RGBW, SmartLedsWrite, White};
use ws2812_spi::hosted::Ws2812;

use super::{StripError, Writer};
use crate::core::drive::{Chip, Wire};
use crate::os::cmdline;
use crate::os::lock::{self, Held};

/// The kernel's default for spidev's buffer, in bytes: the longest write.
pub const BUFSIZ_DEFAULT: usize = 4096;

/// The file with the actual size.
const BUFSIZ_FILE: &str = "/sys/module/spidev/parameters/bufsiz";

/// The bytes of one frame: 140 zeros before and after it, and four bits on the wire for each bit of colour. The zeros hold the
/// line low before the first bit and latch the frame after the last one (339 us at 3.3 MHz; WS2812B needs 280).
pub const fn frame_bytes(leds: usize, chip: Chip) -> usize {
    280 + leds * chip.channels() * 4
}

/// The colour bytes of the longest frame that a buffer of `bufsiz` bytes takes.
const fn bytes_max(bufsiz: usize) -> usize {
    bufsiz.saturating_sub(280) / 4
}

/// The LEDs of the longest frame that a buffer of `bufsiz` bytes takes.
pub const fn leds_max(bufsiz: usize, chip: Chip) -> usize {
    bytes_max(bufsiz) / chip.channels()
}

/// The size of spidev's buffer here: as the loaded module says, else as the kernel's command line says.
pub fn bufsiz() -> usize {
    let read = |path| std::fs::read_to_string(path).ok();
    read(BUFSIZ_FILE)
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| cmdline::number(&read("/proc/cmdline")?, "spidev.bufsiz"))
        .unwrap_or(BUFSIZ_DEFAULT)
}

const LONGER_BUFFER: &str = "append `spidev.bufsiz=65536` to the line of /boot/firmware/cmdline.txt, and reboot";

/// A device node of SPI0: `/dev/spidev0.0` or `/dev/spidev0.1`. They differ in the chip select, which a strip ignores. The
/// other buses have other pins, and SPI1 has no DMA, without which there are gaps between bytes.
#[derive(Clone, Debug)]
pub struct Device {
    path: PathBuf,
    chip_select: SlaveSelect,
}

impl Device {
    /// `None` for any other path.
    pub fn new(path: &str) -> Option<Self> {
        let chip_select = match path {
            "/dev/spidev0.0" => SlaveSelect::Ss0,
            "/dev/spidev0.1" => SlaveSelect::Ss1,
            _ => return None,
        };
        Some(Self { path: path.into(), chip_select })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The bus. It is opened with the first frame that finds it, and again after each error.
pub struct SpiWriter {
    device: Device,
    clock_hz: u32,
    /// The size of spidev's buffer, in bytes.
    bufsiz: usize,
    open: Option<Open>,
}

impl SpiWriter {
    /// A missing or broken device is not an error here: each frame tries again and reports it.
    ///
    /// # Errors
    /// [`Held`] if another process drives this strip.
    pub fn new(device: Device, clock_hz: u32) -> Result<Self, Held> {
        let open = match Open::new(&device, clock_hz) {
            Err(Fault::Held(held)) => return Err(held),
            open => open.ok(),
        };
        Ok(Self { device, clock_hz, bufsiz: bufsiz(), open })
    }

    fn send(&mut self, wire: &[Wire], chip: Chip) -> Result<(), Fault> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open::new(&self.device, self.clock_hz)?),
        };
        // A new driver for each frame: after an error the old one would send the failed frame before the next one. The driver
        // sends green, red, blue and white; the bytes under these names are already in the order of the strip.
        let sent = match chip {
            Chip::Ws2812 => {
                let rgb = |&[g, r, b, _]: &Wire| RGB8 { r, g, b };
                Ws2812::new(&mut open.spi).write(wire.iter().map(rgb))
            }
            Chip::Sk6812Rgbw => {
                let rgbw = |&[g, r, b, w]: &Wire| RGBW { r, g, b, a: White(w) };
                Ws2812::new_sk6812w(&mut open.spi).write(wire.iter().map(rgbw))
            }
        };
        sent.map_err(Fault::Spi)
    }
}

impl Writer for SpiWriter {
    fn bytes_max(&self) -> usize {
        bytes_max(self.bufsiz)
    }

    fn write(&mut self, wire: &[Wire], chip: Chip) -> Result<(), StripError> {
        self.send(wire, chip).map_err(|fault| {
            // A descriptor of a node that was removed never works again.
            self.open = None;
            StripError(fault.explain(&self.device))
        })
    }
}

struct Open {
    spi: Spi,
    /// spidev allows two processes at once; this lock does not.
    _lock: File,
}

impl Open {
    fn new(device: &Device, clock_hz: u32) -> Result<Self, Fault> {
        let node = File::options().read(true).write(true).open(&device.path).map_err(Fault::Open)?;
        lock::hold(&node).map_err(Fault::Held)?;
        let spi = Spi::new(Bus::Spi0, device.chip_select, clock_hz, Mode::Mode0).map_err(Fault::Spi)?;
        Ok(Self { spi, _lock: node })
    }
}

enum Fault {
    Open(io::Error),
    Held(Held),
    Spi(SpiError),
}

impl Fault {
    fn explain(&self, device: &Device) -> String {
        let path = device.path.display();
        let error = match self {
            Self::Held(held) => return format!("{path} is in use: {held}"),
            Self::Spi(SpiError::Io(error)) | Self::Open(error) => error,
            Self::Spi(error) => return format!("{path}: {error}"),
        };
        match error.kind() {
            io::ErrorKind::NotFound => {
                format!("{path} is not there; is `dtparam=spi=on` in /boot/firmware/config.txt?")
            }
            io::ErrorKind::PermissionDenied => {
                format!("{path} may not be opened; is this user in the group `spi`?")
            }
            _ if error.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32) => {
                format!("{path}: the frame is longer than spidev's buffer; {LONGER_BUFFER}")
            }
            _ => format!("{path}: {error}"),
        }
    }
}
