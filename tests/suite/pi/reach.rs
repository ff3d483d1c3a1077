//! LEDs beyond the strip, which an earlier process, a test or a longer strip has lit. The next two frames clear them; after that
//! a frame is as long as the strip.

use super::*;

/// The lengths in bytes of the transfers from number `from` on.
fn lengths(pi: &Pi, from: usize) -> Vec<usize> {
    pi.rig.transfers()[from..].iter().map(|transfer| transfer.bytes.len()).collect()
}

/// Waits until there are this many transfers.
fn wait_transfers(pi: &Pi, count: usize) {
    until("frames are sent", || pi.rig.transfers().len() >= count);
}

/// The number of the last LED that is lit, on a strip as long as the longest transfer.
fn last_lit(pi: &Pi) -> usize {
    let mut strip = vec![[0; 4]; 2000];
    for frame in pi.rig.frames(Profile::LAX, 3).frames {
        strip[..frame.pixels.len()].copy_from_slice(&frame.pixels);
        // A frame omits the dark LEDs beyond the strip.
        let sent = frame.bits / 24;
        strip[frame.pixels.len()..sent].fill([0; 4]);
    }
    strip.iter().rposition(|led| *led != [0; 4]).map_or(0, |led| led + 1)
}

#[test]
fn a_process_first_clears_every_led_in_reach_of_the_buffer() {
    for (bufsiz, leds) in [(4096, 318), (16_384, 1342)] {
        let pi = Pi::new(Rig::builder().bufsiz(bufsiz), &PLAIN, LONG, BUTTON);
        pi.start();
        pi.does("try ws2812 grb 100 red");
        until("the strip shows the test", || last_lit(&pi) == 100);
        pi.rig.kill();
        let before = pi.rig.transfers().len();
        pi.start();
        wait_transfers(&pi, before + 3);
        let full = 280 + 12 * leds;
        assert_eq!(lengths(&pi, before)[..3], [full, full, pi.strip.frame_bytes()]);
        assert_eq!(last_lit(&pi), 1, "the dot");
    }
}

#[test]
fn no_led_of_a_test_stays_lit() {
    type End<'a> = &'a (dyn Fn(&Pi) + Sync);
    let talk = |pi: &Pi| pi.does("start");
    let given_back = |pi: &Pi| pi.does("try nothing");
    let reset = |pi: &Pi| pi.does("reset");
    let other = |pi: &Pi| {
        pi.does("try sk6812-rgbw grb 42 red");
        pi.does("try nothing");
    };
    let lease = |pi: &Pi| until("the lease of the test expires", || pi.status()["strip"]["trial"].is_null());
    let ends: [End<'_>; 5] = [&talk, &given_back, &reset, &other, &lease];
    in_parallel(&ends, |end| {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("try ws2812 grb 100 red");
        until("the strip shows the test", || last_lit(&pi) == 100);
        let lit = pi.rig.transfers().len();
        end(&pi);
        until("the LEDs beyond the strip are dark", || last_lit(&pi) <= 8);
        let short = |count: usize| {
            let lengths = lengths(&pi, lit);
            let short = lengths.iter().rev().take_while(|&&bytes| bytes == pi.strip.frame_bytes()).count();
            short >= count
        };
        until("the frame is as long as the strip again", || short(2));
        let long = lengths(&pi, lit).iter().filter(|&&bytes| bytes > pi.strip.frame_bytes()).count();
        assert!(long >= 2, "two long frames are sent, since a glitch may spoil one");
    });
}

#[test]
fn no_led_stays_lit_after_a_config_with_fewer_leds() {
    let mut pi = Pi::running(&Strip { leds: 60, ..PLAIN }, LONG, BUTTON);
    pi.does("start");
    until("the strip is green", || last_lit(&pi) == 60);
    pi.rig.kill();
    pi.strip = PLAIN;
    pi.write_config(LONG);
    pi.start();
    until("the rest is dark", || last_lit(&pi) == 8);
}

/// A frame that fails clears nothing, so the two frames after it must clear.
#[test]
fn failed_frames_do_not_count_as_cleared() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    pi.rig.spi_error(nix::libc::EIO);
    pi.start();
    pi.does("start");
    pi.wait_told("strip failed");
    pi.rig.spi_error(0);
    wait_transfers(&pi, 3);
    assert_eq!(lengths(&pi, 0)[..3], [4096, 4096, pi.strip.frame_bytes()]);
}
