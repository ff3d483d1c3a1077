//! Pairing: invitations, wrong codes, tokens and their file.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use talklight::core::clock::{Moment, Stamp};
use talklight::store::pairing::{CLOSED, INVITATION, PAIRED_MAX, Pairing, PairingError, Visitor, WRONG_MAX};

use super::Web;
use super::client::HttpRequest;
use crate::harness::Folder;
use crate::harness::until;

const SECOND: Duration = Duration::from_secs(1);
const NANOSECOND: Duration = Duration::from_nanos(1);

/// A pairing file in a folder of its own, and a moment long after boot.
fn pairing() -> (Folder, Pairing, Moment) {
    let folder = Folder::new();
    let pairing = Pairing::new(folder.file("paired"));
    assert_eq!(pairing.load(START), Ok(None));
    (folder, pairing, START.at)
}

/// The same moment by both clocks.
pub fn stamp(now: Moment) -> Stamp {
    Stamp { at: now, wall_s: 1_800_000_000 + now.as_ns() / 1_000_000_000 }
}

const START: Stamp = Stamp { at: Moment::from_ns(1_000_000_000_000), wall_s: 1_800_001_000 };

fn redeem(pairing: &Pairing, answer: &str, now: Moment) -> Result<String, PairingError> {
    pairing.redeem(answer, &Visitor::program(), stamp(now))
}

fn issue(pairing: &Pairing) -> std::io::Result<String> {
    pairing.issue(&Visitor::program(), START)
}

fn is_valid(pairing: &Pairing, token: &str) -> bool {
    pairing.visit(token, START).is_some()
}

fn is_wrong(result: Result<String, PairingError>) -> bool {
    matches!(result, Err(PairingError::Wrong))
}

#[test]
fn an_invitation_is_valid_once_within_a_minute() {
    let (_folder, pairing, now) = pairing();
    let first = pairing.invite(now).unwrap();
    assert_eq!((first.ticket.len(), first.code.len()), (32, 6));
    assert!(first.code.bytes().all(|byte| byte.is_ascii_digit()));
    let last = now + INVITATION - NANOSECOND;
    let token = redeem(&pairing, &first.ticket, last).unwrap();
    assert!(is_valid(&pairing, &token));
    // Using the ticket also uses up the code.
    assert!(is_wrong(redeem(&pairing, &first.code, last)));
    assert!(is_wrong(redeem(&pairing, &first.ticket, last)));
    let second = pairing.invite(last).unwrap();
    assert!(is_wrong(redeem(&pairing, &second.code, last + INVITATION)));
    // A new invitation replaces the previous one.
    let third = pairing.invite(last).unwrap();
    let fourth = pairing.invite(last).unwrap();
    assert!(is_wrong(redeem(&pairing, &third.ticket, last)));
    assert!(redeem(&pairing, &fourth.code, last).is_ok());
    assert_eq!(pairing.count(), 2);
}

#[test]
fn a_nearly_right_answer_is_wrong() {
    let (_folder, pairing, now) = pairing();
    let invitation = pairing.invite(now).unwrap();
    let (ticket, code) = (&invitation.ticket, &invitation.code);
    for answer in [
        "",
        &ticket[1..],
        &ticket[..31],
        &code[1..],
        &format!("{code}0"),
        &ticket.to_uppercase().replace(|c: char| c.is_ascii_digit(), "g"),
    ] {
        assert!(is_wrong(redeem(&pairing, answer, now)), "{answer}");
    }
    // Wrong answers do not use up the invitation.
    assert!(redeem(&pairing, code, now).is_ok());
}

#[test]
fn after_ten_wrong_codes_in_a_minute_codes_are_refused_for_a_minute() {
    let (_folder, pairing, start) = pairing();
    let paired = issue(&pairing).unwrap();
    // Without an invitation no code is right.
    let wrong = |now| is_wrong(redeem(&pairing, "123456", now));
    // Nine wrong codes in any minute are allowed for ever.
    let mut now = start;
    for _ in 0..100 {
        now = now + Duration::from_millis(6667);
        assert!(wrong(now));
    }
    now = now + Duration::from_secs(61);
    for _ in 1..WRONG_MAX {
        assert!(wrong(now));
    }
    let closed = redeem(&pairing, "123456", now);
    assert!(matches!(closed, Err(PairingError::Closed { left, is_new: true }) if left == CLOSED));
    let last = now + CLOSED - NANOSECOND;
    assert_eq!(pairing.codes_closed(last), Some(now + CLOSED));
    let closed = redeem(&pairing, "123456", now + CLOSED - SECOND);
    assert!(matches!(closed, Err(PairingError::Closed { left, is_new: false }) if left == SECOND));
    assert!(is_valid(&pairing, &paired));
    assert_eq!(pairing.codes_closed(now + CLOSED), None);
    assert!(wrong(now + CLOSED));
}

#[test]
fn the_right_code_is_refused_with_the_others_and_its_qr_code_is_not() {
    let (_folder, pairing, now) = pairing();
    let invitation = pairing.invite(now).unwrap();
    let guess = if invitation.code == "123456" { "654321" } else { "123456" };
    for _ in 0..WRONG_MAX {
        assert!(redeem(&pairing, guess, now).is_err());
    }
    assert!(matches!(redeem(&pairing, &invitation.code, now), Err(PairingError::Closed { .. })));
    assert!(redeem(&pairing, &invitation.ticket, now).is_ok());
}

#[test]
fn the_code_of_a_new_invitation_works_at_once() {
    let (_folder, pairing, now) = pairing();
    for _ in 0..3 {
        for _ in 0..WRONG_MAX {
            assert!(redeem(&pairing, "none", now).is_err() && redeem(&pairing, "123456", now).is_err());
        }
        assert!(pairing.codes_closed(now).is_some());
        let invitation = pairing.invite(now).unwrap();
        assert_eq!(pairing.codes_closed(now), None);
        assert!(redeem(&pairing, &invitation.code, now).is_ok());
    }
}

#[test]
fn an_answer_that_is_not_a_code_does_not_count_as_a_guess() {
    let (_folder, pairing, now) = pairing();
    for _ in 0..10 * WRONG_MAX {
        for answer in ["", "no", "12345", "1234567", "12345x", "0b77f39f10ddd5fcb186008eccb42ad8"] {
            assert!(is_wrong(redeem(&pairing, answer, now)));
        }
    }
    let invitation = pairing.invite(now).unwrap();
    assert!(redeem(&pairing, &invitation.code, now).is_ok());
}

#[test]
fn codes_are_evenly_distributed() {
    let (_folder, pairing, now) = pairing();
    let codes: Vec<u32> = (0..2000).map(|_| pairing.invite(now).unwrap().code.parse().unwrap()).collect();
    // Each tenth of the range has about 200 codes. By chance one has fewer than 100 once in 10^13 runs.
    for part in 0..10 {
        let count = codes.iter().filter(|&&code| code / 100_000 == part).count();
        assert!(count > 100, "{count} begin with {part}");
    }
}

#[test]
fn a_further_device_replaces_the_oldest() {
    let (folder, pairing, _) = pairing();
    let tokens: Vec<String> = (0..=PAIRED_MAX).map(|_| issue(&pairing).unwrap()).collect();
    assert_eq!(pairing.count(), PAIRED_MAX);
    let again = Pairing::new(folder.file("paired"));
    assert_eq!(again.load(START), Ok(None));
    for pairing in [&pairing, &again] {
        assert!(!is_valid(pairing, &tokens[0]));
        assert!(tokens[1..].iter().all(|token| is_valid(pairing, token)));
    }
}

#[test]
fn a_readable_or_damaged_file_is_renamed() {
    let (folder, pairing, _) = pairing();
    let token = issue(&pairing).unwrap();
    let path = folder.file("paired");
    let damaged = folder.file("paired.damaged");
    let good = fs::read(&path).unwrap();
    let load = || {
        let pairing = Pairing::new(path.clone());
        pairing.load(START).map(|message| (message.unwrap_or_default(), is_valid(&pairing, &token)))
    };
    assert_eq!(load(), Ok((String::new(), true)));
    let link = || std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    let readable = || fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let other = || fs::write(&path, "a token\n").unwrap();
    let cases: [(&dyn Fn(), &str); 3] =
        [(&readable, "only this user"), (&other, "does not hold paired devices"), (&link, "")];
    for (damage, why) in cases {
        let _ = fs::remove_file(&path);
        if !why.is_empty() {
            fs::write(&path, &good).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        damage();
        // If the file cannot be renamed, it stays where it is.
        fs::create_dir_all(damaged.join("blocked")).unwrap();
        assert!(load().unwrap_err().contains("cannot be renamed"));
        assert!(path.symlink_metadata().is_ok());
        fs::remove_dir_all(&damaged).unwrap();

        let (message, known) = load().unwrap();
        assert!(message.starts_with("every phone must be paired again") && message.contains(why), "{message}");
        assert!(message.contains("paired.damaged") && !known);
        assert!(damaged.symlink_metadata().is_ok() && path.symlink_metadata().is_err());
        fs::remove_file(&damaged).unwrap();
        assert_eq!(load(), Ok((String::new(), false)));
    }
}

#[test]
fn a_device_paired_over_http_stays_paired_until_all_are_unpaired() {
    let mut web = Web::running();
    let [ticket, _] = web.invite();
    let answer = web.pair(&format!(" {ticket}\n"));
    assert_eq!((answer.status, answer.json()["message"].as_str()), (200, Some("paired")));
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    let mut parts = cookie.split("; ");
    let pair = parts.next().unwrap();
    let mut attributes: Vec<&str> = parts.collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Strict"]);
    let (name, token) = pair.split_once('=').unwrap();
    assert!(name.starts_with("talklight-"), "{name}");
    assert_eq!(token.len(), 64);
    assert_eq!(web.pair(&ticket).status, 403);

    // The file holds a hash, and only this user can read it.
    let path = web.house.folder.file("state").join("talklight/paired");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept.lines().count() == 2 && !kept.contains(token) && !kept.contains(&ticket), "{kept}");

    let paired = |web: &Web| {
        let ask = HttpRequest::get("/api/v1/paired").with("Cookie", &format!("other=1; {pair}"));
        ask.send(web.port)
    };
    // Each visit renews the cookie. A visit without a cookie gets none.
    assert_eq!(paired(&web).header("set-cookie"), Some(cookie.as_str()));
    assert_eq!(web.get("/api/v1/paired").header("set-cookie"), None);
    web.house.signal(Signal::SIGKILL);
    web.house.start();
    assert_eq!(paired(&web).status, 200);
    assert_eq!(web.post("/api/v1/start", token, &json!({})).status, 200);
    assert_eq!(web.house.say("forget")["ok"], true);
    assert_eq!(paired(&web).status, 401);
    assert_eq!(web.post("/api/v1/reset", token, &json!({})).status, 401);
    assert!(!path.exists());
    web.house.signal(Signal::SIGKILL);
    web.house.start();
    assert_eq!(paired(&web).status, 401);
}

#[test]
fn refused_codes_do_not_affect_paired_devices() {
    let web = Web::running();
    let token = web.token();
    let [_, code] = web.invite();
    let wrong = if code == "123456" { "654321" } else { "123456" };
    for _ in 1..WRONG_MAX {
        assert_eq!(web.pair(wrong).status, 403);
    }
    for answer in [wrong, &code] {
        let answer = web.pair(answer);
        assert_eq!((answer.status, answer.header("set-cookie")), (429, None));
        let said = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains("try again in") && said.ends_with(" s"), "{said}");
    }
    assert_eq!(web.post("/api/v1/start", &token, &json!({})).status, 200);
}

#[test]
fn a_damaged_pairing_file_is_a_fault_until_a_phone_pairs_again() {
    let mut web = Web::running();
    web.token();
    web.house.signal(Signal::SIGKILL);
    let path = web.house.folder.file("state").join("talklight/paired");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let kept = fs::read(&path).unwrap();
    web.house.start();
    until("the fault is told", || !web.house.status()["faults"][0].is_null());
    let fault = web.house.status()["faults"][0].clone();
    assert_eq!(fault["input"], "pairing");
    let why = fault["error"].as_str().unwrap();
    assert!(why.contains("every phone must be paired again: ") && why.contains("talklight/paired"), "{why}");
    assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), kept);
    web.house.does(&["start"]);
    // After a new pairing the fault is gone.
    assert!(!web.token().is_empty());
    until("the fault is gone", || web.house.status()["faults"].as_array().is_some_and(Vec::is_empty));
}
