//! The desk turns requests of the socket and the web into events for the engine, and the engine's answers into replies.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::control::protocol::{ClientRequest, Pass, Reply, Status, Verb};
use crate::core::clock;
use crate::core::plan::{self, Plan};
use crate::core::timer::{Command, Refusal};
use crate::engine::board::Board;
use crate::engine::event::{Action, Done, Event, Events, Origin, Refused, Request};
use crate::show::sample::{self, Trial};
use crate::show::{Owner, Rank, Scene, demo};
use crate::store::pairing::{self, INVITATION, Invitation, Pairing, PairingError};

/// How long to wait for the engine's answer. It comes at once unless the strip hangs; after this time the service manager's
/// watchdog has already ended the process.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The owner of the shows that test the strip.
const TEST_OWNER: &str = "talklight test-strip";

/// The owner of the demonstration of the colours.
const DEMO_OWNER: &str = "the demonstration of the colours";

/// What a request needs: the board, the channel to the engine, and the paired devices.
#[derive(Clone)]
pub struct Desk {
    pub board: Arc<Board>,
    pub events: Events,
    /// `None` if the web is off.
    pub pairing: Option<Arc<Pairing>>,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done {
        /// Whether the timer has changed.
        change: bool,
    },
    Refused,
    /// Refused because the request names another generation than the timer has, or came after its deadline.
    Stale,
    /// The request is malformed or names an unknown plan.
    Mistake,
    /// The engine did not answer.
    Unanswered,
}

impl Desk {
    /// Carries out a request and waits for its result. For `watch` and `attach`, which are streams, it gives the status.
    pub fn answer(&self, request: &ClientRequest) -> (Verdict, Reply) {
        let command = match &request.verb {
            Verb::Start(plan) => self.named(plan.as_deref()).map(Command::Start),
            Verb::StartLate(plan, late) => self.named(plan.as_deref()).map(|plan| Command::StartLate(plan, *late)),
            Verb::Choose(name) => self.plan(name).map(Command::Choose),
            Verb::Late(by) => Ok(Command::Late(*by)),
            Verb::Reset => Ok(Command::Reset),
            Verb::Undo => Ok(Command::Undo),
            Verb::Try(trial) => return self.engine(show(*trial), request),
            Verb::Demo => return self.engine(demonstration(), request),
            Verb::Status | Verb::Watch | Verb::Attach => {
                let status = self.status();
                return (Verdict::Done { change: false }, Reply::new(true, status.line(), Some(status)));
            }
            Verb::Invite | Verb::Token | Verb::Forget => return self.pairing(&request.verb),
        };
        match command {
            Ok(command) => self.engine(Action::Command(command), request),
            Err(mistake) => (Verdict::Mistake, Reply::new(false, mistake, None)),
        }
    }

    fn named(&self, plan: Option<&str>) -> Result<Option<Plan>, String> {
        plan.map(|name| self.plan(name)).transpose()
    }

    fn plan(&self, name: &str) -> Result<Plan, String> {
        let plans = &self.board.latest().plans;
        plan::find(plans, name).ok_or_else(|| {
            let names: Vec<&str> = plans.iter().map(|plan| plan.name()).collect();
            format!("there is no plan `{name}`; the plans are {}", names.join(", "))
        })
    }

    pub fn status(&self) -> Status {
        Status::new(&self.board.latest(), clock::now())
    }

    /// Exchanges a ticket or a code for a token.
    ///
    /// # Errors
    /// Why the device was not paired; [`PairingError::Wrong`] as well if the web is off.
    pub fn redeem(&self, answer: &str) -> Result<String, PairingError> {
        let token = self.pairing.as_ref().ok_or(PairingError::Wrong)?.redeem(answer, clock::now())?;
        self.announce("a device was paired");
        Ok(token)
    }

    /// Shows a message about pairing on the screen and ends a fault of the pairing file. Skipped if the channel is full.
    fn announce(&self, text: &str) {
        let _ = self.events.try_send(Event::Note(Origin::Pairing, text.into()));
        let _ = self.events.try_send(Event::Fault(Origin::Pairing, None));
    }

    fn engine(&self, action: Action, request: &ClientRequest) -> (Verdict, Reply) {
        let (reply, answer) = sync_channel(1);
        let ClientRequest { generation, deadline, origin, .. } = *request;
        let request = Request { action, generation, deadline, origin, reply: Some(reply) };
        let answer = match self.events.try_send(Event::Request(request)) {
            Err(stopped) => Err(stopped.to_string()),
            Ok(false) => Err("too many requests at once; try again".into()),
            Ok(true) => answer
                .recv_timeout(ANSWER_TIMEOUT)
                .map_err(|_| "the timer does not answer: it is stopping, or its strip hangs".into()),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return (Verdict::Unanswered, Reply::new(false, why, None)),
        };
        let status = Status::new(&answer.snapshot, answer.at);
        let (verdict, message) = match answer.result {
            Ok(Done::Command(outcome)) => (Verdict::Done { change: outcome.is_change() }, outcome.to_string()),
            Ok(Done::ShowReset) => {
                (Verdict::Done { change: false }, "the show has ended; the strip shows the timer again".into())
            }
            Ok(Done::Shown | Done::Ended) => (Verdict::Done { change: false }, status.line()),
            Err(refused @ Refused::Command(Refusal::Stale | Refusal::Expired)) => (Verdict::Stale, refused.to_string()),
            Err(refused) => (Verdict::Refused, refused.to_string()),
        };
        (verdict, Reply::new(matches!(verdict, Verdict::Done { .. }), message, Some(status)))
    }

    fn pairing(&self, verb: &Verb) -> (Verdict, Reply) {
        match self.pairing.as_ref().map_or(Err(pairing::OFF.into()), |pairing| self.pass(pairing, verb)) {
            Ok((message, pass)) => (Verdict::Done { change: false }, Reply { pass, ..Reply::new(true, message, None) }),
            Err(why) => (Verdict::Refused, Reply::new(false, why, None)),
        }
    }

    /// Carries out `invite`, `token` or `forget`.
    fn pass(&self, pairing: &Pairing, verb: &Verb) -> Result<(String, Option<Pass>), String> {
        if *verb == Verb::Invite {
            let site = pairing.site().ok_or("the web server has no port yet; `talklight status` says why")?;
            let invitation = pairing.invite(clock::now());
            let Invitation { ticket, code, .. } =
                invitation.map_err(|error| format!("cannot create an invitation: {error}"))?;
            let pass = Pass::Invitation { site, ticket, code, seconds: INVITATION.as_secs() };
            return Ok(("one device can be paired within a minute".into(), Some(pass)));
        }
        let (message, pass) = if *verb == Verb::Token {
            let token = pairing.issue().map_err(|error| format!("the token cannot be saved: {error}"))?;
            ("a token for a program was created".into(), Some(Pass::Token(token)))
        } else {
            let count = pairing.count();
            pairing.forget().map_err(|error| {
                format!("unpaired only until the next start, since the file cannot be removed: {error}")
            })?;
            (format!("unpaired all devices and programs ({count})"), None)
        };
        self.announce(&message);
        Ok((message, pass))
    }
}

/// Shows what the colours of a talk mean.
pub fn demonstration() -> Action {
    Action::Show { scene: Scene::Demo, owner: Owner::new(DEMO_OWNER), lease: demo::LENGTH }
}

fn show(trial: Option<Trial>) -> Action {
    match trial {
        Some(trial) => {
            Action::Show { scene: Scene::Sample(trial), owner: Owner::new(TEST_OWNER), lease: sample::LEASE }
        }
        None => Action::End(Rank::Test),
    }
}
