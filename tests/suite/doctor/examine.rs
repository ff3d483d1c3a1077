//! The real binary, on the pretend Pi and on another machine.

use std::fs;
use std::path::Path;

use super::set_up::*;
use crate::harness::{Instance, TALKLIGHT, text, until};
use crate::rig::{Builder, Level, Model as Board, Rig};

/// Boards, and the settings that each is started with.
const BOARDS: [(Board, &str); 3] = [(Board::Pi4B, PI4_SETTINGS), (Board::Pi5, ""), (Board::Zero2W, "core_freq=250\n")];

#[test]
fn a_pi_that_is_set_up_well_is_good() {
    for (board, settings) in BOARDS {
        let rig = pi(board, settings);
        let said = is_good(&rig);
        assert!(said.starts_with("ok   Raspberry Pi "), "{said}");
        for line in [
            ", kernel 6.12.47+rpt-rpi-v8\n",
            "ok   /dev/spidev0.0 belongs to the group spi; this user may open it\n",
            "ok   GPIO 17 is free, and its contact is open\n",
            "ok   the hardware watchdog restarts a Pi that is frozen for 1min\n",
            "ok   the Pi has seen no under-voltage\n",
            "--   the service is not installed",
        ] {
            says(&said, line);
        }
        // The doctor sends nothing to the strip.
        assert!(rig.transfers().is_empty());
    }
}

#[test]
fn each_fault_of_a_pi_is_found() {
    for (board, settings) in BOARDS {
        let set_up = || pi(board, settings);

        let rig = set_up();
        rig.remove("/dev/spidev0.0");
        assert!(only_bad(&rig, "spi").1.starts_with("reboot;"));
        rig.put("/boot/firmware/config.txt", settings);
        let (said, remedy) = only_bad(&rig, "spi");
        assert_eq!(remedy, "add to the end of /boot/firmware/config.txt and reboot:\ndtparam=spi=on");
        says(&said, "\n         dtparam=spi=on\n");

        let rig = set_up();
        rig.allow("/dev/spidev0.0", false);
        assert_eq!(only_bad(&rig, "spi-access").1, "sudo usermod -aG spi $USER, then log out and in again");
        rig.allow("/dev/spidev0.0", true);
        rig.allow("/dev/gpiochip0", false);
        assert_eq!(only_bad(&rig, "gpio-access").1, "sudo usermod -aG gpio $USER, then log out and in again");

        let rig = set_up();
        vcgencmd(&rig, settings, 0x5_0000);
        only_bad(&rig, "under-voltage");

        let rig = set_up();
        fs::write(rig.path("pi.toml"), CONFIG.replace("60", "319")).unwrap();
        let (_, remedy) = only_bad(&rig, "buffer");
        assert!(remedy.ends_with("/boot/firmware/cmdline.txt and reboot:\nspidev.bufsiz=65536"));
        rig.put("/boot/firmware/cmdline.txt", "console=tty1 spidev.bufsiz=65536 rootwait\n");
        assert_eq!(only_bad(&rig, "buffer").1, "reboot");
        fs::write(rig.path("pi.toml"), CONFIG.replace("leds", "lamps")).unwrap();
        only_bad(&rig, "config");

        let rig = build(Rig::builder().model(board).level(17, Level::Low), settings);
        only_bad(&rig, "button");
    }
}

#[test]
fn a_core_clock_that_is_not_fixed_is_found() {
    let rig = pi(Board::Pi4B, "[pi3]\ncore_freq=250\n");
    vcgencmd(&rig, "core_freq=500\ncore_freq_min=200\n", 0);
    let (said, remedy) = only_bad(&rig, "core-clock");
    says(&said, "BAD  the core clock changes with the load (500 MHz now), and");
    assert_eq!(
        remedy,
        "add to the end of /boot/firmware/config.txt and reboot:\n[all]\ncore_freq=500\ncore_freq_min=500"
    );
    // The file was edited and the Pi not rebooted.
    config_txt(&rig, PI4_SETTINGS);
    assert_eq!(only_bad(&rig, "core-clock").1, "reboot");
    vcgencmd(&rig, PI4_SETTINGS, 0);
    is_good(&rig);

    let rig = pi(Board::Zero2W, "");
    assert!(only_bad(&rig, "core-clock").1.ends_with(":\ncore_freq=250"));
    // A firmware that cannot measure prints 0.
    rig.install("vcgencmd", "echo 'frequency(1)=0'");
    let (said, _) = only_bad(&rig, "core-clock");
    says(&said, "BAD  the core clock changes with the load, and SPI's");
}

#[test]
fn a_missing_failing_or_hung_tool_is_tolerated() {
    for script in [None, Some("echo core_freq=200; exit 1"), Some("echo $$ > \"$0.pid\"; exec /bin/sleep 60")] {
        let rig = pi(Board::Pi4B, PI4_SETTINGS);
        for tool in ["vcgencmd", "systemctl"] {
            match script {
                None => fs::remove_file(rig.path("bin").join(tool)).unwrap(),
                Some(script) => rig.install(tool, script),
            }
        }
        // The kernel's monitor needs no tool.
        rig.put("/sys/class/hwmon/hwmon2/name", "rpi_volt\n");
        rig.put("/sys/class/hwmon/hwmon2/in0_lcrit_alarm", "1\n");
        let config = rig.path("pi.toml");
        let arguments = ["doctor", "--config", config.to_str().unwrap()];
        let said = text(&rig.run_on_pi(TALKLIGHT, arguments).stdout);
        assert_eq!(said.matches("BAD").count(), 1, "{said}");
        for line in [
            "BAD  the Pi's supply is below 4.63 V now\n",
            " in /boot/firmware/config.txt, if the Pi was started since\n",
            "--   a hardware watchdog is there; cannot tell whether systemd uses it",
        ] {
            says(&said, line);
        }
        // A hung tool is killed.
        for tool in ["vcgencmd", "systemctl"] {
            let pid = fs::read_to_string(rig.path("bin").join(tool).with_extension("pid"));
            let Ok(pid) = pid else { continue };
            let stat = format!("/proc/{}/stat", pid.trim());
            until("the tool has ended", || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")));
        }
    }
}

#[test]
fn a_taken_line_is_not_requested() {
    let pi4 = |builder: Builder| build(builder.model(Board::Pi4B), PI4_SETTINGS);
    let rig = pi4(Rig::builder().taken(17, "onewire@11"));
    let (said, remedy) = only_bad(&rig, "button");
    says(&said, "BAD  GPIO 17 is taken by onewire@11\n");
    assert!(remedy.contains("a line of /boot/firmware/config.txt, or a program"));

    let rig = pi4(Rig::builder().taken(8, "spi0 CS0"));
    fs::write(rig.path("pi.toml"), "[button]\nstart = 8\n").unwrap();
    says(&only_bad(&rig, "button").0, "BAD  GPIO 8 is taken by spi0 CS0\n");

    let rig = pi4(Rig::builder().taken(10, "led0"));
    says(&only_bad(&rig, "data-line").0, "BAD  GPIO 10, pin 19, by which the strip's data leaves, is taken by led0\n");

    // Only root can read the functions of pins.
    let pins = "/sys/kernel/debug/pinctrl/fe200000.gpio-pinctrl-bcm2711/pinmux-pins";
    let rig = pi4(Rig::builder());
    rig.put(
        pins,
        "pin 10 (gpio10): fe204000.spi (GPIO UNCLAIMED) function alt0 group gpio10\n\
        pin 17 (gpio17): (MUX UNCLAIMED) pinctrl-bcm2711:529\n",
    );
    is_good(&rig);
    rig.put(pins, "pin 10 (gpio10): fe203000.i2s (GPIO UNCLAIMED) function alt0 group gpio10\n");
    only_bad(&rig, "data-line");

    let rig = pi4(Rig::builder());
    rig.put(pins, "pin 17 (gpio17): fe201000.serial (GPIO UNCLAIMED) function alt3 group gpio17\n");
    says(&only_bad(&rig, "button").0, "BAD  GPIO 17 is taken by fe201000.serial\n");
    assert!(rig.looks().is_empty(), "the line was read");
}

#[test]
fn a_button_on_a_line_of_spi_is_bad_and_not_read() {
    let rig = pi(Board::Pi4B, PI4_SETTINGS);
    // The strip is simulated here; with a real strip the config would be refused.
    let config = |gpio| format!("[button]\nstart = {gpio}\n");
    for gpio in [9, 10, 11] {
        fs::write(rig.path("pi.toml"), config(gpio)).unwrap();
        says(&only_bad(&rig, "button").0, &format!("BAD  GPIO {gpio} is taken by SPI\n"));
    }
    assert!(rig.looks().is_empty(), "the line was read");
    rig.put("/boot/firmware/config.txt", format!("dtoverlay=spi0-1cs,no_miso\n{PI4_SETTINGS}"));
    fs::write(rig.path("pi.toml"), config(9)).unwrap();
    says(&is_good(&rig), "ok   GPIO 9 is free");
    rig.remove("/dev/spidev0.0");
    fs::write(rig.path("pi.toml"), config(10)).unwrap();
    says(&is_good(&rig), "ok   GPIO 10 is free");
}

#[test]
fn the_service_gets_access_by_its_user_or_its_unit() {
    let of = |groups| build(Rig::builder().service_user(groups), PI4_SETTINGS);
    says(&is_good(&of("spi,gpio")), "; this user may open it, the user talklight may\n");
    let rig = of("spi");
    let (said, remedy) = only_bad(&rig, "gpio-access");
    says(&said, "BAD  /dev/gpiochip0 belongs to the group gpio; this user may open it, the user talklight may not\n");
    assert_eq!(remedy, "talklight check && sudo usermod -aG gpio talklight && sudo systemctl restart talklight");
    // The shipped unit grants both groups.
    systemctl(&rig, "LoadState=not-found\\nSupplementaryGroups=spi gpio");
    is_good(&rig);
}

#[test]
fn a_service_that_does_not_run_has_a_reason() {
    let rig = pi(Board::Pi4B, PI4_SETTINGS);
    let state = |active: &str| {
        systemctl(&rig, &format!("LoadState=loaded\\nUnitFileState=enabled\\n{active}"));
    };
    state("ActiveState=failed\\nResult=exit-code\\nExecMainStatus=78\\nNRestarts=0");
    let (said, remedy) = only_bad(&rig, "unit");
    says(&said, "BAD  the service does not run: the config has mistakes (result exit-code, status 78, 0 restarts)\n");
    assert!(remedy.starts_with("talklight check && sudo systemctl restart talklight\n"));
    state("ActiveState=deactivating\\nResult=watchdog\\nExecMainStatus=6");
    says(&only_bad(&rig, "unit").0, "BAD  the service does not run: it hung, and systemd ended it");
    // Between two starts systemd does not tell the result, so the doctor asks again.
    let counter = rig.path("count");
    let counted = format!(
        "case \"$*\" in 'show talklight '*) echo >> {0}; n=$(grep -c '' {0});; esac
        echo LoadState=loaded; echo NRestarts=9; echo ActiveState=activating
        if [ $n -lt 3 ]; then echo Result=success; else echo Result=exit-code; echo ExecMainStatus=216; fi",
        counter.display()
    );
    rig.install("systemctl", &counted.replace("grep", "/bin/grep"));
    let (said, remedy) = only_bad(&rig, "unit");
    says(&said, "missing (result exit-code, status 216, 9 restarts)\n");
    assert!(remedy.starts_with("talklight check && sudo systemd-sysusers "));
    state("ActiveState=inactive");
    assert_eq!(only_bad(&rig, "unit").1, "sudo systemctl enable --now talklight");
    state("ActiveState=active");
    says(&only_bad(&rig, "daemon").0, "BAD  the service runs, and no daemon answers at ");
}

#[test]
fn a_config_that_changed_under_the_service_is_found() {
    let rig = pi(Board::Pi4B, PI4_SETTINGS);
    rig.put("/etc/talklight/config.toml", CONFIG);
    let since = |us: u128| {
        let started = format!("ExecMainStartTimestampMonotonic={us}");
        systemctl(&rig, &format!("LoadState=loaded\\nActiveState=active\\n{started}"));
    };
    let now_us = u128::from(crate::rig::monotonic_ns() / 1000);
    since(now_us);
    let (_, said, bad) = examine_by(&rig, &[]);
    says(&said, "ok   /etc/talklight/config.toml is good\n");
    assert!(!bad.contains_key("config"), "{said}");
    since(0);
    let (_, said, bad) = examine_by(&rig, &[]);
    says(&said, "BAD  /etc/talklight/config.toml is good, but was changed after the service had read it\n");
    assert!(bad["config"].starts_with("talklight check && sudo systemctl restart talklight\n"));
    // A change of another file does not matter.
    assert!(!examine(&rig).2.contains_key("config"));
}

#[test]
fn a_pi_5_shows_what_its_supply_offers() {
    let rig = pi(Board::Pi5, "");
    rig.put("/proc/device-tree/chosen/power/max_current", 3000_u32.to_be_bytes());
    says(&is_good(&rig), "ok   the Pi has seen no under-voltage; its supply offers 3000 mA\n");
}

#[test]
fn an_older_system_has_its_files_in_boot() {
    if Path::new("/boot/firmware").exists() {
        return;
    }
    let rig = Rig::builder().alone().build();
    rig.put("/boot/config.txt", "dtparam=spi=on\n");
    fs::write(rig.path("pi.toml"), CONFIG).unwrap();
    let (_, remedy) = only_bad(&rig, "core-clock");
    assert!(remedy.starts_with("add to the end of /boot/config.txt "));
}

#[test]
fn the_daemon_is_asked_and_not_disturbed() {
    let rig = pi(Board::Pi4B, PI4_SETTINGS);
    let (config, socket) = (rig.path("pi.toml"), rig.path("s"));
    let (config, socket) = (config.to_str().unwrap(), socket.to_str().unwrap());
    rig.start(TALKLIGHT, ["--headless", "--config", config, "--socket", socket]);
    let answers = format!("ok   the daemon answers at {socket}: ready, lightning, 5:00; spi strip sending\n");
    until("the daemon answers", || examine(&rig).1.contains(&answers));
    let pid = rig.pid().unwrap();
    says(&is_good(&rig), &format!("ok   process {pid} (talklight) drives /dev/spidev0.0\n"));
    rig.terminate();
}

#[test]
fn another_machine_is_not_checked_as_a_pi() {
    if Path::new("/proc/device-tree/model").exists() {
        return;
    }
    let mut instance = Instance::new(crate::harness::QUICK);
    let said = instance.does(&["doctor"]);
    assert!(said.starts_with("--   no Raspberry Pi, kernel "), "{said}");
    says(&said, "\nok   config.toml is good\n");
    says(&said, "\n--   no daemon answers at s");
    instance.start();
    says(&instance.does(&["doctor"]), "\nok   the daemon answers at s: ready, quick");
    fs::write(instance.folder.file("config.toml"), "[strip]\nlamps = 3\n").unwrap();
    let output = instance.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    says(&said, "\nBAD  the config has mistakes:\n     config.toml:2");
    says(&said, "`talklight check`");
}

/// The example in docs/trouble.md, by the Pi that it is of.
#[test]
fn what_the_page_shows_is_what_is_said() {
    let rig = pi(Board::Pi4B, PI4_SETTINGS);
    rig.put("/boot/firmware/config.txt", PI4_SETTINGS);
    rig.remove("/dev/spidev0.0");
    let mut said = examine(&rig).1;
    for (actual, shown) in [("pi.toml", "/etc/talklight/config.toml"), ("s", "/run/talklight/control.sock")] {
        said = said.replace(&format!(" {}", rig.path(actual).display()), &format!(" {shown}"));
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/trouble.md")).unwrap();
    let (_, shown) = page.split_once("```\nok   Raspberry Pi ").unwrap();
    let (shown, _) = shown.split_once("\n```").unwrap();
    assert_eq!(said.trim_end(), format!("ok   Raspberry Pi {shown}"));
}
