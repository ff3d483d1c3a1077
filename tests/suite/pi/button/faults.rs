//! Faults of buttons: a line that cannot be opened, a chip that disappears, a contact that is stuck.

use nix::libc::EBUSY;

use super::*;

#[test]
fn a_line_that_cannot_be_opened_is_logged_once_and_retried() {
    type Way<'a> = &'a (dyn Fn(&Pi, bool) + Sync);
    let forbidden = |pi: &Pi, there: bool| pi.rig.allow("/dev/gpiochip0", there);
    let busy = |pi: &Pi, there: bool| pi.rig.gpio_busy(START, !there);
    let ebusy = format!("(os error {EBUSY}); `gpioinfo` shows which program uses it");
    let ways: [(Way<'_>, &str, &str); 2] = [
        (&forbidden, "/dev/gpiochip0 may not be opened", "; is this user in the group `gpio`?"),
        (&busy, "GPIO 17 on /dev/gpiochip0: ", &ebusy),
    ];
    in_parallel(&ways, |(way, what, remedy)| {
        let pi = Pi::new(Rig::builder(), &PLAIN, LONG, BUTTON);
        way(&pi, false);
        pi.start();
        let told = pi.wait_told(&format!("button failed: {what}"));
        assert!(told.ends_with(remedy), "{told}");
        assert_eq!(pi.faults().len(), 1);
        // The daemon retries every second.
        pause(Duration::from_millis(1100));
        way(&pi, true);
        pi.wait_told("button is back");
        assert_eq!(pi.faults(), [""; 0]);
        pi.press(START);
        pi.wait_told("talk started by the button");
        pi.stop(Signal::SIGTERM);
        assert_eq!((pi.told("failed"), pi.told("is back")), (1, 1));
    });
}

#[test]
fn a_taken_line_does_not_disable_the_other_button() {
    let pi = Pi::new(Rig::builder(), &PLAIN, LONG, TWO_BUTTONS);
    pi.rig.gpio_busy(RESET, true);
    pi.start();
    pi.wait_told(&format!("reset button failed: GPIO {RESET} on /dev/gpiochip0: "));
    pi.press(START);
    pi.wait_told("talk started by the button");
    pi.rig.gpio_busy(RESET, false);
    pi.wait_told("reset button is back");
    pi.press(RESET);
    pi.wait_told("talk reset at 0:0");
    pi.stop(Signal::SIGTERM);
    assert_eq!((pi.told("failed"), pi.told("is back")), (1, 1));
}

#[test]
fn a_chip_that_disappears_and_returns_is_logged_and_the_talk_continues() {
    let plan = Plan { length: 2500, yellow: 2000, red: 1500, ..BRISK };
    let pi = Pi::running(&PLAIN, plan, TWO_BUTTONS);
    pi.press(START);
    pi.wait_told("talk started by the button");
    pi.rig.gpio_gone();
    pi.wait_told_times("button failed: ", 2);
    pi.wait_phase("red");
    let gone = "there is no Raspberry Pi's GPIO chip under /dev; without buttons, remove [button] from the config";
    let all = ["button", "reset button"].map(|button| format!("{button}: {gone}"));
    until("the missing chip is reported", || {
        let mut faults = pi.faults();
        faults.sort();
        faults == all
    });
    pi.rig.gpio_back();
    until("no fault is left", || pi.faults().is_empty());
    pi.wait_phase("over");
    pi.press(RESET);
    pi.wait_told("ready again by the reset button");
    pi.stop(Signal::SIGTERM);
    assert_eq!((pi.told("failed"), pi.told("is back")), (2, 2));
    let tape = pi.tape();
    let over = tape.iter().rposition(|frame| frame.phase == "over").unwrap();
    let started_ns = pi.started_ns().unwrap();
    for frame in tape[..over].iter().filter(|frame| frame.phase != "ready") {
        assert_eq!(frame.phase, plan.phase(frame.t_ns - started_ns));
    }
    let phases = pi.phases();
    let [talk @ .., ready] = &phases[..] else { panic!("{phases:?}") };
    assert_order(talk.iter().map(String::as_str));
    assert_eq!(ready, "ready");
}

#[test]
fn a_stuck_button_is_reported_and_the_rest_works() {
    let stuck = |line| {
        format!(
            "the contact on GPIO {line} has been closed for 15 s; it is stuck, or `bias` and `active` do not fit its wiring"
        )
    };
    let during_a_talk = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.wait_looked(START);
        pi.rig.gpio(START, Level::Low);
        pi.wait_told("talk started by the button");
        pi.wait_told(&stuck(START));
        assert_eq!(pi.faults(), [format!("button: {}", stuck(START))]);
        assert_eq!(pi.phases(), ["ready", "green"]);
        pi.rig.gpio(START, Level::High);
        pi.wait_told("button is back");
        pi.rig.gpio(START, Level::Low);
        pi.wait_told("talk reset at 0:");
        pi.stop(Signal::SIGTERM);
        assert_eq!((pi.told("failed"), pi.told("is back")), (1, 1));
    };
    let since_boot = || {
        let pi = Pi::new(Rig::builder().level(RESET, Level::Low), &PLAIN, LONG, TWO_BUTTONS);
        pi.start();
        pi.press(START);
        pi.wait_told("talk started by the button");
        pi.wait_told(&stuck(RESET));
        assert_eq!(pi.faults(), [format!("reset button: {}", stuck(RESET))]);
        assert_eq!(pi.phases(), ["ready", "green"]);
        // The contact opens while the chip is away.
        pi.rig.gpio_gone();
        pi.wait_told("button failed: the line has gone away");
        pi.rig.gpio(RESET, Level::High);
        pi.rig.gpio_back();
        pi.wait_told("button is back");
        until("no fault is left", || pi.faults().is_empty());
    };
    let noisy = || {
        let pi = Pi::running(&PLAIN, LONG, BUTTON);
        pi.wait_looked(START);
        pi.rig.hum(START, Duration::from_micros(900));
        let noisy = "GPIO 17 has not come to rest for 15 s; its lead is loose, or long and in need of a filter";
        pi.wait_told(&format!("button failed: {noisy}"));
        assert_eq!(pi.faults(), [format!("button: {noisy}")]);
        pi.rig.gpio(START, Level::High);
        pi.wait_told("button is back");
        pi.rig.press(START);
        pi.wait_told("talk started by the button");
        assert_eq!(pi.phases(), ["ready", "green"]);
    };
    let jobs: [&(dyn Fn() + Sync); 3] = [&during_a_talk, &since_boot, &noisy];
    in_parallel(&jobs, |job| job());
}
