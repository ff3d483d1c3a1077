//! Random tokens and codes, and hashes of tokens.

use std::io;

use serde::{Deserialize, Deserializer, Serializer, de};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The hash of a token. The tokens themselves are not kept.
pub type Hash = [u8; 32];

pub const CODE_DIGITS: usize = 6;
const CODES: u32 = 1_000_000;

/// `N` random bytes in hexadecimal.
pub fn token<const N: usize>() -> io::Result<String> {
    Ok(hex(&random::<N>()?))
}

pub fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// Six random digits.
pub fn code() -> io::Result<String> {
    // Numbers above the last whole million would make small codes likelier.
    let fair = u32::MAX - u32::MAX % CODES;
    loop {
        let number = u32::from_le_bytes(random()?);
        if number < fair {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

pub fn is_code(answer: &str) -> bool {
    answer.len() == CODE_DIGITS && answer.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares two texts in a time that depends only on their lengths.
pub fn is_same(right: &str, answer: &str) -> Choice {
    right.as_bytes().ct_eq(answer.as_bytes())
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(bytes)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}

/// A hash in files: hexadecimal.
pub fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(hash))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    unhex(&text).ok_or_else(|| de::Error::custom("a hash has 64 hexadecimal digits"))
}
