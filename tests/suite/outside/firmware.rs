//! Properties of reading `config.txt` and the files it includes, for any bytes.

use std::cell::Cell;

use talklight::setup::doctor::Firmware;

/// The sections of a Pi 4 and those of a Pi 5.
const MODELS: [&[&str]; 2] = [&["pi4"], &["pi5"]];

/// The bytes are several files, separated by zeros: `config.txt`, and files with the names `1`, `2` and so on.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let files: Vec<&str> = text.split('\0').collect();
    for sections in MODELS {
        let found = read(sections, files[0], &files);
        // A setting, certain or in doubt, occurs in the text.
        for key in ["core_freq", "core_freq_min", "dtparam=spi", "force_turbo"] {
            let written = key.rsplit('=').next().unwrap_or(key);
            let set = found.value(key).is_some() || found.doubt(&[key]).is_some();
            assert!(!set || text.contains(written), "{key}");
            assert!(found.number(key).is_none() || found.value(key).is_some());
        }
        assert!(!found.is_spi_on() || text.contains("spi"));
        for gpio in [2, 14, 27] {
            assert!(found.setting_of_pin(gpio).is_none_or(|setting| text.contains(&setting.line)));
        }

        // A line at the end applies if the reader says so, and always after `[all]`; it overrides earlier lines.
        let all = if found.ends_in_all { "" } else { "[all]\n" };
        let mended = read(sections, &format!("{}\n{all}core_freq=123\ndtparam=spi=on", files[0]), &files);
        assert_eq!(mended.number("core_freq"), Some(123));
        assert_eq!(mended.doubt(&["core_freq", "dtparam=spi"]), None);
        assert!(mended.is_spi_on() && mended.ends_in_all);

        // Sections for no board or for another board set nothing.
        if !text.contains('[') {
            for other in ["[none]", "[pi2]"] {
                let more = read(sections, &format!("{other}\n{}", files[0]), &files);
                assert_eq!(more, read(sections, other, &files));
                assert_eq!(more.value("core_freq"), None);
            }
        }
    }
}

/// Reads the files. They may include each other in a circle; the number of opened files must stay small.
fn read(sections: &[&str], main: &str, files: &[&str]) -> Firmware {
    let opened = Cell::new(0);
    let open = |name: &str| {
        opened.set(opened.get() + 1);
        match name {
            "config.txt" => Some(main.to_owned()),
            name => files.get(name.parse::<usize>().ok()?).map(|text| (*text).to_owned()),
        }
    };
    let found = Firmware::read(sections, "config.txt", &open).expect("the file is there");
    assert!(opened.get() <= 32, "{} files", opened.get());
    assert_eq!(Firmware::read(sections, "gone", &|_| None), None);
    found
}
