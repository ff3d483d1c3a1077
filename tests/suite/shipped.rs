//! What is shipped beside the program is true: the units and the package.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser;
use talklight::cli::{Cli, Exit};
use talklight::engine::BEAT;

use crate::child;
#[cfg(target_os = "linux")]
use crate::harness::Folder;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The values of a key in the unit of the timer.
fn unit(key: &str) -> Vec<String> {
    values("systemd/talklight.service", key)
}

/// The values of a key in the console's unit.
fn console_unit(key: &str) -> Vec<String> {
    values("systemd/talklight-console.service", key)
}

fn values(file: &str, key: &str) -> Vec<String> {
    let text = read(file);
    text.lines().filter_map(|line| line.strip_prefix(&format!("{key}="))).map(str::to_owned).collect()
}

#[test]
fn the_units_run_commands_that_exist() {
    let timer = unit("ExecStart").into_iter().chain(unit("ExecStopPost"));
    for command in timer.chain(console_unit("ExecStart")) {
        let program =
            command.trim_start_matches('-').strip_prefix("/usr/bin/").expect("the program is installed in /usr/bin");
        Cli::try_parse_from(program.split_whitespace()).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

#[test]
fn the_unit_restarts_except_after_a_bad_config_and_its_watchdog_outlasts_a_beat() {
    assert_eq!(unit("Type"), ["notify"]);
    assert_eq!(unit("Restart"), ["on-failure"]);
    assert_eq!(unit("RestartSec"), ["0"]);
    assert_eq!(unit("StartLimitIntervalSec"), ["0"]);
    // Systemd's own failures before the program runs (systemd.exec(5)): EXEC, SETSCHEDULER, GROUP, USER, CAPABILITIES, NAMESPACE,
    // SECCOMP.
    let permanent = format!("{} 203 214 216 217 218 226 228", Exit::Config as u8);
    assert_eq!(unit("RestartPreventExitStatus"), [permanent]);
    let seconds: u64 = unit("WatchdogSec")[0].strip_suffix('s').unwrap().parse().unwrap();
    assert!(seconds >= 3 * BEAT.as_secs());
    assert_eq!(unit("RuntimeDirectory"), ["talklight"]);
    assert_eq!(unit("RuntimeDirectoryPreserve"), ["restart"]);
}

#[test]
fn the_console_owns_tty1_and_always_restarts() {
    assert_eq!(console_unit("TTYPath"), ["/dev/tty1"]);
    assert_eq!(console_unit("Conflicts"), ["getty@tty1.service"]);
    assert!(console_unit("After")[0].starts_with("getty@tty1.service"));
    assert_eq!(console_unit("Restart"), ["always"]);
    assert_eq!(console_unit("StartLimitIntervalSec"), ["0"]);
    // It silences messages of the kernel and systemd, and undoes that in reverse order.
    let commands = |key| {
        let commands = console_unit(key).into_iter();
        let messages = commands.filter(|command| !command.contains("printf"));
        messages.collect::<Vec<_>>()
    };
    let mut undone = commands("ExecStopPost");
    undone.reverse();
    let done: Vec<String> = commands("ExecStartPre")
        .iter()
        .map(|command| command.replace("-off", "-on").replace(" s no", " s \"\""))
        .collect();
    assert_eq!(done, undone);
    // Starting the console must not start a stopped timer, and stopping it must not stop the timer.
    for bond in ["Wants", "Requires", "BindsTo", "PartOf"] {
        assert!(console_unit(bond).is_empty(), "{bond}");
    }
}

#[test]
fn the_console_has_the_sandbox_of_the_timer() {
    let service = read("systemd/talklight.service");
    let from = service.find("\nDevicePolicy=").unwrap();
    let sandbox = service[from..].split("\n\n").next().unwrap();
    let keys: BTreeSet<&str> = sandbox
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .filter(|key| !key.starts_with("Device"))
        .collect();
    assert!(keys.len() > 15, "{keys:?}");
    // It asks the kernel for the addresses of this machine, for the invitation of a phone.
    let net = ["PrivateNetwork", "RestrictAddressFamilies"];
    assert!(console_unit(net[0]).is_empty());
    assert_eq!(console_unit(net[1]), ["AF_UNIX AF_NETLINK"]);
    let keys = keys.into_iter().filter(|key| !net.contains(key));
    for key in keys.chain(["User", "Group", "UMask"]) {
        assert_eq!(console_unit(key), unit(key), "{key}");
    }
    // Its terminal is the only device.
    assert_eq!(console_unit("PrivateDevices"), ["yes"]);
    assert_eq!(console_unit("DeviceAllow"), ["/dev/tty1 rw"]);
}

/// `PrivateTmp=yes` would create folders on the card at each start and remove them at each stop.
#[test]
fn the_service_has_no_tmp_on_the_card() {
    assert_eq!(unit("PrivateTmp"), ["no"]);
    assert_eq!(unit("TemporaryFileSystem"), ["/tmp:ro /var/tmp:ro"]);
}

#[test]
fn the_package_creates_the_groups_and_gives_them_the_devices() {
    let sysusers = read("systemd/talklight.sysusers");
    let made: BTreeSet<&str> = sysusers
        .lines()
        .filter(|line| line.starts_with(['g', 'u']))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    let groups = unit("SupplementaryGroups").remove(0);
    for name in groups.split(' ').chain([&*unit("User")[0], &*unit("Group")[0]]) {
        assert!(made.contains(name), "{name}");
    }
    let rules = read("systemd/talklight.udev");
    let of_devices: BTreeSet<&str> =
        rules.split("GROUP=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(of_devices, groups.split(' ').collect());
}

/// Some kernels refuse 15 s and more on a Pi, and systemd then uses no watchdog.
#[test]
fn the_hardware_watchdog_is_below_the_limit_of_a_pi_and_above_that_of_the_unit() {
    let seconds = |text: &str| -> u64 { text.strip_suffix('s').unwrap().parse().unwrap() };
    let hardware = seconds(&values("systemd/watchdog.conf", "RuntimeWatchdogSec")[0]);
    assert!(hardware < 15);
    assert!(hardware > 2 * seconds(&unit("WatchdogSec")[0]));
}

#[test]
fn the_package_has_the_version_of_the_crate_and_the_config_of_a_pi() {
    let said = child::command("bash")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/package"))
        .arg("--version")
        .output()
        .unwrap();
    let version = env!("CARGO_PKG_VERSION").replace('-', "~");
    assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), version);
    // `.ci/package` writes the version into the changelog. It must not be anywhere else.
    assert!(!read("systemd/debian/control").contains("\nVersion:"));
    assert!(!Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/debian/changelog").exists());
    let rules = read("systemd/debian/rules");
    assert!(rules.contains("config/pi.toml $(to)/etc/talklight/config.toml"));
}

#[test]
fn a_purge_removes_the_folders_of_the_service() {
    let postrm = read("systemd/debian/talklight.postrm");
    let given = [
        format!("/var/lib/{}", unit("StateDirectory")[0]),
        format!("/run/{}", unit("RuntimeDirectory")[0]),
        "/etc/talklight".into(),
    ];
    let removed: BTreeSet<&str> =
        postrm.lines().find_map(|line| line.trim().strip_prefix("rm -rf ")).unwrap().split(' ').collect();
    assert_eq!(removed, given.iter().map(String::as_str).collect());
}

/// In Debian armhf is ARMv7; in Raspberry Pi OS it includes ARMv6.
#[cfg(target_os = "linux")]
#[test]
fn the_package_for_armv7_refuses_an_armv6() {
    let folder = Folder::new();
    let uname = folder.file("uname");
    let preinst = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/debian/talklight.preinst");
    let install = |package: &str, machine: &str| {
        child::script(&uname, &format!("echo {machine}"));
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        child::command("sh")
            .arg(&preinst)
            .arg("install")
            .env("PATH", path)
            .env("DPKG_MAINTSCRIPT_ARCH", package)
            .output()
            .unwrap()
    };
    let refused = install("armhf", "armv6l");
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("\"ARMv6\"") && why.contains("docs/pi.md"), "{why}");
    assert!(read("docs/pi.md").contains("\n## ARMv6\n"));
    // A 64-bit kernel may be under a 32-bit system.
    for (package, machine) in [("armhf", "armv7l"), ("armhf", "aarch64"), ("arm64", "aarch64")] {
        let taken = install(package, machine);
        assert!(taken.status.success() && taken.stderr.is_empty(), "{package} on {machine}");
    }
}
