//! The report of `talklight doctor`: a line for each check, and the remedy below it.

use std::fmt;

use serde::Serialize;

/// Scripts read the JSON of this: names stay, new checks may come.
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
    /// What to do: the exact commands or lines, and the file for them.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    Bad,
    /// Unknown, or worth knowing and no fault.
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
