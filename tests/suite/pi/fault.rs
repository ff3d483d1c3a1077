//! A strip that fails. The talk keeps time, and the strip shows the talk again when it works.

use nix::libc::{EIO, EMSGSIZE, ETIMEDOUT};

use super::*;

const SPIDEV: &str = "/dev/spidev0.0";

/// Long enough for a strip to fail in one phase and return in another.
const FAULTY: Plan = Plan { length: 2000, yellow: 1600, red: 1000, flash: 500, half: 250 };

impl Pi {
    fn health(&self) -> String {
        self.status()["strip"]["health"].as_str().unwrap().into()
    }

    /// Waits for a frame that is sent after this time.
    fn wait_sent_after(&self, ns: u64) {
        self.rig.wait_frame_after(ns, PATIENCE, |_| true);
    }

    /// Waits for the end of a talk in which the strip failed and returned, and checks the wire and the log.
    fn rest(&self) {
        self.wait_phase("over");
        until("the strip is dark", || self.is_dark());
        self.stop(Signal::SIGTERM);
        self.assert_order();
        self.check_wire();
        let log = self.rig.output();
        assert_eq!(self.told("strip failed: "), 1, "{log:#?}");
        assert_eq!(self.told("strip is back"), 1, "{log:#?}");
        assert_eq!(self.told("talk ended"), 1, "{log:#?}");
    }
}

#[test]
fn failed_writes_are_logged_once_and_the_talk_keeps_time() {
    let remedy = "/dev/spidev0.0: the frame is longer than spidev's buffer; append `spidev.bufsiz=65536` to the line of \
                  /boot/firmware/cmdline.txt, and reboot";
    let errors = [
        (EIO, "/dev/spidev0.0: Input/output error (os error 5)"),
        (ETIMEDOUT, "/dev/spidev0.0: Connection timed out (os error 110)"),
        (EMSGSIZE, remedy),
    ];
    in_parallel(&errors, |&(errno, why)| {
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
        until("the write is retried", || pi.rig.refusals().len() >= 2);
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
fn a_strip_that_appears_late_or_returns_shows_the_current_picture() {
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
    in_parallel(&ways, |&(way, at_start, why)| {
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
        // The write that was running when the node disappeared has another error.
        until("the status has the reason", || pi.status()["strip"]["error"] == why);
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
fn a_write_of_a_second_delays_only_its_own_frame() {
    let pi = Pi::running(&PLAIN, FAULTY, BUTTON);
    pi.does("start");
    pi.wait_phase("green");
    pi.rig.spi_stall(Duration::from_secs(1));
    pi.wait_phase("over");
    until("the strip is dark", || pi.is_dark());
    pi.stop(Signal::SIGTERM);
    pi.check_wire();
    assert!(pi.rig.refusals().is_empty());
    assert_eq!(pi.told("failed"), 0, "{:#?}", pi.rig.output());
    // The frame of one mark was late, and had the right picture.
    let (tape, ahead_ns) = (pi.tape(), boot_time_ahead_ns());
    let transfers = pi.rig.transfers();
    let late = tape.iter().filter(|frame| {
        let sent = transfers.iter().map(|transfer| transfer.start_ns + ahead_ns).find(|&sent_ns| sent_ns >= frame.t_ns);
        sent.is_some_and(|sent_ns| sent_ns - frame.t_ns >= 1_000_000_000)
    });
    assert_eq!(late.count(), 1);
}

#[test]
fn a_hung_strip_goes_dark_when_it_returns_and_does_not_block_a_second_signal() {
    let hung = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.does("start");
        pi.rig.wait_frame(PATIENCE, |frame| frame.pixels == [[0, 0xff, 0x90, 0]; 8]);
        pi.rig.spi_hang(true);
        pi.rig.signal(Signal::SIGTERM);
        pause(Duration::from_millis(1200));
        assert!(!pi.rig.has_ended(), "the daemon still waits to darken the strip");
        pi
    };
    let patient = || {
        let pi = hung();
        pi.rig.spi_hang(false);
        let status = pi.rig.wait_exit(PATIENCE).expect("the daemon ends");
        assert!(status.success(), "{status}");
        pi.darkened(&"SIGTERM");
        pi.check_wire();
    };
    let insistent = || {
        let pi = hung();
        let status = pi.rig.wait_exit(PATIENCE).expect("the daemon ends by itself");
        assert!(status.success(), "{status}");
        assert!(!pi.is_dark());
        // The service manager runs this next.
        let blank = pi.arguments(&["blank"]);
        assert_eq!(output(&pi.rig.run_on_pi(TALKLIGHT, blank)), (Some(0), String::new()));
        assert!(pi.is_dark());
    };
    let jobs: [&(dyn Fn() + Sync); 2] = [&patient, &insistent];
    in_parallel(&jobs, |job| job());
}

#[test]
fn lost_frames_do_not_affect_the_others() {
    let strip = Strip { leds: 60, bar: true, ..PLAIN };
    in_parallel(&[1, 2, 3], |&seed| {
        let pi = Pi::new(Rig::builder().seed(seed), &strip, FAULTY, BUTTON);
        pi.rig.spi_fail_percent(30);
        pi.start();
        pi.does("start");
        pi.wait_phase("over");
        pi.rig.spi_fail_percent(0);
        until("the strip is dark", || pi.is_dark());
        pi.stop(Signal::SIGTERM);
        pi.check_wire();
        assert!(pi.rig.refusals().len() > 5, "{:?}", pi.rig.refusals());
        let (failed, back) = (pi.told("strip failed"), pi.told("strip is back"));
        assert!(failed == back && failed > 1, "{failed} and {back}");
    });
}

#[test]
fn the_watchdog_is_notified_while_the_strip_fails() {
    let manager = Manager::new();
    let pi = Pi::new(manager.add_to(Rig::builder()), &PLAIN, LONG, BUTTON);
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
    pi.check_wire();
}
