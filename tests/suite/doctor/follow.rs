//! Faults of a Pi's set-up. Each remedy is followed, and the doctor must not repeat a remedy that did not help.

use std::fs;
use std::time::SystemTime;

use super::set_up::*;
use crate::harness::{TALKLIGHT, text};
use crate::rig::{Model as Board, Rig};

const CONFIG_TXT: &str = "/boot/firmware/config.txt";
const BUFSIZ_FILE: &str = "/sys/module/spidev/parameters/bufsiz";

fn pi4() -> Rig {
    pi(Board::Pi4B, PI4_SETTINGS)
}

fn set_up(rig: &Rig, lines: &str) {
    config_txt(rig, &format!("{PI4_SETTINGS}{lines}\n"));
}

/// Makes these files older than the start of the Pi.
fn long_ago(rig: &Rig, files: &[&str]) {
    for file in files {
        let file = fs::File::options().write(true).open(rig.path("root").join(file.trim_start_matches('/'))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

/// A Pi whose strip is too long for the default buffer.
fn long_strip() -> Rig {
    let rig = pi4();
    fs::write(rig.path("pi.toml"), CONFIG.replace("60", "400")).unwrap();
    rig.put("/proc/cmdline", "console=tty1\n");
    rig
}

#[test]
fn the_buffer_must_be_set_in_the_line_that_the_firmware_reads() {
    let set = "spidev.bufsiz=65536";
    for (settings, file, line, ignored) in [
        ("", "cmdline.txt", "console=tty1\nspidev.bufsiz=65536\n", "line 2 of /boot/firmware/cmdline.txt"),
        (
            "",
            "cmdline.txt",
            "console=tty1 -- spidev.bufsiz=65536\n",
            "the part after ` -- ` in /boot/firmware/cmdline.txt",
        ),
        ("cmdline=other.txt", "other.txt", "console=tty1\n", "/boot/firmware/cmdline.txt"),
        ("[pi4]\nos_prefix=new/", "new/cmdline.txt", "console=tty1\n", "/boot/firmware/cmdline.txt"),
    ] {
        let rig = long_strip();
        set_up(&rig, settings);
        rig.put("/boot/firmware/new/kernel8.img", "");
        rig.put("/boot/firmware/cmdline.txt", format!("console=tty1 {set}\n"));
        let path = format!("/boot/firmware/{file}");
        rig.put(&path, line);
        let (said, remedy) = only_bad(&rig, "buffer");
        says(&said, &format!("takes 4096; nobody reads {ignored}, which sets it\n"));
        assert_eq!(remedy, format!("move it to the front of the first line of {path} and reboot:\n{set}"));
        // The remedy, with a number as the kernel accepts it.
        let line = format!("spidev.bufsiz=0x10000 {line}");
        rig.put(&path, &line);
        assert_eq!(only_bad(&rig, "buffer").1, "reboot");
        rig.put("/proc/cmdline", line);
        rig.put(BUFSIZ_FILE, "65536\n");
        is_good(&rig);
    }
}

#[test]
fn a_remedy_for_the_buffer_is_not_repeated() {
    let rig = long_strip();
    rig.put("/boot/firmware/cmdline.txt", "console=tty1 -- splash\n");
    let (_, remedy) = only_bad(&rig, "buffer");
    assert!(remedy.starts_with("add to the front of the first line of /boot/firmware/cmdline.txt and reboot:\n"));
    rig.put("/boot/firmware/cmdline.txt", "spidev.bufsiz=\"65536\" console=tty1 -- splash\n");
    assert_eq!(only_bad(&rig, "buffer").1, "reboot");
    long_ago(&rig, &["/boot/firmware/cmdline.txt", CONFIG_TXT]);
    let (_, remedy) = only_bad(&rig, "buffer");
    assert!(
        remedy.starts_with(
            "the Pi was started after the last change, so it reads another file: `findmnt /boot/firmware`"
        )
    );
    rig.put("/proc/cmdline", "spidev.bufsiz=65536\n");
    let (_, remedy) = only_bad(&rig, "buffer");
    assert!(remedy.starts_with("`grep -r bufsiz /etc/modprobe.d`"), "{remedy}");
}

/// Puts a chip on SPI0.
fn bus(rig: &Rig, select: u32, chip: &str, driver: &str) {
    let driver = if driver.is_empty() { String::new() } else { format!("DRIVER={driver}\n") };
    let properties = format!("{driver}OF_NAME={chip}\nMODALIAS=spi:{chip}\n");
    rig.put(&format!("/sys/bus/spi/devices/spi0.{select}/uevent"), properties);
}

#[test]
fn another_driver_on_the_bus_is_found_with_its_line() {
    for (select, chip, driver, overlay) in [
        (0, "mcp2515", "mcp251x", "mcp2515-can0,oscillator=16000000"),
        (1, "ads7846", "ads7846", "ads7846,cs=1"),
        (0, "enc28j60", "enc28j60", "enc28j60"),
        // The overlay has another name; its file contains the chip.
        (0, "ili9341", "fb_ili9341", "pitft28-resistive"),
    ] {
        let rig = pi4();
        bus(&rig, 1 - select, "spidev", "spidev");
        bus(&rig, select, chip, driver);
        set_up(&rig, &format!("dtoverlay=w1-gpio\ndtoverlay={overlay}"));
        let blob = [&b"\xd0\x0d\xfe\xed\0compatible\0x,"[..], chip.as_bytes(), b"\0"].concat();
        rig.put(&format!("/boot/firmware/overlays/{}.dtbo", overlay.split(',').next().unwrap()), blob);
        let line = format!("take out `dtoverlay={overlay}` in {CONFIG_TXT}, and reboot");
        let belongs = format!("BAD  spi0.{select} belongs to {driver}; the strip takes all data on SPI0 for its own,");
        // With and without a device node of the strip.
        for node in [true, false] {
            if !node {
                rig.remove("/dev/spidev0.0");
            }
            let (said, remedy) = only_bad(&rig, "spi");
            says(&said, &belongs);
            assert_eq!(remedy, line);
        }
        set_up(&rig, "");
        assert!(only_bad(&rig, "spi").1.contains("out of config.txt, reboot;"));
        long_ago(&rig, &[CONFIG_TXT]);
        assert!(only_bad(&rig, "spi").1.contains("an add-on board"));
    }
}

#[test]
fn a_missing_node_is_explained_by_what_is_bound() {
    let rig = pi4();
    rig.remove("/dev/spidev0.0");
    assert!(only_bad(&rig, "spi").1.starts_with("reboot;"));
    long_ago(&rig, &[CONFIG_TXT]);
    let (_, remedy) = only_bad(&rig, "spi");
    assert!(
        remedy.starts_with("the Pi was started after the last change")
            && remedy.contains("; `sudo modprobe spi_bcm2835`")
    );
    bus(&rig, 0, "spidev", "");
    assert!(only_bad(&rig, "spi").1.starts_with("sudo modprobe spidev"));
    bus(&rig, 0, "spidev", "spidev");
    rig.put("/dev/spidev0.0", "");
    is_good(&rig);
    // The overlay has one chip select, and the config names the other.
    fs::write(rig.path("pi.toml"), CONFIG.replace("leds", "device = \"/dev/spidev0.1\"\nleds")).unwrap();
    let (_, remedy) = only_bad(&rig, "spi");
    assert_eq!(remedy, "write `device = \"/dev/spidev0.0\"` under [strip]");
}

/// Writes a config with a button on this pin.
fn button(rig: &Rig, gpio: u32) {
    fs::write(rig.path("pi.toml"), format!("[button]\nstart = {gpio}\n")).unwrap();
}

#[track_caller]
fn is_taken(rig: &Rig, gpio: u32, by: &str) {
    button(rig, gpio);
    says(&only_bad(rig, "button").0, &format!("BAD  GPIO {gpio} is taken by {by}\n"));
    let checked = rig.run_on_pi(TALKLIGHT, ["--config", rig.path("pi.toml").to_str().unwrap(), "check"]);
    assert!(checked.status.success());
    says(&text(&checked.stdout), &format!("\nbut GPIO {gpio} is taken by {by}; give the button another line\n"));
    assert!(rig.requests().is_empty() && rig.looks().is_empty(), "the line was requested");
}

#[track_caller]
fn is_free(rig: &Rig, gpio: u32) {
    button(rig, gpio);
    says(&is_good(rig), &format!("ok   GPIO {gpio} is free"));
}

#[test]
fn a_pin_with_a_function_in_config_txt_is_not_requested() {
    for (line, taken, free) in [
        ("enable_uart=1", &[14, 15][..], 17),
        ("dtparam=uart0=on", &[14, 15], 17),
        ("dtparam=i2c_arm=on", &[2, 3], 4),
        ("dtparam=i2c_arm=y   # for the clock", &[2, 3], 4),
        ("dtparam=spi=on,i2c1=on", &[2, 3], 4),
        ("dtparam=i2s=on", &[18, 19, 20, 21], 17),
        ("dtoverlay=hifiberry-dac", &[18, 21], 17),
        ("dtoverlay=w1-gpio", &[4], 17),
        ("dtoverlay=w1-gpio,gpiopin=17", &[17], 4),
        ("dtoverlay=w1-gpio\ndtparam=gpiopin=17", &[17], 4),
        ("dtoverlay=w1-gpio,gpiopin=17\ndtoverlay=w1-gpio,gpiopin=27", &[17, 27], 4),
        ("dtoverlay=vc4-kms-dpi-at056tn53v1", &[2, 17, 27], 0),
        ("dtoverlay=dpi24", &[4, 20], 0),
        ("dtoverlay=audremap", &[18, 19], 12),
        ("dtoverlay=audremap,pins_12_13", &[12, 13], 18),
        ("dtoverlay=pwm", &[18], 19),
        ("dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4", &[12, 13], 18),
        ("dtoverlay=uart3", &[4, 5], 17),
        ("dtoverlay=spi1-1cs", &[18, 19, 20, 21], 17),
        ("dtoverlay=some-other,reset_pin=22", &[22], 17),
        ("dtparam=act_led_gpio=22", &[22], 17),
        ("dtoverlay=i2c-gpio,i2c_gpio_sda=5,i2c_gpio_delay_us=2", &[5, 24], 2),
        ("gpio=16-17,24=op,dh", &[16, 17, 24], 23),
        ("gpio=12=a0", &[12], 17),
        ("gpio=26-4294967295=op", &[26, 27], 17),
        ("gpio=17=ip,pu", &[], 17),
        ("enable_uart=1\nenable_uart=0", &[], 14),
        ("[pi5]\nenable_uart=1", &[], 14),
    ] {
        let rig = pi4();
        set_up(&rig, line);
        let written = line.split(['\n']).next_back().unwrap().split(" #").next().unwrap().trim();
        for gpio in taken {
            button(&rig, *gpio);
            let (said, _) = only_bad(&rig, "button");
            says(&said, &format!("BAD  GPIO {gpio} is taken by `"));
            assert!(rig.requests().is_empty() && rig.looks().is_empty(), "{line}");
        }
        if let [gpio] = taken
            && !line.contains('\n')
        {
            is_taken(&rig, *gpio, &format!("`{written}` in {CONFIG_TXT}"));
        }
        if free > 1 {
            is_free(&rig, free);
        }
        // Without the line the pin is free.
        set_up(&rig, "");
        taken.first().into_iter().for_each(|gpio| is_free(&rig, *gpio));
    }
}

/// Adds a group of pins and a part that uses it to the device tree.
fn part(rig: &Rig, name: &str, group: u32, pins: &[u8], status: &str) {
    let root = "/proc/device-tree/soc";
    rig.put(&format!("{root}/gpio@7e200000/compatible"), "brcm,bcm2711-gpio\0");
    rig.put(&format!("{root}/gpio@7e200000/{name}_pins/phandle"), group.to_be_bytes());
    let cells: Vec<u8> = pins.iter().flat_map(|pin| u32::from(*pin).to_be_bytes()).collect();
    rig.put(&format!("{root}/gpio@7e200000/{name}_pins/brcm,pins"), cells);
    rig.put(&format!("{root}/{name}/pinctrl-0"), group.to_be_bytes());
    rig.put(&format!("{root}/{name}/status"), format!("{status}\0"));
}

#[test]
fn a_pin_of_a_part_of_the_running_pi_is_not_requested() {
    let rig = pi4();
    part(&rig, "i2s@7e203000", 7, &[18, 19, 20, 21], "okay");
    part(&rig, "dpi@7e208000", 8, &[4, 5], "disabled");
    for gpio in [18, 21] {
        is_taken(&rig, gpio, "i2s@7e203000");
    }
    for gpio in [4, 17, 14] {
        is_free(&rig, gpio);
    }
    // The firmware sets the pins of the serial port; the tree does not list them.
    let rig = pi4();
    rig.put("/proc/device-tree/aliases/serial0", "/soc/serial@7e215040\0");
    part(&rig, "serial@7e215040", 9, &[], "okay");
    is_taken(&rig, 14, "serial@7e215040");
    part(&rig, "serial@7e215040", 9, &[], "disabled");
    is_free(&rig, 14);
    // A Pi 5 names pins, in groups of groups.
    let rig = pi(Board::Pi5, "");
    let gpio = "/proc/device-tree/axi/rp1/gpio@d0000";
    rig.put(&format!("{gpio}/compatible"), "raspberrypi,rp1-gpio\0");
    rig.put(&format!("{gpio}/uart0/phandle"), 5_u32.to_be_bytes());
    rig.put(&format!("{gpio}/uart0/txd/pins"), "gpio14\0");
    rig.put(&format!("{gpio}/uart0/rxd/pins"), "gpio15\0");
    rig.put("/proc/device-tree/axi/rp1/serial@30000/pinctrl-0", 5_u32.to_be_bytes());
    is_taken(&rig, 15, "serial@30000");
    is_free(&rig, 17);
}

#[test]
fn root_sees_the_function_of_a_pin() {
    let list = "/sys/kernel/debug/pinctrl/fe200000.gpio-pinctrl-bcm2711/pins";
    let rig = pi4();
    says(
        &is_good(&rig),
        "--   the strip's data leaves by GPIO 10, pin 19; this user cannot see whether it is set to SPI",
    );
    rig.put(list, "pin 10 (gpio10) function alt0 in lo; irq 0 (none)\npin 17 (gpio17) function gpio_in in hi; irq 0\n");
    says(&is_good(&rig), "ok   the strip's data leaves by GPIO 10, pin 19, which is set to SPI\n");
    // Another program had the pin for a moment. The other lines of SPI do not matter.
    rig.put(list, "pin 9 (gpio9) function gpio_in in lo; irq 0\npin 10 (gpio10) function gpio_in in lo; irq 0\n");
    let (said, remedy) = only_bad(&rig, "data-line");
    says(&said, "BAD  GPIO 10, pin 19, by which the strip's data leaves, is set to gpio_in, not to SPI");
    assert_eq!(remedy, "sudo modprobe -r spi_bcm2835 && sudo modprobe spi_bcm2835, or reboot");
    // A function without a line in config.txt or a driver.
    rig.put(list, "pin 10 (gpio10) function alt0 in lo; irq 0\npin 17 (gpio17) function alt3 in hi; irq 0\n");
    says(&only_bad(&rig, "button").0, "BAD  GPIO 17 is taken by its function, alt3\n");

    let rig = pi(Board::Pi5, "");
    let list = "/sys/kernel/debug/pinctrl/1f000d0000.gpio-pinctrl-rp1/pins";
    rig.put(
        list,
        "pin 10 (gpio10) function alt0 (spi0) in lo; irq 0\npin 17 (gpio17) function alt5 (gpio) in hi; irq 0\n",
    );
    is_good(&rig);
    rig.put(list, "pin 10 (gpio10) function alt5 (gpio) in lo; irq 0\n");
    assert!(only_bad(&rig, "data-line").1.starts_with("sudo modprobe -r spi_dw_mmio && "));
}

/// A program that writes to the registers can leave an output without a driver.
#[test]
fn a_pin_that_is_an_output_is_not_requested() {
    let rig = build(Rig::builder().env("PISHIM_OUTPUT", "22"), PI4_SETTINGS);
    button(&rig, 22);
    says(&only_bad(&rig, "button").0, "BAD  GPIO 22 is taken by what drives it: it is an output\n");
    assert!(rig.requests().is_empty() && rig.looks().is_empty());
    is_free(&rig, 23);
}

/// Runs the first line of a remedy. Whether it restarted the service.
fn run(rig: &Rig, remedy: &str) -> bool {
    let restarted = rig.path("restarted");
    let _ = fs::remove_file(&restarted);
    let command = remedy.lines().next().unwrap();
    rig.run_on_pi("/bin/sh", ["-c", command]);
    restarted.exists()
}

#[test]
fn a_remedy_does_not_restart_with_a_bad_config() {
    let rig = pi4();
    rig.install("sudo", "exec \"$@\"");
    rig.install("talklight", &format!("exec {TALKLIGHT} \"$@\""));
    let file = "/etc/talklight/config.toml";
    for (config, is_restarted) in [
        (CONFIG.to_owned(), true),
        (CONFIG.replace("60", "400"), false),
        (CONFIG.replace("60", "0"), false),
        (CONFIG.replace("leds", "lamps"), false),
    ] {
        rig.put(file, &config);
        let marker = rig.path("restarted");
        systemctl(&rig, "LoadState=loaded\\nActiveState=active\\nExecMainStartTimestampMonotonic=1");
        let answers = fs::read_to_string(rig.path("bin/systemctl")).unwrap();
        let answers = answers.trim_start_matches("#!/bin/sh\n");
        rig.install("systemctl", &format!("[ \"$1\" != restart ] || echo > {}\n{answers}", marker.display()));
        let report = rig.run_on_pi(TALKLIGHT, ["doctor", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "config").unwrap();
        assert_eq!(check["verdict"], "bad");
        assert_eq!(check["text"].as_str().unwrap().contains("a restart would end it"), !is_restarted, "{check}");
        let remedy = check["remedy"].as_str().unwrap();
        assert!(remedy.starts_with("talklight check && sudo systemctl restart talklight\n"), "{remedy}");
        assert_eq!(run(&rig, remedy), is_restarted, "{config}");
    }
}

#[test]
fn the_config_of_the_service_is_examined_too() {
    let rig = pi4();
    rig.put("/etc/talklight/config.toml", "[strip]\nlamps = 1\n");
    systemctl(&rig, "LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled");
    let (_, said, bad) = examine(&rig);
    says(&said, "BAD  the service's config has mistakes");
    assert_eq!(bad["config"], "correct these lines, then run `talklight check`");
}
