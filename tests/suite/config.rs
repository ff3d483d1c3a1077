//! Configs as people write them: their meaning, and the messages about mistakes.

mod files;
mod mistakes;
mod properties;
#[cfg(target_os = "linux")]
mod spi;
mod web;

use std::path::{Path, PathBuf};
use std::time::Duration;

use talklight::config::{Active, Bias, Buttons, Config, Kind, Mistakes, Origin, Overrides, find, search_path};
use talklight::core::look::{Palette, Rgb};

const SHIPPED: [(&str, &str); 5] = [
    ("default", include_str!("../../config/default.toml")),
    ("pi", include_str!("../../config/pi.toml")),
    ("talk-20-minutes", include_str!("../../config/talk-20-minutes.toml")),
    ("ignite", include_str!("../../config/ignite.toml")),
    ("rehearsal", include_str!("../../config/rehearsal.toml")),
];

fn parse_with(text: &str, overrides: &Overrides, bufsiz: usize) -> Result<Config, Mistakes> {
    Config::parse(text, Origin::File("c.toml".into()), overrides, bufsiz)
}

fn parse(text: &str) -> Result<Config, Mistakes> {
    parse_with(text, &Overrides::default(), 4096)
}

#[track_caller]
fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"))
}

/// The mistakes, one line each. `text` has no final newline.
#[track_caller]
fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(config) => panic!("no mistake in {text}\n{}", config.describe()),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[track_caller]
fn says(text: &str, expected: &str) {
    assert_eq!(mistakes(text), expected, "in {text}");
}

/// As `says`, for one line in a section.
#[track_caller]
fn section_says(section: &str, line: &str, expected: &str) {
    says(&format!("[{section}]\n{line}"), &format!("c.toml:2: {section}.{expected}"));
}

fn plan(length: &str, yellow: &str, red: &str, flash: &str) -> String {
    format!("[[plan]]\nname = \"p\"\nlength = {length}\nyellow = {yellow}\nred = {red}\nflash = {flash}\n")
}

fn shipped(name: &str) -> Config {
    good(SHIPPED.iter().find(|(file, _)| *file == name).unwrap().1)
}

#[test]
fn an_empty_file_is_the_shipped_default() {
    let (empty, default) = (good(""), shipped("default"));
    assert_eq!(format!("{empty:?}"), format!("{default:?}"));
    assert_eq!(empty.describe(), default.describe());
    assert_eq!(empty.look.palette, Palette::CLASSIC);
    assert!(matches!(empty.strip, Kind::Simulated(Some(_))));
    assert_eq!(empty.buttons, None);
}

#[test]
fn default_toml_lists_every_key() {
    let keys = "kind leds device clock_hz chip order gamma brightness max_milliamps milliamps_per_led pattern palette \
                colours ready bias active hold name length yellow red flash hz";
    let text = SHIPPED[0].1;
    for key in keys.split_whitespace() {
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
    // A build without the web refuses its keys, which come last.
    let web = |line: &&str| cfg!(feature = "web") || *line != "[web]";
    let commented: String = text
        .lines()
        .take_while(web)
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line).to_owned() + "\n")
        .collect();
    let config = good(&commented);
    assert_eq!(config.tape.as_deref(), Some(Path::new("talk.jsonl")));
    assert_eq!(config.socket.as_deref(), Some(Path::new("/run/talklight/control.sock")));
    assert_eq!(
        config.buttons,
        Some(Buttons {
            start: Some(17),
            reset: Some(27),
            bias: Bias::PullUp,
            active: Active::Low,
            hold: Duration::from_secs(1)
        })
    );
}

#[test]
fn shipped_configs_are_described() {
    let plan = |name| shipped(name).describe().lines().next().unwrap().to_string();
    assert_eq!(
        shipped("default").describe(),
        "lightning, 5:00: green for 3:00, yellow for 1:00, red for 0:30, flashing for 0:30, then off\n\
         60 LEDs, simulated\n\
         as a real strip, 60 LEDs draw at most 833 mA\n\
         every LED in the phase's colour; before a talk the first LED dim\n\
         flash: at most 1 a second, as long dark as lit\n\
         no button"
    );
    assert_eq!(
        plan("talk-20-minutes"),
        "talk-20-minutes, 20:00: green for 15:00, yellow for 3:00, red for 1:30, flashing for 0:30, then off"
    );
    assert_eq!(
        plan("ignite"),
        "ignite, 5:00: green for 3:45, yellow for 0:45, red for 0:15, flashing for 0:15, then off"
    );
    assert_eq!(
        plan("rehearsal"),
        "rehearsal, 0:30: green for 0:18, yellow for 0:06, red for 0:03, flashing for 0:03, then off"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn pi_toml_is_described() {
    assert_eq!(
        shipped("pi").describe(),
        "lightning, 5:00: green for 3:00, yellow for 1:00, red for 0:30, flashing for 0:30, then off\n\
         60 LEDs ws2812 in the order grb on /dev/spidev0.0 at 3.3 MHz\n\
         60 LEDs draw at most 833 mA\n\
         every LED in the phase's colour; before a talk the first LED dim\n\
         flash: at most 1 a second, as long dark as lit\n\
         button: GPIO 17 (pin 11) starts; held for 1s it resets; pressed is low"
    );
}

#[test]
fn a_description_omits_empty_phases() {
    let plan = |length, yellow, red, flash| {
        let text = format!(
            "[[plan]]\nname = \"p\"\nlength = \"{length}\"\nyellow = \"{yellow}\"\nred = \"{red}\"\nflash = \"{flash}\""
        );
        good(&text).describe().lines().next().unwrap().to_string()
    };
    assert_eq!(plan("2m", "1m", "1m", "0s"), "p, 2:00: green for 1:00, red for 1:00, then off");
    assert_eq!(plan("2m", "0s", "0s", "0s"), "p, 2:00: green for 2:00, then off");
    assert_eq!(plan("90s", "30s", "30s", "30s"), "p, 1:30: green for 1:00, flashing red for 0:30, then off");
    assert_eq!(
        plan("1h 2m", "1500ms", "1s", "0"),
        "p, 1:02:00: green for 1:01:58.500, yellow for 0:00.500, red for 0:01, then off"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_description_names_the_current_limit_and_an_unsafe_clock() {
    let text = good("[strip]\nkind = \"spi\"\nbrightness = 255\nclock_hz = 3_800_000\nchip = \"sk6812-rgbw\"\npattern = \"bar\"\nready = \"off\"\ntape = \"t\"\n[button]\nreset = 4\n[control]\nsocket = \"/run/s\"\n[flash]\nhz = 3").describe();
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        [
            "60 LEDs sk6812-rgbw in the order grb on /dev/spidev0.0 at 3.8 MHz",
            "this clock is outside the WS2812B's data sheet, 3.158 to 3.333 MHz; 3.3 MHz works on every Pi",
            "60 LEDs draw at most 850 mA, dimmed to 72 % by the limit of 850 mA",
            "a bar that shortens with the time left; before a talk dark",
            "flash: at most 3 a second, as long dark as lit",
            "button: GPIO 4 (pin 7) resets; pressed is low",
            "control socket /run/s",
            "every frame is recorded in t",
        ]
    );
}

#[test]
fn keys_override_the_defaults_one_by_one() {
    let config = good("strip = { leds = 8, palette = \"colour-blind\", colours = { yellow = \"#FFa000\" } }");
    assert_eq!(config.look.leds, 8);
    assert_eq!(config.look.palette, Palette { yellow: Rgb::new(0xff, 0xa0, 0), ..Palette::COLOUR_BLIND });
    let config = good(
        "[[plan]]\nname = \"a\"\nlength = \"10s\"\nyellow = \"5s\"\nred = \"3s\"\nflash = \"2s\"\n[[plan]]\nname = \"b\"\nlength = \"10s\"\nyellow = \"5s\"\nred = \"3s\"\nflash = \"2s\"",
    );
    assert_eq!(config.plans.iter().map(|plan| plan.name()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(config.chosen, config.plans[0]);
    assert!(config.describe().contains("\nthe button starts a\n"));
    assert_eq!(good("\u{feff}[strip]\r\nleds = 0x10\r\n").look.leds, 16);
}

#[test]
fn flags_override_the_file_and_their_mistakes_name_them() {
    let text = |text: &str| Some(text.to_string());
    let flags = Overrides {
        strip: text("simulated"),
        tape: Some("t.jsonl".into()),
        leds: Some(9),
        socket: Some("/tmp/s".into()),
        plan: text("Lightning"),
        web: cfg!(feature = "web").then_some(None),
    };
    let config = parse_with("[strip]\nkind = \"spi\"\nleds = 5x\ntape = \"no\"", &flags, 4096);
    assert!(config.unwrap_err().to_string().starts_with("c.toml:3: strip.leds: this is not TOML"));
    let config = parse_with("[strip]\nkind = \"spi\"\nleds = 7\ntape = \"no\"", &flags, 4096).unwrap();
    assert_eq!((config.look.leds, config.tape), (9, Some(PathBuf::from("t.jsonl"))));
    assert_eq!((config.chosen.name(), config.socket), ("lightning", Some(PathBuf::from("/tmp/s"))));

    let flags = Overrides {
        strip: text("sip"),
        tape: Some("".into()),
        leds: Some(0),
        socket: Some("x".repeat(108).into()),
        plan: text("lihgtning"),
        web: None,
    };
    let mistakes = Config::parse("", Origin::BuiltIn, &flags, 4096).unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "--leds: `0` must be a whole number from 1 to 5438\n\
         --plan: there is no plan `lihgtning`; did you mean `lightning`?\n\
         --socket: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` must be a path of 1 to 107 bytes in UTF-8\n\
         --strip: `\"sip\"` must be \"simulated\" or \"spi\"; did you mean \"spi\"?\n\
         --tape: `` must be a path of 1 to 4095 bytes in UTF-8"
    );
    let flags = Overrides { leds: Some(5439), plan: text("zzz"), ..Overrides::default() };
    let mistakes = parse_with("", &flags, 4096).unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "--leds: `5439` must be a whole number from 1 to 5438\n--plan: there is no plan `zzz`; the plans are `lightning`"
    );
}
