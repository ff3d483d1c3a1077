//! The doctor's verdicts on facts.

use talklight::engine::board::Fault;
use talklight::engine::event::Origin;
use talklight::setup::doctor::facts::{Daemon, Facts, LineState, NoLines};
use talklight::setup::doctor::{Check, Verdict, judge};

use super::facts::*;
use super::firmware::{firmware, model};
use super::{MODELS, PI3, PI4};

fn check(facts: &Facts, name: &str) -> Check {
    let checks = judge(facts);
    let found = checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("no check of {name}: {checks:#?}")).clone()
}

/// The remedy of the one bad check.
#[track_caller]
fn remedy(facts: &Facts, name: &str) -> String {
    let bad = judge(facts).into_iter().filter(|check| check.verdict == Verdict::Bad);
    let bad: Vec<Check> = bad.collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!(bad[0].name, name);
    bad[0].remedy.clone().expect("a bad check has a remedy")
}

#[track_caller]
fn verdict(facts: &Facts, name: &str, verdict: Verdict) {
    let check = check(facts, name);
    assert_eq!(check.verdict, verdict, "{check:#?}");
}

#[test]
fn a_pi_without_faults_is_all_good() {
    for (name, lines) in MODELS {
        for check in judge(&healthy(name, lines)) {
            assert_eq!(check.verdict, Verdict::Good, "{name}: {check:#?}");
            assert_eq!(check.remedy, None);
        }
    }
}

#[test]
fn each_fault_is_found_and_has_a_remedy() {
    for (name, facts) in faults().into_iter().filter(|(name, _)| *name != "holder") {
        assert!(!remedy(&facts, name).is_empty());
    }
}

#[test]
fn each_model_gets_the_lines_for_its_core_clock() {
    for (name, lines) in MODELS.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let said = remedy(&healthy(name, ""), "core-clock");
        assert_eq!(said, format!("add to the end of /boot/firmware/config.txt and reboot:\n{lines}"));
    }
    // Only the missing line, below `[all]` if the file ends in another section.
    let half = with(healthy(PI4, "core_freq=500"), |facts| {
        let file = [("config.txt", "core_freq=500\n[pi5]\ndtparam=spi=on")];
        facts.firmware = Some(firmware(&model(PI4), &file));
    });
    assert_eq!(
        remedy(&half, "core-clock"),
        "add to the end of /boot/firmware/config.txt and reboot:\n[all]\ncore_freq_min=500"
    );
    let over = remedy(&healthy(PI3, "core_freq=500\ncore_freq_min=400"), "core-clock");
    assert!(over.ends_with(":\ncore_freq=250\ncore_freq_min=250"), "{over}");
    let old = with(healthy(PI4, ""), |facts| facts.boot = "/boot");
    assert!(remedy(&old, "core-clock").contains(" /boot/config.txt "));
}

#[test]
fn incomplete_lines_do_not_fix_the_core_clock() {
    for half in ["core_freq=500", "core_freq_min=500", "core_freq=500\ncore_freq_min=250", "core_freq=250"] {
        verdict(&healthy(PI4, half), "core-clock", Verdict::Bad);
    }
    for other in [
        "core_freq=400",
        "core_freq=250\ncore_freq_min=400",
        "core_freq=250\ncore_freq_min=200",
        "enable_uart=1\ndtoverlay=disable-bt",
        "force_turbo=0",
    ] {
        verdict(&healthy(PI3, other), "core-clock", Verdict::Bad);
    }
    let serial = healthy(PI3, "enable_uart=1\ndtoverlay=disable-bt");
    let text = check(&serial, "core-clock").text;
    assert!(text.starts_with("the core clock changes with the load"), "{text}");
    // A Zero has no Bluetooth, so its serial port has the better UART.
    verdict(&healthy("Zero Rev 1.3", "enable_uart=1"), "core-clock", Verdict::Bad);
    verdict(&healthy("2 Model B Rev 1.1", "core_freq=400"), "core-clock", Verdict::Bad);
}

#[test]
fn the_lines_that_fix_the_core_clock_are_named() {
    for (name, lines, by) in [
        (PI4, "core_freq=500\ncore_freq_min=500", "core_freq=500 and core_freq_min=500"),
        (PI4, "core_freq=250\ncore_freq_min=250", "core_freq=250 and core_freq_min=250"),
        (PI4, "enable_uart=1", "enable_uart=1"),
        (PI3, "core_freq=250", "core_freq=250"),
        (PI3, "core_freq=400\ncore_freq_min=400", "core_freq=400 and core_freq_min=400"),
        (PI3, "enable_uart=1", "enable_uart=1"),
        ("Zero 2 W Rev 1.0", "force_turbo=1", "force_turbo=1"),
    ] {
        let check = check(&healthy(name, lines), "core-clock");
        assert_eq!(check.verdict, Verdict::Good);
        assert_eq!(check.text, format!("the core clock is fixed: {by}"));
    }
}

#[test]
fn the_settings_at_the_start_override_the_file() {
    let fixed = MODELS[3].1;
    let said = |facts: &Facts| check(facts, "core-clock");
    // The file was edited and the Pi not rebooted.
    let edit = edited(PI4, "core_freq=500\ncore_freq_min=200", fixed);
    assert_eq!(remedy(&edit, "core-clock"), "reboot");
    // The other way round the clock is fixed until the next reboot.
    let taken_out = edited(PI4, fixed, "");
    assert!(said(&taken_out).text.contains("will not be after a reboot"));
    assert!(remedy(&taken_out, "core-clock").ends_with(fixed));
    // They also decide about an unknown section and about a file that cannot be read.
    let doubt = format!("[gpio4=1]\n{fixed}");
    for (was, verdict) in [(fixed, Verdict::Good), ("core_freq=500", Verdict::Bad)] {
        assert_eq!(said(&edited(PI4, was, &doubt)).verdict, verdict);
        let unread = with(edited(PI4, was, ""), |facts| facts.firmware = None);
        assert_eq!(said(&unread).verdict, verdict);
    }
    // Without them the file decides, and the message says so.
    let unasked = |text| with(healthy(PI4, text), |facts| facts.started = None);
    assert!(said(&unasked(fixed)).text.ends_with(" in /boot/firmware/config.txt, if the Pi was started since"));
    assert_eq!(said(&unasked(fixed)).verdict, Verdict::Good);
    assert_eq!(said(&unasked("")).verdict, Verdict::Bad);
    assert_eq!(said(&unasked(&doubt)).verdict, Verdict::Note);
    // The measured clock is lower than the fixed one. The counter may be off by some kHz.
    let measured = |mhz| with(pi4(), |facts| facts.started = Some(started(fixed, Some(mhz))));
    for (mhz, verdict) in [(500, Verdict::Good), (499, Verdict::Good), (250, Verdict::Bad)] {
        assert_eq!(said(&measured(mhz)).verdict, verdict);
    }
    // A throttled Pi changes a clock that only other lines hold.
    let hot = |text| with(healthy(PI4, text), |facts| facts.throttled = Some(1 << 2));
    assert_eq!(said(&hot(fixed)).verdict, Verdict::Good);
    assert_eq!(said(&hot("enable_uart=1")).verdict, Verdict::Bad);
}

#[test]
fn what_is_unknown_is_a_note() {
    let note = |facts: Facts, name| verdict(&facts, name, Verdict::Note);
    note(healthy("9 Model Z", ""), "core-clock");
    note(with(pi4(), |facts| facts.throttled = None), "under-voltage");
    note(with(pi4(), |facts| facts.watchdog.is_there = false), "watchdog");
    note(with(pi4(), |facts| facts.watchdog.timeout = None), "watchdog");
    note(with(pi4(), |facts| facts.strip = None), "spi");
    note(with(pi4(), |facts| facts.gpio = None), "gpio");
    note(with(pi4(), |facts| facts.unit = Some(unit("LoadState=not-found"))), "unit");
    note(with(pi4(), |facts| facts.unit = Some(unit("ActiveState=activating"))), "unit");
    note(with(pi4(), |facts| facts.unit = Some(unit("ActiveState=inactive"))), "unit");
    note(with_unit(unit("LoadState=not-found")), "daemon");
    note(with_daemon(Daemon::Refused("join its group".into())), "daemon");
    note(with_daemon(absent()), "holder");
    note(with_gpio(|gpio| gpio.lines = Err(NoLines::Denied)), "gpio");
    // These are no faults, but have a remedy.
    for (name, facts) in [
        ("watchdog", with(pi4(), |facts| facts.watchdog.timeout = Some("0".into()))),
        ("spi", with(pi4(), |facts| facts.firmware = Some(firmware(&model(PI4), &[("config.txt", MODELS[3].1)])))),
    ] {
        let check = check(&facts, name);
        assert_eq!(check.verdict, Verdict::Note);
        assert!(check.remedy.is_some(), "{check:#?}");
    }
}

#[test]
fn remedies_name_the_lines_and_the_file() {
    // The remedy of the fault whose message contains `words`.
    let of = |words: &str| {
        let mut checks = faults().into_iter().flat_map(|(_, facts)| judge(&facts));
        let found = checks.find(|check| check.verdict == Verdict::Bad && check.text.contains(words));
        found.and_then(|check| check.remedy).unwrap()
    };
    assert_eq!(of("SPI is off"), "add to the end of /boot/firmware/config.txt and reboot:\n[all]\ndtparam=spi=on");
    assert!(of("config.txt enables SPI").starts_with("reboot;"));
    assert!(
        of("spidev0.0 belongs to the group spi; this user may open it, the user talklight may not")
            .starts_with("talklight check && sudo usermod -aG spi talklight ")
    );
    assert!(
        of("spidev0.0 belongs to the group spi; this user may not open it").starts_with("sudo usermod -aG spi $USER")
    );
    let joined = with_node(|node| (node.may_open, node.is_member, node.service_may_open) = (false, true, None));
    assert!(remedy(&joined, "spi-access").starts_with("log out and in again"));
    assert!(of("gpiochip0 belongs to").starts_with("talklight check && sudo usermod -aG gpio talklight "));
    let of_root = with_gpio(|gpio| {
        let node = &mut gpio.chip.as_mut().unwrap().1;
        (node.group, node.service_may_open) = ("root".into(), Some(false));
    });
    assert_eq!(
        remedy(&of_root, "gpio-access"),
        "add to /etc/udev/rules.d/61-talklight.rules and reboot:\nSUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\""
    );
    assert_eq!(
        of("4108 bytes"),
        "append to the one line of /boot/firmware/cmdline.txt and reboot:\nspidev.bufsiz=65536"
    );
    assert_eq!(of("cmdline.txt makes it longer"), "reboot");
    assert!(of("65537 bytes").contains("reduce `leds`"));
    assert!(of("status 78").starts_with("talklight check && "));
    assert!(of("status 214").ends_with(":\n[Service]\nCPUSchedulingPolicy=other"));
    assert_eq!(of("stopped and disabled"), "sudo systemctl enable --now talklight");
}

/// A restart with a bad config would end the service and the talk.
#[test]
fn a_remedy_that_restarts_checks_the_config_first() {
    for (_, facts) in faults() {
        for remedy in judge(&facts).into_iter().filter_map(|check| check.remedy) {
            let restarts = remedy.contains("restart talklight") && !remedy.contains("scheduling.conf");
            assert!(!restarts || remedy.starts_with("talklight check && "), "{remedy}");
            assert!(!remedy.contains("scheduling.conf") || remedy.contains("`talklight check && sudo "), "{remedy}");
        }
    }
}

#[test]
fn a_bad_config_under_a_running_service_is_found() {
    let long = with_strip(|strip| strip.frame_bytes = Some(5080));
    let changed =
        [with(pi4(), |facts| facts.config = Err("/etc/talklight/config.toml:3: x".into())), long].map(|facts| {
            let facts = with(facts, |facts| facts.config_is_newer = true);
            check(&facts, "config")
        });
    for check in changed {
        assert_eq!(check.verdict, Verdict::Bad);
        assert!(check.text.contains("a restart would end it"), "{check:#?}");
        assert!(check.remedy.unwrap().contains("names what to correct first"));
    }
    // Also if the user's own config is another file and good.
    let others = with(pi4(), |facts| {
        (facts.config, facts.service_mistakes) = (Ok("mine.toml".into()), Some("line 3".into()));
    });
    assert_eq!(check(&others, "config").text, "the service's config has mistakes:\nline 3");
}

#[test]
fn gpu_freq_sets_the_core_clock_if_core_freq_is_absent() {
    let clock = |name: &str, lines: &str| check(&healthy(name, lines), "core-clock");
    for (name, lines, by) in [
        (PI4, "gpu_freq=500\ngpu_freq_min=500", "gpu_freq=500 and gpu_freq_min=500"),
        (PI4, "gpu_freq=600\ncore_freq=500\ngpu_freq_min=500", "core_freq=500 and gpu_freq_min=500"),
        (PI3, "gpu_freq=250", "gpu_freq=250"),
        ("2 Model B Rev 1.1", "over_voltage=2", "that of this model does not change by default"),
        (PI4, "over_voltage=6\narm_boost=1\ncore_freq=500\ncore_freq_min=500", "core_freq=500 and core_freq_min=500"),
        (PI4, "over_voltage=6\nforce_turbo=1", "force_turbo=1"),
    ] {
        let check = clock(name, lines);
        assert_eq!((check.verdict, check.text), (Verdict::Good, format!("the core clock is fixed: {by}")));
    }
    for (name, lines) in [
        ("2 Model B Rev 1.1", "gpu_freq=500"),
        (PI4, "gpu_freq=500"),
        (PI4, "arm_boost=1\nover_voltage=6"),
        (PI3, "core_freq=250\ngpu_freq_min=200"),
    ] {
        assert_eq!(clock(name, lines).verdict, Verdict::Bad, "{lines}");
        let lines_to_add = model(name).core.lines(Some(&firmware(&model(name), &[("config.txt", lines)])));
        let fixed = format!("{lines}\n{}", lines_to_add.join("\n"));
        verdict(&healthy(name, &fixed), "core-clock", Verdict::Good);
    }
    // Also from an included file and a section.
    let included = with(healthy("2 Model B Rev 1.1", ""), |facts| {
        let files = [("config.txt", "include more.txt"), ("more.txt", "[pi2]\ngpu_freq=500")];
        (facts.started, facts.firmware) = (None, Some(firmware(&model("2 Model B Rev 1.1"), &files)));
    });
    verdict(&included, "core-clock", Verdict::Bad);
    // No message has empty brackets.
    for (was, is) in [("gpu_freq=500", "gpu_freq=250\ngpu_freq_min=250"), ("gpu_freq=500", "")] {
        let text = check(&edited("2 Model B Rev 1.1", was, is), "core-clock").text;
        assert!(!text.contains("()") && text.contains("the Pi was started "), "{text}");
    }
}

#[test]
fn a_watchdog_in_use_is_good_with_any_timeout() {
    for (timeout, end) in [("15s", "frozen for 15s"), ("infinity", "frozen")] {
        let facts = with(pi4(), |facts| facts.watchdog.timeout = Some(timeout.into()));
        let check = check(&facts, "watchdog");
        assert_eq!(check.verdict, Verdict::Good);
        assert!(check.text.ends_with(&format!(" is {end}")), "{check:#?}");
    }
}

#[test]
fn this_user_needs_no_access_if_the_service_has_it() {
    verdict(&with_node(|node| node.may_open = false), "spi-access", Verdict::Good);
    let denied = with_gpio(|gpio| {
        gpio.lines = Err(NoLines::Denied);
        gpio.chip.as_mut().unwrap().1.may_open = false;
    });
    verdict(&denied, "gpio-access", Verdict::Good);
}

#[test]
fn the_current_is_compared_with_the_limit_and_the_pins() {
    let said = |drawn, limit| {
        let facts = with_strip(|strip| {
            (strip.milliamps, strip.max_milliamps) = (Some(drawn), limit);
        });
        let check = check(&facts, "current");
        (check.verdict, check.text)
    };
    let pins = "; that is too much for the Pi's own 5 V pins";
    let (verdict, text) = said(833, 850);
    assert_eq!(verdict, Verdict::Good);
    assert!(text.ends_with("within its limit of 850 mA; its supply should give 1042 mA"), "{text}");
    let (verdict, text) = said(1600, 1600);
    assert_eq!(verdict, Verdict::Good);
    assert!(text.ends_with(&format!("should give 2000 mA{pins}")), "{text}");
    let (verdict, text) = said(4161, 0);
    assert_eq!(verdict, Verdict::Note);
    assert!(text.contains("`max_milliamps = 0` sets no limit; its supply must give 5202 mA"), "{text}");
    assert!(text.ends_with(pins));
}

#[test]
fn a_strip_that_another_process_holds_is_found() {
    let (_, facts) = faults().pop().unwrap();
    verdict(&facts, "holder", Verdict::Bad);
    verdict(&facts, "daemon", Verdict::Bad);
}

#[test]
fn a_fault_of_an_input_is_reported_by_the_daemon_check() {
    let mut told = status();
    told.faults.push(Fault { input: Origin::Button, error: "it is stuck".into() });
    let facts = with(with_line(LineState::Ours), |facts| facts.daemon = answers(told));
    verdict(&facts, "button", Verdict::Note);
    assert!(check(&facts, "daemon").text.contains("it is stuck"));
    verdict(&with_line(LineState::Ours), "button", Verdict::Good);
}

#[test]
fn a_config_that_the_service_does_not_read_is_named() {
    let own = with(pi4(), |facts| facts.config = Ok("mine.toml".into()));
    assert_eq!(check(&own, "config").text, "mine.toml is good; the service reads /etc/talklight/config.toml");
    let alone = with(own, |facts| facts.unit = None);
    assert_eq!(check(&alone, "config").text, "mine.toml is good");
}
