//! `config.txt` as the firmware reads it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use talklight::setup::doctor::{Firmware, Model};

use super::{PI3, PI4};

pub fn model(name: &str) -> Model {
    Model::new(&format!("Raspberry Pi {name}\0")).unwrap()
}

/// `config.txt` and other files of the boot folder, as the firmware of a model reads them.
pub fn firmware(model: &Model, files: &[(&str, &str)]) -> Firmware {
    let read = |name: &str| {
        let file = files.iter().find(|(file, _)| *file == name);
        file.map(|(_, text)| (*text).to_owned())
    };
    Firmware::read(model.sections, "config.txt", &read).unwrap()
}

/// The `core_freq` that a `config.txt` sets.
fn core_freq(name: &str, text: &str) -> Option<String> {
    let file = firmware(&model(name), &[("config.txt", text)]);
    file.value("core_freq").map(str::to_owned)
}

#[test]
fn the_last_line_of_a_key_applies() {
    let value = |text: &str| core_freq(PI4, text);
    let set = Some("500".to_owned());
    assert_eq!(value("core_freq=500"), set);
    assert_eq!(value("core_freq=250\r\ncore_freq=500\r\n"), set);
    assert_eq!(value("#core_freq=500\n  # core_freq=500"), None);
    assert_eq!(value("  core_freq=500  "), set);
    // A space before `=` is part of the key.
    assert_eq!(value("core_freq = 500"), None);
    // Lines are cut off after 98 characters.
    let far = |spaces: usize| format!("{}core_freq=500", " ".repeat(spaces));
    assert_eq!(value(&far(98 - "core_freq=500".len())), set);
    assert_eq!(value(&far(96 - "core_freq=500".len() + 3)), Some("50".into()));
    assert_eq!(value(&far(98)), None);
    assert_eq!(value(&format!("{}=1\ncore_freq=500", "é".repeat(200))), set);
}

/// The table of Raspberry Pi's documentation, "conditional filters".
#[test]
fn a_section_applies_to_its_models() {
    let models = [
        ("Model B Plus Rev 1.2", "pi1"),
        ("Compute Module Rev 1.0", "pi1 cm1"),
        ("2 Model B Rev 1.1", "pi2"),
        (PI3, "pi3"),
        ("3 Model A Plus Rev 1.0", "pi3 pi3+"),
        ("Compute Module 3 Rev 1.0", "pi3 cm3"),
        ("Compute Module 3 Plus Rev 1.0", "pi3 pi3+ cm3+"),
        (PI4, "pi4"),
        ("400 Rev 1.0", "pi4 pi400"),
        ("Compute Module 4 Rev 1.1", "pi4 cm4"),
        ("Compute Module 4S Rev 1.0", "pi4 cm4s"),
        ("5 Model B Rev 1.0", "pi5"),
        ("500 Rev 1.0", "pi5 pi500"),
        ("Compute Module 5 Rev 1.0", "pi5 cm5"),
        ("Zero Rev 1.3", "pi0"),
        ("Zero W Rev 1.1", "pi0 pi0w"),
        ("Zero 2 W Rev 1.0", "pi0 pi0w pi02"),
        ("Compute Module 0 Rev 1.0", "pi0 pi0w pi02 cm0"),
    ];
    let every: Vec<&str> = models.iter().flat_map(|(_, own)| own.split(' ')).collect();
    for (name, own) in models {
        for section in &every {
            let set = core_freq(name, &format!("[{section}]\ncore_freq=500"));
            let is_own = own.split(' ').any(|name| name == *section);
            assert_eq!(set.is_some(), is_own, "{name}: [{section}]");
        }
        // A model of the future.
        assert_eq!(core_freq(name, "[pi6]\ncore_freq=500"), None);
    }
}

#[test]
fn a_section_replaces_the_one_before_it_and_all_ends_it() {
    let set = Some("500".to_owned());
    for text in [
        "[all]\ncore_freq=500",
        "[pi3]\n[pi4]\ncore_freq=500",
        "[none]\n[all]\ncore_freq=500",
        "[gpio4=1]\n[all]\ncore_freq=500",
    ] {
        assert_eq!(core_freq(PI4, text), set, "{text}");
    }
    for text in [
        "[pi4]\n[pi3]\ncore_freq=500",
        "[none]\ncore_freq=500",
        "[none]\n[pi4]\ncore_freq=500",
        "[tryboot]\ncore_freq=500",
    ] {
        assert_eq!(core_freq(PI4, text), None, "{text}");
    }
}

#[test]
fn a_setting_in_an_unknown_section_is_in_doubt() {
    for section in [
        "gpio4=1",
        "EDID=DEL-DELL_U2422H",
        "0x12345678",
        "HDMI:0",
        "boot_partition=2",
        "partition=1",
        "bootvar0&0x10",
        "board-type=0x11",
    ] {
        let read = |text: &str| firmware(&model(PI4), &[("config.txt", text)]);
        let own = Some(format!("[{section}]"));
        let set = format!("[{section}]\ncore_freq=500\n");
        let file = read(&set);
        assert_eq!(file.value("core_freq"), None);
        assert_eq!(file.doubt(&["core_freq"]), own.as_deref());
        assert_eq!(file.doubt(&["spi"]), None);
        assert!(!file.ends_in_all);
        // A later setting applies for certain.
        let file = read(&format!("{set}[all]\ncore_freq=250"));
        assert_eq!(file.value("core_freq"), Some("250"));
        assert_eq!(file.doubt(&["core_freq"]), None);
        assert!(file.ends_in_all);
        // A section of another model certainly does not apply.
        let file = read(&format!("[gpio4=1]\n[pi3]\n{}", &set[set.len() - 14..]));
        assert_eq!(file.doubt(&["core_freq"]), None);
    }
    // `[board-type=]` is of the same kind as the models, so it replaces `[pi3]`.
    let file = firmware(&model(PI4), &[("config.txt", "[pi3]\n[board-type=0x11]\ncore_freq=500")]);
    assert!(file.doubt(&["core_freq"]).is_some());
}

#[test]
fn an_included_file_is_inserted_with_its_sections() {
    let model = model(PI4);
    let value = |files: &[(&str, &str)]| firmware(&model, files).value("core_freq").map(str::to_owned);
    let set = Some("500".to_owned());
    let main = ("config.txt", "include more.txt\ninclude gone.txt");
    assert_eq!(value(&[main, ("more.txt", "[pi4]\ncore_freq=500")]), set);
    let cycle = "core_freq=500\ninclude config.txt";
    assert_eq!(value(&[main, ("more.txt", cycle)]), set);
    let other_model = ("config.txt", "[pi5]\ninclude more.txt");
    assert_eq!(value(&[other_model, ("more.txt", "core_freq=500")]), None);
    let left_open = ("config.txt", "include more.txt\ncore_freq=500");
    assert_eq!(value(&[left_open, ("more.txt", "[pi3]")]), None);
}

#[test]
fn spi_is_enabled_by_a_parameter_or_an_overlay() {
    let read = |text: &str| firmware(&model(PI4), &[("config.txt", text)]);
    for on in [
        "dtparam=spi=on",
        "dtparam=spi",
        "device_tree_param=spi=on",
        "dtparam=i2c_arm=on,spi=on",
        "dtoverlay=spi0-1cs,cs0_pin=8",
        "dtoverlay=spi0-0cs",
        "dtparam=spi=y",
        "dtparam=spi=enable",
        "dtparam=spi=okay",
        "dtparam=spi=on   # for the strip",
        "dtparam=spi=on\t# for the strip",
    ] {
        assert!(read(on).is_spi_on(), "{on}");
        assert!(!read(on).is_miso_free(), "{on}");
    }
    for off in [
        "",
        "dtparam=spi=off",
        "dtparam=spi=disabled",
        "# dtparam=spi=on",
        "dtparam=spi=on\ndtparam=spi=off",
        "dtparam=audio=on",
        "dtoverlay=spi1-1cs",
        "[pi5]\ndtparam=spi=on",
    ] {
        assert!(!read(off).is_spi_on(), "{off}");
    }
    for free in
        ["dtoverlay=spi0-1cs,no_miso", "dtoverlay=spi0-0cs:cs0_pin=5,no_miso", "dtoverlay=spi0-0cs\ndtparam=no_miso"]
    {
        assert!(read(free).is_miso_free(), "{free}");
    }
}

#[test]
fn the_settings_at_the_start_are_parsed() {
    let settings = "arm_freq=1800\ncore_freq=500\ncore_freq_min=200\ninit_uart_clock=0x2dc6c00\n";
    let with = Firmware::started_with(settings);
    assert_eq!(with.number("core_freq"), Some(500));
    assert_eq!(with.number("core_freq_min"), Some(200));
    assert_eq!(with.number("force_turbo"), None);
    assert!(model(PI4).core.fixed_by(&with).is_none());
}

#[test]
fn the_file_of_the_command_line_is_found() {
    let file = |text: &str, there: &[&str]| {
        let firmware = firmware(&model(PI4), &[("config.txt", text), ("more.txt", "cmdline=more")]);
        firmware.cmdline_file(&|name| there.contains(&name))
    };
    for (text, there, read) in [
        ("", &[][..], "cmdline.txt"),
        ("cmdline=other.txt", &[], "other.txt"),
        ("cmdline=other.txt\n[pi3]\ncmdline=not.txt", &[], "other.txt"),
        ("include more.txt", &[], "more"),
        ("os_prefix=new/", &["new/kernel8.img"], "new/cmdline.txt"),
        ("os_prefix=new-\ncmdline=c", &["new-c"], "new-c"),
        ("os_prefix=new/\nkernel=k", &["new/k"], "new/cmdline.txt"),
        ("os_prefix=new/\ncmdline=/c", &["new/kernel8.img"], "c"),
        // A prefix without a kernel is ignored.
        ("os_prefix=new/", &["kernel8.img"], "cmdline.txt"),
    ] {
        assert_eq!(file(text, there), read, "{text}");
    }
}

proptest! {
    #[test]
    fn any_config_txt_is_read_and_can_be_fixed(
        name in prop::sample::select(vec![PI4, PI3, "Zero 2 W Rev 1.0", "2 Model B Rev 1.1"]),
        main in "([\\[\\]a-z0-9=,# é\n]|include (a|config)|\\[(all|pi4|none|gpio4=1|board-type=0x11)\\]\n|core_freq(_min)?=|dtparam=){0,60}",
        other in "(include (a|config.txt)\n|core_freq=500\n|\\[pi3\\]\n|\\PC){0,40}",
    ) {
        let files: BTreeMap<&str, &str> = [("config.txt", &*main), ("a", &*other), ("config", &*other)].into();
        let read = |name: &str| files.get(name).map(|text| (*text).to_owned());
        let Model { sections, core, .. } = model(name);
        let file = Firmware::read(sections, "config.txt", &read).unwrap();
        let _ = (file.is_spi_on(), file.is_miso_free(), core.fixed_by(&file));
        // The lines that the doctor adds at the end always apply, and always fix the clock.
        let known = Some(&file).filter(|file| core.doubt(file).is_none());
        let lines = core.lines(known).join("\n");
        let all = if file.ends_in_all { "" } else { "[all]\n" };
        let fixed = format!("{main}\n{all}{lines}");
        let read = |name: &str| match name {
            "config.txt" => Some(fixed.clone()),
            name => files.get(name).map(|text| (*text).to_owned()),
        };
        let file = Firmware::read(sections, "config.txt", &read).unwrap();
        prop_assert!(core.fixed_by(&file).is_some(), "{}", fixed);
        prop_assert_eq!(file.doubt(&["core_freq", "core_freq_min"]), None);
    }
}
