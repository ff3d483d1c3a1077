//! Property tests: no text makes the parser panic, and every accepted config is valid.

use proptest::prelude::*;

use super::*;
use crate::outside::config::holds;

const WORDS: &str = "strip button plan flash control web kind leds device clock_hz chip order gamma brightness \
    max_milliamps milliamps_per_led pattern palette colours ready tape start reset bias active hold name length yellow \
    red flash hz socket green chosen strip.leds 0";

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => prop::sample::select(WORDS.split_whitespace().collect::<Vec<_>>()).prop_map(|word| format!("\"{word}\"")),
        1 => "\\PC{0,4}".prop_map(|key| format!("{key:?}")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let words = "simulated spi ws2812 sk6812-rgbw grb bar solid classic dot off pull-up none low high 5m 1s 0s 30s 2m #ff0000 #00ff40 /dev/spidev0.0 p";
    let leaf = prop_oneof![
        prop::sample::select(words.split_whitespace().collect::<Vec<_>>()).prop_map(|word| format!("{word:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        (0..400).prop_map(|number: i32| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|value| value.to_string()),
        "\\PC{0,9}".prop_map(|text| format!("{text:?}")),
        "[0-9]{1,20}[a-zµ .]{0,4}[0-9]{0,6}[a-z]{0,2}".prop_map(|text| format!("{text:?}")),
        Just("00:05:00".to_string()),
        Just("inf".to_string()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::vec((key(), inner), 0..3).prop_map(|table| {
                let table: Vec<_> = table.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", table.join(", "))
            }),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => key().prop_map(|key| format!("[{key}]")),
        1 => Just("[[plan]]".to_string()),
        1 => (key(), key()).prop_map(|(a, b)| format!("[{a}.{b}]")),
        12 => (key(), value()).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => "\\PC{0,12}",
    ]
}

/// A config with all keys of a strip, a plan and a button, each within its range.
fn likely() -> impl Strategy<Value = String> {
    let words = |words: &str| {
        let words: Vec<String> = words.split_whitespace().map(|word| format!("{word:?}")).collect();
        prop::sample::select(words)
    };
    let colour = "\"#[0-9a-f]{6}\"";
    let seconds = |range: std::ops::Range<u32>| range.prop_map(|seconds: u32| format!("\"{seconds}s\""));
    let strip = (
        (words("simulated spi"), 1..400_u32, words("ws2812 sk6812-rgbw"), any::<bool>(), 1..=255_u8),
        (prop_oneof![Just(0), 1..4000_u32], 1..=100_u32, words("solid bar"), words("classic colour-blind")),
        prop::option::of((colour, colour, colour, colour)),
    );
    let plan = (seconds(180..400), seconds(50..200), seconds(20..60), seconds(0..30));
    let button = (2..=27_u32, 2..=27_u32, words("pull-up none"), 1..=10_u32);
    (strip, plan, button, 0.2..3.0_f64).prop_map(|(strip, plan, button, hz)| {
        let ((kind, leds, chip, gamma, brightness), (most, each, pattern, palette), colours) = strip;
        let ((length, yellow, red, flash), (start, reset, bias, hold)) = (plan, button);
        let colours = colours.map_or(String::new(), |(green, yellow, red, ready)| {
            format!("[strip.colours]\ngreen = {green}\nyellow = {yellow}\nred = {red}\nready = {ready}\n")
        });
        format!(
            "[strip]\nkind = {kind}\nleds = {leds}\nchip = {chip}\ngamma = {gamma}\nbrightness = {brightness}\n\
             max_milliamps = {most}\nmilliamps_per_led = {each}\npattern = {pattern}\npalette = {palette}\n{colours}\
             [[plan]]\nname = \"p\"\nlength = {length}\nyellow = {yellow}\nred = {red}\nflash = {flash}\n\
             [button]\nstart = {start}\nreset = {reset}\nbias = {bias}\nhold = \"{hold}s\"\n[flash]\nhz = {hz:?}\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) { holds(&text) }

    #[test]
    fn no_text_like_toml_panics(text in "[a-z0-9\\[\\]{}=\"'#.,:\n _-]{0,80}") { holds(&text) }

    #[test]
    fn no_config_panics(lines in prop::collection::vec(line(), 0..12)) { holds(&lines.join("\n")) }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) { holds(&String::from_utf8_lossy(&bytes)) }

    #[test]
    fn no_damaged_config_panics(which in 0..SHIPPED.len(), at in any::<prop::sample::Index>(), cut in 0_usize..40, with in "\\PC{0,3}") {
        let text: Vec<char> = SHIPPED[which].1.chars().collect();
        let at = at.index(text.len());
        let rest = &text[(at + cut).min(text.len())..];
        holds(&(text[..at].iter().collect::<String>() + &with + &rest.iter().collect::<String>()));
    }

    /// Many of these configs are accepted.
    #[test]
    fn every_accepted_config_is_valid(text in likely()) { holds(&text) }

    #[test]
    fn flags_are_checked_like_keys_and_named_in_mistakes(
        strip in prop::option::of("simulated|spi|\\PC{0,9}"),
        leds in prop::option::of(prop_oneof![0..400_usize, any::<usize>()]),
        tape in prop::option::of("\\PC{0,9}|t{4095,4097}|t\n"),
        socket in prop::option::of("\\PC{0,9}|s{106,109}"),
        plan in prop::option::of("lightning|LIGHTNING|\\PC{0,9}"),
    ) {
        let flags = Overrides { strip, leds, tape: tape.map(Into::into), socket: socket.map(Into::into), plan, web: None };
        match parse_with("", &flags, 4096) {
            Ok(config) => crate::outside::config::is_sound(&config, 4096),
            Err(mistakes) => for mistake in mistakes.0 {
                let message = mistake.to_string();
                prop_assert!(["--strip: ", "--leds: ", "--tape: ", "--socket: ", "--plan: "].iter().any(|flag| message.starts_with(flag)), "{}", message);
                prop_assert!(!message.contains(char::is_control));
            }
        }
    }

    #[test]
    fn a_file_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let folder = crate::harness::Folder::new();
        let path = folder.file("c.toml");
        std::fs::write(&path, &bytes).unwrap();
        let loaded = Config::load(Some(&path), &Overrides::default());
        match String::from_utf8(bytes) {
            Ok(text) => prop_assert_eq!(loaded.is_ok(), parse(&text).is_ok()),
            Err(_) => {
                let message = loaded.unwrap_err().to_string();
                prop_assert!(message.starts_with(&format!("{}: line ", path.display())), "{}", message);
            }
        }
    }

    #[test]
    fn no_time_panics(time in "[0-9. ]{0,22}(ns|us|ms|s|m|h|d|w|M|y|µ|)[0-9. ]{0,8}(ms|s|)") {
        holds(&plan(&format!("{time:?}"), "\"0s\"", "\"0s\"", "\"0s\""));
    }
}

#[test]
fn deep_and_long_texts_do_not_panic() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let deep = |n: usize| format!("strip = {}1{}", open.repeat(n), close.repeat(n));
        for n in [10, 79, 80, 81, 20_000] {
            holds(&deep(n));
            holds(&format!("strip = {}", open.repeat(n)));
        }
    }
    holds(&format!("[{}x]", "a.".repeat(20_000)));
    holds(&"[[plan]]\n".repeat(7_000));
    holds(&"a=x\n".repeat(16_000));
}
