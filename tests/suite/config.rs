//! Configs as people write them: what they mean, and what is said about their mistakes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use talklight::config::{
    Active, Bias, Buttons, Config, Kind, Mistakes, Origin, Overrides, WebConfig, find, search_path,
};
use talklight::core::look::{Palette, Rgb};

use crate::outside::config::holds;

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

/// The mistakes, a line each; `text` is without the newline after its last line.
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

/// As `says`, of `lines` under the header of a section.
#[track_caller]
fn section_says(section: &str, line: &str, expected: &str) {
    says(&format!("[{section}]\n{line}"), &format!("c.toml:2: {section}.{expected}"));
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
fn default_toml_has_every_key_live_or_as_a_comment() {
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
fn shipped_configs_mean_what_they_say() {
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
fn pi_toml_means_what_it_says() {
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
fn words_leave_out_what_is_not_there() {
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
fn words_tell_what_dims_the_strip_and_what_a_clock_risks() {
    let text = good("[strip]\nkind = \"spi\"\nbrightness = 255\nclock_hz = 3_800_000\nchip = \"sk6812-rgbw\"\npattern = \"bar\"\nready = \"off\"\ntape = \"t\"\n[button]\nreset = 4\n[control]\nsocket = \"/run/s\"\n[flash]\nhz = 3").describe();
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        [
            "60 LEDs sk6812-rgbw in the order grb on /dev/spidev0.0 at 3.8 MHz",
            "that clock is outside of a WS2812B's data sheet, 3.158 to 3.333 MHz; 3.3 MHz suits every Pi",
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
fn keys_lie_over_the_default_one_by_one() {
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
fn flags_lie_over_the_file_and_their_mistakes_name_them() {
    let text = |text: &str| Some(text.to_string());
    let flags = Overrides {
        strip: text("simulated"),
        tape: Some("t.jsonl".into()),
        leds: Some(9),
        socket: Some("/tmp/s".into()),
        plan: text("Lightning"),
        web: cfg!(feature = "web"),
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
        web: false,
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
        "--leds: `5439` must be a whole number from 1 to 5438\n--plan: there is no plan `zzz`; there is `lightning`"
    );
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    says(
        "[strip]
leds = \"60\"
brigthness = 300
gamma = yes
max_milliamps = -1
[flash]
hz = 5
[[plan]]
name = \"x y\"
length = 300
yellow = \"6m\"
red = \"1m\"
flash = \"2m\"
[buttons]",
        "c.toml:2: strip.leds: `\"60\"` must be a whole number from 1 to 5438, without quotes
c.toml:3: strip.brigthness: is not known; did you mean `brightness`?
c.toml:4: strip.gamma: this is not TOML: string values must be quoted, at `yes`
c.toml:5: strip.max_milliamps: `-1` must be a whole number from 0 to 1000000
c.toml:7: flash.hz: more than 3 flashes a second can set off seizures (WCAG 2.1, 2.3.1); write 0.2 to 3
c.toml:9: plan.name: a plan's name is 1 to 24 unaccented letters, digits, `-` and `_`, and begins with a letter or digit
c.toml:10: plan.length: `300` must have a unit, such as \"300s\" or \"300m\"
c.toml:13: plan.flash: marks count time left: flash must be at most red, 1:00
c.toml:14: buttons: is not known; did you mean `button`?",
    );
}

#[test]
fn what_is_no_toml_is_told_once_and_with_its_key() {
    says(
        "[strip]\nleds = 6O\nleds = 3",
        "c.toml:2: strip.leds: this is not TOML: string values must be quoted, at `6O`\nc.toml:3: this is not TOML: duplicate key, at `leds`",
    );
    says("[strip\nleds = 3", "c.toml:1: leds: this is not TOML: unclosed table, expected `]`");
    says(
        "[[plan]]\nlength = 5m\nname = \"p\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"0s\"",
        "c.toml:2: plan.length: this is not TOML: string values must be quoted, at `5m`",
    );
    says("leds 5", "c.toml:1: this is not TOML: key with no value, expected `=`");
}

#[test]
fn unknown_keys_are_told_with_the_known_one() {
    says("[strip]\nledz = 5", "c.toml:2: strip.ledz: is not known; did you mean `leds`?");
    says("[strip]\ncolors = {}", "c.toml:2: strip.colors: is not known; did you mean `colours`?");
    says("leds = 5", "c.toml:1: leds: is not known here; it belongs in `[strip]`");
    says("[control]\nhold = \"1s\"", "c.toml:2: control.hold: is not known here; it belongs in `[button]`");
    says(
        "[strip]\nyellow = \"2m\"",
        "c.toml:2: strip.yellow: is not known here; it belongs in `[strip.colours]` or `[[plan]]`",
    );
    says("[flash]\nqqq = 1", "c.toml:2: flash.qqq: is not known; `[flash]` takes `hz`");
    says(
        "qqq = 1",
        "c.toml:1: qqq: is not known; the top of the file takes `strip`, `button`, `plan`, `flash`, `control`, `web`",
    );
    says(
        "\"\" = 1",
        "c.toml:1: \"\": is not known; the top of the file takes `strip`, `button`, `plan`, `flash`, `control`, `web`",
    );
    says(
        "\"strip.leds\" = 5\n\"\\u001b[2J\" = 1",
        "c.toml:1: strip.leds: is not known; did you mean `strip`?\nc.toml:2: \\u{1b}[2J: is not known; the top of the file takes `strip`, `button`, `plan`, `flash`, `control`, `web`",
    );
}

#[test]
fn the_web_is_off_until_it_is_told_where_to_listen() {
    let web = |text: &str| parse_with(text, &Overrides::default(), 4096).map(|config| config.web);
    assert_eq!(web("").unwrap(), None);
    if cfg!(not(feature = "web")) {
        let told = web("[web]\nlisten = \"[::]:80\"").unwrap_err().to_string();
        assert_eq!(told, "c.toml:2: web.listen: this talklight was built without the web; leave `[web]` out");
        return;
    }
    let expected = WebConfig { listen: Some("[::]:80".parse().unwrap()), hosts: vec!["a.example".into(), "b".into()] };
    // Where systemd opens the port, a proxy has its names all the same.
    let hosts_only = web("[web]\nhosts = [\"a.example\"]").unwrap().unwrap();
    assert_eq!((hosts_only.listen, hosts_only.hosts), (None, vec!["a.example".into()]));
    let found = web("[web]\nlisten = \"[::]:80\"\nhosts = [\"a.example\", \"b\"]");
    assert_eq!(found.unwrap(), Some(expected));
    let flags = Overrides { web: true, ..Overrides::default() };
    let listen = parse_with("[web]\nlisten = \"0.0.0.0:1\"", &flags, 4096).unwrap().web.unwrap().listen.unwrap();
    assert_eq!(listen.to_string(), "127.0.0.1:8080", "the flag is for this machine alone");
    for bad in ["8080", "\"8080\"", "\"localhost:8080\"", "\"127.0.0.1\"", "\"127.0.0.1:0\"", "\"127.0.0.1:65536\""] {
        let told = web(&format!("[web]\nlisten = {bad}")).unwrap_err().to_string();
        assert!(
            told.starts_with("c.toml:2: web.listen: ") && told.contains("an address and a port, such as"),
            "{told}"
        );
    }
    for bad in ["\"a\"", "[1]", "[\"\"]", "[\"a:80\"]", "[\"http://a\"]"] {
        let told = web(&format!("[web]\nhosts = {bad}")).unwrap_err().to_string();
        assert!(told.starts_with("c.toml:2: web.hosts: ") && told.contains("a list of names"), "{told}");
    }
}

#[test]
fn sections_and_values_are_not_mixed_up() {
    says("strip = 5", "c.toml:1: strip: must be a section, headed `[strip]`");
    says("[[strip]]", "c.toml:1: strip: must be a section, headed `[strip]`");
    says("[plan]\nname = \"x\"", "c.toml:1: plan: must be a section, headed `[[plan]]`");
    says("plan = [1]", "c.toml:1: plan: must be a section, headed `[[plan]]`");
    says("plan = []", "c.toml:1: plan: there is no plan; write a `[[plan]]`");
    says("[strip]\ncolours = \"#ff0000\"", "c.toml:2: strip.colours: must be a section, headed `[strip.colours]`");
    section_says("strip", "leds = {}", "leds: `{…}` must be a whole number from 1 to 5438");
    says("[strip.leds]\nx = 1", "c.toml:1: strip.leds: `{…}` must be a whole number from 1 to 5438");
}

#[test]
fn values_out_of_range_are_told_with_the_range() {
    let strip = |line: &str, expected: &str| section_says("strip", line, expected);
    strip("leds = 0", "leds: `0` must be a whole number from 1 to 5438");
    strip("leds = 5439", "leds: `5439` must be a whole number from 1 to 5438");
    strip("leds = 60.0", "leds: `60.0` must be a whole number from 1 to 5438");
    strip("leds = 99999999999999999999999", "leds: `99999999999999999999999` must be a whole number from 1 to 5438");
    strip("brightness = 0", "brightness: `0` must be a whole number from 1 to 255");
    strip("brightness = 256", "brightness: `256` must be a whole number from 1 to 255");
    strip("milliamps_per_led = 101", "milliamps_per_led: `101` must be a whole number from 1 to 100");
    strip("clock_hz = 1_999_999", "clock_hz: `1999999` must be a whole number from 2000000 to 3800000");
    strip("clock_hz = 6_400_000", "clock_hz: `6400000` must be a whole number from 2000000 to 3800000");
    says(
        "[strip]\nclock_hz = 2_200_000\nchip = \"sk6812-rgbw\"",
        "c.toml:2: strip.clock_hz: `2200000` must be a whole number from 2300000 to 3800000",
    );
    strip("gamma = \"true\"", "gamma: `\"true\"` must be `true` or `false`, without quotes");
    strip("chip = \"ws2812b\"", "chip: `\"ws2812b\"` must be \"ws2812\" or \"sk6812-rgbw\"; did you mean \"ws2812\"?");
    strip("order = 5", "order: `5` must be \"grb\" or \"rgb\" or \"rbg\" or \"gbr\" or \"brg\" or \"bgr\"");
    for plain in ["sk6812", "SK6812", "sk6812-rgb"] {
        let told =
            format!("chip: `\"{plain}\"` must be \"ws2812\" or \"sk6812-rgbw\"; an SK6812 without white is \"ws2812\"");
        strip(&format!("chip = \"{plain}\""), &told);
    }
    let white = "chip: `\"sk6812w\"` must be \"ws2812\" or \"sk6812-rgbw\"; did you mean \"sk6812-rgbw\"?";
    strip("chip = \"sk6812w\"", white);
    strip("pattern = \"BAR\"", "pattern: `\"BAR\"` must be \"solid\" or \"bar\"; did you mean \"bar\"?");
    strip("tape = \"\"", "tape: `` must be a path of 1 to 4095 bytes in UTF-8");
    strip("tape = 5", "tape: `5` must be text");
    // It would be printed as it is.
    for control in ["\\u0000", "\\u001b[2J", "\\n"] {
        let told = mistakes(&format!("[strip]\ntape = \"t{control}\""));
        assert!(told.ends_with("must be a path without control characters"), "{told}");
    }
    // A file has no shell that would put the home folder there.
    for (key, path) in [("strip.tape", "~/t"), ("control.socket", "~/s"), ("control.socket", "$HOME/s")] {
        let (section, key) = key.split_once('.').unwrap();
        let told = "must be the whole path, such as \"/run/talk\": `~` and `$` stand for nothing here";
        section_says(section, &format!("{key} = \"{path}\""), &format!("{key}: `{path}` {told}"));
    }
    good("[control]\nsocket = \"./~s\"");
    let hz = |line: &str, expected: &str| section_says("flash", line, expected);
    hz("hz = 3.01", "hz: more than 3 flashes a second can set off seizures (WCAG 2.1, 2.3.1); write 0.2 to 3");
    for none in ["inf", "-inf", "nan"] {
        hz(&format!("hz = {none}"), &format!("hz: `{none}` must be a number"));
    }
    for slow in ["0.1", "0", "-1"] {
        hz(&format!("hz = {slow}"), "hz: too slow to be seen as a flash; write 0.2 to 3");
    }
    hz("hz = \"1\"", "hz: `\"1\"` must be a number, without quotes");
    let button = |line: &str, expected: &str| section_says("button", line, expected);
    button("hold = \"299ms\"", "hold: a hold takes from 300ms, or a press would be one, to 10s");
    button("hold = \"11s\"", "hold: a hold takes from 300ms, or a press would be one, to 10s");
    button("hold = 1", "hold: `1` must have a unit, such as \"1s\" or \"1m\"");
    says(
        &format!("[control]\nsocket = \"/{}\"", "s".repeat(107)),
        "c.toml:2: control.socket: `/sssssssssssssssssssssssssssssssssssssss…` must be a path of 1 to 107 bytes in UTF-8",
    );
    good(&format!("[control]\nsocket = \"/{}\"", "s".repeat(106)));
}

fn plan(length: &str, yellow: &str, red: &str, flash: &str) -> String {
    format!("[[plan]]\nname = \"p\"\nlength = {length}\nyellow = {yellow}\nred = {red}\nflash = {flash}\n")
}

#[test]
fn mistakes_of_a_plan_name_the_mark() {
    let (m1, m2, m5) = ("\"1m\"", "\"2m\"", "\"5m\"");
    says(
        &plan(m5, m5, m2, m1),
        "c.toml:4: plan.yellow: marks count time left: yellow must be less than the length, 5:00",
    );
    says(&plan(m5, m1, m2, m1), "c.toml:5: plan.red: marks count time left: red must be at most yellow, 1:00");
    says(&plan(m5, m2, m1, m2), "c.toml:6: plan.flash: marks count time left: flash must be at most red, 1:00");
    says(&plan("\"0s\"", m2, m1, m1), "c.toml:3: plan.length: a talk lasts from 1s to 24h");
    says(&plan("\"2 weeks\"", m2, m1, m1), "c.toml:3: plan.length: a talk lasts from 1s to 24h");
    says(&plan("\"5\"", m2, m1, m1), "c.toml:3: plan.length: `\"5\"` must have a unit, such as \"5s\" or \"5m\"");
    says(
        &plan("\"5:00\"", m2, m1, m1),
        "c.toml:3: plan.length: `\"5:00\"` must be a time with units, such as \"2m 30s\"",
    );
    says(
        &plan("00:05:00", m2, m1, m1),
        "c.toml:3: plan.length: `00:05:00` must be a time with units, such as \"2m 30s\"",
    );
    says(
        &plan("\"-5m\"", m2, m1, m1),
        "c.toml:3: plan.length: `\"-5m\"` must be a time with units, such as \"2m 30s\"",
    );
    says(
        &plan("\"18446744073709551615s 1000ms\"", m2, m1, m1),
        "c.toml:3: plan.length: `\"18446744073709551615s 1000ms\"` must be a time with units, such as \"2m 30s\"",
    );
    says(
        "[[plan]]\nname = \"p\"\nlength = \"5m\"\nyellow = \"2m\"\nflash = \"0s\"",
        "c.toml:1: plan.red: is missing; write it in time left, such as \"2m\", or \"0s\" for none",
    );
    let twice = plan(m5, m2, m1, m1) + &plan(m5, m2, m1, m1).replace("\"p\"", "\"P\"");
    says(&twice, "c.toml:8: plan.name: another plan is called `P`, too; their names must differ");
}

#[test]
fn one_mistake_does_not_make_another() {
    let nameless = "[[plan]]\nlength = \"5m\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"0s\"\n";
    let lightning = nameless.replace("]]", "]]\nname = \"lightning\"");
    let said = mistakes(&format!("{nameless}{nameless}{lightning}"));
    assert_eq!(said.lines().count(), 2, "{said}");
    let said = mistakes(&plan("5", "\"6m\"", "\"5m\"", "\"1m\""));
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = mistakes(&plan("\"5m\"", "\"6m\"", "\"330s\"", "\"1m\""));
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = mistakes("[strip]\ncolours.yellow = \"#ff00000\"\ncolours.green = \"#ffaa00\"");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_flash_that_would_not_be_seen_is_refused() {
    let (m1, m2, m5) = ("\"1m\"", "\"2m\"", "\"5m\"");
    let what = "the flash would end before it is seen, as one takes";
    says(&plan(m5, m2, m1, "\"999ms\""), &format!("c.toml:6: plan.flash: {what} 1 s; write \"0s\" for none"));
    good(&plan(m5, m2, m1, "\"1s\""));
    good(&plan(m5, m2, m1, "\"0s\""));
    says(
        &(plan(m5, m2, m1, "\"4s\"") + "[flash]\nhz = 0.2"),
        &format!("c.toml:6: plan.flash: {what} 5 s; write \"0s\" for none"),
    );
}

#[test]
fn colours_are_written_as_on_the_web_and_can_be_seen() {
    let says = |colour: &str, expected: &str| section_says("strip.colours", &format!("green = {colour}"), expected);
    says("\"00ff40\"", "green: `\"00ff40\"` must be written as `#rrggbb`; did you mean \"#00ff40\"?");
    says("\"#0f4\"", "green: `\"#0f4\"` must be written as `#rrggbb`; did you mean \"#00ff44\"?");
    says("\"green\"", "green: `\"green\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#00ff4g\"", "green: `\"#00ff4g\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#+0ff40\"", "green: `\"#+0ff40\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("65344", "green: `65344` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#000000\"", "green: `#000000` is too dark to be seen; let one channel be `20` or more");
}

#[test]
fn phases_that_look_alike_are_refused() {
    says(
        "[strip]\ncolours.yellow = \"#ff0000\"",
        "c.toml:2: strip.colours.yellow: `yellow` and `red` would look alike; choose colours further apart",
    );
    says(
        "[strip.colours]\nred = \"#ff3000\"\nyellow = \"#ff5000\"",
        "c.toml:2: strip.colours.red: `yellow` and `red` would look alike; choose colours further apart",
    );
    says(
        "[strip]\ncolours.green = \"#ddaa00\"",
        "c.toml:2: strip.colours.green: `green` and `yellow` would look alike; choose colours further apart",
    );
    says(
        "[strip]\nleds = 1\ncolours.ready = \"#800000\"",
        "c.toml:3: strip.colours.ready: `red` and `ready` would look alike; choose colours further apart",
    );
    good("[strip]\ncolours.ready = \"#800000\"");
    good("[strip]\nleds = 1\ncolours.ready = \"#800000\"\nready = \"off\"");
    good("[strip]\ncolours.yellow = \"#ff8000\"");
}

#[test]
fn two_buttons_and_their_wires_make_sense() {
    let says = |line: &str, expected: &str| section_says("button", line, expected);
    says(
        "start = 32",
        "start: GPIO 32 is not on the header; take one of 2 to 6 or 12 to 27; for header pin 32 write 12",
    );
    says("start = 1", "start: GPIO 1 belongs to the EEPROM of add-on boards; take one of 2 to 6 or 12 to 27");
    says("start = 99", "start: `99` must be a whole number from 2 to 27");
    says("start = \"GPIO17\"", "start: `\"GPIO17\"` must be a whole number from 2 to 27");
    says(
        "bias = \"pull-down\"",
        "bias: with bias = \"pull-down\" an open button reads \"low\", as if pressed for ever; write active = \"high\"",
    );
    says(
        "active = \"high\"",
        "active: with bias = \"pull-up\" an open button reads \"high\", as if pressed for ever; write active = \"low\"",
    );
    for (bias, active) in [("pull-up", "low"), ("pull-down", "high"), ("none", "low"), ("none", "high")] {
        good(&format!("[button]\nstart = 7\nbias = \"{bias}\"\nactive = \"{active}\""));
    }
    let twice = mistakes("[button]\nstart = 4\nreset = 4");
    assert_eq!(
        twice,
        "c.toml:3: button.reset: one pin cannot be `start` and `reset`; leave `reset` out and hold `start` instead"
    );
    let only_reset = good("[button]\nreset = 22").buttons.unwrap();
    assert_eq!((only_reset.start, only_reset.reset), (None, Some(22)));
    assert_eq!(good("[button]\nhold = \"2s\"").buttons, None);
}

#[cfg(target_os = "linux")]
mod spi {
    use super::*;
    use talklight::input::button::Role;

    #[track_caller]
    fn spi_says(lines: &str, expected: &str) {
        super::says(&format!("[strip]\nkind = \"spi\"\n{lines}"), &format!("c.toml:3: {expected}"));
    }

    #[test]
    fn a_pin_of_spi_is_no_button() {
        let text = "[strip]\nkind = \"spi\"\n[button]\nstart = 11\nreset = 10";
        super::says(
            text,
            "c.toml:4: button.start: GPIO 11 is used by SPI; take one of 2 to 6 or 12 to 27; for header pin 11 write 17\n\
                    c.toml:5: button.reset: GPIO 10 is used by SPI; take one of 2 to 6 or 12 to 27; for header pin 10 write 15",
        );
    }

    #[test]
    fn too_many_leds_for_the_buffer_come_with_the_word_that_makes_it_larger() {
        good("[strip]\nkind = \"spi\"\nleds = 318");
        spi_says(
            "leds = 319",
            "strip.leds: 319 LEDs make a frame of 4108 bytes, and spidev takes 4096, which is 318 LEDs; append `spidev.bufsiz=8192` to the line of /boot/firmware/cmdline.txt and reboot (65536 is the most); `talklight doctor` says what is still missing",
        );
        spi_says(
            "leds = 4079\nmax_milliamps = 0\nchip = \"sk6812-rgbw\"",
            "strip.leds: 4079 LEDs make a frame of 65544 bytes, and spidev takes 4096, which is 238 LEDs; it can be set up for 65536, which is 4078 LEDs, and no more",
        );
        let parse = |leds, bufsiz| {
            parse_with(
                &format!("[strip]\nkind = \"spi\"\nmax_milliamps = 0\nleds = {leds}"),
                &Overrides::default(),
                bufsiz,
            )
        };
        assert!(parse(5438, 65536).is_ok());
        assert!(parse(319, 4107).is_err() && parse(319, 4108).is_ok());
        let flags = Overrides { strip: Some("spi".into()), leds: Some(400), ..Overrides::default() };
        let said = parse_with("", &flags, 4096).unwrap_err().to_string();
        assert!(said.starts_with("--leds: 400 LEDs make a frame of 5080 bytes"), "{said}");
        assert!(parse_with("", &flags, 0).unwrap_err().to_string().contains("which is 0 LEDs"));
    }

    #[test]
    fn too_little_current_is_told_with_what_it_takes() {
        spi_says(
            "max_milliamps = 60",
            "strip.max_milliamps: 60 mA is too little to light every LED at all; it takes 73 mA; write 0 for no limit",
        );
        let crowded = mistakes("[strip]\nkind = \"spi\"\nleds = 900");
        let lines: Vec<_> = crowded.lines().collect();
        assert_eq!(
            lines[0],
            "c.toml:3: strip.leds: 850 mA is too little to light every LED at all; it takes 1095 mA; write 0 for no limit"
        );
        assert!(lines[1].starts_with("c.toml:3: strip.leds: 900 LEDs make"), "{crowded}");
    }

    #[test]
    fn buttons_become_lines() {
        let text = "[button]\nstart = 17\nreset = 27\nbias = \"none\"\nactive = \"high\"\nhold = \"2s\"";
        let wiring = good(text).buttons.unwrap().wiring();
        assert_eq!(wiring.buttons, [(17, Role::Start { hold: None }), (27, Role::Reset)]);
        assert_eq!((wiring.bias, wiring.active_low), (Some(gpiocdev::line::Bias::Disabled), false));
        assert_eq!(good("[strip]\nkind = \"spi\"").strip.name(), "spi");
    }

    #[test]
    fn a_device_is_one_of_spidev() {
        spi_says(
            "device = \"/dev/spi0\"",
            "strip.device: `/dev/spi0` is not a device of SPI0, \"/dev/spidev0.0\" or \"/dev/spidev0.1\"; the others have no DMA or other pins",
        );
        good("[strip]\nkind = \"spi\"\ndevice = \"/dev/spidev0.1\"");
    }

    #[test]
    fn phases_that_the_strip_shows_alike_are_refused_with_the_key_that_mends_it() {
        let alike = "`yellow` and `red` would look alike";
        spi_says("brightness = 1", &format!("strip.brightness: {alike}; raise `brightness`"));
        spi_says(
            "max_milliamps = 75\ncolours = { yellow = \"#ff7000\" }",
            &format!("strip.max_milliamps: {alike}; raise `max_milliamps`, or let fewer LEDs share it"),
        );
        spi_says(
            "colours = { green = \"#c0ff00\", yellow = \"#ffd000\" }\ngamma = false",
            "strip.colours.yellow: `green` and `yellow` would look alike; choose colours further apart",
        );
    }

    #[test]
    fn shipped_palettes_stay_apart_down_to_a_brightness_of_8() {
        for palette in ["classic", "colour-blind"] {
            for gamma in [true, false] {
                for chip in ["ws2812", "sk6812-rgbw"] {
                    for brightness in 8..=255 {
                        good(&format!(
                            "[strip]\nkind = \"spi\"\nbrightness = {brightness}\ngamma = {gamma}\npalette = \"{palette}\"\nchip = \"{chip}\"\nmax_milliamps = 0"
                        ));
                    }
                }
            }
        }
    }
}

#[test]
fn a_config_is_looked_for_where_xdg_says() {
    let path = |xdg: Option<&str>, home: Option<&str>| search_path(xdg.map(Into::into), home.map(Into::into));
    let system = PathBuf::from("/etc/talklight/config.toml");
    assert_eq!(path(Some("/x"), Some("/h")), [PathBuf::from("/x/talklight/config.toml"), system.clone()]);
    assert_eq!(path(None, Some("/h")), [PathBuf::from("/h/.config/talklight/config.toml"), system.clone()]);
    assert_eq!(path(Some("x"), Some("/h")), path(None, Some("/h")));
    assert_eq!(path(Some(""), None), [system]);
}

#[test]
fn a_file_that_exists_is_never_passed_over() {
    let dir = std::env::temp_dir().join(format!("talklight-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let [absent, file, latin1, long, link] = ["absent", "file", "latin1", "long", "link"].map(|name| dir.join(name));
    std::fs::write(&file, "[strip]\nleds = 5").unwrap();
    std::fs::write(&latin1, b"# gr\xfcn\n").unwrap();
    std::fs::write(&long, "#".repeat(64 * 1024 + 1)).unwrap();
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&absent, &link).unwrap();

    assert_eq!(
        find(&[absent.clone(), file.clone()]).unwrap(),
        (Origin::File(file.clone()), "[strip]\nleds = 5".into())
    );
    assert_eq!(find(&[file.join("below"), absent.clone()]).unwrap(), (Origin::BuiltIn, String::new()));
    let said = |path: &PathBuf| {
        find(&[path.clone(), file.clone()]).unwrap_err().to_string().replace(dir.to_str().unwrap(), "")
    };
    assert_eq!(said(&latin1), "/latin1: line 1 is not UTF-8; save the file as UTF-8 text");
    assert_eq!(said(&long), "/long: is longer than a config may be, 65536 bytes");
    assert_eq!(said(&link), "/link: is a link to a file that is not there");
    assert_eq!(said(&dir), ": is a directory; name the file in it");

    let load = |path| Config::load(Some(path), &Overrides::default());
    assert_eq!(load(&file).unwrap().look.leds, 5);
    let said = load(&absent).unwrap_err().to_string();
    assert_eq!(said, format!("{}: there is no such file", absent.display()));
    std::fs::remove_dir_all(&dir).unwrap();
}

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

/// A config with every key of a strip, a plan and a button, each within its range.
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
    fn no_damage_to_a_good_config_panics(which in 0..SHIPPED.len(), at in any::<prop::sample::Index>(), cut in 0_usize..40, with in "\\PC{0,3}") {
        let text: Vec<char> = SHIPPED[which].1.chars().collect();
        let at = at.index(text.len());
        let rest = &text[(at + cut).min(text.len())..];
        holds(&(text[..at].iter().collect::<String>() + &with + &rest.iter().collect::<String>()));
    }

    /// Many of these are accepted.
    #[test]
    fn whatever_is_accepted_can_be_run(text in likely()) { holds(&text) }

    #[test]
    fn flags_are_held_to_the_same_and_told_by_their_names(
        strip in prop::option::of("simulated|spi|\\PC{0,9}"),
        leds in prop::option::of(prop_oneof![0..400_usize, any::<usize>()]),
        tape in prop::option::of("\\PC{0,9}|t{4095,4097}|t\n"),
        socket in prop::option::of("\\PC{0,9}|s{106,109}"),
        plan in prop::option::of("lightning|LIGHTNING|\\PC{0,9}"),
    ) {
        let flags = Overrides { strip, leds, tape: tape.map(Into::into), socket: socket.map(Into::into), plan, web: false };
        match parse_with("", &flags, 4096) {
            Ok(config) => crate::outside::config::is_sound(&config, 4096),
            Err(mistakes) => for mistake in mistakes.0 {
                let told = mistake.to_string();
                prop_assert!(["--strip: ", "--leds: ", "--tape: ", "--socket: ", "--plan: "].iter().any(|flag| told.starts_with(flag)), "{}", told);
                prop_assert!(!told.contains(char::is_control));
            }
        }
    }

    #[test]
    fn a_file_of_any_bytes_is_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let folder = crate::harness::Folder::new();
        let path = folder.file("c.toml");
        std::fs::write(&path, &bytes).unwrap();
        let loaded = Config::load(Some(&path), &Overrides::default());
        match String::from_utf8(bytes) {
            Ok(text) => prop_assert_eq!(loaded.is_ok(), parse(&text).is_ok()),
            Err(_) => {
                let told = loaded.unwrap_err().to_string();
                prop_assert!(told.starts_with(&format!("{}: line ", path.display())), "{}", told);
            }
        }
    }

    #[test]
    fn no_time_panics(time in "[0-9. ]{0,22}(ns|us|ms|s|m|h|d|w|M|y|µ|)[0-9. ]{0,8}(ms|s|)") {
        holds(&plan(&format!("{time:?}"), "\"0s\"", "\"0s\"", "\"0s\""));
    }
}

#[test]
fn depth_and_length_do_not_panic() {
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
