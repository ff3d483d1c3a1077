//! What `talklight doctor` says: a line a check, and under a bad one what mends it.

use std::fmt;

use serde::Serialize;

/// The shape is stable: names stay, new checks may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// No check is bad.
    pub good: bool,
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    pub text: String,
    /// What to do: the exact lines, and the file that they belong in.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    Bad,
    /// Neither: it cannot be told from here, or is no fault, but worth a word.
    Note,
}

impl Report {
    pub fn new(checks: Vec<Check>) -> Self {
        let good = checks.iter().all(|check| check.verdict != Verdict::Bad);
        Self { good, checks }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let mark = match check.verdict {
                Verdict::Good => "ok ",
                Verdict::Bad => "BAD",
                Verdict::Note => "-- ",
            };
            writeln!(f, "{mark}  {}", check.text.replace('\n', "\n     "))?;
            if let Some(remedy) = &check.remedy {
                writeln!(f, "     {}", remedy.replace('\n', "\n         "))?;
            }
        }
        Ok(())
    }
}
