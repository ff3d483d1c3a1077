//! The desk turns requests of the socket and the web into events for the engine, and the engine's answers into replies.

pub mod phones;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::control::protocol::{ClientRequest, Reply, Status, Verb};
use crate::core::clock;
use crate::core::plan::{self, Plan};
use crate::core::timer::{Command, Refusal};
use crate::engine::board::Board;
use crate::engine::event::{Action, Done, Event, Events, Refused, Request};
use crate::show::sample::{self, Trial};
use crate::show::{Owner, Rank, Scene, demo};
use crate::store::pairing::Pairing;

/// How long to wait for the engine's answer. It comes at once unless the strip hangs; after this time the service manager's
/// watchdog has already ended the process.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The owner of the shows that test the strip.
const TEST_OWNER: &str = "talklight test-strip";

/// The owner of the demonstration of the colours.
const DEMO_OWNER: &str = "the demonstration of the colours";

/// The answer to a demonstration.
const DEMO_SHOWN: &str = "the strip shows the colours of a talk for twelve seconds";

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
            Verb::Demo => {
                let (verdict, reply) = self.engine(demonstration(), request);
                let message = if reply.ok { DEMO_SHOWN.into() } else { reply.message };
                return (verdict, Reply { message, ..reply });
            }
            Verb::Status | Verb::Watch | Verb::Attach => {
                let status = self.status();
                return (Verdict::Done { change: false }, Reply::new(true, status.line(), Some(status)));
            }
            Verb::Invite | Verb::Token | Verb::Forget | Verb::Devices | Verb::Remove(_) | Verb::Hello(_) => {
                return self.pairing(&request.verb);
            }
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
            Ok(Done::Shown | Done::Ended | Done::Opened | Done::MayPair) => {
                (Verdict::Done { change: false }, status.line())
            }
            Err(refused @ Refused::Command(Refusal::Stale | Refusal::Expired)) => (Verdict::Stale, refused.to_string()),
            Err(refused) => (Verdict::Refused, refused.to_string()),
        };
        (verdict, Reply::new(matches!(verdict, Verdict::Done { .. }), message, Some(status)))
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
