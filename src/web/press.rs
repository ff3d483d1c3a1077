//! What a request over HTTP says in its body.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// With start, reset or undo. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    /// The plan to start, in place of the chosen one.
    #[serde(default)]
    pub plan: Option<String>,
    /// Refuse if the timer is of another generation.
    #[serde(default)]
    pub generation: Option<u64>,
}

/// The ticket or the code of an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    pub answer: String,
}

/// Something that a body can say.
pub trait Said: DeserializeOwned {
    /// What it looks like, for who got it wrong.
    const SUCH_AS: &str;
    /// What an empty body says.
    const NOTHING: Option<Self>;

    /// What `text` says, if that makes sense.
    fn said(text: &str) -> Option<Self> {
        match Self::NOTHING {
            Some(nothing) if text.trim().is_empty() => Some(nothing),
            // A list would do for an object, too.
            _ if !text.trim_start().starts_with('{') => None,
            _ => serde_json::from_str(text).ok(),
        }
    }
}

impl Said for Press {
    const SUCH_AS: &str =
        "the body is empty, or JSON such as {\"plan\": \"lightning\", \"generation\": 17}; each may be left out";
    const NOTHING: Option<Self> = Some(Self { plan: None, generation: None });
}

impl Said for Credential {
    const SUCH_AS: &str = "the body is JSON such as {\"answer\": \"123456\"}";
    const NOTHING: Option<Self> = None;
}
