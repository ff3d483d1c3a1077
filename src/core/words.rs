//! What people read for each phase, on every screen and page. Programs read the phases' names.

use serde::{Deserialize, Serialize};

use crate::core::timer::Phase;

/// The words of a plan, one text for each phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub ready: String,
    pub green: String,
    pub yellow: String,
    pub red: String,
    pub flash: String,
    pub over: String,
}

impl Words {
    /// The most characters of a text: what a phone shows in one line.
    pub const LENGTH_MAX: usize = 24;

    pub fn of(&self, phase: Phase) -> &str {
        match phase {
            Phase::Ready => &self.ready,
            Phase::Green => &self.green,
            Phase::Yellow => &self.yellow,
            Phase::Red => &self.red,
            Phase::Flash => &self.flash,
            Phase::Over => &self.over,
        }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self {
            ready: "ready".into(),
            green: "talk".into(),
            yellow: "wrap up".into(),
            red: "finish".into(),
            flash: "last sentence".into(),
            over: "time is up".into(),
        }
    }
}
