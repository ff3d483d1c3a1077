//! Requests, in words.

use std::str::FromStr;

use crate::engine::event::Origin;
use crate::show::sample::Trial;

/// The longest request in bytes, its newline included.
pub const REQUEST_MAX: usize = 256;

/// What a client asks for, in one line of words: `start lightning`, or `if 17 as console reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub what: What,
    /// Refuse if the timer is of another generation.
    pub generation: Option<u64>,
    /// [`Origin::Socket`] or [`Origin::Console`].
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Start(Option<String>),
    Reset,
    Undo,
    Choose(String),
    Status,
    /// The status now and after each change, a line each.
    Watch,
    /// Snapshots, for a screen in another process.
    Attach,
    /// Show this on the strip, whatever that is taken for, for ten seconds or until a talk starts; none gives it back.
    Try(Option<Trial>),
    /// Invite a phone to be paired.
    Invite,
    /// A token for a program.
    Token,
    /// Unpair all.
    Forget,
}

impl Ask {
    /// What a client asks for that has said these bytes so far: none while its line may go on, which it cannot once the
    /// client has `ended`. What comes after the line is not heard.
    pub fn heard(said: &[u8], ended: bool) -> Option<Result<Self, String>> {
        let newline = said.iter().position(|&byte| byte == b'\n');
        let line = &said[..newline.unwrap_or(said.len())];
        if newline.is_none() && !ended && line.len() < REQUEST_MAX {
            return None;
        }
        Some(match str::from_utf8(line) {
            Ok(line) if line.len() < REQUEST_MAX => line.parse(),
            _ => Err(format!("a request is one line of less than {REQUEST_MAX} bytes of text")),
        })
    }

    /// The line that says it, newline included.
    pub fn line(&self) -> String {
        let generation = self.generation.map_or(String::new(), |n| format!("if {n} "));
        let origin = if self.origin == Origin::Console { "as console " } else { "" };
        let what = match &self.what {
            What::Start(None) => "start".into(),
            What::Start(Some(plan)) => format!("start {plan}"),
            What::Reset => "reset".into(),
            What::Undo => "undo".into(),
            What::Choose(plan) => format!("choose {plan}"),
            What::Status => "status".into(),
            What::Watch => "watch".into(),
            What::Attach => "attach".into(),
            What::Invite => "invite".into(),
            What::Token => "token".into(),
            What::Forget => "forget".into(),
            What::Try(None) => "try nothing".into(),
            What::Try(Some(trial)) => format!("try {trial}"),
        };
        format!("{generation}{origin}{what}\n")
    }
}

impl FromStr for Ask {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace().peekable();
        let mut generation = None;
        if words.next_if_eq(&"if").is_some() {
            let number = words.next().and_then(|word| word.parse().ok());
            generation = Some(number.ok_or("`if` takes the generation that `status` shows, as in `if 17 reset`")?);
        }
        let mut origin = Origin::Socket;
        if words.next_if_eq(&"as").is_some() {
            words.next_if_eq(&"console").ok_or("`as` takes `console`")?;
            origin = Origin::Console;
        }
        let mut plan = None;
        let what = match words.next() {
            Some("start") => {
                plan = words.next();
                What::Start(plan.map(Into::into))
            }
            Some("choose") => {
                plan = words.next();
                What::Choose(plan.ok_or("`choose` takes the name of a plan")?.into())
            }
            Some("reset") => What::Reset,
            Some("undo") => What::Undo,
            Some("status") => What::Status,
            Some("watch") => What::Watch,
            Some("attach") => What::Attach,
            Some("invite") => What::Invite,
            Some("token") => What::Token,
            Some("forget") => What::Forget,
            Some("try") => {
                let words: Vec<&str> = words.by_ref().collect();
                What::Try(match words[..] {
                    ["nothing"] => None,
                    _ => Some(words.join(" ").parse()?),
                })
            }
            _ => {
                return Err(
                    "say start, reset, undo, choose, status, watch, attach, try, invite, token or forget".into()
                );
            }
        };
        match words.next() {
            None => Ok(Self { what, generation, origin }),
            Some(_) if plan.is_some() => Err("a plan's name is one word".into()),
            Some(_) => Err("there is a word too many".into()),
        }
    }
}
