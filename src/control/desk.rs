//! The desk: the one way from a request to an event and a reply, for socket and web alike.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::control::protocol::{Ask, Pass, Reply, Status, What};
use crate::core::clock;
use crate::core::plan::{self, Plan};
use crate::core::timer::{Command, Refusal};
use crate::engine::board::Board;
use crate::engine::event::{Action, Done, Event, Events, Origin, Refused, Request};
use crate::show::sample::{self, Trial};
use crate::show::{Owner, Rank, Scene};
use crate::store::pairing::{self, INVITATION, Invitation, Pairing, Unpaired};

/// How long the engine's answer is waited for. The engine answers at once, unless the strip hangs; this is longer than the
/// service manager's watchdog lets it.
const HANG: Duration = Duration::from_secs(30);

/// Whose show a test of the strip is.
const TESTER: &str = "talklight test-strip";

#[derive(Clone)]
pub struct Desk {
    pub board: Arc<Board>,
    pub events: Events,
    /// None where the web is off.
    pub pairing: Option<Arc<Pairing>>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done; whether the timer is another than before.
    Done {
        change: bool,
    },
    Refused,
    /// Refused because the timer is of another generation than the request.
    Stale,
    /// The request itself is wrong.
    Mistake,
    /// There is no answer of the engine.
    Unanswered,
}

impl Desk {
    /// Does what is asked for and waits until it is done. `watch` and `attach` are streams and have no such answer.
    pub fn answer(&self, ask: &Ask) -> (Verdict, Reply) {
        let with_plan = |name: &str, command: fn(Plan) -> Command| {
            let plans = &self.board.latest().plans;
            plan::find(plans, name).map(command).ok_or_else(|| {
                let names: Vec<&str> = plans.iter().map(|plan| plan.name()).collect();
                format!("there is no plan `{name}`; there is {}", names.join(", "))
            })
        };
        let command = match &ask.what {
            What::Start(None) => Ok(Command::Start(None)),
            What::Start(Some(name)) => with_plan(name, |plan| Command::Start(Some(plan))),
            What::Choose(name) => with_plan(name, Command::Choose),
            What::Reset => Ok(Command::Reset),
            What::Undo => Ok(Command::Undo),
            What::Try(trial) => return self.engine(show(*trial), ask),
            What::Status | What::Watch | What::Attach => {
                let status = self.status();
                return (Verdict::Done { change: false }, Reply::new(true, status.line(), Some(status)));
            }
            What::Invite | What::Token | What::Forget => return self.pairing(&ask.what),
        };
        match command {
            Ok(command) => self.engine(Action::Command(command), ask),
            Err(mistake) => (Verdict::Mistake, Reply::new(false, mistake, None)),
        }
    }

    pub fn status(&self) -> Status {
        Status::new(&self.board.latest(), clock::now())
    }

    /// Exchanges a ticket or a code for a token.
    ///
    /// # Errors
    /// [`Unpaired`]; also where the web is off.
    pub fn redeem(&self, answer: &str) -> Result<String, Unpaired> {
        let token = self.pairing.as_ref().ok_or(Unpaired::Wrong)?.redeem(answer, clock::now())?;
        self.tell("a device was paired");
        Ok(token)
    }

    /// The chair sees it on the screen; if the channel is full it is true all the same.
    fn tell(&self, text: &str) {
        let _ = self.events.try_send(Event::Note(Origin::Pairing, text.into()));
        let _ = self.events.try_send(Event::Fault(Origin::Pairing, None));
    }

    fn engine(&self, action: Action, ask: &Ask) -> (Verdict, Reply) {
        let (reply, answer) = sync_channel(1);
        let request = Request { action, generation: ask.generation, origin: ask.origin, reply: Some(reply) };
        let answer = match self.events.try_send(Event::Request(request)) {
            Err(stopped) => Err(stopped.to_string()),
            Ok(false) => Err("the timer has too much to do; try again".into()),
            Ok(true) => answer.recv_timeout(HANG).map_err(|_| "the timer is stopping, or its strip hangs".into()),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return (Verdict::Unanswered, Reply::new(false, why, None)),
        };
        let status = Status::new(&answer.snapshot, answer.at);
        let (verdict, message) = match answer.result {
            Ok(Done::Command(outcome)) => (Verdict::Done { change: outcome.is_change() }, outcome.to_string()),
            Ok(Done::ShowReset) => (Verdict::Done { change: false }, "the strip is the timer's again".into()),
            Ok(Done::Shown | Done::Ended) => (Verdict::Done { change: false }, status.line()),
            Err(refused @ Refused::Command(Refusal::Stale)) => (Verdict::Stale, refused.to_string()),
            Err(refused) => (Verdict::Refused, refused.to_string()),
        };
        (verdict, Reply::new(matches!(verdict, Verdict::Done { .. }), message, Some(status)))
    }

    fn pairing(&self, what: &What) -> (Verdict, Reply) {
        match self.pairing.as_ref().map_or(Err(pairing::OFF.into()), |pairing| self.pass(pairing, what)) {
            Ok((message, pass)) => (Verdict::Done { change: false }, Reply { pass, ..Reply::new(true, message, None) }),
            Err(why) => (Verdict::Refused, Reply::new(false, why, None)),
        }
    }

    /// What is asked of the pairing, done.
    fn pass(&self, pairing: &Pairing, what: &What) -> Result<(String, Option<Pass>), String> {
        if *what == What::Invite {
            let listen = pairing.listen().ok_or("the web has no port yet; see `talklight status`")?;
            let invitation = pairing.invite(clock::now());
            let Invitation { ticket, code, .. } =
                invitation.map_err(|error| format!("nobody can be invited: {error}"))?;
            let pass = Pass::Invitation { listen, ticket, code, seconds: INVITATION.as_secs() };
            return Ok(("one device is invited, for a minute".into(), Some(pass)));
        }
        let (message, pass) = if *what == What::Token {
            let token = pairing.issue().map_err(|error| format!("the token cannot be kept: {error}"))?;
            ("a program was given a token".into(), Some(Pass::Token(token)))
        } else {
            let count = pairing.count();
            pairing.forget().map_err(|error| format!("unpaired until the next start, when they are back: {error}"))?;
            (format!("unpaired all, {count} of them"), None)
        };
        self.tell(&message);
        Ok((message, pass))
    }
}

fn show(trial: Option<Trial>) -> Action {
    match trial {
        Some(trial) => Action::Show { scene: Scene::Sample(trial), owner: Owner::new(TESTER), lease: sample::LEASE },
        None => Action::End(Rank::Test),
    }
}
