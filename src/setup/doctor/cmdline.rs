//! The kernel's command line, which sets the length of spidev's buffer.

use super::facts::Cmdline;
use crate::os::cmdline::number;

pub const PARAMETER: &str = "spidev.bufsiz";

impl Cmdline {
    /// `file` with its `text` is what the firmware reads. `others` are names and texts of files that it does not read.
    /// `running` is the command line of the running kernel.
    pub fn new(file: String, text: &str, others: &[(String, String)], running: &str) -> Self {
        let bufsiz = |line| number(line, PARAMETER);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let init_part = first.split_once(" -- ").map(|(_, rest)| rest);
        let ignored = if init_part.and_then(bufsiz).is_some() {
            Some(format!("the part after ` -- ` in {file}"))
        } else if let Some((_, number)) = lines.zip(2..).find(|(line, _)| bufsiz(line).is_some()) {
            Some(format!("line {number} of {file}"))
        } else {
            let other = others.iter().find(|(_, text)| text.lines().any(|line| bufsiz(line).is_some()));
            other.map(|(name, _)| name.clone())
        };
        Self { bufsiz: bufsiz(first), has_init_part: init_part.is_some(), ignored, running: bufsiz(running), file }
    }
}
