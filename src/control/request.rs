//! Requests of the control socket, as lines of text.

use std::str::FromStr;
use std::time::Duration;

use crate::core::clock::Moment;
use crate::core::plan::spans;
use crate::engine::event::Origin;
use crate::show::sample::Trial;

/// The limit of a request in bytes, including its newline.
pub const REQUEST_MAX: usize = 256;

/// A request, written as one line of words: `start lightning`, or `if 17 as console reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    pub verb: Verb,
    /// Refuse the request if the timer has another generation.
    pub generation: Option<u64>,
    /// Refuse the request after this moment.
    pub deadline: Option<Moment>,
    /// [`Origin::Socket`] or [`Origin::Console`].
    pub origin: Origin,
}

/// What a client wants. A plan is given by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Start(Option<String>),
    /// Start a talk whose speaker began that much earlier.
    StartLate(Option<String>, Duration),
    /// Take time off the running talk, which was started too late.
    Late(Duration),
    Reset,
    Undo,
    Choose(String),
    Status,
    /// The status now and after each change, one line each.
    Watch,
    /// A stream of snapshots, for a screen in another process.
    Attach,
    /// Show a test sample on the strip for ten seconds or until a talk starts. `None` ends the test.
    Try(Option<Trial>),
    /// Show what the colours mean, for twelve seconds or until a talk starts.
    Demo,
    /// Create an invitation, by which one phone can be paired.
    Invite,
    /// Create a token for a program.
    Token,
    /// Unpair all devices and programs.
    Forget,
    /// List the paired devices.
    Devices,
    /// Unpair the device of this id.
    Remove(String),
    /// Begin to wait for a phone that opens `/hello`, or tell whether it has come: the number says to which try.
    Hello(Option<u32>),
}

impl ClientRequest {
    /// A request of the socket for whatever generation the timer has.
    pub fn new(verb: Verb) -> Self {
        Self { verb, generation: None, deadline: None, origin: Origin::Socket }
    }

    /// Parses the bytes that were received so far. `None` if the line is incomplete; after `is_end` no more bytes come, and
    /// the line counts as complete. Bytes after the line are ignored.
    ///
    /// # Errors
    /// What is wrong with the request, for its sender.
    pub fn from_bytes(received: &[u8], is_end: bool) -> Option<Result<Self, String>> {
        let newline = received.iter().position(|&byte| byte == b'\n');
        let line = &received[..newline.unwrap_or(received.len())];
        if newline.is_none() && !is_end && line.len() < REQUEST_MAX {
            return None;
        }
        Some(match str::from_utf8(line) {
            Ok(line) if line.len() < REQUEST_MAX => line.parse(),
            _ => Err(format!("a request must be one line of text, shorter than {REQUEST_MAX} bytes")),
        })
    }

    /// The request as a line of text, including its newline.
    pub fn line(&self) -> String {
        let generation = self.generation.map_or(String::new(), |n| format!("if {n} "));
        let deadline = self.deadline.map_or(String::new(), |at| format!("before {} ", at.as_ns()));
        let origin = if self.origin == Origin::Console { "as console " } else { "" };
        let verb = match &self.verb {
            Verb::Start(None) => "start".into(),
            Verb::Start(Some(plan)) => format!("start {plan}"),
            Verb::StartLate(None, late) => format!("start late {}", written(*late)),
            Verb::StartLate(Some(plan), late) => format!("start {plan} late {}", written(*late)),
            Verb::Late(by) => format!("late {}", written(*by)),
            Verb::Reset => "reset".into(),
            Verb::Undo => "undo".into(),
            Verb::Choose(plan) => format!("choose {plan}"),
            Verb::Status => "status".into(),
            Verb::Watch => "watch".into(),
            Verb::Attach => "attach".into(),
            Verb::Invite => "invite".into(),
            Verb::Token => "token".into(),
            Verb::Forget => "forget".into(),
            Verb::Demo => "demo".into(),
            Verb::Devices => "devices".into(),
            Verb::Remove(id) => format!("remove {id}"),
            Verb::Hello(None) => "hello".into(),
            Verb::Hello(Some(id)) => format!("hello {id}"),
            Verb::Try(None) => "try nothing".into(),
            Verb::Try(Some(trial)) => format!("try {trial}"),
        };
        format!("{generation}{deadline}{origin}{verb}\n")
    }
}

impl FromStr for ClientRequest {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace().peekable();
        let mut generation = None;
        if words.next_if_eq(&"if").is_some() {
            let number = words.next().and_then(|word| word.parse().ok());
            generation =
                Some(number.ok_or("`if` must be followed by the generation that `status` shows, as in `if 17 reset`")?);
        }
        let mut deadline = None;
        if words.next_if_eq(&"before").is_some() {
            let ns = words.next().and_then(|word| word.parse().ok()).map(Moment::from_ns);
            deadline =
                Some(ns.ok_or("`before` must be followed by a moment in nanoseconds, such as `at_ns` of `status`")?);
        }
        let mut origin = Origin::Socket;
        if words.next_if_eq(&"as").is_some() {
            words.next_if_eq(&"console").ok_or("`as` must be followed by `console`")?;
            origin = Origin::Console;
        }
        let mut plan = None;
        let verb = match words.next() {
            Some("start") => {
                let rest: Vec<&str> = words.by_ref().collect();
                // A plan may be called `late`, too.
                let late = match rest[..] {
                    ["late", _, ..] if rest[1] != "late" => Some(0),
                    [_, "late", ..] => Some(1),
                    _ => None,
                };
                let (names, late) = match late {
                    Some(at) => (&rest[..at], Some(span(&rest[at + 1..].join(" "))?)),
                    None => (&rest[..], None),
                };
                let ([] | [_]) = names else { return Err("the name of a plan is one word".into()) };
                let plan = names.first().map(|&name| name.into());
                match late {
                    None => Verb::Start(plan),
                    Some(late) => Verb::StartLate(plan, late),
                }
            }
            Some("choose") => {
                plan = words.next();
                Verb::Choose(plan.ok_or("`choose` needs the name of a plan")?.into())
            }
            Some("late") => {
                let rest: Vec<&str> = words.by_ref().collect();
                Verb::Late(span(&rest.join(" "))?)
            }
            Some("demo") => Verb::Demo,
            Some("reset") => Verb::Reset,
            Some("undo") => Verb::Undo,
            Some("status") => Verb::Status,
            Some("watch") => Verb::Watch,
            Some("attach") => Verb::Attach,
            Some("invite") => Verb::Invite,
            Some("token") => Verb::Token,
            Some("forget") => Verb::Forget,
            Some("devices") => Verb::Devices,
            Some("remove") => {
                Verb::Remove(words.next().ok_or("`remove` needs the id of a device, which `devices` lists")?.into())
            }
            Some("hello") => {
                let id = words.next().map(|word| word.parse().map_err(|_| "`hello` takes the number of a try"));
                Verb::Hello(id.transpose()?)
            }
            Some("try") => {
                let words: Vec<&str> = words.by_ref().collect();
                Verb::Try(match words[..] {
                    ["nothing"] => None,
                    _ => Some(words.join(" ").parse()?),
                })
            }
            _ => {
                let verbs = "start, late, reset, undo, choose, demo, status, watch, attach, try, invite, token, forget, devices, remove or hello";
                return Err(format!("expected {verbs}"));
            }
        };
        match words.next() {
            None => Ok(Self { verb, generation, deadline, origin }),
            Some(_) if plan.is_some() => Err("the name of a plan is one word".into()),
            Some(_) => Err("there are more words than this request has".into()),
        }
    }
}

/// A shorter time is none for people.
const SPAN_MIN: Duration = Duration::from_millis(1);

/// A length of time as people write it: `30s`, `1m 30s`.
///
/// # Errors
/// What is expected; also for less than a millisecond.
pub fn span(text: &str) -> Result<Duration, String> {
    match spans::parse(text) {
        Some(span) if span >= SPAN_MIN => Ok(span),
        _ => Err("expected a length of time with a unit, such as `30s` or `1m 30s`".into()),
    }
}

/// A length of time, in whole milliseconds, as one word that [`span`] reads.
fn written(span: Duration) -> String {
    match span.subsec_millis() {
        0 => format!("{}s", span.as_secs()),
        _ => format!("{}ms", span.as_millis()),
    }
}
