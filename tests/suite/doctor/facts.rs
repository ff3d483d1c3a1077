//! Facts of Pis that are set up well, and of one Pi for each fault.

use talklight::core::timer::Phase;
use talklight::engine::board::Fault;
use talklight::engine::event::Origin;
use talklight::engine::status::{LookStatus, PlanStatus, Status, StripStatus};
use talklight::input::gpio::NoChip;
use talklight::setup::doctor::Firmware;
use talklight::setup::doctor::facts::{
    Chip, Cmdline, Daemon, DataPin, Facts, Gpio, Line, LineState, NoLines, Node, Started, Strip, Unit, Watchdog,
};

use super::firmware::{firmware, model};
use super::{MODELS, PI3, PI4};

/// A Pi without faults, started with this `config.txt`.
pub fn healthy(name: &str, config_txt: &str) -> Facts {
    let model = model(name);
    let set = format!("{config_txt}\n[all]\ndtparam=spi=on");
    let node = |group: &str, held_by: Option<&str>| Node {
        group: group.into(),
        may_open: true,
        is_member: false,
        service_may_open: Some(true),
        held_by: held_by.map(str::to_owned),
    };
    Facts {
        started: Some(started(config_txt, None)),
        firmware: Some(firmware(&model, &[("config.txt", &set)])),
        model: Some(model),
        kernel: Some("6.12.47".into()),
        boot: "/boot/firmware",
        boot_is_changed: true,
        throttled: Some(0),
        supply_milliamps: None,
        config: Ok("/etc/talklight/config.toml".into()),
        config_is_newer: false,
        service_mistakes: None,
        strip: Some(Strip {
            device: "/dev/spidev0.0".into(),
            node: Some(node("spi", Some("process 7 (talklight)"))),
            bus: vec![chip("spi0.0", "spidev", "spidev"), chip("spi0.1", "spidev", "spidev")],
            data: DataPin::Spi,
            frame_bytes: Some(1000),
            bufsiz: 4096,
            cmdline: Cmdline {
                file: "/boot/firmware/cmdline.txt".into(),
                bufsiz: None,
                has_init_part: false,
                ignored: None,
                running: None,
            },
            milliamps: Some(833),
            max_milliamps: 850,
        }),
        gpio: Some(Gpio {
            chip: Some(("/dev/gpiochip0".into(), node("gpio", None))),
            lines: Ok(vec![Line { gpio: 17, state: LineState::Open }]),
        }),
        watchdog: Watchdog { is_there: true, timeout: Some("1min".into()) },
        daemon: answers(status()),
        unit: Some(unit("ActiveState=active")),
        web: None,
    }
}

pub fn chip(name: &str, chip: &str, driver: &str) -> Chip {
    Chip { name: name.into(), chip: chip.into(), driver: driver.into(), line: None }
}

pub fn pi4() -> Facts {
    healthy(PI4, MODELS[3].1)
}

/// The settings at the start, and the measured core clock.
pub fn started(settings: &str, core_mhz: Option<u32>) -> Started {
    Started { with: Firmware::started_with(settings), core_mhz }
}

/// A good service with these properties on top.
pub fn unit(properties: &str) -> Unit {
    let usual = "LoadState=loaded\nResult=success\nNRestarts=0\nUnitFileState=enabled\nFragmentPath=/usr/lib/systemd/system/talklight.service";
    Unit(format!("{properties}\n{usual}"))
}

/// A service that has failed.
pub fn failed(result: &str, status: u32) -> Unit {
    unit(&format!("ActiveState=failed\nResult={result}\nExecMainStatus={status}"))
}

pub fn answers(status: Status) -> Daemon {
    Daemon::Answers("/run/talklight/control.sock".into(), status)
}

pub fn absent() -> Daemon {
    Daemon::Absent("/run/talklight/control.sock".into())
}

pub fn status() -> Status {
    Status {
        name: "Main hall".into(),
        phase: Phase::Ready,
        version: env!("CARGO_PKG_VERSION").into(),
        plan: PlanStatus {
            name: "lightning".into(),
            length_ms: 300_000,
            yellow_ms: 120_000,
            red_ms: 60_000,
            flash_ms: 30_000,
            words: Default::default(),
        },
        left_ms: 300_000,
        overrun_ms: 0,
        since_end_ms: None,
        late_ms: 0,
        undo_ms: None,
        generation: 0,
        chosen: "lightning".into(),
        plans: vec!["lightning".into()],
        choices: Vec::new(),
        demo: None,
        strip: StripStatus { kind: "spi".into(), leds: 60, health: "sending".into(), error: None, trial: None },
        look: LookStatus {
            green: "#00ff90".into(),
            yellow: "#ffaa00".into(),
            red: "#ff0000".into(),
            flash_half_ns: 500_000_000,
            pattern: "solid".into(),
            ready: "dot".into(),
        },
        codes_closed_ms: None,
        pairing_open_ms: None,
        last_paired: None,
        pages_with_sound: 0,
        faults: Vec::new(),
        at_ns: 0,
    }
}

pub fn with(facts: Facts, change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = facts;
    change(&mut facts);
    facts
}

pub fn with_strip(change: impl FnOnce(&mut Strip)) -> Facts {
    with(pi4(), |facts| change(facts.strip.as_mut().unwrap()))
}

/// Without the strip's device node, and with these chips on the bus.
pub fn with_bus(bus: Vec<Chip>) -> Facts {
    with_strip(|strip| (strip.node, strip.bus) = (None, bus))
}

/// A strip that is too long for the buffer.
pub fn with_cmdline(change: impl FnOnce(&mut Cmdline)) -> Facts {
    with_strip(|strip| {
        strip.frame_bytes = Some(4108);
        change(&mut strip.cmdline);
    })
}

pub fn with_node(change: impl FnOnce(&mut Node)) -> Facts {
    with_strip(|strip| change(strip.node.as_mut().unwrap()))
}

pub fn with_gpio(change: impl FnOnce(&mut Gpio)) -> Facts {
    with(pi4(), |facts| change(facts.gpio.as_mut().unwrap()))
}

pub fn with_line(state: LineState) -> Facts {
    with_gpio(|gpio| gpio.lines = Ok(vec![Line { gpio: 17, state }]))
}

/// With this service, and no daemon.
pub fn with_unit(unit: Unit) -> Facts {
    with(pi4(), |facts| {
        (facts.unit, facts.daemon) = (Some(unit), absent());
    })
}

pub fn with_daemon(daemon: Daemon) -> Facts {
    with(pi4(), |facts| facts.daemon = daemon)
}

/// A Pi whose `config.txt` was changed from `was` to `is` after the start.
pub fn edited(name: &str, was: &str, is: &str) -> Facts {
    with(healthy(name, is), |facts| {
        facts.started = Some(started(was, None));
    })
}

/// A Pi for each fault, and the check that must be bad. All its other checks are good.
pub fn faults() -> Vec<(&'static str, Facts)> {
    let strip_fails = |error: &str| {
        let mut told = status();
        told.strip.health = "failing".into();
        told.strip.error = Some(error.into());
        told
    };
    let mut stuck = status();
    stuck.faults.push(Fault {
        input: Origin::Button,
        error: "the contact on GPIO 17 has been closed for 30 s; it is stuck".into(),
    });
    let fixed = MODELS[3].1;
    vec![
        ("config", with(pi4(), |facts| facts.config = Err("line 3".into()))),
        ("config", with(pi4(), |facts| facts.config_is_newer = true)),
        (
            "spi",
            with(with_bus(vec![]), |facts| {
                let file = format!("{fixed}\n[pi5]\ndtparam=spi=on");
                facts.firmware = Some(firmware(&model(PI4), &[("config.txt", &file)]));
            }),
        ),
        ("spi", with_bus(vec![])),
        ("spi", with(with_bus(vec![]), |facts| facts.boot_is_changed = false)),
        ("spi", with_bus(vec![chip("spi0.0", "spidev", "")])),
        ("spi", with_bus(vec![chip("spi0.1", "spidev", "spidev")])),
        ("spi", with_bus(vec![chip("spi0.0", "mcp2515", "mcp251x")])),
        ("spi", with_strip(|strip| strip.bus[1] = chip("spi0.1", "ads7846", "ads7846"))),
        ("spi-access", with_node(|node| node.service_may_open = Some(false))),
        ("spi-access", with_node(|node| (node.may_open, node.service_may_open) = (false, None))),
        ("data-line", with_strip(|strip| strip.data = DataPin::Taken("led0".into()))),
        ("data-line", with_strip(|strip| strip.data = DataPin::Set("gpio_in".into()))),
        ("buffer", with_strip(|strip| strip.frame_bytes = Some(4108))),
        ("buffer", with_cmdline(|cmdline| cmdline.bufsiz = Some(65_536))),
        ("buffer", with_cmdline(|cmdline| cmdline.has_init_part = true)),
        ("buffer", with_cmdline(|cmdline| cmdline.running = Some(65_536))),
        ("buffer", with_cmdline(|cmdline| cmdline.ignored = Some("line 2 of /boot/firmware/cmdline.txt".into()))),
        ("buffer", with(with_cmdline(|cmdline| cmdline.bufsiz = Some(65_536)), |facts| facts.boot_is_changed = false)),
        ("buffer", with_strip(|strip| strip.frame_bytes = Some(65_537))),
        ("core-clock", healthy(PI4, "")),
        ("core-clock", with(healthy(PI3, ""), |facts| facts.started = Some(started("", Some(400))))),
        ("core-clock", edited(PI4, "core_freq=500\ncore_freq_min=200", fixed)),
        ("core-clock", edited(PI4, fixed, "")),
        ("core-clock", with(pi4(), |facts| facts.started = Some(started(fixed, Some(200))))),
        ("core-clock", with(healthy(PI3, "enable_uart=1"), |facts| facts.throttled = Some(1 << 18))),
        ("gpio-access", with_gpio(|gpio| gpio.chip.as_mut().unwrap().1.service_may_open = Some(false))),
        (
            "gpio",
            with_gpio(|gpio| {
                (gpio.chip, gpio.lines) = (None, Err(NoLines::Other(NoChip::Absent.to_string())));
            }),
        ),
        ("button", with_line(LineState::Closed)),
        ("button", with_line(LineState::Taken("onewire@4".into()))),
        ("button", with_line(LineState::Refused("Device or resource busy".into()))),
        ("under-voltage", with(pi4(), |facts| facts.throttled = Some(0x5_0005))),
        ("under-voltage", with(pi4(), |facts| facts.throttled = Some(0x5_0000))),
        ("unit", with_unit(unit("ActiveState=inactive\nUnitFileState=disabled"))),
        ("unit", with_unit(unit("ActiveState=inactive"))),
        ("unit", with(pi4(), |facts| facts.unit = Some(unit("ActiveState=active\nUnitFileState=disabled")))),
        ("unit", with_unit(unit("LoadState=masked\nActiveState=inactive"))),
        ("unit", with_unit(unit("LoadState=bad-setting\nActiveState=inactive"))),
        ("unit", with_unit(failed("exit-code", 78))),
        ("unit", with_unit(failed("exit-code", 203))),
        ("unit", with_unit(failed("exit-code", 214))),
        ("unit", with_unit(failed("exit-code", 217))),
        ("unit", with_unit(failed("exit-code", 1))),
        ("unit", with_unit(failed("watchdog", 6))),
        ("unit", with_unit(unit("ActiveState=activating\nResult=success\nExecMainStatus=0\nNRestarts=7"))),
        ("daemon", with_daemon(absent())),
        ("daemon", with_daemon(Daemon::Two("a and b".into()))),
        ("daemon", with_daemon(Daemon::Silent("the daemon does not answer".into()))),
        ("daemon", with_daemon(answers(stuck))),
        // Two checks are bad: the daemon fails because another process holds the strip.
        ("holder", with_daemon(answers(strip_fails("/dev/spidev0.0 is in use")))),
    ]
}
