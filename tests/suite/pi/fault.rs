//! A strip that fails: the talk keeps time, and the strip shows it again once it works.

use nix::libc::{EIO, EMSGSIZE, ETIMEDOUT};

use super::*;

const SPIDEV: &str = "/dev/spidev0.0";

/// Long enough for a strip to fail in one phase and come back in another.
const FAULTY: Plan = Plan { length: 2000, yellow: 1600, red: 1000, flash: 500, half: 250 };

impl Pi {
    fn health(&self) -> String {
        self.status()["strip"]["health"].as_str().unwrap().into()
    }

    /// Waits for the first frame that is sent after this moment.
    fn wait_sent_after(&self, ns: u64) {
        self.rig.wait_frame_after(ns, PATIENCE, |_| true);
    }

    /// The rest of a talk in which the strip failed and came back, and what was told of it.
    fn rest(&self) {
        self.wait_phase("over");
        until("the strip is dark", || self.is_dark());
        self.stop(Signal::SIGTERM);
        self.assert_order();
        self.judge();
        let log = self.rig.output();
        assert_eq!(self.told("strip failed: "), 1, "{log:#?}");
        assert_eq!(self.told("strip is back"), 1, "{log:#?}");
        assert_eq!(self.told("talk ended"), 1, "{log:#?}");
    }
}

#[test]
fn writes_that_fail_are_told_once_and_the_talk_keeps_time() {
    let remedy = "/dev/spidev0.0: the frame is longer than spidev's buffer; append `spidev.bufsiz=65536` to the line of \
                  /boot/firmware/cmdline.txt, and reboot";
    let errors = [
        (EIO, "/dev/spidev0.0: Input/output error (os error 5)"),
        (ETIMEDOUT, "/dev/spidev0.0: Connection timed out (os error 110)"),
        (EMSGSIZE, remedy),
    ];
    at_once(&errors, |&(errno, why)| {
        let pi = Pi::running(&PLAIN, FAULTY, BUTTON);
        pi.does("start");
        pi.wait_sent_after(0);
        pi.rig.spi_error(errno);
        let failing_ns = monotonic_ns();
        assert_eq!(pi.wait_told("strip failed"), format!("strip failed: {why}"));
        let status = pi.status()["strip"].clone();
        assert_eq!((&status["health"], &status["error"]), (&"failing".into(), &why.into()));
        let (_, told) = output(&pi.rig.run(TALKLIGHT, pi.arguments(&["status"])));
        assert!(told.ends_with(&format!("; spi strip failing: {why}")), "{told}");
        pi.wait_phase("red");
        until("it is tried again", || pi.rig.refusals().len() >= 2);
        let mended_ns = monotonic_ns();
        pi.rig.spi_error(0);
        pi.wait_told("strip is back");
        pi.wait_sent_after(mended_ns);
        assert_eq!(pi.health(), "sending");
        pi.rest();
        assert!(pi.rig.refusals().iter().all(|refusal| refusal.errno == errno));
        let sent = |transfer: &crate::rig::Transfer| (failing_ns..mended_ns).contains(&transfer.start_ns);
        assert!(!pi.rig.transfers().iter().any(sent));
    });
}

#[test]
fn a_strip_that_comes_later_or_again_shows_the_talk_as_it_is_then() {
    type Way<'a> = &'a (dyn Fn(&Pi, bool) + Sync);
    let missing = |pi: &Pi, there: bool| match there {
        true => pi.rig.spi_back(),
        false => pi.rig.remove(SPIDEV),
    };
    let forbidden = |pi: &Pi, there: bool| pi.rig.allow(SPIDEV, there);
    let gone = |pi: &Pi, there: bool| match there {
        true => pi.rig.spi_back(),
        false => pi.rig.spi_gone(),
    };
    let no_node = "/dev/spidev0.0 is not there; is `dtparam=spi=on` in /boot/firmware/config.txt?";
    let no_right = "/dev/spidev0.0 may not be opened; is this user in the group `spi`?";
    let ways: [(Way<'_>, bool, &str); 3] =
        [(&missing, true, no_node), (&forbidden, true, no_right), (&gone, false, no_node)];
    at_once(&ways, |&(way, at_start, why)| {
        let pi = Pi::new(Rig::builder(), &PLAIN, FAULTY, BUTTON);
        if at_start {
            way(&pi, false);
        }
        pi.start();
        pi.press(START);
        pi.wait_told("talk started by the button");
        if !at_start {
            way(&pi, false);
        }
        pi.wait_told("strip failed: /dev/spidev0.0");
        let failing_ns = monotonic_ns();
        pi.wait_phase("red");
        // The error of the write under way as the node went is another one.
        until("the reason is told", || pi.status()["strip"]["error"] == why);
        assert_eq!(pi.health(), "failing");
        let back_ns = monotonic_ns();
        way(&pi, true);
        pi.wait_sent_after(back_ns);
        pi.wait_told("strip is back");
        assert_eq!(pi.health(), "sending");
        pi.rest();
        let failing = failing_ns..back_ns;
        let sent = |transfer: &crate::rig::Transfer| failing.contains(&transfer.start_ns);
        assert!(!pi.rig.transfers().iter().any(sent));
    });
}

#[test]
fn a_write_that_takes_a_second_delays_its_own_frame_only() {
    let pi = Pi::running(&PLAIN, FAULTY, BUTTON);
    pi.does("start");
    pi.wait_phase("green");
    pi.rig.spi_stall(Duration::from_secs(1));
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.judge();
    assert!(pi.rig.refusals().is_empty());
    assert_eq!(pi.told("failed"), 0, "{:#?}", pi.rig.output());
    // The frame of a mark was held back, and sent for what it was.
    let (tape, ahead_ns) = (pi.tape(), boot_time_ahead_ns());
    let transfers = pi.rig.transfers();
    let late = tape.iter().filter(|frame| {
        let sent = transfers.iter().map(|transfer| transfer.start_ns + ahead_ns).find(|&sent_ns| sent_ns >= frame.t_ns);
        sent.is_some_and(|sent_ns| sent_ns - frame.t_ns >= 1_000_000_000)
    });
    assert_eq!(late.count(), 1);
}

#[test]
fn a_strip_that_hangs_goes_dark_once_it_can_and_holds_up_nobody_who_insists() {
    let hung = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("start");
        pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
        pi.rig.spi_hang(true);
        pi.rig.signal(Signal::SIGTERM);
        pause(Duration::from_millis(1200));
        assert!(!pi.rig.has_ended(), "there is a strip to darken");
        pi
    };
    let patient = || {
        let pi = hung();
        pi.rig.spi_hang(false);
        let status = pi.rig.wait_exit(PATIENCE).expect("it ends");
        assert!(status.success(), "{status}");
        pi.darkened(&"SIGTERM");
        pi.judge();
    };
    let insistent = || {
        let pi = hung();
        let status = pi.rig.wait_exit(PATIENCE).expect("it ends by itself");
        assert!(status.success(), "{status}");
        assert!(!pi.is_dark());
        // What the service manager does then.
        let blank = pi.arguments(&["blank"]);
        assert_eq!(output(&pi.rig.run_on_pi(TALKLIGHT, blank)), (Some(0), String::new()));
        assert!(pi.is_dark());
    };
    let jobs: [&(dyn Fn() + Sync); 2] = [&patient, &insistent];
    at_once(&jobs, |job| job());
}

#[test]
fn frames_lost_here_and_there_leave_no_trace_in_the_others() {
    let strip = Strip { leds: 60, bar: true, ..PLAIN };
    at_once(&[1, 2, 3], |&seed| {
        let pi = Pi::new(Rig::builder().seed(seed), &strip, FAULTY, BUTTON);
        pi.rig.spi_fail_percent(30);
        pi.start();
        pi.does("start");
        pi.wait_phase("over");
        pi.rig.spi_fail_percent(0);
        until("the strip is dark", || pi.is_dark());
        pi.stop(Signal::SIGTERM);
        pi.judge();
        assert!(pi.rig.refusals().len() > 5, "{:?}", pi.rig.refusals());
        let (failed, back) = (pi.told("strip failed"), pi.told("strip is back"));
        assert!(failed == back && failed > 1, "{failed} and {back}");
    });
}

#[test]
fn the_watchdog_hears_of_a_strip_that_fails() {
    let manager = Manager::new();
    let pi = Pi::new(manager.of(Rig::builder()), &PLAIN, LONG, BUTTON);
    pi.rig.spi_error(EIO);
    pi.start();
    pi.does("start");
    pi.wait_told("strip failed");
    manager.wait_ping();
    assert_eq!(pi.health(), "failing");
    pi.rig.spi_error(0);
    pi.wait_told("strip is back");
    manager.wait_ping();
    pi.stop(Signal::SIGTERM);
    pi.judge();
}
