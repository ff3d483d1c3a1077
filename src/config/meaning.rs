//! Builds the config from its values, and checks the values against each other.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

#[cfg(target_os = "linux")]
use super::SpiConfig;
use super::alike::look_alikes;
use super::convert::{boolean, chip, colour, duration, gpio, nearest, number, one_of, path, shown, text, whole, word};
use super::describe::seconds;
use super::values::{CHOSEN, Values, WEB_FLAG};
use super::{Active, Bias, Buttons, Config, Kind, Origin, WebConfig, web};
use crate::core::drive::{Chip, Drive, DriveSettings, Order};
use crate::core::look::{Look, Palette, Pattern, ReadyLook};
use crate::core::plan::{self, Plan, PlanError};
use crate::core::timer::Phase;
use crate::core::words::Words;
#[cfg(target_os = "linux")]
use crate::strip::spi;

/// The largest `spidev.bufsiz` (rppal's documentation).
const BUFSIZ_MAX: usize = 65_536;
/// Outside these ranges the timing of ws2812-spi 0.5.1 violates the chips' data sheets.
const WS2812_HZ: RangeInclusive<u64> = 2_000_000..=3_800_000;
const SK6812_RGBW_HZ: RangeInclusive<u64> = 2_300_000..=3_800_000;
/// The range of WLED.
const MILLIAMPS_PER_LED: RangeInclusive<u64> = 1..=100;
/// More than the longest strip can draw.
const MILLIAMPS_MAX: u64 = 1_000_000;
/// The size of `sun_path` in `sockaddr_un`, less the closing zero (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Linux's PATH_MAX, less the closing zero.
const PATH_BYTES_MAX: usize = 4095;
const HOLD_MIN: Duration = Duration::from_millis(300);
const HOLD_MAX: Duration = Duration::from_secs(10);

/// Builds the config. It is valid only if `values` has no mistakes afterwards.
pub(super) fn config(values: &mut Values, origin: Origin, bufsiz: usize) -> Config {
    let real = values.read("strip.kind", one_of([("simulated", false), ("spi", true)]));
    let look = look(values);
    let plans = plans(values, look.flash_half);
    let strip = strip(values, real, &look, &plans, bufsiz);
    let buttons = buttons(values, real);
    let words = values.plans().map(|prefix| words(values, &prefix)).collect();
    let chosen = values.optional(CHOSEN, |value| choose(&plans, text(value)?));
    Config {
        origin,
        strip,
        look,
        chosen: chosen.unwrap_or(plans[0]),
        plans,
        words,
        tape: values.optional("strip.tape", path(PATH_BYTES_MAX)),
        buttons,
        socket: values.optional("control.socket", path(SOCKET_PATH_BYTES_MAX)),
        web: web(values),
    }
}

fn web(values: &mut Values) -> Option<WebConfig> {
    let web = WebConfig {
        name: values.optional("web.name", web::name),
        address: values.optional("web.address", web::url),
        hosts: values.optional("web.hosts", web::names).unwrap_or_default(),
        listen: values.optional("web.listen", web::listen),
        is_flag: values.optional(WEB_FLAG, boolean).unwrap_or_default(),
    };
    let is_written = web != WebConfig::default();
    if cfg!(not(feature = "web")) && is_written {
        values.conflict(
            &["web.listen", "web.hosts", "web.address", "web.name"],
            "this talklight was built without the web; remove `[web]`",
        );
    }
    is_written.then_some(web)
}

fn look(values: &mut Values) -> Look {
    let leds = values.read("strip.leds", whole(1..=Look::LEDS_MAX as u64));
    let palettes = [("classic", Palette::CLASSIC), ("colour-blind", Palette::COLOUR_BLIND)];
    let Palette { green, yellow, red, ready } = values.read("strip.palette", one_of(palettes));
    let mut colour = |name, palettes| values.optional(&format!("strip.colours.{name}"), colour).unwrap_or(palettes);
    Look {
        leds,
        palette: Palette {
            green: colour("green", green),
            yellow: colour("yellow", yellow),
            red: colour("red", red),
            ready: colour("ready", ready),
        },
        pattern: values.read("strip.pattern", one_of([("solid", Pattern::Solid), ("bar", Pattern::Bar)])),
        ready: values.read("strip.ready", one_of([("dot", ReadyLook::Dot), ("off", ReadyLook::Off)])),
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
        _ => Err(format!("too slow to be seen as a flash; write {least} to {most}")),
    }
}

fn plans(values: &mut Values, flash_half: Duration) -> Vec<Plan> {
    let mut plans = Vec::<Plan>::new();
    for prefix in values.plans() {
        let plan = plan(values, &prefix);
        let key = |key| format!("{prefix}{key}");
        if !plan.flash().is_zero() && plan.flash() < 2 * flash_half {
            let what = format!(
                "is shorter than one flash, which takes {}; write \"0s\" for no flash",
                seconds(2 * flash_half)
            );
            values.conflict(&[&key("flash"), "flash.hz"], what);
        }
        let name = plan.name();
        let same = |other: &Plan| other.name().eq_ignore_ascii_case(name);
        if let Some(other) = plans.iter().position(same) {
            let what = format!("another plan has the name `{name}`, too; names must differ");
            values.conflict(&[&key("name"), &format!("plan.{other}.name")], what);
        }
        plans.push(plan);
    }
    plans
}

fn plan(values: &mut Values, prefix: &str) -> Plan {
    let key = |key| format!("{prefix}{key}");
    let mut name = values.read(&key("name"), |value| text(value).map(str::to_string));
    let mut time = |name| values.read(&key(name), duration);
    let (mut length, mut yellow, mut red, mut flash) = (time("length"), time("yellow"), time("red"), time("flash"));
    loop {
        let error = match Plan::new(&name, length, yellow, red, flash) {
            Ok(plan) => return plan,
            Err(error) => error,
        };
        // Replace the wrong value by a valid one, to find further mistakes in this plan.
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

/// The words of the plan whose keys begin with `prefix`.
fn words(values: &mut Values, prefix: &str) -> Words {
    let usual = Words::default();
    let mut read = |phase: Phase| {
        let own = values.optional(&format!("{prefix}words.{phase}"), word);
        own.unwrap_or_else(|| usual.of(phase).into())
    };
    Words {
        ready: read(Phase::Ready),
        green: read(Phase::Green),
        yellow: read(Phase::Yellow),
        red: read(Phase::Red),
        flash: read(Phase::Flash),
        over: read(Phase::Over),
    }
}

/// The plan with this name.
fn choose(plans: &[Plan], name: &str) -> Result<Plan, String> {
    plan::find(plans, name).ok_or_else(|| {
        let names: Vec<_> = plans.iter().map(|plan| format!("`{}`", plan.name())).collect();
        let suggestion = nearest(name, plans.iter().map(Plan::name)).map(|name| format!("; did you mean `{name}`?"));
        format!(
            "there is no plan `{}`{}",
            shown(name),
            suggestion.unwrap_or_else(|| format!("; the plans are {}", names.join(", ")))
        )
    })
}

fn strip(values: &mut Values, real: bool, look: &Look, plans: &[Plan], bufsiz: usize) -> Kind {
    let chip = values.read("strip.chip", chip);
    let settings = DriveSettings {
        chip,
        order: values.read("strip.order", one_of(Order::ALL)),
        gamma: values.read("strip.gamma", boolean),
        brightness: values.read("strip.brightness", whole(1..=255)),
        max_milliamps: values.read("strip.max_milliamps", whole(0..=MILLIAMPS_MAX)),
        milliamps_per_led: values.read("strip.milliamps_per_led", whole(MILLIAMPS_PER_LED)),
    };
    #[cfg(target_os = "linux")]
    let device = values.read("strip.device", |value| {
        let path = text(value)?;
        spi::Device::new(path).ok_or_else(|| {
            let what = "is not a device of SPI0, \"/dev/spidev0.0\" or \"/dev/spidev0.1\"; other buses have no DMA or use other pins";
            format!("`{}` {what}", shown(path))
        })
    });
    let clock_hz = values.read(
        "strip.clock_hz",
        whole(match chip {
            Chip::Ws2812 => WS2812_HZ,
            Chip::Sk6812Rgbw => SK6812_RGBW_HZ,
        }),
    );
    let pictures: Vec<_> = look.brightest(plans).collect();
    look_alikes(values, look, real.then_some(settings), &pictures);
    let drive = Drive::new(settings, look.leds, &pictures);
    if !real {
        return Kind::Simulated(drive.ok());
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (clock_hz, bufsiz);
        values.conflict(&["strip.kind"], "SPI needs Linux; write \"simulated\"");
        Kind::Simulated(drive.ok())
    }
    #[cfg(target_os = "linux")]
    {
        let kind = match drive {
            Ok(drive) => Kind::Spi(SpiConfig { device, clock_hz, drive }),
            Err(error) => {
                let keys = ["strip.max_milliamps", "strip.leds", "strip.milliamps_per_led", "strip.kind"];
                let limit = settings.max_milliamps;
                values.conflict(&keys, format!("{limit} mA is {error}; write 0 for no limit"));
                Kind::Simulated(None)
            }
        };
        fits_buffer(values, look.leds, chip, bufsiz);
        kind
    }
}

#[cfg(target_os = "linux")]
fn fits_buffer(values: &mut Values, leds: usize, chip: Chip, bufsiz: usize) {
    let bytes = spi::frame_bytes(leds, chip);
    if bytes <= bufsiz {
        return;
    }
    let most = |bufsiz: usize| spi::leds_max(bufsiz, chip);
    let remedy = if bytes <= BUFSIZ_MAX {
        format!(
            "append `spidev.bufsiz={}` to the line of /boot/firmware/cmdline.txt and reboot (65536 is the most); \
             `talklight doctor` says what else is missing",
            bytes.next_power_of_two()
        )
    } else {
        format!("its limit can be raised to {BUFSIZ_MAX} bytes, which is {} LEDs", most(BUFSIZ_MAX))
    };
    let what = format!(
        "a frame for {} has {bytes} bytes, but spidev takes {bufsiz}, which is {} LEDs; {remedy}",
        super::describe::count(leds),
        most(bufsiz)
    );
    values.conflict(&["strip.leds", "strip.chip", "strip.kind"], what);
}

fn buttons(values: &mut Values, real: bool) -> Option<Buttons> {
    let start = values.optional("button.start", |value| gpio(value, real));
    let reset = values.optional("button.reset", |value| gpio(value, real));
    let biases = [("pull-up", Bias::PullUp), ("pull-down", Bias::PullDown), ("none", Bias::None)];
    let buttons = Buttons {
        start,
        reset,
        bias: values.read("button.bias", one_of(biases)),
        active: values.read("button.active", one_of([("low", Active::Low), ("high", Active::High)])),
        hold: values.read("button.hold", |value| {
            let hold = duration(value)?;
            match (HOLD_MIN..=HOLD_MAX).contains(&hold) {
                true => Ok(hold),
                false => Err("must be from 300ms, so that a press is not a hold, to 10s".into()),
            }
        }),
    };
    if start.is_some() && start == reset {
        values.conflict(
            &["button.reset", "button.start"],
            "one pin cannot be both `start` and `reset`; remove `reset` and hold `start` instead",
        );
    }
    let open_is_active = match (buttons.bias, buttons.active) {
        (Bias::PullUp, Active::High) => Some(("pull-up", "high", "low")),
        (Bias::PullDown, Active::Low) => Some(("pull-down", "low", "high")),
        _ => None,
    };
    if let Some((bias, active, right)) = open_is_active {
        let what = format!(
            "with bias = \"{bias}\" an open button reads \"{active}\" and would count as pressed; write active = \"{right}\""
        );
        values.conflict(&["button.active", "button.bias"], what);
    }
    start.or(reset).map(|_| buttons)
}
