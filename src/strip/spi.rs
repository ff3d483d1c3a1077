//! A WS2812 or SK6812 strip on the data line of an SPI bus.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rppal::spi::{Bus, Error as SpiError, Mode, SlaveSelect, Spi};
use smart_leds_trait::{RGB8, RGBW, SmartLedsWrite, White};
use ws2812_spi::hosted::{Ws2812, devices::Sk6812w};

use super::{Strip, StripError};
use crate::drive::{Chip, Drive, Wire};
use crate::frame::Rgb;
use crate::lock::{self, Held};

/// The kernel's default for the longest write that spidev takes, in bytes.
pub const BUFSIZ_DEFAULT: usize = 4096;

/// Where the kernel tells it.
const BUFSIZ_FILE: &str = "/sys/module/spidev/parameters/bufsiz";

/// The bytes of one frame: 140 zeros on either side, which hold the line low before the first bit and latch the frame
/// after the last (339 us at 3.3 MHz; WS2812B wants 280), and four bits on the wire for each bit of colour.
pub const fn frame_bytes(leds: usize, chip: Chip) -> usize {
    280 + leds * chip.channels() * 4
}

/// The longest write that spidev takes here: as the running module says, else as the kernel was told at boot.
pub fn bufsiz() -> usize {
    let read = |path| std::fs::read_to_string(path).ok();
    read(BUFSIZ_FILE)
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| bufsiz_in(&read("/proc/cmdline")?))
        .unwrap_or(BUFSIZ_DEFAULT)
}

/// The same as a kernel's command line tells it.
pub fn bufsiz_in(cmdline: &str) -> Option<usize> {
    let mut words = cmdline.split_whitespace().rev();
    words.find_map(|word| word.strip_prefix("spidev.bufsiz=")?.parse().ok())
}

/// A device node of SPI0: `/dev/spidev0.0`, or `/dev/spidev0.1` by the other chip select, which a strip does not heed. The
/// other buses have other pins, and SPI1 has no DMA, without which there are gaps between bytes.
#[derive(Clone, Debug)]
pub struct Device {
    path: PathBuf,
    chip_select: SlaveSelect,
}

impl Device {
    /// `None` if the path is another.
    pub fn new(path: &str) -> Option<Self> {
        let chip_select = match path {
            "/dev/spidev0.0" => SlaveSelect::Ss0,
            "/dev/spidev0.1" => SlaveSelect::Ss1,
            _ => return None,
        };
        Some(Self {
            path: path.into(),
            chip_select,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A strip that opens its device when it can, and anew after every error.
pub struct SpiStrip {
    device: Device,
    clock_hz: u32,
    drive: Drive,
    wire: Vec<Wire>,
    open: Option<Open>,
}

impl SpiStrip {
    /// A missing or broken device is no error here: it is told, and tried again, with each frame.
    ///
    /// # Errors
    /// [`Held`] if another process drives this strip.
    pub fn new(device: Device, clock_hz: u32, drive: Drive, leds: usize) -> Result<Self, Held> {
        let open = match Open::new(&device, clock_hz, drive.settings().chip) {
            Err(Fault::Held(held)) => return Err(held),
            open => open.ok(),
        };
        Ok(Self {
            device,
            clock_hz,
            drive,
            wire: vec![[0; 4]; leds],
            open,
        })
    }

    fn send(&mut self) -> Result<(), Fault> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(Open::new(
                &self.device,
                self.clock_hz,
                self.drive.settings().chip,
            )?),
        };
        open.driver.write(&self.wire).map_err(Fault::Spi)
    }
}

impl Strip for SpiStrip {
    fn show(&mut self, frame: &[Rgb]) -> Result<(), StripError> {
        self.drive.apply(frame, &mut self.wire);
        self.send().map_err(|fault| {
            // The driver would send a failed frame again, in front of the next one, and a node that has gone stays gone
            // for those who hold it open.
            self.open = None;
            StripError(fault.explain(&self.device))
        })
    }
}

struct Open {
    driver: Driver,
    /// spidev lets two processes draw at once; the lock on its node does not.
    _lock: File,
}

impl Open {
    fn new(device: &Device, clock_hz: u32, chip: Chip) -> Result<Self, Fault> {
        let node = File::options()
            .read(true)
            .write(true)
            .open(&device.path)
            .map_err(Fault::Open)?;
        lock::hold(&node).map_err(Fault::Held)?;
        let spi =
            Spi::new(Bus::Spi0, device.chip_select, clock_hz, Mode::Mode0).map_err(Fault::Spi)?;
        let driver = match chip {
            Chip::Ws2812 => Driver::Ws2812(Ws2812::new(spi)),
            Chip::Sk6812Rgbw => Driver::Sk6812w(Ws2812::new_sk6812w(spi)),
        };
        Ok(Self {
            driver,
            _lock: node,
        })
    }
}

enum Driver {
    Ws2812(Ws2812<Spi>),
    Sk6812w(Ws2812<Spi, Sk6812w>),
}

impl Driver {
    /// The driver sends green, red, blue and white; what it is given under these names is in the strip's order already.
    fn write(&mut self, frame: &[Wire]) -> Result<(), SpiError> {
        match self {
            Self::Ws2812(driver) => {
                driver.write(frame.iter().map(|&[g, r, b, _]| RGB8 { r, g, b }))
            }
            Self::Sk6812w(driver) => driver.write(frame.iter().map(|&[g, r, b, w]| RGBW {
                r,
                g,
                b,
                a: White(w),
            })),
        }
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
                format!(
                    "{path}: the frame is longer than spidev's buffer; append `spidev.bufsiz=65536` to the line of /boot/firmware/cmdline.txt"
                )
            }
            _ => format!("{path}: {error}"),
        }
    }
}
