//! Building a pretend Pi.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::log::Log;
use super::{Level, Rig, SPIDEV, World};

/// By default a Pi 4 with gpiochip0, open lines, spidev's default buffer and real time on the wire.
pub struct Builder {
    model: Model,
    levels: BTreeMap<u32, Level>,
    bufsiz: u32,
    gpiochip: u32,
    other_chips: Vec<(u32, &'static str)>,
    channels: usize,
    leds: usize,
    missing: BTreeSet<String>,
    alone: bool,
    env: Vec<(OsString, OsString)>,
}

impl Builder {
    pub fn model(mut self, model: Model) -> Builder {
        self.model = model;
        self
    }

    /// The level of a line at the start. Lines are open by default.
    pub fn level(mut self, line: u32, level: Level) -> Builder {
        self.levels.insert(line, level);
        self
    }

    /// The length of spidev's buffer in bytes; 4096 by default.
    pub fn bufsiz(mut self, bytes: u32) -> Builder {
        self.bufsiz = bytes;
        self
    }

    /// The number of the header's GPIO chip. A Pi 5 may have no gpiochip0.
    pub fn gpiochip(mut self, number: u32) -> Builder {
        self.gpiochip = number;
        self
    }

    /// Another GPIO chip, by its number and label.
    pub fn other_chip(mut self, number: u32, label: &'static str) -> Builder {
        self.other_chips.push((number, label));
        self
    }

    /// The channels of the strip: 3, or 4 for RGBW.
    pub fn channels(mut self, channels: usize) -> Builder {
        self.channels = channels;
        self
    }

    /// The LEDs of the strip. Dark pixels beyond them are dropped from frames.
    pub fn leds(mut self, leds: usize) -> Builder {
        self.leds = leds;
        self
    }

    /// Leaves out a file of the Pi.
    pub fn without(mut self, path: &str) -> Builder {
        self.missing.insert(path.to_owned());
        self
    }

    /// Transfers return at once, without their time on the wire.
    pub fn instant(self) -> Builder {
        self.env("PISHIM_NORT", "1")
    }

    /// The seed of `spi_fail_percent`.
    pub fn seed(self, seed: u32) -> Builder {
        self.env("PISHIM_SEED", seed.to_string())
    }

    /// Hides the programs of this machine and the config of this user.
    pub fn alone(mut self) -> Builder {
        self.alone = true;
        self
    }

    /// A line is taken by another consumer of this name.
    pub fn taken(self, line: u32, by: &str) -> Builder {
        self.env("PISHIM_TAKEN", format!("{line}={by}"))
    }

    /// Adds the user talklight, a member of these groups (`spi`, `gpio`).
    pub fn service_user(self, groups: &str) -> Builder {
        self.env("PISHIM_SERVICE", groups)
    }

    /// A variable in the environment of every program on this Pi.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Builder {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn build(self) -> Rig {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // In memory, as /run on a Pi: a disk would delay the program's files and the rig's log.
        let memory = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
        let dir =
            memory.unwrap_or_else(std::env::temp_dir).join(format!("talklight-rig.{}.{count}", std::process::id()));
        // An earlier run with this process id may have crashed.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("cannot make `{}`: {error}", dir.display()));
        let fifo = dir.join("ctl");
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).expect("cannot make the rig's fifo");
        let mut open = OpenOptions::new();
        open.read(true).write(true).custom_flags(nix::libc::O_NONBLOCK);
        let [name, board, soc, revision, label, core_hz] = self.model.facts();
        let mut env = vec![
            ("PISHIM_DIR".into(), dir.clone().into()),
            ("PISHIM_LABEL".into(), format!("pinctrl-{label}").into()),
            ("PISHIM_CORE_HZ".into(), core_hz.into()),
            ("PISHIM_BUFSIZ".into(), self.bufsiz.to_string().into()),
        ];
        if self.alone {
            env.push(("PATH".into(), dir.join("bin").into()));
            env.push(("XDG_CONFIG_HOME".into(), dir.join("home").into()));
        }
        env.extend(self.env);
        let rig = Rig {
            control: open.open(&fifo).expect("cannot open the rig's fifo"),
            log: Mutex::new(Log::new(dir.join("log"), self.channels, self.leds)),
            leds: self.leds,
            bufsiz: self.bufsiz as usize,
            dir,
            env,
            gpiochip: format!("/dev/gpiochip{}", self.gpiochip),
            world: Mutex::new(World { levels: self.levels, ..World::default() }),
            program: Mutex::default(),
        };
        let bufsiz = self.bufsiz;
        let chip = |number: u32, text: &str| {
            let of = format!("/sys/bus/gpio/devices/gpiochip{number}/dev");
            rig.put(&of, format!("254:{number}\n"));
            rig.put(&format!("/dev/gpiochip{number}"), text);
        };
        rig.put(SPIDEV, "");
        chip(self.gpiochip, "");
        for (number, label) in &self.other_chips {
            chip(*number, label);
        }
        rig.put("/dev/gpiomem", [0; 4096]);
        rig.put("/sys/module/spidev/parameters/bufsiz", format!("{bufsiz}\n"));
        let (revision, model) = (format!("Revision\t: {revision}\n"), format!("Raspberry Pi {name}"));
        rig.put("/proc/cpuinfo", format!("processor\t: 0\n\n{revision}Model\t\t: {model}\n"));
        for base in ["/sys/firmware/devicetree/base", "/proc/device-tree"] {
            let compatible = format!("raspberrypi,{board}\0brcm,bcm{soc}\0");
            rig.put(&format!("{base}/compatible"), compatible);
            rig.put(&format!("{base}/model"), format!("{model}\0"));
        }
        self.missing.iter().for_each(|path| rig.remove(path));
        rig
    }
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            model: Model::Pi4B,
            levels: BTreeMap::new(),
            bufsiz: 4096,
            gpiochip: 0,
            other_chips: Vec::new(),
            channels: 3,
            leds: 0,
            missing: BTreeSet::new(),
            alone: false,
            env: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Zero,
    Pi2B,
    Zero2W,
    Pi3B,
    Pi4B,
    Pi5,
}

impl Model {
    /// Name, board and chip in the device tree, revision code, label of the GPIO chip, core clock in Hz.
    fn facts(self) -> [&'static str; 6] {
        match self {
            Model::Zero => ["Zero W Rev 1.1", "model-zero-w", "2835", "9000c1", "bcm2835", "400000000"],
            Model::Pi2B => ["2 Model B Rev 1.1", "2-model-b", "2836", "a01041", "bcm2835", "250000000"],
            Model::Zero2W => ["Zero 2 W Rev 1.0", "model-zero-2-w", "2837", "902120", "bcm2835", "400000000"],
            Model::Pi3B => ["3 Model B Rev 1.2", "3-model-b", "2837", "a02082", "bcm2835", "400000000"],
            Model::Pi4B => ["4 Model B Rev 1.5", "4-model-b", "2711", "d03115", "bcm2711", "500000000"],
            Model::Pi5 => ["5 Model B Rev 1.0", "5-model-b", "2712", "d04170", "rp1", "200000000"],
        }
    }
}
