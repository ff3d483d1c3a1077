//! The dialog of `talklight test-strip`, with a simulated person who looks at an unknown strip.

use talklight::core::drive::{Chip, DriveSettings, Order, Wire};
use talklight::core::look::Rgb;
use talklight::setup::test_strip::{Dialog, Next};
use talklight::show::sample::{Sample, StripType, Trial};
use talklight::strip::spi;

const BUFSIZ: usize = 4096;

#[test]
fn every_strip_is_found_from_every_assumption() {
    let types = |leds: usize| {
        let orders = Order::ALL.iter().map(|&(_, order)| order);
        orders.flat_map(move |order| Chip::ALL.map(|(_, chip)| StripType { chip, order, leds }))
    };
    for leds in [2, 3, 8, 60, 144, 238] {
        for strip in types(leds) {
            for assumed in types(1).chain(types(60)) {
                assert_eq!(found(strip, assumed), Next::Found(strip), "{assumed:?}");
            }
        }
    }
    let longest = StripType { chip: Chip::Ws2812, order: Order::Rgb, leds: 318 };
    assert_eq!(found(longest, StripType { order: Order::Grb, leds: 60, ..longest }), Next::Found(longest));
}

#[test]
fn answers_without_a_result_end_in_advice() {
    let strip = StripType { chip: Chip::Ws2812, order: Order::Grb, leds: 60 };
    let end = |answers: &[&str]| {
        let mut dialog = dialog(strip);
        let mut last = Ok(Next::Question);
        for answer in answers {
            last = dialog.answer(answer);
        }
        (last, dialog)
    };
    assert!(matches!(end(&["n"]).0, Ok(Next::GiveUp(why)) if why.contains("5 V")));
    assert!(matches!(end(&["r", "g", "nothing"]).0, Ok(Next::GiveUp(_))));
    assert!(matches!(end(&["w", "white"]).0, Ok(Next::GiveUp(why)) if why.contains("doctor")));
    assert!(matches!(end(&["r", "g", "b", "0"]).0, Ok(Next::GiveUp(_))));
    // After a change of the chip the colours are asked again from the first.
    let (last, dialog) = end(&["r", "m"]);
    assert!(matches!(last, Ok(Next::Again(_))));
    assert_eq!(dialog.question(), "This should be red. What do you see?");
    assert_eq!(dialog.trial().strip.chip, Chip::Sk6812Rgbw);
    // Two pictures cannot show the same colour.
    let (last, dialog) = end(&["r", "r"]);
    assert!(matches!(last, Ok(Next::Again(_))));
    assert_eq!(dialog.question(), "This should be red. What do you see?");
}

#[test]
fn an_invalid_answer_gets_a_hint() {
    let strip = StripType { chip: Chip::Ws2812, order: Order::Grb, leds: 60 };
    let mut dialog = dialog(strip);
    for nonsense in ["", "x", "reddish", "12", "\u{1b}[A"] {
        let hint = dialog.answer(nonsense).unwrap_err();
        assert!(hint.contains("r red"), "{hint}");
    }
    for answer in ["R", " green ", "b"] {
        assert_eq!(dialog.answer(answer), Ok(Next::Question));
    }
    for nonsense in ["", "r", "-1", "319", "1e2", "99999999999999999999999"] {
        let hint = dialog.answer(nonsense).unwrap_err();
        assert!(hint.contains("from 0 to 318"), "{hint}");
    }
    assert_eq!(dialog.answer("318"), Ok(Next::Found(StripType { leds: 318, ..strip })));
}

/// The real strip may have three channels, whatever the trial assumes. Then every three bytes are an LED, which draws 1 mA plus
/// its full current for 3 × 255 steps.
#[test]
fn a_trial_keeps_the_limit_on_any_strip() {
    for max_milliamps in [400, 850, 3000] {
        for leds in [12, 60, 200] {
            for (_, chip) in Chip::ALL {
                for brightness in [8, 128, 255] {
                    let settings = DriveSettings { max_milliamps, brightness, ..SETTINGS };
                    let strip = StripType { chip, order: Order::Grb, leds };
                    for (_, sample) in Sample::ALL {
                        let sent = sent(Trial { strip, sample }, &settings);
                        let steps: u32 = sent.iter().map(|&byte| u32::from(byte)).sum();
                        let drawn = sent.len().div_ceil(3) as f64 + f64::from(steps * 55) / 765.0;
                        assert!(drawn <= f64::from(max_milliamps), "{strip} {sample:?}: {drawn}");
                        assert!(sample == Sample::Dark || steps > 0);
                    }
                }
            }
        }
    }
}

/// A strip is driven as what it is taken for, not as what the config has.
#[test]
fn a_trial_is_driven_by_its_own_chip_and_order() {
    for (_, chip) in Chip::ALL {
        for (_, order) in Order::ALL {
            let drive = StripType { chip, order, leds: 60 }.drive(&SETTINGS).unwrap();
            assert_eq!((drive.settings().chip, drive.settings().order), (chip, order));
        }
    }
}

#[test]
fn a_strip_in_words_names_leds_chip_and_order() {
    let words = |leds| StripType { chip: Chip::Ws2812, order: Order::Grb, leds }.words();
    assert_eq!(words(1), "1 LED, ws2812 in the order grb");
    assert_eq!(words(60), "60 LEDs, ws2812 in the order grb");
}

#[test]
fn a_trial_is_parsed_and_printed() {
    for words in ["ws2812 grb 60 red", "sk6812-rgbw bgr 1 tens", "ws2812 rgb 5438 dark"] {
        assert_eq!(words.parse::<Trial>().unwrap().to_string(), words);
    }
    for (words, complaint) in [
        ("", "as in `ws2812 grb 60 red`"),
        ("ws2812 grb red", "as in `ws2812 grb 60 red`"),
        ("ws2812 grb 60 red red", "as in `ws2812 grb 60 red`"),
        ("ws2811 grb 60 red", "ws2812, sk6812-rgbw"),
        ("ws2812 grp 60 red", "grb, rgb"),
        ("ws2812 grb 0 red", "1 to 5438"),
        ("ws2812 grb 5439 red", "1 to 5438"),
        ("ws2812 grb 60 white", "red, green, blue, tens, dark"),
    ] {
        let error = words.parse::<Trial>().unwrap_err();
        assert!(error.contains(complaint), "{words}: {error}");
    }
}

fn dialog(assumed: StripType) -> Dialog {
    Dialog::new(assumed, |chip| spi::leds_max(BUFSIZ, chip))
}

/// The end of the dialog for a real `strip` and an assumed one.
fn found(strip: StripType, assumed: StripType) -> Next {
    let mut dialog = dialog(assumed);
    for _ in 0..12 {
        let answer = look_at(strip, dialog.trial());
        match dialog.answer(&answer).unwrap_or_else(|hint| panic!("{answer}: {hint}")) {
            Next::Question | Next::Again(_) => {}
            end => return end,
        }
    }
    panic!("no end with {strip:?} assumed to be {assumed:?}");
}

const SETTINGS: DriveSettings = DriveSettings {
    chip: Chip::Ws2812,
    order: Order::Grb,
    gamma: true,
    brightness: 128,
    max_milliamps: 850,
    milliamps_per_led: 55,
};

/// The colour bytes on the wire.
fn sent(trial: Trial, settings: &DriveSettings) -> Vec<u8> {
    let mut look = Vec::new();
    trial.paint(&mut look);
    let mut wire: Vec<Wire> = vec![[0; 4]; look.len()];
    let drive = trial.strip.drive(settings).unwrap();
    drive.apply(&look, &mut wire);
    let channels = trial.strip.chip.channels();
    wire.iter().flat_map(|led| led[..channels].to_vec()).collect()
}

/// The answer of a person who looks at the strip. The strip splits the bytes by its own number of channels.
fn look_at(strip: StripType, trial: Trial) -> String {
    let mut look = Vec::new();
    trial.paint(&mut look);
    let sent = sent(trial, &SETTINGS);
    let leds: Vec<Seen> =
        sent.chunks_exact(strip.chip.channels()).take(strip.leds).map(|bytes| seen(strip.order, bytes)).collect();
    if look.iter().any(|led| *led != look[0]) {
        let lit = leds.iter().filter(|led| **led != Seen::Dark).count();
        return lit.to_string();
    }
    assert!(look[0] != Rgb::BLACK);
    match leds[..] {
        [Seen::Red, ..] if leds.iter().all(|led| *led == Seen::Red) => "r",
        [Seen::Green, ..] if leds.iter().all(|led| *led == Seen::Green) => "g",
        [Seen::Blue, ..] if leds.iter().all(|led| *led == Seen::Blue) => "b",
        _ if leds.iter().all(|led| *led == Seen::Dark) => "n",
        _ => "m",
    }
    .into()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    Dark,
    Red,
    Green,
    Blue,
    Mixed,
}

fn seen(order: Order, bytes: &[u8]) -> Seen {
    let (name, _) = Order::ALL.into_iter().find(|(_, named)| *named == order).unwrap();
    let level = |colour| bytes[name.find(colour).unwrap()];
    let white = bytes.get(3).copied().unwrap_or(0);
    match [level('r'), level('g'), level('b'), white].map(|level| level > 0) {
        [false, false, false, false] => Seen::Dark,
        [true, false, false, false] => Seen::Red,
        [false, true, false, false] => Seen::Green,
        [false, false, true, false] => Seen::Blue,
        _ => Seen::Mixed,
    }
}
