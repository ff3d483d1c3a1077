use proptest::prelude::*;
use talklight::core::drive::{Chip, Drive, DriveSettings, Order, TooLittleCurrent, Wire};
use talklight::core::look::{Look, Palette, Pattern, Picture, Rgb};

use super::harness::{look, plan};

const SETTINGS: DriveSettings = DriveSettings {
    chip: Chip::Ws2812,
    order: Order::Grb,
    gamma: true,
    brightness: 128,
    max_milliamps: 850,
    milliamps_per_led: 55,
};

fn unlimited(settings: DriveSettings) -> Drive {
    let settings = DriveSettings { max_milliamps: 0, ..settings };
    Drive::new(settings, 1, &[]).unwrap()
}

/// The pictures of `look` with the highest current.
fn pictures(look: &Look) -> Vec<Picture> {
    look.brightest(&[plan("lightning"), plan("short")]).collect()
}

fn drive(settings: DriveSettings, look: &Look) -> Result<Drive, TooLittleCurrent> {
    Drive::new(settings, look.leds, &pictures(look))
}

fn painted(look: &Look, picture: Picture) -> Vec<Rgb> {
    let mut frame = vec![Rgb::BLACK; look.leds];
    picture.paint(&mut frame);
    frame
}

fn sent(drive: &Drive, frame: &[Rgb]) -> Vec<Wire> {
    let mut wire = vec![[9; 4]; frame.len()];
    drive.apply(frame, &mut wire);
    wire
}

/// The current of a frame in mA: 1 mA for each LED, plus a share for each channel. All channels of an LED at 255 together draw
/// `milliamps_per_led`; with white these are four channels.
fn current(settings: &DriveSettings, wire: &[Wire]) -> f64 {
    let channels = settings.chip.channels();
    let values = wire.iter().flat_map(|led| &led[..channels]);
    let sum: f64 = values.map(|&value| f64::from(value)).sum();
    let full = 255.0 * channels as f64;
    wire.len() as f64 + sum * f64::from(settings.milliamps_per_led) / full
}

/// The intended light of one channel, from 0 to 1.
fn light(gamma: bool, channel: u8) -> f64 {
    (f64::from(channel) / 255.0).powf(if gamma { 2.25 } else { 1.0 })
}

fn colours() -> impl Strategy<Value = Rgb> {
    let channel = || prop_oneof![Just(0), Just(255), Just(1), any::<u8>()];
    prop_oneof![
        4 => (channel(), channel(), channel()).prop_map(|(r, g, b)| Rgb::new(r, g, b)),
        1 => channel().prop_map(|grey| Rgb::new(grey, grey, grey)),
    ]
}

fn settings() -> impl Strategy<Value = DriveSettings> {
    let chip = prop_oneof![Just(Chip::Ws2812), Just(Chip::Sk6812Rgbw)];
    let order = prop::sample::select(Order::ALL.map(|(_, order)| order).to_vec());
    let brightness = prop_oneof![Just(1), Just(255), 1..=255_u8];
    let limit = prop_oneof![1 => Just(0), 4 => 1..2_000_u32, 1 => 2_000..60_000_u32];
    let per_led = prop_oneof![Just(55), 1..=100_u32];
    (chip, order, any::<bool>(), brightness, limit, per_led).prop_map(
        |(chip, order, gamma, brightness, max_milliamps, milliamps_per_led)| DriveSettings {
            chip,
            order,
            gamma,
            brightness,
            max_milliamps,
            milliamps_per_led,
        },
    )
}

fn looks() -> impl Strategy<Value = Look> {
    let palette = (colours(), colours(), colours(), colours()).prop_map(|(green, yellow, red, ready)| Palette {
        green,
        yellow,
        red,
        ready,
    });
    let palette = prop_oneof![Just(Palette::CLASSIC), Just(Palette::COLOUR_BLIND), palette];
    let pattern = prop_oneof![Just(Pattern::Solid), Just(Pattern::Bar)];
    let leds = prop_oneof![40 => 1..=320_usize, 1 => Just(Look::LEDS_MAX)];
    (leds, palette, pattern).prop_map(|(leds, palette, pattern)| Look { leds, palette, pattern, ..look() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// The frames include some that no plan shows. A lit LED is never sent as dark, nor a dark one as lit.
    #[test]
    fn the_limit_holds_for_every_frame(
        settings in settings(),
        look in looks(),
        mixed in prop::collection::vec(colours(), 8),
    ) {
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        let limit = match settings.max_milliamps {
            0 => f64::INFINITY,
            limit => f64::from(limit),
        };
        let all = pictures(&look).into_iter().map(|picture| painted(&look, picture));
        let white = vec![Rgb::new(255, 255, 255); look.leds];
        let mixed = mixed.into_iter().cycle().take(look.leds).collect();
        let channels = settings.chip.channels();
        for frame in all.chain([white, mixed]) {
            let wire = sent(&drive, &frame);
            prop_assert!(current(&settings, &wire) <= limit + 1e-6, "{} mA", current(&settings, &wire));
            for (led, wire) in frame.iter().zip(&wire) {
                let dark = wire[..channels].iter().all(|&channel| channel == 0);
                prop_assert_eq!(*led == Rgb::BLACK, dark, "{:?} {:?}", led, wire);
            }
        }
    }

    /// A frame that would draw too much is dimmed as a whole. There is one brightness at which every channel is rounded to the
    /// nearest step, and a little more brightness would exceed the limit.
    #[test]
    fn a_dimmed_frame_keeps_its_colours(
        settings in settings(),
        look in looks(),
        frame in prop::collection::vec(colours(), 1..60),
    ) {
        let settings = DriveSettings { order: Order::Rgb, ..settings };
        let look = Look { leds: frame.len(), ..look };
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        let wire = sent(&drive, &frame);
        let meant = |Rgb { r, g, b }| [r, g, b].map(|channel| light(settings.gamma, channel));
        let (mut least, mut most) = (0.0, f64::from(settings.brightness));
        for (&colour, &[r, g, b, w]) in frame.iter().zip(&wire) {
            let (meant, seen) = (meant(colour), [r, g, b].map(|channel| f64::from(channel + w)));
            let strongest = meant.into_iter().fold(0.0, f64::max);
            for (meant, seen) in meant.into_iter().zip(seen) {
                prop_assert!(meant > 0.0 || seen == 0.0);
                most = f64::min(most, (seen + 0.5) / meant);
                // The strongest channel keeps one step even where rounding would give none.
                if seen != 1.0 || meant != strongest {
                    least = f64::max(least, (seen - 0.5) / meant);
                }
            }
        }
        prop_assert!(least <= most + 1e-9, "from {least} to {most}: {wire:?}");
        let limit = f64::from(settings.max_milliamps);
        let plain: Vec<Wire> = frame.iter().map(|&colour| drive.level(colour)).collect();
        if limit == 0.0 || current(&settings, &plain) <= limit {
            prop_assert_eq!(wire, plain);
        } else if settings.chip == Chip::Ws2812 {
            let more = most + f64::from(settings.brightness) / 65_536.0;
            let steps = |colour| {
                let meant = meant(colour);
                let sum: f64 = meant.map(|meant| (meant * more).round()).iter().sum();
                let strongest = meant.into_iter().fold(0.0, f64::max);
                let spark = meant.iter().filter(|&&meant| meant > 0.0 && meant == strongest);
                sum.max(spark.count() as f64)
            };
            let sum: f64 = frame.iter().map(|&colour| steps(colour)).sum();
            let more_draws = frame.len() as f64 + sum * f64::from(settings.milliamps_per_led) / 765.0;
            prop_assert!(more_draws > limit, "{more_draws} mA");
        }
    }

    /// `check` prints the highest current, rounded up to whole milliamps.
    #[test]
    fn the_estimate_is_the_current_of_what_is_sent(settings in settings(), look in looks()) {
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        let pictures = pictures(&look);
        let drawn = pictures
            .iter()
            .map(|&picture| current(&settings, &sent(&drive, &painted(&look, picture))));
        let most = drawn.fold(0.0, f64::max);
        let told = drive.milliamps(look.leds, &pictures) as f64;
        prop_assert!((-1e-6..1.0).contains(&(told - most)), "{told} {most}");
    }

    /// All pictures of a plan have one scale, and every channel is rounded to the nearest step.
    #[test]
    fn colours_are_rounded_to_the_nearest_step(settings in settings(), look in looks()) {
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        let full = f64::from(settings.brightness) * drive.scale();
        for picture in pictures(&look) {
            let Rgb { r, g, b } = picture.colour();
            let meant = [r, g, b].map(|channel| light(settings.gamma, channel) * full);
            let [red, green, blue, white] = drive.level(picture.colour());
            let seen = [red, green, blue].map(|channel| f64::from(channel + white));
            let near = meant.iter().zip(seen).all(|(meant, seen)| (meant - seen).abs() <= 0.5 + 1e-9);
            // If every channel rounds to 0, the strongest gets one step, so that the LED is not dark.
            let strongest = meant.into_iter().fold(0.0, f64::max);
            let spark = strongest <= 0.5
                && [red, green, blue, white].iter().all(|&step| step <= 1)
                && seen != [0.0; 3]
                && meant.iter().zip(seen).all(|(&meant, seen)| seen == 0.0 || meant == strongest);
            prop_assert!(near || spark || picture == Picture::DARK, "{meant:?} {seen:?}");
        }
    }

    /// One step more of the scale would exceed the limit, or the scale is 1.
    #[test]
    fn the_scale_is_the_largest_within_the_limit(settings in settings(), look in looks()) {
        let settings = DriveSettings { chip: Chip::Ws2812, ..settings };
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        if settings.max_milliamps == 0 || drive.scale() == 1.0 {
            prop_assert_eq!(drive.scale(), 1.0);
            return Ok(());
        }
        let full = f64::from(settings.brightness) * (drive.scale() + 1.0 / 65_536.0);
        let most = pictures(&look).into_iter().map(|picture| {
            let Rgb { r, g, b } = picture.colour();
            let sum: f64 = [r, g, b].map(|channel| (light(settings.gamma, channel) * full).round()).iter().sum();
            let strongest = [r, g, b].iter().filter(|&channel| *channel == r.max(g).max(b)).count();
            let sum = if sum == 0.0 && picture != Picture::DARK { strongest as f64 } else { sum };
            look.leds as f64 + picture.lit() as f64 * sum * f64::from(settings.milliamps_per_led) / 765.0
        });
        prop_assert!(most.fold(0.0, f64::max) > f64::from(settings.max_milliamps));
    }

    #[test]
    fn a_bar_keeps_its_brightness_as_it_shortens(settings in settings(), look in looks()) {
        let Ok(drive) = drive(settings, &look) else { return Ok(()) };
        for full in pictures(&look) {
            let one = sent(&drive, &painted(&look, Picture::new(full.colour(), 1)))[0];
            for lit in (1..=full.lit()).rev().step_by(7) {
                let wire = sent(&drive, &painted(&look, Picture::new(full.colour(), lit)));
                prop_assert!(wire[..lit].iter().all(|led| *led == one));
                prop_assert!(wire[lit..].iter().all(|led| *led == [0; 4]));
            }
        }
    }

    #[test]
    fn white_replaces_the_common_part_of_the_colours(settings in settings(), colour in colours()) {
        let rgb = unlimited(DriveSettings { chip: Chip::Ws2812, ..settings }).level(colour);
        let rgbw = unlimited(DriveSettings { chip: Chip::Sk6812Rgbw, ..settings }).level(colour);
        prop_assert_eq!(rgb[3], 0);
        let [r, g, b, w] = rgbw;
        prop_assert_eq!(r.min(g).min(b), 0);
        if rgb.iter().map(|&channel| u32::from(channel)).sum::<u32>() > 1 {
            prop_assert_eq!([r + w, g + w, b + w, 0], rgb);
        }
    }

    #[test]
    fn a_brighter_colour_is_never_sent_darker(settings in settings(), low in 0..=254_u8) {
        let grey = |value| Rgb::new(value, 0, 0);
        let drive = unlimited(settings);
        prop_assert!(drive.level(grey(low)) <= drive.level(grey(low + 1)));
        let brighter = unlimited(DriveSettings { brightness: settings.brightness.saturating_add(1), ..settings });
        prop_assert!(drive.level(grey(low)) <= brighter.level(grey(low)));
        prop_assert_eq!(drive.level(grey(255))[0], settings.brightness);
    }

    /// The limit in the error works, and one less does not.
    #[test]
    fn too_little_current_names_the_lowest_limit_that_works(settings in settings(), look in looks()) {
        let needed = match drive(DriveSettings { max_milliamps: 1, ..settings }, &look) {
            Err(error) => error.milliamps_needed as u32,
            Ok(_) => return Err(TestCaseError::fail("a dark LED draws 1 mA already")),
        };
        let with = |max_milliamps| drive(DriveSettings { max_milliamps, ..settings }, &look);
        prop_assert_eq!(with(needed - 1).err().map(|error| error.milliamps_needed as u32), Some(needed));
        let drive = with(needed).expect("the limit is high enough");
        let wire = sent(&drive, &vec![Rgb::new(255, 255, 255); look.leds]);
        prop_assert!(current(&settings, &wire) <= f64::from(needed));
        prop_assert!(wire.iter().all(|led| *led != [0; 4]));
    }
}

#[test]
fn the_current_of_typical_strips() {
    let all = |leds, colour| {
        let settings = DriveSettings { gamma: false, brightness: 255, max_milliamps: 0, ..SETTINGS };
        let drive = Drive::new(settings, leds, &[]).unwrap();
        drive.milliamps(leds, &[Picture::new(colour, leds)])
    };
    let (red, amber, white) = (Rgb::new(255, 0, 0), Rgb::new(255, 110, 0), Rgb::new(255, 255, 255));
    for (leds, expected) in
        [(8, [155, 218, 448]), (30, [580, 817, 1680]), (60, [1160, 1635, 3360]), (144, [2784, 3923, 8064])]
    {
        for (colour, expected) in [red, amber, white].into_iter().zip(expected) {
            assert!(all(leds, colour).abs_diff(expected) <= 1, "{leds} {colour:?}");
        }
    }
}

/// If each frame were limited by itself, this bar would become five times as bright while it shortens.
#[test]
fn a_long_bar_does_not_get_brighter_as_it_shortens() {
    let bar = Look { leds: 144, pattern: Pattern::Bar, ..look() };
    let settings = DriveSettings { brightness: 255, ..SETTINGS };
    let drive = drive(settings, &bar).unwrap();
    let first = |lit| {
        let yellow = Picture::new(Palette::CLASSIC.yellow, lit);
        sent(&drive, &painted(&bar, yellow))[0]
    };
    assert!(drive.scale() < 0.6);
    assert_eq!(first(58), first(1));
}

#[test]
fn the_limit_may_be_met_exactly() {
    let settings = DriveSettings { max_milliamps: 9, milliamps_per_led: 51, ..SETTINGS };
    let white = [Picture::new(Rgb::new(255, 255, 255), 3)];
    let drive = Drive::new(settings, 3, &white).unwrap();
    // 3 mA for three dark LEDs, plus 9 channels at 51 / 765 mA a step.
    assert_eq!(drive.level(white[0].colour()), [10, 10, 10, 0]);
    assert_eq!(drive.milliamps(3, &white), 9);
}

/// Dim LEDs keep one step each, and the limit accounts for these.
#[test]
fn a_frame_with_one_bright_led_is_kept_within_the_limit() {
    let settings = DriveSettings { gamma: false, brightness: 255, max_milliamps: 122, ..SETTINGS };
    let dim = Rgb::new(1, 0, 0);
    let drive = Drive::new(settings, 100, &[Picture::new(dim, 100)]).unwrap();
    assert_eq!(drive.scale(), 1.0);
    let mut frame = [dim; 100];
    frame[50] = Rgb::new(255, 255, 255);
    let wire = sent(&drive, &frame);
    assert!(current(&settings, &wire) <= 122.0);
    assert!(wire.iter().all(|led| *led != [0; 4]));
}

#[test]
fn without_a_limit_only_brightness_dims() {
    for brightness in [1, 2, 127, 255] {
        let drive = unlimited(DriveSettings { brightness, ..SETTINGS });
        assert_eq!(drive.scale(), 1.0);
        assert_eq!(drive.level(Rgb::new(255, 255, 0)), [brightness, brightness, 0, 0]);
    }
    let plain = unlimited(DriveSettings { gamma: false, brightness: 255, ..SETTINGS });
    for value in 0..=255 {
        assert_eq!(plain.level(Rgb::new(value, 0, 255)), [value, 0, 255, 0]);
    }
    // A gamma of 2.2 would give 91 and 149.
    let gamma = unlimited(DriveSettings { brightness: 255, ..SETTINGS });
    assert_eq!(gamma.level(Rgb::new(0xff, 0xa0, 0)), [255, 89, 0, 0]);
    assert_eq!(gamma.level(Rgb::new(0xff, 0xc8, 0)), [255, 148, 0, 0]);
}

#[test]
fn colours_are_sent_in_the_order_of_the_strip() {
    for name in ["rgb", "rbg", "grb", "gbr", "brg", "bgr"] {
        let ordered = |r, g, b| {
            let mut wire = name.chars().map(|channel| match channel {
                'r' => r,
                'g' => g,
                _ => b,
            });
            std::array::from_fn(|_| wire.next().unwrap_or(0))
        };
        let (_, order) = Order::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
        let settings = DriveSettings { order, gamma: false, brightness: 255, ..SETTINGS };
        let wire = sent(&unlimited(settings), &[Rgb::new(200, 100, 51), Rgb::BLACK]);
        assert_eq!(wire, [ordered(200, 100, 51), [0; 4]], "{name}");

        let settings = DriveSettings { chip: Chip::Sk6812Rgbw, ..settings };
        let wire = sent(&unlimited(settings), &[Rgb::new(200, 100, 51), Rgb::new(70, 70, 70)]);
        let [r, g, b, _]: Wire = ordered(149, 49, 0);
        assert_eq!(wire, [[r, g, b, 51], [0, 0, 0, 70]], "{name}");
    }
}

/// A grey that is too dark for a step of each colour becomes one step of white: a red dot would mean red.
#[test]
fn the_dimmest_grey_of_a_white_led_is_white() {
    let dim = DriveSettings { chip: Chip::Sk6812Rgbw, brightness: 1, ..SETTINGS };
    assert_eq!(unlimited(dim).level(Palette::CLASSIC.ready), [0, 0, 0, 1]);
    assert_eq!(unlimited(dim).level(Rgb::new(1, 2, 1)), [0, 1, 0, 0]);
}

/// The ready dot stays white at any brightness: a red dot would mean red.
#[test]
fn the_dimmest_white_is_white() {
    for (chip, sent) in [(Chip::Ws2812, [1, 1, 1, 0]), (Chip::Sk6812Rgbw, [0, 0, 0, 1])] {
        let drive = unlimited(DriveSettings { chip, brightness: 1, ..SETTINGS });
        assert_eq!(drive.level(Rgb::new(0x40, 0x40, 0x40)), sent);
    }
}
