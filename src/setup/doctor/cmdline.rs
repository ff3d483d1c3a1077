//! Where the kernel is told the length of spidev's buffer, and the lines beside it that nobody reads.

use super::facts::Cmdline;
use crate::os::cmdline::number;

/// What the kernel is told.
pub const PARAMETER: &str = "spidev.bufsiz";

impl Cmdline {
    /// Of `file`, which the firmware reads, and of `others`, which it does not, each with its text.
    pub fn new(file: String, text: &str, others: &[(String, String)], running: &str) -> Self {
        let of = |line| number(line, PARAMETER);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let behind = first.split_once(" -- ").map(|(_, rest)| rest);
        let unread = behind.and_then(of).map(|_| format!("what stands behind ` -- ` in {file}"));
        let below = || lines.zip(2..).find(|(line, _)| of(line).is_some());
        let unread = unread.or_else(|| below().map(|(_, number)| format!("line {number} of {file}")));
        let other = || others.iter().find(|(_, text)| text.lines().any(|line| of(line).is_some()));
        Self {
            bufsiz: of(first),
            has_rest: behind.is_some(),
            unread: unread.or_else(|| other().map(|(name, _)| name.clone())),
            running: of(running),
            file,
        }
    }
}
