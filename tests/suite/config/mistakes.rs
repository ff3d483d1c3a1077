//! The messages about mistakes in a config.

use super::*;

#[test]
fn all_mistakes_are_reported_at_once_in_line_order() {
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
fn a_syntax_error_is_reported_once_with_its_key() {
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
fn unknown_keys_get_a_suggestion() {
    says("[strip]\nledz = 5", "c.toml:2: strip.ledz: is not known; did you mean `leds`?");
    says("[strip]\ncolors = {}", "c.toml:2: strip.colors: is not known; did you mean `colours`?");
    says("leds = 5", "c.toml:1: leds: is not known here; it belongs in `[strip]`");
    says("[control]\nhold = \"1s\"", "c.toml:2: control.hold: is not known here; it belongs in `[button]`");
    says(
        "[strip]\nyellow = \"2m\"",
        "c.toml:2: strip.yellow: is not known here; it belongs in `[strip.colours]` or `[[plan]]` or `[plan.words]`",
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
fn sections_and_values_are_distinguished() {
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
fn values_out_of_range_are_refused_with_the_range() {
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
        let message =
            format!("chip: `\"{plain}\"` must be \"ws2812\" or \"sk6812-rgbw\"; an SK6812 without white is \"ws2812\"");
        strip(&format!("chip = \"{plain}\""), &message);
    }
    let white = "chip: `\"sk6812w\"` must be \"ws2812\" or \"sk6812-rgbw\"; did you mean \"sk6812-rgbw\"?";
    strip("chip = \"sk6812w\"", white);
    strip("pattern = \"BAR\"", "pattern: `\"BAR\"` must be \"solid\" or \"bar\"; did you mean \"bar\"?");
    strip("tape = \"\"", "tape: `` must be a path of 1 to 4095 bytes in UTF-8");
    strip("tape = 5", "tape: `5` must be text");
    // `describe` prints the path.
    for control in ["\\u0000", "\\u001b[2J", "\\n"] {
        let message = mistakes(&format!("[strip]\ntape = \"t{control}\""));
        assert!(message.ends_with("must be a path without control characters"), "{message}");
    }
    // No shell expands `~` in a file.
    for (key, path) in [("strip.tape", "~/t"), ("control.socket", "~/s"), ("control.socket", "$HOME/s")] {
        let (section, key) = key.split_once('.').unwrap();
        let message = "must be the full path, such as \"/run/talk\": `~` and `$` are not expanded here";
        section_says(section, &format!("{key} = \"{path}\""), &format!("{key}: `{path}` {message}"));
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
    button("hold = \"299ms\"", "hold: must be from 300ms, so that a press is not a hold, to 10s");
    button("hold = \"11s\"", "hold: must be from 300ms, so that a press is not a hold, to 10s");
    button("hold = 1", "hold: `1` must have a unit, such as \"1s\" or \"1m\"");
    says(
        &format!("[control]\nsocket = \"/{}\"", "s".repeat(107)),
        "c.toml:2: control.socket: `/sssssssssssssssssssssssssssssssssssssss…` must be a path of 1 to 107 bytes in UTF-8",
    );
    good(&format!("[control]\nsocket = \"/{}\"", "s".repeat(106)));
}

#[test]
fn mistakes_in_a_plan_name_the_mark() {
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
        "c.toml:1: plan.red: is missing; write the time left, such as \"2m\", or \"0s\" for none",
    );
    let twice = plan(m5, m2, m1, m1) + &plan(m5, m2, m1, m1).replace("\"p\"", "\"P\"");
    says(&twice, "c.toml:8: plan.name: another plan has the name `P`, too; names must differ");
}

#[test]
fn one_mistake_causes_no_further_message() {
    let nameless = "[[plan]]\nlength = \"5m\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"0s\"\n";
    let lightning = nameless.replace("]]", "]]\nname = \"lightning\"");
    let message = mistakes(&format!("{nameless}{nameless}{lightning}"));
    assert_eq!(message.lines().count(), 2, "{message}");
    let message = mistakes(&plan("5", "\"6m\"", "\"5m\"", "\"1m\""));
    assert_eq!(message.lines().count(), 1, "{message}");
    let message = mistakes(&plan("\"5m\"", "\"6m\"", "\"330s\"", "\"1m\""));
    assert_eq!(message.lines().count(), 1, "{message}");
    let message = mistakes("[strip]\ncolours.yellow = \"#ff00000\"\ncolours.green = \"#ffaa00\"");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn a_flash_phase_shorter_than_one_flash_is_refused() {
    let (m1, m2, m5) = ("\"1m\"", "\"2m\"", "\"5m\"");
    let what = "is shorter than one flash, which takes";
    says(&plan(m5, m2, m1, "\"999ms\""), &format!("c.toml:6: plan.flash: {what} 1 s; write \"0s\" for no flash"));
    good(&plan(m5, m2, m1, "\"1s\""));
    good(&plan(m5, m2, m1, "\"0s\""));
    says(
        &(plan(m5, m2, m1, "\"4s\"") + "[flash]\nhz = 0.2"),
        &format!("c.toml:6: plan.flash: {what} 5 s; write \"0s\" for no flash"),
    );
}

#[test]
fn colours_have_the_form_rrggbb_and_are_visible() {
    let says = |colour: &str, expected: &str| section_says("strip.colours", &format!("green = {colour}"), expected);
    says("\"00ff40\"", "green: `\"00ff40\"` must be written as `#rrggbb`; did you mean \"#00ff40\"?");
    says("\"#0f4\"", "green: `\"#0f4\"` must be written as `#rrggbb`; did you mean \"#00ff44\"?");
    says("\"green\"", "green: `\"green\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#00ff4g\"", "green: `\"#00ff4g\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#+0ff40\"", "green: `\"#+0ff40\"` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("65344", "green: `65344` must be a colour as `#rrggbb`, such as \"#ffaa00\"");
    says("\"#000000\"", "green: `#000000` is too dark to be seen; at least one channel must be `20` or more");
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
fn contradictory_button_settings_are_refused() {
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
        "bias: with bias = \"pull-down\" an open button reads \"low\" and would count as pressed; write active = \"high\"",
    );
    says(
        "active = \"high\"",
        "active: with bias = \"pull-up\" an open button reads \"high\" and would count as pressed; write active = \"low\"",
    );
    for (bias, active) in [("pull-up", "low"), ("pull-down", "high"), ("none", "low"), ("none", "high")] {
        good(&format!("[button]\nstart = 7\nbias = \"{bias}\"\nactive = \"{active}\""));
    }
    let twice = mistakes("[button]\nstart = 4\nreset = 4");
    assert_eq!(
        twice,
        "c.toml:3: button.reset: one pin cannot be both `start` and `reset`; remove `reset` and hold `start` instead"
    );
    let only_reset = good("[button]\nreset = 22").buttons.unwrap();
    assert_eq!((only_reset.start, only_reset.reset), (None, Some(22)));
    assert_eq!(good("[button]\nhold = \"2s\"").buttons, None);
}

#[test]
fn the_words_of_a_plan_are_checked() {
    let plan = |words: &str| {
        format!("[[plan]]\nname = \"a\"\nlength = \"5m\"\nyellow = \"2m\"\nred = \"1m\"\nflash = \"30s\"\n{words}")
    };
    let read = good(&plan("words = { yellow = \" zum Schluss \" }"));
    assert_eq!((&*read.words[0].yellow, &*read.words[0].green), ("zum Schluss", "talk"));
    says(
        &plan("words = { yellow = \"\" }"),
        "c.toml:7: plan.words.yellow: `\"\"` must be a text of 1 to 24 characters",
    );
    says(
        &plan("words = { blue = \"x\" }"),
        "c.toml:7: plan.words.blue: is not known; `[plan.words]` takes `ready`, `green`, `yellow`, `red`, `flash`, `over`",
    );
    says(&plan("words = 3"), "c.toml:7: plan.words: must be a section, headed `[plan.words]`");
}
