//! Whole talks on strips of every kind.

use super::*;
use crate::rig::Model;

/// A whole talk, from a press of the button to the dark strip.
fn talk(builder: Builder, strip: &Strip) -> Pi {
    talk_of(BRISK, builder, strip)
}

fn talk_of(plan: Plan, builder: Builder, strip: &Strip) -> Pi {
    let pi = Pi::new(builder, strip, plan, BUTTON);
    pi.start();
    pi.press(START);
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.assert_order();
    pi.check_wire();
    pi
}

#[test]
fn a_whole_talk_is_shown_from_a_press_to_the_end() {
    let strip = Strip { leds: 60, gamma: true, brightness: 128, max_milliamps: 850, ..PLAIN };
    let bar = Strip { bar: true, ..strip.clone() };
    in_parallel(&[strip, bar], |strip| {
        // On a busy machine a phase of 200 ms may be skipped; then longer phases are tried.
        let talks = [1, 2, 8].map(|times| move || talk_of(BRISK.times(times), Rig::builder(), strip));
        let pi = talks
            .iter()
            .map(|talk| talk())
            .find(|pi| pi.phases() == WHOLE_TALK)
            .expect("a phase was skipped in every talk");
        let pressed = pi.rig.drives()[0];
        let started_ns = pi.started_ns().unwrap();
        let confirmed_ns = pressed.at_ns + boot_time_ahead_ns() + 2_000_000;
        assert!(started_ns >= confirmed_ns, "a press is confirmed after two milliseconds");
        assert_eq!(pi.told("talk started by the button: talk, 0:0"), 1);
        assert_eq!(pi.told("talk ended"), 1);
        assert_eq!(pi.told("failed"), 0, "{:#?}", pi.rig.output());
    });
}

#[test]
fn the_limit_of_current_holds_on_the_wire() {
    let strip = |chip, bar, max_milliamps| Strip {
        leds: 60,
        chip,
        bar,
        max_milliamps,
        // The colours contain some white.
        green: [0x40, 0xff, 0x90],
        ..PLAIN
    };
    let strips = [
        strip("ws2812", false, 300),
        strip("ws2812", true, 300),
        strip("sk6812-rgbw", false, 300),
        strip("sk6812-rgbw", true, 300),
        strip("ws2812", true, 75),
    ];
    in_parallel(&strips, |strip| {
        let pi = talk(Rig::builder(), strip);
        let frames = pi.rig.frames(Profile::WS2812B_150, strip.channels()).frames;
        let most = frames.iter().map(|frame| strip.current(sum(frame.pixels.as_flattened())));
        // It is not dimmed more than necessary: one step more adds at least two channels of each LED.
        let step = 60 * 3 * MILLIAMPS_PER_LED;
        assert!(most.max().unwrap() + step > strip.current_max());
        let told = pi.rig.run_on_pi(TALKLIGHT, ["check".into(), pi.rig.path("config.toml").display().to_string()]);
        let (_, told) = output(&told);
        assert!(told.contains("by the limit of"), "{told}");
    });
}

/// The yellow bar of the old plan is longer than that of the new one, whose scale would be higher.
#[test]
fn a_bar_of_an_older_config_keeps_its_brightness() {
    let strip = Strip { leds: 60, bar: true, max_milliamps: 850, green: [0x00, 0xff, 0x00], ..PLAIN };
    let old = Plan { yellow: 2400, ..CALM };
    let new = Plan { yellow: 300, red: 200, flash: 0, ..CALM };
    assert!(strip.scale(old) < 0.7 * strip.scale(new));
    let pi = Pi::running(&strip, old, BUTTON);
    pi.does("start");
    pi.wait_phase("green");
    pi.rig.kill();
    pi.write_config(new);
    pi.start();
    pi.wait_phase("over");
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
}

#[test]
fn every_colour_order_works_on_both_chips() {
    let orders = ["grb", "rgb", "rbg", "gbr", "brg", "bgr"];
    let strips = ["ws2812", "sk6812-rgbw"].map(|chip| {
        orders.map(|order| Strip { chip, order, green: [0x10, 0xe3, 0x57], yellow: [0xf1, 0xa2, 0x33], ..PLAIN })
    });
    in_parallel(strips.as_flattened(), |strip| {
        let pi = talk(Rig::builder(), strip);
        let frames = pi.rig.frames(Profile::WS2812B_150, strip.channels()).frames;
        // The decoder names the channels as on a strip with the order grb.
        let mut green = match strip.order {
            "grb" => [0x10, 0xe3, 0x57, 0],
            "rgb" => [0xe3, 0x10, 0x57, 0],
            "rbg" => [0x57, 0x10, 0xe3, 0],
            "gbr" => [0x57, 0xe3, 0x10, 0],
            "brg" => [0x10, 0x57, 0xe3, 0],
            _ => [0xe3, 0x57, 0x10, 0],
        };
        if strip.channels() == 4 {
            // The common part of the three colours becomes white.
            green = [green[0] - 0x10, green[1] - 0x10, green[2] - 0x10, 0x10];
        }
        assert!(frames.iter().any(|frame| frame.pixels == [green; 8]), "{frames:?}");
    });
}

#[test]
fn both_chips_work_from_one_led_to_the_longest_strip() {
    let strip = |chip, leds| Strip {
        chip,
        leds,
        // The colours contain some white.
        green: [0x20, 0xff, 0x90],
        ..PLAIN
    };
    let strips = [
        strip("ws2812", 1),
        strip("ws2812", 60),
        strip("ws2812", 318),
        strip("sk6812-rgbw", 1),
        strip("sk6812-rgbw", 60),
        strip("sk6812-rgbw", 238),
    ];
    in_parallel(&strips, |strip| {
        let pi = talk(Rig::builder(), strip);
        assert!(pi.rig.transfers()[0].bytes.len() <= 4096);
    });
}

#[test]
fn a_strip_longer_than_the_buffer_is_refused_with_the_line_to_add() {
    for (chip, leds, most, bytes) in [("ws2812", 319, 318, 4108), ("sk6812-rgbw", 239, 238, 4104)] {
        let strip = Strip { chip, leds, ..PLAIN };
        let pi = Pi::new(Rig::builder(), &strip, BRISK, BUTTON);
        let ran = pi.rig.run_on_pi(TALKLIGHT, pi.arguments(&["--headless"]));
        let (code, told) = output(&ran);
        assert_eq!(code, Some(78), "{told}");
        let expected = format!(
            "a frame for {leds} LEDs has {bytes} bytes, but spidev takes 4096, which is {most} LEDs; append \
             `spidev.bufsiz=8192` to the line of /boot/firmware/cmdline.txt and reboot"
        );
        assert!(told.contains("config.toml:3: strip.leds") && told.contains(&expected), "{told}");
        assert!(pi.rig.transfers().is_empty() && pi.rig.refusals().is_empty());
    }
    // With the line in place the strip works.
    let strip = Strip { leds: 319, ..PLAIN };
    let pi = Pi::new(Rig::builder().bufsiz(8192), &strip, LONG, BUTTON);
    pi.start();
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
}

#[test]
fn every_model_keeps_the_timing_of_the_data_sheet() {
    // The real clock for 3.3 MHz depends on the core clock, which is fixed as the doctor advises. Other models have the chip and
    // the core clock of one of these.
    let models = [
        (Model::Zero, 0, 400, 3_278_688),
        (Model::Zero, 0, 250, 3_289_473),
        (Model::Pi2B, 0, 250, 3_289_473),
        (Model::Zero2W, 0, 400, 3_278_688),
        (Model::Zero2W, 0, 250, 3_289_473),
        (Model::Pi3B, 0, 400, 3_278_688),
        (Model::Pi3B, 0, 250, 3_289_473),
        (Model::Pi4B, 0, 500, 3_289_473),
        (Model::Pi5, 0, 200, 3_225_806),
        // The number of the chip on current kernels.
        (Model::Pi5, 11, 200, 3_225_806),
    ];
    in_parallel(&models, |&(model, gpiochip, core_mhz, hz)| {
        // Several chips; only one is the header's.
        let builder = Rig::builder()
            .model(model)
            .gpiochip(gpiochip)
            .other_chip(4, "raspberrypi-exp-gpio")
            .other_chip(13, "gpio-brcmstb@107d508500");
        let core_hz = format!("{core_mhz}000000");
        let pi = talk(builder.env("PISHIM_CORE_HZ", core_hz), &PLAIN);
        let transfers = pi.rig.transfers();
        assert!(
            transfers.iter().all(|transfer| transfer.hz_asked == 3_300_000 && transfer.hz == hz && transfer.mode == 0)
        );
    });
}

#[test]
fn setting_the_wall_clock_does_not_change_a_talk() {
    let pi = Pi::running(&PLAIN, CALM, BUTTON);
    pi.press(START);
    // An hour ahead, another year, before 1970, and back.
    for (ms, ahead_s) in [(200, 3600), (700, 31_536_000), (1200, -2_000_000_000), (1700, 0)] {
        pi.wait_elapsed(ms);
        pi.rig.wall_clock(ahead_s);
    }
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.assert_order();
    pi.check_wire();
    assert_eq!(pi.rig.wall_clock_readings(), 0, "the wall clock is never read");
}
