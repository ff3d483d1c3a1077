//! The messages of the control socket, and their encoding as lines of JSON.

use std::fmt;
use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::os::site::Site;

pub use super::request::{ClientRequest, REQUEST_MAX, Verb, span};
pub use crate::engine::status::{LookStatus, PlanStatus, Status, StripStatus};

/// The daemon's reply to every request but `watch` and `attach`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub ok: bool,
    /// What was done, or why not and what to do instead; for people.
    pub message: String,
    pub status: Option<Status>,
    /// The result of requests about phones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

impl Reply {
    pub fn new(ok: bool, message: impl Into<String>, status: Option<Status>) -> Self {
        Self { ok, message: message.into(), status, pass: None }
    }
}

/// What lets a device or a program in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    Invitation {
        /// Where the web server is.
        #[serde(flatten)]
        site: Site,
        ticket: String,
        code: String,
        /// How long the ticket and the code are valid.
        seconds: u64,
    },
    Token(String),
    /// The paired devices, the oldest first.
    Devices(Vec<DeviceStatus>),
    /// A try whether a phone gets through.
    Hello {
        site: Site,
        /// The number of the try, for the address that the phone opens.
        id: u32,
        /// How long to wait for a phone.
        seconds: u64,
    },
    /// The address of the phone that has come through; null as long as none has.
    Arrived(Option<IpAddr>),
}

/// A paired device or program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    pub id: String,
    /// What it is, such as `Firefox on Android`.
    pub name: String,
    /// How long ago it was paired; null if talklight 0.2 did it.
    pub paired_s: Option<u64>,
    /// How long ago it was used; null if it was not used since.
    pub seen_s: Option<u64>,
    /// It is the one that asks.
    pub is_this: bool,
}

/// Encodes a message as one line of JSON, including its newline.
pub fn encode(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).expect("all messages have string keys");
    line.push('\n');
    line
}

/// Decodes one line of JSON.
///
/// # Errors
/// If the line is not a `T`, for instance because the other end is of another version.
pub fn decode<T: DeserializeOwned>(line: &str) -> Result<T, Unreadable> {
    serde_json::from_str(line).map_err(|_| Unreadable)
}

/// A line that does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable; are both ends the same version?")
    }
}

impl std::error::Error for Unreadable {}
