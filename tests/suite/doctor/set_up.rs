//! The pretend Pi as Raspberry Pi OS sets it up, and the doctor's report on it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::harness::{TALKLIGHT, text};
use crate::rig::{Builder, Model as Board, Rig};

pub const CONFIG: &str = "[strip]\nkind = \"spi\"\nleds = 60\n[button]\nstart = 17\n";

pub const PI4_SETTINGS: &str = "core_freq=500\ncore_freq_min=500\n";

/// A Pi as Raspberry Pi OS sets it up, with an open button.
pub fn pi(board: Board, settings: &str) -> Rig {
    build(Rig::builder().model(board), settings)
}

pub fn build(builder: Builder, settings: &str) -> Rig {
    let rig = builder.alone().build();
    config_txt(&rig, settings);
    rig.put("/proc/sys/kernel/osrelease", "6.12.47+rpt-rpi-v8\n");
    rig.put("/dev/watchdog", "");
    vcgencmd(&rig, settings, 0);
    systemctl(&rig, "LoadState=not-found\\nActiveState=inactive");
    fs::write(rig.path("pi.toml"), CONFIG).unwrap();
    rig
}

pub fn config_txt(rig: &Rig, settings: &str) {
    let text = format!("dtparam=spi=on\n[all]\n{settings}");
    rig.put("/boot/firmware/config.txt", text);
}

/// Installs `vcgencmd`, which prints as in raspberrypi/utils.
pub fn vcgencmd(rig: &Rig, settings: &str, throttled: u32) {
    rig.install(
        "vcgencmd",
        &format!(
            "case \"$*\" in
            'get_config int') echo 'arm_freq=1800\n{settings}total_mem=4096' ;;
            'measure_clock core') echo 'frequency(1)=500000992' ;;
            'get_throttled') echo throttled={throttled:#x} ;;
            *) echo 'error=1 error_msg=\"Command not registered\"'; exit 255 ;;
            esac"
        ),
    );
}

/// Installs `systemctl`, which reports the service in this state.
pub fn systemctl(rig: &Rig, properties: &str) {
    rig.install(
        "systemctl",
        &format!(
            "case \"$*\" in
            'show talklight --property='*) printf '{properties}\\n' ;;
            'show --property=RuntimeWatchdogUSec') echo RuntimeWatchdogUSec=1min ;;
            *) exit 1 ;;
            esac"
        ),
    );
}

/// The doctor's exit status and text, and the remedies of the bad checks by name.
pub fn examine(rig: &Rig) -> (Option<i32>, String, BTreeMap<String, String>) {
    let config = rig.path("pi.toml");
    examine_by(rig, &["--config", config.to_str().unwrap()])
}

pub fn examine_by(rig: &Rig, flags: &[&str]) -> (Option<i32>, String, BTreeMap<String, String>) {
    let socket = rig.path("s");
    let run = |more: &[&str]| {
        let mut arguments = vec!["doctor", "--socket", socket.to_str().unwrap()];
        arguments.extend(flags.iter().chain(more));
        rig.run_on_pi(TALKLIGHT, arguments)
    };
    let (said, json) = (run(&[]), run(&["--json"]));
    assert_eq!(said.status.code(), json.status.code());
    assert_eq!(text(&said.stderr), "");
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["good"], said.status.success());
    let bad = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "bad");
    let bad = bad.map(|check| (check["name"].as_str().unwrap().into(), check["remedy"].as_str().unwrap().into()));
    (said.status.code(), text(&said.stdout), bad.collect())
}

/// Checks that only this check is bad. Returns the whole text and the remedy.
#[track_caller]
pub fn only_bad(rig: &Rig, name: &str) -> (String, String) {
    let (code, said, mut bad) = examine(rig);
    assert_eq!(code, Some(1), "{said}");
    let remedy = bad.remove(name).unwrap_or_else(|| panic!("{name} is not bad: {said}"));
    assert!(bad.is_empty(), "{said}");
    (said, remedy)
}

#[track_caller]
pub fn is_good(rig: &Rig) -> String {
    let (code, said, _) = examine(rig);
    assert_eq!(code, Some(0), "{said}");
    said
}

#[track_caller]
pub fn says(said: &str, line: &str) {
    assert!(said.contains(line), "`{line}` is not in:\n{said}");
}
