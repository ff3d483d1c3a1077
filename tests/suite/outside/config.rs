//! Properties of the config, for any text.

use std::time::Duration;

use talklight::config::{Active, Bias, Buttons, Config, Kind, Mistakes, Origin, Overrides};
use talklight::core::drive::{Drive, Wire};
use talklight::core::look::Rgb;

/// Forty characters, escaped: `\u{10ffff}` at the longest.
const LONG: usize = 401;
const SOURCE: &str = "c.toml";
/// The default and the largest buffer of spidev.
const BUFSIZ: [usize; 2] = [4096, 65_536];

pub fn holds(text: &str) {
    let [short, long] = BUFSIZ.map(|bufsiz| {
        let config = parse(text, bufsiz);
        match &config {
            Ok(config) => is_sound(config, bufsiz),
            Err(mistakes) => are_reported(mistakes, text),
        }
        config
    });
    // The buffer matters only to strips that are too long for it.
    match (short, long) {
        (Ok(short), Ok(long)) => assert_eq!(format!("{short:?}"), format!("{long:?}")),
        (Err(_), Ok(long)) => assert!(frame_bytes(&long) > BUFSIZ[0]),
        (Ok(_), Err(_)) => panic!("a longer buffer is no mistake"),
        (Err(_), Err(_)) => {}
    }
}

fn parse(text: &str, bufsiz: usize) -> Result<Config, Mistakes> {
    Config::parse(text, Origin::File(SOURCE.into()), &Overrides::default(), bufsiz)
}

/// Each mistake names the file, the line and the key. Mistakes are in the order of their lines, and printable.
fn are_reported(mistakes: &Mistakes, text: &str) {
    assert!(!mistakes.0.is_empty());
    let lines = text.split('\n').count();
    let mut before = 1;
    for mistake in &mistakes.0 {
        let message = mistake.to_string();
        assert!(!message.contains(char::is_control) && message.chars().count() < 1000, "{message}");
        let rest = message.strip_prefix(SOURCE).and_then(|rest| rest.strip_prefix(':'));
        let (line, what) = rest.and_then(|rest| rest.split_once(": ")).expect(&message);
        let line: usize = line.parse().expect(&message);
        assert!((before..=lines).contains(&line), "{message}");
        before = line;
        let (key, what) = match what.strip_prefix("this is not TOML: ") {
            Some(what) => ("", what),
            None => what.split_once(": ").expect(&message),
        };
        assert!(key.chars().count() <= LONG && !what.is_empty(), "{message}");
    }
}

/// Checks an accepted config.
pub fn is_sound(config: &Config, bufsiz: usize) {
    let message = config.describe();
    assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message}");

    let look = &config.look;
    assert!((1..=5438).contains(&look.leds));
    assert!(look.flash_half * 6 >= Duration::from_secs(1), "three flashes a second");
    assert!(look.flash_half <= Duration::from_millis(2500));

    assert!(config.plans.contains(&config.chosen));
    for (number, plan) in config.plans.iter().enumerate() {
        assert!(plan.flash() <= plan.red() && plan.red() <= plan.yellow());
        assert!(plan.yellow() < plan.length());
        assert!((Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&plan.length()));
        assert!(plan.flash().is_zero() || plan.flash() >= look.flash_half * 2);
        let name = plan.name().to_ascii_lowercase();
        let others = &config.plans[..number];
        assert!(others.iter().all(|other| other.name().to_ascii_lowercase() != name));
        assert!(message.contains(plan.name()));
    }

    for path in [&config.socket, &config.tape].into_iter().flatten() {
        assert!(!path.as_os_str().is_empty() && message.contains(path.to_str().expect("UTF-8")));
    }
    assert!(config.socket.as_ref().is_none_or(|path| path.as_os_str().len() < 108));
    if let Some(buttons) = &config.buttons {
        can_be_pressed(buttons, !matches!(config.strip, Kind::Simulated(_)));
    }
    assert!(frame_bytes(config) <= bufsiz);
    let drive = match &config.strip {
        Kind::Simulated(drive) => drive.as_ref(),
        #[cfg(target_os = "linux")]
        Kind::Spi(spi) => {
            let [green, yellow, red] =
                [look.palette.green, look.palette.yellow, look.palette.red].map(|colour| spi.drive.level(colour));
            assert!(green != yellow && yellow != red && red != green);
            assert!((2_000_000..=3_800_000).contains(&spi.clock_hz));
            Some(&spi.drive)
        }
    };
    if let Some(drive) = drive {
        keeps_the_limit(drive, config);
    }
}

fn can_be_pressed(buttons: &Buttons, real: bool) {
    let pins = [buttons.start, buttons.reset];
    assert!(pins != [None, None] && (pins[0] != pins[1]));
    for pin in pins.into_iter().flatten() {
        assert!((2..=27).contains(&pin) && !(real && (7..=11).contains(&pin)));
    }
    assert!(buttons.hold >= Duration::from_millis(300) && buttons.hold <= Duration::from_secs(10));
    assert!(!matches!((buttons.bias, buttons.active), (Bias::PullUp, Active::High) | (Bias::PullDown, Active::Low)));
}

/// Checks the current of every picture as it is sent, by the estimate in HARDWARE.md.
fn keeps_the_limit(drive: &Drive, config: &Config) {
    let (settings, leds) = (drive.settings(), config.look.leds);
    let channels = settings.chip.channels();
    for picture in config.look.brightest(&config.plans) {
        let (mut look, mut wire) = (vec![Rgb::BLACK; leds], vec![Wire::default(); leds]);
        picture.paint(&mut look);
        drive.apply(&look, &mut wire);
        let sent = wire.iter().map(|led| &led[..channels]);
        let sum: u64 = sent.clone().flatten().map(|&value| u64::from(value)).sum();
        let full = 255 * channels as u64;
        let draws = leds as u64 * full + sum * u64::from(settings.milliamps_per_led);
        let limit = u64::from(settings.max_milliamps);
        assert!(limit == 0 || draws <= limit * full);
        for (look, sent) in look.iter().zip(sent) {
            assert_eq!(*look == Rgb::BLACK, sent.iter().all(|&value| value == 0));
        }
    }
}

/// The size of a frame: 280 bytes, and four for each byte of colour. 0 for a simulated strip.
fn frame_bytes(config: &Config) -> usize {
    match &config.strip {
        Kind::Simulated(_) => 0,
        #[cfg(target_os = "linux")]
        Kind::Spi(spi) => 280 + 4 * spi.drive.settings().chip.channels() * config.look.leds,
    }
}
