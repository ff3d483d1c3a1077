//! LEDs beyond a frame: what an earlier process, a test or a longer strip has lit goes dark with the next frame, and two frames
//! later no more is sent than the strip is long.

use super::*;

/// The bytes of the frames that were sent from that transfer on.
fn lengths(pi: &Pi, from: usize) -> Vec<usize> {
    pi.rig.transfers()[from..].iter().map(|transfer| transfer.bytes.len()).collect()
}

/// Waits for so many more transfers.
fn wait_transfers(pi: &Pi, count: usize) {
    until("frames are sent", || pi.rig.transfers().len() >= count);
}

/// The last LED that the strip still shows, of as many as any transfer has reached.
fn last_lit(pi: &Pi) -> usize {
    let mut strip = vec![[0; 4]; 2000];
    for frame in pi.rig.frames(Profile::LAX, 3).frames {
        strip[..frame.pixels.len()].copy_from_slice(&frame.pixels);
        // What is dark beyond the strip's own LEDs is left out of a frame.
        let sent = frame.bits / 24;
        strip[frame.pixels.len()..sent].fill([0; 4]);
    }
    strip.iter().rposition(|led| *led != [0; 4]).map_or(0, |led| led + 1)
}

#[test]
fn a_process_clears_all_that_the_buffer_reaches_and_then_sends_the_strip_alone() {
    for (bufsiz, leds) in [(4096, 318), (16_384, 1342)] {
        let pi = Pi::new(Rig::builder().bufsiz(bufsiz), &PLAIN, LONG, BUTTON);
        pi.start();
        pi.does("try ws2812 grb 100 red");
        until("the test is shown", || last_lit(&pi) == 100);
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
fn a_test_that_ends_leaves_no_led_lit() {
    type End<'a> = &'a (dyn Fn(&Pi) + Sync);
    let talk = |pi: &Pi| pi.does("start");
    let given_back = |pi: &Pi| pi.does("try nothing");
    let reset = |pi: &Pi| pi.does("reset");
    let other = |pi: &Pi| {
        pi.does("try sk6812-rgbw grb 42 red");
        pi.does("try nothing");
    };
    let lease = |pi: &Pi| until("its lease ends", || pi.status()["strip"]["trial"].is_null());
    let ends: [End<'_>; 5] = [&talk, &given_back, &reset, &other, &lease];
    at_once(&ends, |end| {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("try ws2812 grb 100 red");
        until("the test is shown", || last_lit(&pi) == 100);
        let lit = pi.rig.transfers().len();
        end(&pi);
        until("no more than the strip is lit", || last_lit(&pi) <= 8);
        let short = |count: usize| {
            let lengths = lengths(&pi, lit);
            let short = lengths.iter().rev().take_while(|&&bytes| bytes == pi.strip.frame_bytes()).count();
            short >= count
        };
        until("the frame is as long as the strip again", || short(2));
        let long = lengths(&pi, lit).iter().filter(|&&bytes| bytes > pi.strip.frame_bytes()).count();
        assert!(long >= 2, "one frame may be spoilt by a glitch");
        assert!(pi.rig.frames(Profile::WS2812B_150, 3).faults.is_empty());
    });
}

#[test]
fn fewer_leds_in_a_changed_config_leave_none_of_the_others_lit() {
    let mut pi = Pi::running(&Strip { leds: 60, ..PLAIN }, LONG, BUTTON);
    pi.does("start");
    until("the strip is green", || last_lit(&pi) == 60);
    pi.rig.kill();
    pi.strip = PLAIN;
    pi.write_config(LONG);
    pi.start();
    until("the rest is dark", || last_lit(&pi) == 8);
}

/// A frame that cannot be sent clears nothing and spoils nothing: the two that follow it do.
#[test]
fn frames_that_fail_do_not_count() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
    pi.rig.spi_error(nix::libc::EIO);
    pi.start();
    pi.does("start");
    pi.wait_told("strip failed");
    pi.rig.spi_error(0);
    wait_transfers(&pi, 3);
    assert_eq!(lengths(&pi, 0)[..3], [4096, 4096, pi.strip.frame_bytes()]);
}
