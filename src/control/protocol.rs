//! The messages of the control socket, and their encoding as lines of JSON.

use std::fmt;

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
    /// The result of `invite` and `token`.
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
