//! The doctor: what it makes of facts, how it reads `config.txt`, and the real binary on the pretend Pi and on none.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use serde_json::Value;
use talklight::doctor::facts::{Daemon, Facts, File, Line, NoLines, Node, Strip, Use};
use talklight::doctor::{Core, Firmware, Model, judge};
use talklight::wire::{Check, InputFault, LookStatus, PlanStatus, Status, StripStatus, Verdict};

use crate::harness::{House, TALKLIGHT, text, until};
use crate::rig::{Level, Model as Board, Rig};

/// One of each kind of core clock, and what its `config.txt` needs.
const MODELS: [(&str, &str); 12] = [
    ("5 Model B Rev 1.0", ""),
    ("500 Rev 1.0", ""),
    ("Compute Module 5 Rev 1.0", ""),
    ("4 Model B Rev 1.5", "core_freq=500\ncore_freq_min=500"),
    ("400 Rev 1.0", "core_freq=500\ncore_freq_min=500"),
    (
        "Compute Module 4 Rev 1.1",
        "core_freq=500\ncore_freq_min=500",
    ),
    ("3 Model B Rev 1.2", "core_freq=250"),
    ("3 Model B Plus Rev 1.3", "core_freq=250"),
    ("2 Model B Rev 1.1", ""),
    ("Zero 2 W Rev 1.0", "core_freq=250"),
    ("Zero W Rev 1.1", "core_freq=250"),
    ("Zero Rev 1.3", "core_freq=250"),
];

fn model(name: &str) -> Model {
    Model::new(&format!("Raspberry Pi {name}\0")).unwrap()
}

/// `config.txt` and the files beside it, as the firmware of a model reads them.
fn firmware(model: &Model, files: &[(&str, &str)]) -> Firmware {
    let read = |name: &str| {
        let file = files.iter().find(|(file, _)| *file == name);
        file.map(|(_, text)| (*text).to_owned())
    };
    Firmware::read(model.sections, "config.txt", &read).unwrap()
}

/// A Pi on which nothing is wrong.
fn healthy(name: &str, config_txt: &str) -> Facts {
    let model = model(name);
    Facts {
        firmware: Some(firmware(&model, &[("config.txt", config_txt)])),
        model: Some(model),
        kernel: Some("6.12.47".into()),
        boot: "/boot/firmware",
        config: Ok("config.toml".into()),
        strip: Some(Strip {
            device: "/dev/spidev0.0".into(),
            node: Some(Node {
                group: "spi".into(),
                may: true,
                service_may: Some(true),
                held_by: Some("process 7 (talklight)".into()),
            }),
            frame_bytes: Some(1000),
            bufsiz: 4096,
            milliamps: Some(850),
            max_milliamps: 850,
        }),
        chip: Some((
            "/dev/gpiochip0".into(),
            Node {
                group: "gpio".into(),
                may: true,
                service_may: Some(true),
                held_by: None,
            },
        )),
        lines: Some(Ok(vec![Line {
            gpio: 17,
            state: Use::Open,
        }])),
        throttled: Some(0),
        watchdog: true,
        daemon: Daemon::Answers(status()),
        unit: Some(File::There(
            "/usr/lib/systemd/system/talklight.service".into(),
        )),
    }
}

fn status() -> Status {
    Status {
        phase: "ready".into(),
        plan: PlanStatus {
            name: "lightning".into(),
            length_ms: 300_000,
            yellow_ms: 120_000,
            red_ms: 60_000,
            flash_ms: 30_000,
        },
        left_ms: 300_000,
        overrun_ms: 0,
        undo_ms: None,
        generation: 0,
        chosen: "lightning".into(),
        plans: vec!["lightning".into()],
        strip: StripStatus {
            kind: "spi".into(),
            leds: 60,
            health: "sending".into(),
            error: None,
            trial: None,
        },
        look: LookStatus {
            green: "#00ff90".into(),
            yellow: "#ffaa00".into(),
            red: "#ff0000".into(),
            flash_half_ns: 500_000_000,
        },
        faults: Vec::new(),
        at_ns: 0,
    }
}

fn pi4() -> Facts {
    healthy("4 Model B Rev 1.5", MODELS[3].1)
}

fn check(facts: &Facts, name: &str) -> Check {
    let checks = judge(facts);
    let found = checks.iter().find(|check| check.name == name);
    found
        .unwrap_or_else(|| panic!("no check of {name}: {checks:#?}"))
        .clone()
}

/// The remedy of the one bad check.
#[track_caller]
fn remedy(facts: &Facts, name: &str) -> String {
    let bad = judge(facts)
        .into_iter()
        .filter(|check| check.verdict == Verdict::Bad);
    let bad: Vec<Check> = bad.collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!(bad[0].name, name);
    bad[0].remedy.clone().expect("what is bad has a remedy")
}

#[track_caller]
fn verdict(facts: &Facts, name: &str, verdict: Verdict) {
    let check = check(facts, name);
    assert_eq!(check.verdict, verdict, "{check:#?}");
}

#[test]
fn where_nothing_is_wrong_all_is_good() {
    for (name, lines) in MODELS {
        for check in judge(&healthy(name, lines)) {
            assert_eq!(check.verdict, Verdict::Good, "{name}: {check:#?}");
            assert_eq!(check.remedy, None);
        }
    }
}

#[test]
fn each_model_is_told_the_lines_for_its_core_clock() {
    for (name, lines) in MODELS.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let said = remedy(&healthy(name, "dtparam=spi=on"), "core-clock");
        assert_eq!(
            said,
            format!("add to the end of /boot/firmware/config.txt and reboot:\n{lines}")
        );
        // What it says to add makes it good, also at the end of a file for another model.
        let elsewhere = "[none]\ndtparam=spi=on";
        let said = remedy(&healthy(name, elsewhere), "core-clock");
        let (_, added) = said.split_once('\n').unwrap();
        assert_eq!(added, format!("[all]\n{lines}"));
        verdict(
            &healthy(name, &format!("{elsewhere}\n{added}")),
            "core-clock",
            Verdict::Good,
        );
    }
}

#[test]
fn half_of_what_fixes_the_core_clock_does_not() {
    for half in [
        "core_freq=500",
        "core_freq_min=500",
        "core_freq=500\ncore_freq_min=250",
        "core_freq=250",
        "enable_uart=1",
    ] {
        verdict(
            &healthy("4 Model B Rev 1.5", half),
            "core-clock",
            Verdict::Bad,
        );
    }
    for other in [
        "core_freq=400",
        "core_freq=500\ncore_freq_min=500",
        "core_freq=250\ncore_freq_min=400",
    ] {
        verdict(
            &healthy("3 Model B Rev 1.2", other),
            "core-clock",
            Verdict::Bad,
        );
    }
}

#[test]
fn other_lines_that_fix_the_core_clock_are_named() {
    let by = |name, lines| check(&healthy(name, lines), "core-clock").text;
    assert!(by("3 Model B Rev 1.2", "enable_uart=1").contains("fixed: enable_uart=1"));
    assert!(by("Zero 2 W Rev 1.0", "force_turbo=1").contains("fixed: force_turbo=1"));
    verdict(
        &healthy("3 Model B Rev 1.2", "enable_uart=1\ndtoverlay=disable-bt"),
        "core-clock",
        Verdict::Bad,
    );
    // It has no Bluetooth that would take the better UART.
    verdict(
        &healthy("Zero Rev 1.3", "enable_uart=1"),
        "core-clock",
        Verdict::Bad,
    );
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let unknown = |facts: &Facts, name| verdict(facts, name, Verdict::Unknown);
    unknown(
        &healthy(
            "4 Model B Rev 1.5",
            "[gpio4=1]\ncore_freq=500\ncore_freq_min=500",
        ),
        "core-clock",
    );
    unknown(&healthy("Model B Plus Rev 1.2", ""), "core-clock");
    unknown(&healthy("9 Model Z", ""), "core-clock");
    unknown(
        &Facts {
            firmware: None,
            ..pi4()
        },
        "core-clock",
    );
    unknown(
        &Facts {
            throttled: None,
            ..pi4()
        },
        "under-voltage",
    );
    unknown(
        &Facts {
            watchdog: false,
            ..pi4()
        },
        "watchdog",
    );
    unknown(
        &Facts {
            strip: None,
            ..pi4()
        },
        "spi",
    );
    unknown(
        &Facts {
            chip: None,
            lines: None,
            ..pi4()
        },
        "gpio",
    );
    unknown(
        &Facts {
            unit: Some(File::Absent("x.service".into())),
            ..pi4()
        },
        "unit",
    );
    unknown(
        &Facts {
            daemon: Daemon::Absent("here".into()),
            unit: None,
            ..pi4()
        },
        "daemon",
    );
}

#[test]
fn each_fault_has_its_remedy() {
    let with_node = |change: &dyn Fn(&mut Node)| {
        let mut facts = pi4();
        change(facts.strip.as_mut().unwrap().node.as_mut().unwrap());
        facts
    };
    let with_strip = |change: &dyn Fn(&mut Strip)| {
        let mut facts = pi4();
        change(facts.strip.as_mut().unwrap());
        facts
    };
    let with_line = |state| Facts {
        lines: Some(Ok(vec![Line { gpio: 17, state }])),
        ..pi4()
    };

    let off = with_strip(&|strip| strip.node = None);
    assert_eq!(
        remedy(&off, "spi"),
        "add to the end of /boot/firmware/config.txt and reboot:\ndtparam=spi=on"
    );
    let old = Facts {
        boot: "/boot",
        ..off
    };
    assert!(remedy(&old, "spi").contains(" /boot/config.txt "));
    let set = "core_freq=500\ncore_freq_min=500\ndtparam=i2c_arm=on,spi=on";
    let set = Facts {
        firmware: healthy("4 Model B Rev 1.5", set).firmware,
        ..old
    };
    assert!(remedy(&set, "spi").starts_with("reboot;"));

    let outsider = with_node(&|node| node.service_may = Some(false));
    assert!(remedy(&outsider, "spi-access").starts_with("sudo usermod -aG spi talklight "));
    let stranger = with_node(&|node| (node.may, node.service_may) = (false, None));
    assert!(remedy(&stranger, "spi-access").starts_with("sudo usermod -aG spi $USER"));
    // Who asks need not be in the group, if the service is.
    let asked = with_node(&|node| node.may = false);
    verdict(&asked, "spi-access", Verdict::Good);

    let long = with_strip(&|strip| strip.frame_bytes = Some(4108));
    assert_eq!(
        remedy(&long, "buffer"),
        "append to the one line of /boot/firmware/cmdline.txt and reboot:\nspidev.bufsiz=65536"
    );
    let longest = with_strip(&|strip| strip.frame_bytes = Some(65_537));
    assert!(remedy(&longest, "buffer").contains("fewer"));

    assert!(remedy(&with_line(Use::Closed), "button").contains("let go"));
    let taken = with_line(Use::Taken("w1".into()));
    assert!(check(&taken, "button").text.contains("taken by w1"));
    assert!(remedy(&taken, "button").contains("another line in [button]"));
    assert!(
        check(&with_line(Use::Taken(String::new())), "button")
            .text
            .contains("another driver")
    );
    assert!(remedy(&with_line(Use::Refused("EBUSY".into())), "button").contains("gpioinfo"));
    verdict(&with_line(Use::Ours), "button", Verdict::Good);
    let mut denied = pi4();
    denied.lines = Some(Err(NoLines::Denied));
    denied.chip.as_mut().unwrap().1.may = false;
    verdict(&denied, "gpio", Verdict::Unknown);
    verdict(&denied, "gpio-access", Verdict::Good);
    denied.chip.as_mut().unwrap().1.service_may = Some(false);
    assert!(remedy(&denied, "gpio-access").starts_with("sudo usermod -aG gpio talklight "));
    denied.chip.as_mut().unwrap().1.group = "root".into();
    assert_eq!(
        remedy(&denied, "gpio-access"),
        "add to /etc/udev/rules.d/60-talklight.rules and reboot:\nSUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\""
    );
    let absent = Facts {
        lines: Some(Err(NoLines::Other("none".into()))),
        chip: None,
        ..pi4()
    };
    assert!(remedy(&absent, "gpio").contains("gpiodetect"));

    for bits in [1, 0x5_0005, 1 << 16] {
        remedy(
            &Facts {
                throttled: Some(bits),
                ..pi4()
            },
            "under-voltage",
        );
    }
    remedy(
        &Facts {
            config: Err("line 3".into()),
            ..pi4()
        },
        "config",
    );
    remedy(
        &Facts {
            daemon: Daemon::Absent("here".into()),
            ..pi4()
        },
        "daemon",
    );
    remedy(
        &Facts {
            daemon: Daemon::Two("a and b".into()),
            ..pi4()
        },
        "daemon",
    );
    remedy(
        &Facts {
            daemon: Daemon::Silent("mute".into()),
            ..pi4()
        },
        "daemon",
    );

    let mut stuck = with_line(Use::Ours);
    let mut told = status();
    told.faults.push(InputFault {
        input: "button".into(),
        error: "it is stuck".into(),
    });
    stuck.daemon = Daemon::Answers(told);
    remedy(&stuck, "daemon");
    assert!(check(&stuck, "daemon").text.contains("it is stuck"));
    verdict(&stuck, "button", Verdict::Unknown);
}

#[test]
fn a_strip_held_by_another_process_is_seen() {
    let mut told = status();
    told.strip.health = "failing".into();
    told.strip.error = Some("in use".into());
    let facts = Facts {
        daemon: Daemon::Answers(told),
        ..pi4()
    };
    verdict(&facts, "holder", Verdict::Bad);
    verdict(&facts, "daemon", Verdict::Bad);
}

#[test]
fn config_txt_is_read_as_the_firmware_reads_it() {
    let model = model("400 Rev 1.0");
    let value = |files: &[(&str, &str)]| {
        firmware(&model, files)
            .value("core_freq")
            .map(str::to_owned)
    };
    let of = |text: &str| value(&[("config.txt", text)]);
    assert_eq!(of("core_freq=500"), Some("500".into()));
    assert_eq!(of("core_freq=500\r\ncore_freq=250\r\n"), Some("250".into()));
    assert_eq!(of("#core_freq=500\n  # core_freq=500"), None);
    // Spaces belong to the key.
    assert_eq!(of("core_freq = 500"), None);
    for section in ["all", "pi4", "pi400"] {
        assert_eq!(
            of(&format!("[{section}]\ncore_freq=500")),
            Some("500".into()),
            "{section}"
        );
    }
    for section in ["pi3", "pi5", "cm4", "none", "pi02", "gpio4=1", "EDID=X"] {
        assert_eq!(
            of(&format!("[{section}]\ncore_freq=500")),
            None,
            "{section}"
        );
    }
    // One board takes the place of another, what is of another kind stands until [all].
    assert_eq!(of("[pi3]\n[pi4]\ncore_freq=500"), Some("500".into()));
    assert_eq!(of("[none]\n[pi4]\ncore_freq=500"), None);
    assert_eq!(of("[gpio4=1]\n[pi4]\ncore_freq=500"), None);
    assert_eq!(of("[gpio4=1]\n[all]\ncore_freq=500"), Some("500".into()));
    // A file goes in where it is named, sections and all.
    let main = ("config.txt", "include more.txt\ninclude gone.txt");
    assert_eq!(
        value(&[main, ("more.txt", "[pi4]\ncore_freq=500")]),
        Some("500".into())
    );
    assert_eq!(
        value(&[main, ("more.txt", "core_freq=500\ninclude config.txt")]),
        Some("500".into())
    );
    let not_here = ("config.txt", "[pi5]\ninclude more.txt");
    assert_eq!(value(&[not_here, ("more.txt", "core_freq=500")]), None);
    assert_eq!(
        of(&format!("{}=1\ncore_freq=500", "é".repeat(200))),
        Some("500".into())
    );

    let spi = |text| firmware(&model, &[("config.txt", text)]).is_spi_on();
    for on in [
        "dtparam=spi=on",
        "dtparam=spi",
        "dtparam=i2c_arm=on,spi=on",
        "dtoverlay=spi0-1cs,cs0_pin=8",
    ] {
        assert!(spi(on), "{on}");
    }
    for off in [
        "",
        "dtparam=spi=off",
        "dtparam=spi=on\ndtparam=spi=off",
        "dtparam=audio=on",
        "[pi5]\ndtparam=spi=on",
    ] {
        assert!(!spi(off), "{off}");
    }
}

proptest! {
    #[test]
    fn no_config_txt_is_too_strange(
        main in "([\\[\\]a-z0-9=,# é\n]|include (a|config)|\\[(all|pi4|none|gpio4=1)\\]\n|core_freq=|dtparam=){0,60}",
        other in "(include (a|config.txt)\n|core_freq=500\n|\\[pi3\\]\n|\\PC){0,40}",
    ) {
        let files: BTreeMap<&str, &str> = [("config.txt", &*main), ("a", &*other), ("config", &*other)].into();
        let read = |name: &str| files.get(name).map(|text| (*text).to_owned());
        let file = Firmware::read(&["pi4"], "config.txt", &read).unwrap();
        let _ = (file.is_spi_on(), file.number("core_freq"), Core::Pi4.fixed_by(&file));
        // What is added at the end, as the doctor says it, always applies.
        let main = main.replace("include", "exclude");
        let all = if Firmware::read(&["pi4"], "x", &|_| Some(main.clone())).unwrap().ends_in_all {
            ""
        } else {
            "[all]\n"
        };
        let mended = format!("{main}\n{all}core_freq=500\ncore_freq_min=500");
        let read = |name: &str| match name {
            "config.txt" => Some(mended.clone()),
            name => files.get(name).map(|text| (*text).to_owned()),
        };
        let file = Firmware::read(&["pi4"], "config.txt", &read).unwrap();
        prop_assert!(Core::Pi4.fixed_by(&file).is_some());
        prop_assert_eq!(file.doubt(Core::Pi4.keys()), None);
    }
}

const CONFIG: &str = "[strip]\nkind = \"spi\"\nleds = 60\n[button]\nstart = 17\n";

/// A Pi with this `config.txt`, whose button is open.
fn pi(board: Board, config_txt: &str) -> Rig {
    let rig = Rig::builder().model(board).build();
    rig.put("/boot/firmware/config.txt", config_txt);
    rig.put("/proc/sys/kernel/osrelease", "6.12.47+rpt-rpi-v8\n");
    rig.put(
        "/sys/devices/platform/soc/soc:firmware/get_throttled",
        "0\n",
    );
    rig.put("/dev/watchdog", "");
    fs::write(rig.path("pi.toml"), CONFIG).unwrap();
    rig
}

/// What the doctor says on it: the exit status, the text and the bad checks.
fn examine(rig: &Rig) -> (Option<i32>, String, BTreeMap<String, String>) {
    let (config, socket) = (rig.path("pi.toml"), rig.path("s"));
    let run = |more: &[&str]| {
        let mut arguments = vec![
            "doctor",
            "--config",
            config.to_str().unwrap(),
            "--socket",
            socket.to_str().unwrap(),
        ];
        arguments.extend(more);
        rig.run_on_pi(TALKLIGHT, arguments)
    };
    let (said, json) = (run(&[]), run(&["--json"]));
    assert_eq!(said.status.code(), json.status.code());
    assert_eq!(text(&said.stderr), "");
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["good"], said.status.success());
    let bad = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "bad");
    let bad = bad.map(|check| {
        (
            check["name"].as_str().unwrap().into(),
            check["remedy"].as_str().unwrap().into(),
        )
    });
    (said.status.code(), text(&said.stdout), bad.collect())
}

/// The one thing that is bad, and its remedy.
#[track_caller]
fn only_bad(rig: &Rig, name: &str) -> String {
    let (code, said, mut bad) = examine(rig);
    assert_eq!(code, Some(1), "{said}");
    let remedy = bad
        .remove(name)
        .unwrap_or_else(|| panic!("{name} is not bad: {said}"));
    assert!(bad.is_empty(), "{said}");
    remedy
}

const BOARDS: [(Board, &str); 3] = [
    (
        Board::Pi4B,
        "dtparam=spi=on\n[pi4]\ncore_freq=500\ncore_freq_min=500\n",
    ),
    (Board::Pi5, "dtparam=spi=on\n"),
    (Board::Zero2W, "dtparam=spi=on\n[pi02]\ncore_freq=250\n"),
];

#[test]
fn a_pi_that_is_set_up_is_good() {
    for (board, config_txt) in BOARDS {
        let rig = pi(board, config_txt);
        let (code, said, _) = examine(&rig);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("ok   Raspberry Pi "), "{said}");
        assert!(said.contains(", kernel 6.12.47+rpt-rpi-v8\n"), "{said}");
        assert!(said.contains("GPIO 17 is free"), "{said}");
        // It looked, and sent nothing.
        assert!(rig.transfers().is_empty());
    }
}

#[test]
fn each_fault_of_a_pi_is_seen() {
    for (board, config_txt) in BOARDS {
        let set_up = || pi(board, config_txt);

        let rig = set_up();
        rig.remove("/dev/spidev0.0");
        assert!(only_bad(&rig, "spi").starts_with("reboot;"));
        rig.put(
            "/boot/firmware/config.txt",
            config_txt.replace("dtparam=spi=on", ""),
        );
        let line = only_bad(&rig, "spi");
        assert!(line.ends_with("dtparam=spi=on"), "{line}");

        let rig = set_up();
        rig.allow("/dev/spidev0.0", false);
        // Whose they are depends on who runs the test.
        let lets_in = |remedy: String| {
            remedy.starts_with("sudo usermod -aG ") || remedy.contains("MODE=\"0660\"")
        };
        assert!(lets_in(only_bad(&rig, "spi-access")));
        rig.allow("/dev/spidev0.0", true);
        rig.allow("/dev/gpiochip0", false);
        assert!(lets_in(only_bad(&rig, "gpio-access")));

        let rig = set_up();
        rig.put(
            "/sys/devices/platform/soc/soc:firmware/get_throttled",
            "50000\n",
        );
        only_bad(&rig, "under-voltage");

        let rig = set_up();
        fs::write(rig.path("pi.toml"), CONFIG.replace("60", "319")).unwrap();
        assert!(
            only_bad(&rig, "buffer")
                .ends_with("/boot/firmware/cmdline.txt and reboot:\nspidev.bufsiz=65536")
        );
        fs::write(rig.path("pi.toml"), CONFIG.replace("leds", "lamps")).unwrap();
        only_bad(&rig, "config");

        let rig = Rig::builder().model(board).level(17, Level::Low).build();
        rig.put("/boot/firmware/config.txt", config_txt);
        fs::write(rig.path("pi.toml"), CONFIG).unwrap();
        only_bad(&rig, "button");
    }
}

#[test]
fn a_core_clock_that_is_not_fixed_is_seen() {
    let rig = pi(Board::Pi4B, "dtparam=spi=on\n[pi3]\ncore_freq=250\n");
    assert_eq!(
        only_bad(&rig, "core-clock"),
        "add to the end of /boot/firmware/config.txt and reboot:\n[all]\ncore_freq=500\ncore_freq_min=500"
    );
    let rig = pi(Board::Zero2W, "dtparam=spi=on\n");
    assert!(only_bad(&rig, "core-clock").ends_with("\ncore_freq=250"));
}

#[test]
fn an_older_system_has_its_files_elsewhere() {
    if std::path::Path::new("/boot/firmware").exists() {
        return;
    }
    let rig = Rig::builder().build();
    rig.put("/boot/config.txt", "dtparam=spi=on\n");
    fs::write(rig.path("pi.toml"), CONFIG).unwrap();
    assert!(only_bad(&rig, "core-clock").starts_with("add to the end of /boot/config.txt "));
}

#[test]
fn the_daemon_is_asked_and_left_alone() {
    let rig = pi(BOARDS[0].0, BOARDS[0].1);
    let (config, socket) = (rig.path("pi.toml"), rig.path("s"));
    let arguments = [
        "--headless",
        "--config",
        config.to_str().unwrap(),
        "--socket",
        socket.to_str().unwrap(),
    ];
    rig.start(TALKLIGHT, arguments);
    until("the daemon answers", || {
        examine(&rig)
            .1
            .contains("the daemon answers: ready, lightning, 5:00; spi strip sending")
    });
    let (code, said, _) = examine(&rig);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!(
            "process {} (talklight) drives /dev/spidev0.0",
            rig.pid().unwrap()
        )),
        "{said}"
    );
    rig.terminate();
}

#[test]
fn what_the_readme_shows_is_what_is_said() {
    let rig = pi(BOARDS[0].0, "core_freq=500\ncore_freq_min=500\n");
    rig.remove("/dev/spidev0.0");
    let said = examine(&rig).1;
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, shown) = readme.split_once("```\nok   Raspberry Pi ").unwrap();
    let (shown, _) = shown.split_once("\n```").unwrap();
    for line in shown.lines().skip(2).filter(|line| !line.starts_with("--")) {
        assert!(
            said.contains(&format!("{line}\n")),
            "`{line}` is not in: {said}"
        );
    }
}

#[test]
fn what_is_no_pi_is_said_to_be_none() {
    if std::path::Path::new("/proc/device-tree/model").exists() {
        return;
    }
    let mut house = House::new(crate::harness::QUICK);
    let said = house.does(&["doctor"]);
    assert!(said.starts_with("--   no Raspberry Pi, kernel "), "{said}");
    assert!(said.contains("\nok   config.toml is good\n"), "{said}");
    assert!(said.contains("\n--   no daemon answers at s"), "{said}");
    house.start();
    let said = house.does(&["doctor"]);
    assert!(
        said.contains("\nok   the daemon answers: ready, quick"),
        "{said}"
    );
    fs::write(house.folder.file("config.toml"), "[strip]\nlamps = 3\n").unwrap();
    let output = house.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(
        said.contains("\nBAD  the config has mistakes:\n     config.toml:2"),
        "{said}"
    );
    assert!(said.contains("`talklight check`"), "{said}");
}
