//! What goes over the control socket and into files: types of their own, in text and JSON.

use std::fmt;
use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use super::request::{Ask, REQUEST_MAX, What};
pub use crate::engine::status::{LookStatus, PlanStatus, Status, StripStatus};

/// The daemon's answer to a command or to `status`, in one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub ok: bool,
    /// What was done, or why not and what to do instead.
    pub message: String,
    pub status: Option<Status>,
    /// What `invite` and `token` ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

impl Reply {
    pub fn new(ok: bool, message: impl Into<String>, status: Option<Status>) -> Self {
        Self { ok, message: message.into(), status, pass: None }
    }
}

/// How a device comes to be paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    Invitation {
        /// Where the web listens.
        listen: SocketAddr,
        ticket: String,
        code: String,
        /// How long both are good.
        seconds: u64,
    },
    Token(String),
}

/// Anything that goes over the socket, in one line of JSON, newline included.
pub fn encode(what: &impl Serialize) -> String {
    let mut line = serde_json::to_string(what).expect("the types of this module have no unnamed maps or odd keys");
    line.push('\n');
    line
}

/// What such a line says.
///
/// # Errors
/// If it is of another type, or of another version of it.
pub fn decode<T: DeserializeOwned>(line: &str) -> Result<T, Unreadable> {
    serde_json::from_str(line).map_err(|_| Unreadable)
}

/// A line that says something no daemon of this version would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is unreadable; are both ends of the same version?")
    }
}

impl std::error::Error for Unreadable {}
