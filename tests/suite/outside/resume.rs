//! Properties of reading a resume file, for any bytes.

use std::time::Duration;

use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, ReadyLook};
use talklight::core::plan::Plan;
use talklight::core::timer::{Talk, Timer};
use talklight::store::resume::{Found, decode, encode};

pub const BOOT: &str = "2b5b7f0c-9d3c-4c55-a0f4-5a1f0e0c8f11";
const NOW: Moment = Moment::from_ns(u64::MAX / 2);

/// Checks the bytes as a file, and as a record with the right checksum.
pub fn holds(bytes: &[u8]) {
    is_safe(bytes);
    let mut record = format!("{:08x} ", crc32(bytes)).into_bytes();
    record.extend_from_slice(bytes);
    is_safe(&record);
}

fn is_safe(bytes: &[u8]) {
    // For another boot, the file says at most that there was a talk.
    let elsewhere = decode(bytes, "another boot", NOW);
    match decode(bytes, BOOT, NOW) {
        Found::Timer(timer) => {
            assert!(matches!(elsewhere, Found::Nothing | Found::OtherBoot));
            assert_eq!(bytes[..9], *format!("{:08x} ", crc32(&bytes[9..])).as_bytes());
            assert!(bytes.len() <= 16 * 1024);
            is_sound(&timer);
            round_trips(&timer);
        }
        Found::Nothing | Found::OtherBoot => {}
        Found::Unusable(why) => {
            assert!(!why.is_empty() && !why.contains(char::is_control) && why.len() < 400);
            if let Found::Unusable(also) = elsewhere {
                assert_eq!(why, also);
            }
        }
    }
}

/// A file of `timer` is accepted. It is refused with one bit changed, the end cut off, or bytes appended.
pub fn round_trips(timer: &Timer) {
    let file = encode(timer, BOOT).into_bytes();
    assert!(matches!(decode(&file, BOOT, NOW), Found::Timer(found) if found == *timer));
    // Trying all bits takes too long; each file tries another one.
    let at = crc32(&file) as usize;
    let mut flipped = file.clone();
    flipped[at % file.len()] ^= 1 << (at % 8);
    for damaged in
        [flipped, file[..at % file.len()].to_vec(), [&file[..], b" "].concat(), [&file[..], &file[..]].concat()]
    {
        assert!(matches!(decode(&damaged, BOOT, NOW), Found::Unusable(_)));
    }
}

/// Checks that an accepted timer runs to its end.
fn is_sound(timer: &Timer) {
    is_ordered(&timer.chosen);
    let Some(talk @ Talk { plan, started, .. }) = timer.last_talk() else {
        return;
    };
    is_ordered(&plan);
    assert!(started <= NOW);
    let timer = Timer { talk: Some(talk), ..*timer };
    let look = Look {
        leds: 8,
        palette: Palette::CLASSIC,
        pattern: Pattern::Bar,
        ready: ReadyLook::Dot,
        flash_half: Look::flash_half(1.0),
    };
    let mut now = started;
    // Eight steps of the bar, three phases, and the first flashes.
    for _ in 0..20 {
        let Some(next) = look.next_change(&timer, now) else {
            break;
        };
        assert!(next > now && next <= started + plan.length());
        assert_ne!(look.picture(&timer.at(next)), look.picture(&timer.at(now)));
        now = next;
    }
}

fn is_ordered(plan: &Plan) {
    assert!(plan.flash() <= plan.red() && plan.red() <= plan.yellow());
    assert!(plan.yellow() < plan.length());
    assert!((Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&plan.length()));
    assert!((1..=24).contains(&plan.name().len()));
}

/// The CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
