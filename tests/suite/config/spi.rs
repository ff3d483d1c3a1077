//! Configs of a strip on SPI.

use super::*;
use talklight::input::button::Role;

#[track_caller]
fn spi_says(lines: &str, expected: &str) {
    super::says(&format!("[strip]\nkind = \"spi\"\n{lines}"), &format!("c.toml:3: {expected}"));
}

#[test]
fn spi_pins_are_refused_for_buttons() {
    let text = "[strip]\nkind = \"spi\"\n[button]\nstart = 11\nreset = 10";
    super::says(
        text,
        "c.toml:4: button.start: GPIO 11 is used by SPI; take one of 2 to 6 or 12 to 27; for header pin 11 write 17\n\
                c.toml:5: button.reset: GPIO 10 is used by SPI; take one of 2 to 6 or 12 to 27; for header pin 10 write 15",
    );
}

#[test]
fn too_many_leds_for_the_buffer_are_refused_with_the_remedy() {
    good("[strip]\nkind = \"spi\"\nleds = 318");
    spi_says(
        "leds = 319",
        "strip.leds: a frame for 319 LEDs has 4108 bytes, but spidev takes 4096, which is 318 LEDs; append `spidev.bufsiz=8192` to the line of /boot/firmware/cmdline.txt and reboot (65536 is the most); `talklight doctor` says what else is missing",
    );
    spi_says(
        "leds = 4079\nmax_milliamps = 0\nchip = \"sk6812-rgbw\"",
        "strip.leds: a frame for 4079 LEDs has 65544 bytes, but spidev takes 4096, which is 238 LEDs; its limit can be raised to 65536 bytes, which is 4078 LEDs",
    );
    let parse = |leds, bufsiz| {
        parse_with(&format!("[strip]\nkind = \"spi\"\nmax_milliamps = 0\nleds = {leds}"), &Overrides::default(), bufsiz)
    };
    assert!(parse(5438, 65536).is_ok());
    assert!(parse(319, 4107).is_err() && parse(319, 4108).is_ok());
    let flags = Overrides { strip: Some("spi".into()), leds: Some(400), ..Overrides::default() };
    let message = parse_with("", &flags, 4096).unwrap_err().to_string();
    assert!(message.starts_with("--leds: a frame for 400 LEDs has 5080 bytes"), "{message}");
    assert!(parse_with("", &flags, 0).unwrap_err().to_string().contains("which is 0 LEDs"));
}

#[test]
fn too_little_current_is_refused_with_the_minimum() {
    spi_says(
        "max_milliamps = 60",
        "strip.max_milliamps: 60 mA is too little to light every LED at all; it takes 73 mA; write 0 for no limit",
    );
    let message = mistakes("[strip]\nkind = \"spi\"\nleds = 900");
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(
        lines[0],
        "c.toml:3: strip.leds: 850 mA is too little to light every LED at all; it takes 1095 mA; write 0 for no limit"
    );
    assert!(lines[1].starts_with("c.toml:3: strip.leds: a frame for 900 LEDs has"), "{message}");
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
fn the_device_must_be_a_spidev_node() {
    spi_says(
        "device = \"/dev/spi0\"",
        "strip.device: `/dev/spi0` is not a device of SPI0, \"/dev/spidev0.0\" or \"/dev/spidev0.1\"; other buses have no DMA or use other pins",
    );
    good("[strip]\nkind = \"spi\"\ndevice = \"/dev/spidev0.1\"");
}

#[test]
fn phases_that_look_alike_on_the_strip_are_refused_with_the_key_to_change() {
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
fn shipped_palettes_are_distinct_down_to_brightness_8() {
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
