//! The config: what a file of settings means, or every mistake in it with its remedy.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use crate::drive::{Chip, Drive, DriveSettings, Order};
use crate::frame::{Look, Palette, Pattern, Picture, ReadyLook, Rgb};
use crate::plan::{Clock, Plan, PlanError};
#[cfg(target_os = "linux")]
use crate::strip::spi;

pub use values::{Mistake, Mistakes};
use values::{Values, boolean, colour, duration, nearest, number, one_of, shown, text, whole};

mod values;

/// What an empty file means, with a comment for each key.
const BUILT_IN: &str = include_str!("../config/default.toml");

/// The config of a machine, where no person has one of their own.
const SYSTEM_FILE: &str = "/etc/talklight/config.toml";
/// A config is a few kilobytes; what is longer is some other file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The longest write that spidev can be set up for (rppal's documentation of `spidev.bufsiz`).
const BUFSIZ_MAX: usize = 65_536;
/// What a strip of three colours takes in one such write; a simulated one is not longer.
const LEDS_MAX: u64 = (BUFSIZ_MAX as u64 - 280) / 12;
/// Outside of these, ws2812-spi 0.5.1 leaves what the chips' data sheets allow.
const WS2812_HZ: std::ops::RangeInclusive<u64> = 2_000_000..=3_800_000;
const SK6812_RGBW_HZ: std::ops::RangeInclusive<u64> = 2_300_000..=3_800_000;
/// The window of the WS2812B's data sheet: T1H = 3/f ≤ 950 ns and T1L = 1/f ≥ 300 ns.
const WS2812B_HZ: std::ops::RangeInclusive<u32> = 3_158_000..=3_333_000;
/// WLED takes these for an LED, too.
const MILLIAMPS_PER_LED: std::ops::RangeInclusive<u64> = 1..=100;
/// Far above what `LEDS_MAX` LEDs can draw.
const MILLIAMPS_MAX: u64 = 1_000_000;
/// What `sockaddr_un` has room for, less the closing zero (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Linux's PATH_MAX, less the closing zero.
const PATH_BYTES_MAX: usize = 4095;
const HOLD_MIN: Duration = Duration::from_millis(300);
const HOLD_MAX: Duration = Duration::from_secs(10);

/// A config in which no mistake was found.
#[derive(Debug)]
pub struct Config {
    pub origin: Origin,
    pub strip: Kind,
    pub look: Look,
    /// At least one. No two have one name, in capital or small letters. The first is what the button starts.
    pub plans: Vec<Plan>,
    /// One of `plans`: that of the flag `--plan`, else the first.
    pub chosen: Plan,
    /// The file that every frame is recorded in.
    pub tape: Option<PathBuf>,
    /// None if no button has a pin.
    pub buttons: Option<Buttons>,
    /// None leaves the place to the daemon.
    pub socket: Option<PathBuf>,
    /// How a strip is driven with these settings, also where it is only simulated; none if it would have no current.
    drive: Option<Drive>,
}

/// Where a config comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File(PathBuf),
}

/// What kind of strip frames go to.
#[derive(Debug)]
pub enum Kind {
    Simulated,
    #[cfg(target_os = "linux")]
    Spi(SpiConfig),
}

/// A strip on an SPI bus.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct SpiConfig {
    pub device: spi::Device,
    /// Within what the chip allows.
    pub clock_hz: u32,
    pub drive: Drive,
}

/// The buttons. `start` and `reset` are GPIO (BCM) numbers, 2 to 27, and differ; at least one of them is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buttons {
    pub start: Option<u32>,
    pub reset: Option<u32>,
    pub bias: Bias,
    pub active: Active,
    /// From 300 ms to 10 s.
    pub hold: Duration,
}

/// The resistor inside the Pi that holds a line while its button is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    PullUp,
    PullDown,
    None,
}

/// The level of a line while its button is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    Low,
    High,
}

/// Flags that lie over the file, as typed. A mistake in one names the flag.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub strip: Option<String>,
    pub tape: Option<PathBuf>,
    pub leds: Option<String>,
    pub socket: Option<PathBuf>,
    pub plan: Option<String>,
}

impl Config {
    /// Reads the file at `explicit`, else the first that exists of the person's and the machine's, else what is built in.
    ///
    /// # Errors
    /// All mistakes of the file and the flags, or why the file cannot be read. A file that exists is never passed over.
    pub fn load(explicit: Option<&Path>, overrides: &Overrides) -> Result<Self, Mistakes> {
        let env = |name| std::env::var_os(name);
        let (origin, text) = match explicit {
            Some(path) => match read(path)? {
                Some(text) => (Origin::File(path.into()), text),
                None => return Err(unreadable(path, "there is no such file")),
            },
            None => find(&search_path(env("XDG_CONFIG_HOME"), env("HOME")))?,
        };
        #[cfg(target_os = "linux")]
        let bufsiz = spi::bufsiz();
        #[cfg(not(target_os = "linux"))]
        let bufsiz = BUFSIZ_MAX;
        Self::parse(&text, origin, overrides, bufsiz)
    }

    /// What `text` means on a machine whose spidev takes writes of `bufsiz` bytes. Reads nothing else.
    ///
    /// # Errors
    /// All mistakes of the text and the flags.
    pub fn parse(
        text: &str,
        origin: Origin,
        overrides: &Overrides,
        bufsiz: usize,
    ) -> Result<Self, Mistakes> {
        let source = origin.to_string();
        let mut values = Values::new(BUILT_IN, text, &source);
        lay_flags(&mut values, overrides);
        let config = meaning(&mut values, origin.clone(), bufsiz);
        values.finish(config)
    }

    /// What the config means, in words, on several lines.
    pub fn describe(&self) -> String {
        let mut lines: Vec<_> = self.plans.iter().map(describe_plan).collect();
        if self.plans.len() > 1 {
            lines.push(format!("start begins {}", self.chosen.name()));
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
        let Look {
            leds,
            pattern,
            ready,
            flash_half,
            ..
        } = self.look;
        let mut lines = vec![match &self.strip {
            Kind::Simulated => format!("{}, simulated", count(leds)),
            #[cfg(target_os = "linux")]
            Kind::Spi(spi) => {
                let DriveSettings { chip, order, .. } = spi.drive.settings();
                format!(
                    "{} {} in the order {} on {} at {} MHz",
                    count(leds),
                    name_of(&CHIPS, *chip),
                    name_of(&Order::ALL, *order),
                    spi.device.path().display(),
                    f64::from(spi.clock_hz) / 1e6,
                )
            }
        }];
        #[cfg(target_os = "linux")]
        if let Kind::Spi(spi) = &self.strip
            && !WS2812B_HZ.contains(&spi.clock_hz)
        {
            lines.push("that clock is outside of a WS2812B's data sheet, 3.158 to 3.333 MHz; 3.3 MHz suits every Pi".into());
        }
        if let Some(drive) = &self.drive {
            let pictures: Vec<_> = self.look.brightest(&self.plans).collect();
            let draws = match self.strip {
                Kind::Simulated => "would draw",
                #[cfg(target_os = "linux")]
                Kind::Spi(_) => "draw",
            };
            let dimmed = match (drive.scale() * 100.0).floor() {
                100.0 => String::new(),
                part => format!(
                    ", dimmed to {part} % by the limit of {} mA",
                    drive.settings().max_milliamps
                ),
            };
            let milliamps = drive.milliamps(leds, &pictures);
            lines.push(format!(
                "{} {draws} at most {milliamps} mA{dimmed}",
                count(leds)
            ));
        }
        let pattern = match pattern {
            Pattern::Solid => "every LED in the phase's colour",
            Pattern::Bar => "a bar that shortens with the time left",
        };
        let ready = match ready {
            ReadyLook::Dot => "the first LED dim",
            ReadyLook::Off => "dark",
        };
        lines.push(format!("{pattern}; before a talk {ready}"));
        lines.push(format!(
            "flash: {} lit, {} dark",
            seconds(flash_half),
            seconds(flash_half)
        ));
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
        let said: Vec<_> = start.into_iter().chain(reset).collect();
        format!("button: {}; pressed is {level}", said.join(", "))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in config"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Where a config is looked for: the person's place as the XDG base directory specification has it, then the machine's.
pub fn search_path(xdg_config_home: Option<OsString>, home: Option<OsString>) -> Vec<PathBuf> {
    let absolute = |dir: Option<OsString>| dir.map(PathBuf::from).filter(|dir| dir.is_absolute());
    absolute(xdg_config_home)
        .or_else(|| Some(absolute(home)?.join(".config")))
        .map(|dir| dir.join("talklight/config.toml"))
        .into_iter()
        .chain([SYSTEM_FILE.into()])
        .collect()
}

/// The first of `paths` that exists, or what is built in.
///
/// # Errors
/// Why a file that exists cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<(Origin, String), Mistakes> {
    for path in paths {
        if let Some(text) = read(path)? {
            return Ok((Origin::File(path.clone()), text));
        }
    }
    Ok((Origin::BuiltIn, String::new()))
}

/// The text of a file, if there is one.
fn read(path: &Path) -> Result<Option<String>, Mistakes> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => Err(unreadable(
            path,
            &format!("is longer than a config can be, {FILE_BYTES_MAX} bytes"),
        )),
        Ok(_) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
            unreadable(
                path,
                &format!("line {line} is not UTF-8; save the file as UTF-8 text"),
            )
        }),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if !path.is_symlink() => {
                Ok(None)
            }
            io::ErrorKind::NotFound => {
                Err(unreadable(path, "is a link to a file that is not there"))
            }
            io::ErrorKind::IsADirectory => {
                Err(unreadable(path, "is a directory; name the file in it"))
            }
            io::ErrorKind::PermissionDenied => Err(unreadable(
                path,
                "may not be read by this user; `chmod a+r` lets everybody read it",
            )),
            _ => Err(unreadable(path, &format!("cannot be read: {error}"))),
        },
    }
}

fn unreadable(path: &Path, what: &str) -> Mistakes {
    Mistakes(vec![Mistake::of_file(&path.display().to_string(), what)])
}

fn lay_flags<'a>(values: &mut Values<'a>, overrides: &'a Overrides) {
    let Overrides {
        strip,
        tape,
        leds,
        socket,
        plan,
    } = overrides;
    let text = |text: &'a str| DeValue::String(text.into());
    let path = |path: &'a PathBuf| DeValue::String(path.to_string_lossy());
    let number =
        |typed: &'a str| DeValue::parse(typed).map_or(text(typed), |value| value.into_inner());
    let flags = [
        ("--strip", "strip.kind", strip.as_deref().map(text)),
        ("--tape", "strip.tape", tape.as_ref().map(path)),
        ("--leds", "strip.leds", leds.as_deref().map(number)),
        ("--socket", "control.socket", socket.as_ref().map(path)),
        ("--plan", CHOSEN, plan.as_deref().map(text)),
    ];
    for (flag, key, value) in flags {
        if let Some(value) = value {
            values.lay_flag(flag, key, value);
        }
    }
}

/// The key of the flag `--plan`, which a file does not have.
const CHOSEN: &str = "chosen";

const CHIPS: [(&str, Chip); 2] = [("ws2812", Chip::Ws2812), ("sk6812-rgbw", Chip::Sk6812Rgbw)];

/// What the values mean. Where one is wrong, so is what this returns.
fn meaning(values: &mut Values, origin: Origin, bufsiz: usize) -> Config {
    let real = values.read("strip.kind", one_of([("simulated", false), ("spi", true)]));
    let look = look(values);
    let plans = plans(values, look.flash_half);
    let (strip, drive) = strip(values, real, &look, &plans, bufsiz);
    let buttons = buttons(values, real);
    let chosen = values.optional(CHOSEN, |value| choose(&plans, text(value)?));
    Config {
        origin,
        strip,
        look,
        chosen: chosen.unwrap_or(plans[0]),
        plans,
        tape: values.optional("strip.tape", path(PATH_BYTES_MAX)),
        buttons,
        socket: values.optional("control.socket", path(SOCKET_PATH_BYTES_MAX)),
        drive,
    }
}

fn look(values: &mut Values) -> Look {
    let leds = values.read("strip.leds", whole(1..=LEDS_MAX));
    let palettes = [
        ("classic", Palette::CLASSIC),
        ("colour-blind", Palette::COLOUR_BLIND),
    ];
    let Palette {
        green,
        yellow,
        red,
        ready,
    } = values.read("strip.palette", one_of(palettes));
    let mut colour = |name, palettes| {
        values
            .optional(&format!("strip.colours.{name}"), colour)
            .unwrap_or(palettes)
    };
    Look {
        leds,
        palette: Palette {
            green: colour("green", green),
            yellow: colour("yellow", yellow),
            red: colour("red", red),
            ready: colour("ready", ready),
        },
        pattern: values.read(
            "strip.pattern",
            one_of([("solid", Pattern::Solid), ("bar", Pattern::Bar)]),
        ),
        ready: values.read(
            "strip.ready",
            one_of([("dot", ReadyLook::Dot), ("off", ReadyLook::Off)]),
        ),
        flash_half: values.read("flash.hz", flash_half),
    }
}

fn flash_half(value: &DeValue) -> Result<Duration, String> {
    let (least, most) = (Look::FLASH_HZ_MIN, Look::FLASH_HZ_MAX);
    match number(value)? {
        hz if hz > most => Err(format!(
            "more than {most} flashes a second can set off seizures (WCAG 2.1, 2.3.1); write {least} to {most}"
        )),
        hz if hz >= least => Ok(Look::flash_half(hz)),
        _ => Err(format!(
            "too slow to be seen as a flash; write {least} to {most}"
        )),
    }
}

fn plans(values: &mut Values, flash_half: Duration) -> Vec<Plan> {
    let mut plans = Vec::<Plan>::new();
    for prefix in values.plans() {
        let plan = plan(values, &prefix);
        let key = |key| format!("{prefix}{key}");
        if !plan.flash().is_zero() && plan.flash() < 2 * flash_half {
            let what = format!(
                "the flash would end before it is seen, as one takes {}; write \"0s\" for none",
                seconds(2 * flash_half)
            );
            values.conflict(&[&key("flash"), "flash.hz"], what);
        }
        if plans
            .iter()
            .any(|other| other.name().eq_ignore_ascii_case(plan.name()))
        {
            let what = format!(
                "another plan is called `{}`, too; their names must differ",
                plan.name()
            );
            values.conflict(&[&key("name")], what);
        }
        plans.push(plan);
    }
    plans
}

fn plan(values: &mut Values, prefix: &str) -> Plan {
    let key = |key| format!("{prefix}{key}");
    let mut name = values.read(&key("name"), |value| text(value).map(str::to_string));
    let mut time = |name| values.read(&key(name), duration);
    let (mut length, mut yellow, mut red, mut flash) =
        (time("length"), time("yellow"), time("red"), time("flash"));
    loop {
        let error = match Plan::new(&name, length, yellow, red, flash) {
            Ok(plan) => return plan,
            Err(error) => error,
        };
        // What is wrong gives way to what is right, so that the next mistake is found, too.
        let with = match error {
            PlanError::Name => {
                name = "plan".into();
                "name"
            }
            PlanError::Length => {
                length = Plan::LENGTH_MAX;
                "length"
            }
            PlanError::Yellow { .. } => {
                yellow = length - Duration::from_nanos(1);
                "length"
            }
            PlanError::Red { .. } => {
                red = yellow;
                "yellow"
            }
            PlanError::Flash { .. } => {
                flash = red;
                "red"
            }
        };
        values.conflict(&[&key(error.key()), &key(with)], error.to_string());
    }
}

/// The plan of that name.
fn choose(plans: &[Plan], name: &str) -> Result<Plan, String> {
    let named = plans
        .iter()
        .find(|plan| plan.name().eq_ignore_ascii_case(name));
    named.copied().ok_or_else(|| {
        let names: Vec<_> = plans
            .iter()
            .map(|plan| format!("`{}`", plan.name()))
            .collect();
        let meant = nearest(name, plans.iter().map(Plan::name))
            .map(|meant| format!("; did you mean `{meant}`?"));
        format!(
            "there is no plan `{}`{}",
            shown(name),
            meant.unwrap_or_else(|| format!("; there is {}", names.join(", ")))
        )
    })
}

fn strip(
    values: &mut Values,
    real: bool,
    look: &Look,
    plans: &[Plan],
    bufsiz: usize,
) -> (Kind, Option<Drive>) {
    let chip = values.read("strip.chip", one_of(CHIPS));
    let settings = DriveSettings {
        chip,
        order: values.read("strip.order", one_of(Order::ALL)),
        gamma: values.read("strip.gamma", boolean),
        brightness: values.read("strip.brightness", whole(1..=255)),
        max_milliamps: values.read("strip.max_milliamps", whole(0..=MILLIAMPS_MAX)),
        milliamps_per_led: values.read("strip.milliamps_per_led", whole(MILLIAMPS_PER_LED)),
    };
    let clock_hz = values.read(
        "strip.clock_hz",
        whole(match chip {
            Chip::Ws2812 => WS2812_HZ,
            Chip::Sk6812Rgbw => SK6812_RGBW_HZ,
        }),
    );
    let pictures: Vec<_> = look.brightest(plans).collect();
    let drive = Drive::new(settings, look.leds, &pictures);
    #[cfg(target_os = "linux")]
    let device = values.read("strip.device", |value| {
        let path = text(value)?;
        spi::Device::new(path).ok_or_else(|| {
            format!(
                "`{}` is not a device of spidev's, such as \"/dev/spidev0.0\"",
                shown(path)
            )
        })
    });
    if !real {
        look_alikes(values, look, None, &pictures);
        return (Kind::Simulated, drive.ok());
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (clock_hz, bufsiz);
        values.conflict(&["strip.kind"], "SPI takes Linux; write \"simulated\"");
        (Kind::Simulated, None)
    }
    #[cfg(target_os = "linux")]
    {
        fits_buffer(values, look.leds, chip, bufsiz);
        match drive {
            Ok(drive) => {
                look_alikes(values, look, Some(&drive), &pictures);
                let spi = SpiConfig {
                    device,
                    clock_hz,
                    drive: drive.clone(),
                };
                (Kind::Spi(spi), Some(drive))
            }
            Err(error) => {
                let what = format!(
                    "{} mA is {error}; write 0 for no limit",
                    settings.max_milliamps
                );
                let keys = [
                    "strip.max_milliamps",
                    "strip.leds",
                    "strip.milliamps_per_led",
                    "strip.kind",
                ];
                values.conflict(&keys, what);
                (Kind::Simulated, None)
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn fits_buffer(values: &mut Values, leds: usize, chip: Chip, bufsiz: usize) {
    let bytes = spi::frame_bytes(leds, chip);
    if bytes <= bufsiz {
        return;
    }
    let most = |bufsiz: usize| {
        let frame = |leds| spi::frame_bytes(leds, chip);
        bufsiz.saturating_sub(frame(0)) / (frame(1) - frame(0))
    };
    let remedy = if bytes <= BUFSIZ_MAX {
        format!(
            "append `spidev.bufsiz={}` to the line of /boot/firmware/cmdline.txt and reboot (65536 is the most)",
            bytes.next_power_of_two()
        )
    } else {
        format!(
            "it can be set up for {BUFSIZ_MAX}, which is {} LEDs, and no more",
            most(BUFSIZ_MAX)
        )
    };
    let what = format!(
        "{} make a frame of {bytes} bytes, and spidev takes {bufsiz}, which is {} LEDs; {remedy}",
        count(leds),
        most(bufsiz)
    );
    values.conflict(&["strip.leds", "strip.chip", "strip.kind"], what);
}

/// Tells which phases cannot be told apart: as they are meant to look or, with a `drive`, as the strip shows them.
fn look_alikes(values: &mut Values, look: &Look, drive: Option<&Drive>, pictures: &[Picture]) {
    let Palette {
        green,
        yellow,
        red,
        ready,
    } = look.palette;
    let mut colours = vec![("green", green), ("yellow", yellow), ("red", red)];
    // A talk may be down to a single LED, too.
    if look.ready == ReadyLook::Dot && (look.leds == 1 || look.pattern == Pattern::Bar) {
        colours.push(("ready", ready));
    }
    for (n, &(name, a)) in colours.iter().enumerate() {
        for &(other, b) in &colours[..n] {
            let [key, other_key] = [name, other].map(|name| format!("strip.colours.{name}"));
            if alike(light_of(a), light_of(b)) {
                let what =
                    format!("`{other}` and `{name}` look alike; choose colours further apart");
                values.conflict(&[&key, &other_key, "strip.palette"], what);
                continue;
            }
            let Some(drive) = drive else { continue };
            let differ = |drive: &Drive| {
                let [a, b] = [a, b].map(|colour| drive.level(colour));
                a != b && !alike(light_sent(a), light_sent(b))
            };
            if differ(drive) {
                continue;
            }
            let differ_with = |settings| {
                Drive::new(settings, look.leds, pictures).is_ok_and(|drive| differ(&drive))
            };
            let unlimited = DriveSettings {
                max_milliamps: 0,
                ..*drive.settings()
            };
            let bright = DriveSettings {
                brightness: 255,
                ..unlimited
            };
            let (cause, remedy) = if differ_with(unlimited) {
                (
                    "strip.max_milliamps",
                    "raise `max_milliamps`, or let fewer LEDs share it",
                )
            } else if differ_with(bright) {
                ("strip.brightness", "raise `brightness`")
            } else {
                (key.as_str(), "choose colours further apart")
            };
            let what = format!("`{other}` and `{name}` would look alike on the strip; {remedy}");
            let others = [
                "strip.brightness",
                "strip.max_milliamps",
                "strip.leds",
                "strip.gamma",
                "strip.palette",
                "strip.kind",
            ];
            values.conflict(&[&[cause, &key, &other_key], &others[..]].concat(), what);
        }
    }
}

/// Whether two lights, red, green and blue, are of one colour for somebody who sees one now and the other a minute later.
///
/// Brightness says nothing without the other beside it, so both are compared at their brightest. OKLab (Ottosson, 2020)
/// puts colours as far apart as they look; side by side, 0.02 is just noticeable (CSS Color 4, section 13.2). From memory
/// and across a room it takes five times that: orange (`#ff8000`) is 0.15 from red, the shipped colours 0.2 and more.
fn alike(a: [f64; 3], b: [f64; 3]) -> bool {
    const DISTANCE_MIN: f64 = 0.1;
    let [a, b] = [a, b].map(oklab);
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt() < DISTANCE_MIN
}

fn oklab(light: [f64; 3]) -> [f64; 3] {
    let brightest = light.into_iter().fold(f64::MIN_POSITIVE, f64::max);
    let dot =
        |weights: [f64; 3], x: [f64; 3]| weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let light = light.map(|channel| channel / brightest);
    let cones = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ]
    .map(|weights| dot(weights, light).cbrt());
    [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ]
    .map(|weights| dot(weights, cones))
}

/// The light of a colour on a screen, by sRGB's transfer function.
fn light_of(Rgb { r, g, b }: Rgb) -> [f64; 3] {
    [r, g, b].map(|channel| match f64::from(channel) / 255.0 {
        dark if dark <= 0.040_45 => dark / 12.92,
        lit => ((lit + 0.055) / 1.055).powf(2.4),
    })
}

/// The light of an LED, which is proportional to what it is sent.
fn light_sent([r, g, b, white]: [u8; 4]) -> [f64; 3] {
    [r, g, b].map(|channel| f64::from(channel) + f64::from(white))
}

fn buttons(values: &mut Values, real: bool) -> Option<Buttons> {
    let start = values.optional("button.start", |value| gpio(value, real));
    let reset = values.optional("button.reset", |value| gpio(value, real));
    let biases = [
        ("pull-up", Bias::PullUp),
        ("pull-down", Bias::PullDown),
        ("none", Bias::None),
    ];
    let buttons = Buttons {
        start,
        reset,
        bias: values.read("button.bias", one_of(biases)),
        active: values.read(
            "button.active",
            one_of([("low", Active::Low), ("high", Active::High)]),
        ),
        hold: values.read("button.hold", |value| {
            let hold = duration(value)?;
            match (HOLD_MIN..=HOLD_MAX).contains(&hold) {
                true => Ok(hold),
                false => Err("a hold takes from 300ms, or a press would be one, to 10s".into()),
            }
        }),
    };
    if start.is_some() && start == reset {
        values.conflict(
            &["button.reset", "button.start"],
            "one pin cannot be `start` and `reset`; leave `reset` out and hold `start` instead",
        );
    }
    let idle_is_pressed = match (buttons.bias, buttons.active) {
        (Bias::PullUp, Active::High) => Some(("pull-up", "high", "low")),
        (Bias::PullDown, Active::Low) => Some(("pull-down", "low", "high")),
        _ => None,
    };
    if let Some((bias, active, right)) = idle_is_pressed {
        let what = format!(
            "with bias = \"{bias}\" an open button reads \"{active}\", as if pressed for ever; write active = \"{right}\""
        );
        values.conflict(&["button.active", "button.bias"], what);
    }
    start.or(reset).map(|_| buttons)
}

/// The header pin of each GPIO (Raspberry Pi documentation, "GPIO and the 40-pin header").
const HEADER_PINS: [u32; 28] = [
    27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18,
    22, 37, 13,
];

/// A GPIO that a button can hang on.
fn gpio(value: &DeValue, real: bool) -> Result<u32, String> {
    let taken = |gpio| match gpio {
        0 | 1 => Some("belongs to the EEPROM of add-on boards"),
        7..=11 if real => Some("is used by SPI"),
        28.. => Some("is not on the header"),
        _ => None,
    };
    let number = whole::<u32>(0..=40)(value).or_else(|_| whole(2..=27)(value))?;
    let Some(why) = taken(number) else {
        return Ok(number);
    };
    let meant = (0..)
        .zip(HEADER_PINS)
        .find(|&(gpio, pin)| pin == number && taken(gpio).is_none());
    let meant = meant.map(|(gpio, pin)| format!("; for header pin {pin} write {gpio}"));
    Err(format!(
        "GPIO {number} {why}; take one of 2 to 6 or 12 to 27{}",
        meant.unwrap_or_default()
    ))
}

fn pin(gpio: u32) -> String {
    format!("GPIO {gpio} (pin {})", HEADER_PINS[gpio as usize])
}

fn path(bytes_max: usize) -> impl Fn(&DeValue) -> Result<PathBuf, String> {
    move |value| {
        let path = text(value)?;
        let sound = (1..=bytes_max).contains(&path.len())
            && !path.contains(['\0', char::REPLACEMENT_CHARACTER]);
        sound.then(|| path.into()).ok_or_else(|| {
            format!(
                "`{}` must be a path of 1 to {bytes_max} bytes in UTF-8",
                shown(path)
            )
        })
    }
}

fn describe_plan(plan: &Plan) -> String {
    let flashing = if plan.red() == plan.flash() {
        "flashing red"
    } else {
        "flashing"
    };
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
    format!(
        "{}, {}: {phases}then off",
        plan.name(),
        Clock(plan.length())
    )
}

fn count(leds: usize) -> String {
    match leds {
        1 => "1 LED".into(),
        _ => format!("{leds} LEDs"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 1000.0).round() / 1000.0)
}

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], meaning: T) -> &'static str {
    names
        .iter()
        .find(|(_, named)| *named == meaning)
        .map_or("", |(name, _)| name)
}
