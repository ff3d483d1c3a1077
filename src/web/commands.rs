//! The commands of the API. Each is carried out once, however often its request arrives.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use super::App;
use super::api::{Paired, json, read_body, refused};
use crate::control::desk::Verdict;
use crate::control::protocol::{self, ClientRequest, Reply, Verb, span};
use crate::core::clock::Moment;
use crate::engine::event::Origin;

/// The engine answers at once, unless the strip hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Threads that wait for the engine at the same time. Further requests queue.
pub const WAITING_MAX: usize = 8;
/// Commands that are remembered, so that a repeated request is carried out once.
const REMEMBERED_MAX: usize = 32;

/// The body of a command.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    /// `start`: the plan instead of the chosen one. `choose`: the plan.
    plan: Option<String>,
    /// `start`: how much earlier the speaker began.
    late: Option<String>,
    /// `late`: the time to take off.
    by: Option<String>,
    /// Refuse the command if the timer has another generation.
    generation: Option<u64>,
    /// Refuse the command after this moment of the daemon's time, `at_ns` in the status.
    deadline_ns: Option<u64>,
}

impl CommandBody {
    const EXPECTED: &str = "the body must be empty or JSON such as {\"plan\": \"lightning\", \"generation\": 17, \
        \"deadline_ns\": 81000000000}";

    /// The command of this name.
    fn verb(self, name: &str) -> Result<Verb, String> {
        match (name, self.plan, self.late, self.by) {
            ("start", plan, None, None) => Ok(Verb::Start(plan)),
            ("start", plan, Some(late), None) => Ok(Verb::StartLate(plan, span(&late)?)),
            ("choose", Some(plan), None, None) => Ok(Verb::Choose(plan)),
            ("choose", None, None, None) => Err("`choose` needs a plan, as in {\"plan\": \"lightning\"}".into()),
            ("late", None, None, Some(by)) => Ok(Verb::Late(span(&by)?)),
            ("late", None, None, None) => Err("`late` needs the time to take off, as in {\"by\": \"30s\"}".into()),
            ("reset", None, None, None) => Ok(Verb::Reset),
            ("undo", None, None, None) => Ok(Verb::Undo),
            ("demo", None, None, None) => Ok(Verb::Demo),
            (_, Some(_), ..) => Err("only `start` and `choose` take a `plan`".into()),
            (_, _, Some(_), _) => Err("only `start` takes `late`".into()),
            _ => Err("only `late` takes `by`".into()),
        }
    }
}

/// Carries out a command. The last part of the path is its name.
pub async fn command(State(app): State<App>, _: Paired, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body: CommandBody = match read_body(request, CommandBody::EXPECTED).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let (generation, deadline) = (body.generation, body.deadline_ns.map(Moment::from_ns));
    let verb = match body.verb(path.rsplit('/').next().unwrap_or_default()) {
        Ok(verb) => verb,
        Err(mistake) => return refused(StatusCode::BAD_REQUEST, mistake),
    };
    let request = ClientRequest { verb, generation, deadline, origin: Origin::Web };
    let answer = app.commands.answer(&app, request);
    match timeout(ANSWER_TIMEOUT, answered(answer)).await {
        Ok(Some((verdict, reply))) => {
            respond(verdict, &Reply { status: reply.status.as_ref().map(|_| app.desk.status()), ..reply })
        }
        _ => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "the timer does not answer: the strip hangs, or the timer is stopping; check the status",
        ),
    }
}

fn respond(verdict: Verdict, reply: &Reply) -> Response {
    let status = match verdict {
        Verdict::Done { .. } => StatusCode::OK,
        Verdict::Mistake => StatusCode::BAD_REQUEST,
        Verdict::Unanswered => StatusCode::SERVICE_UNAVAILABLE,
        Verdict::Refused | Verdict::Stale => StatusCode::CONFLICT,
    };
    json(status, protocol::encode(reply))
}

type Answer = (Verdict, Reply);
/// An answer that is there, or still to come.
type Pending = watch::Receiver<Option<Answer>>;

/// The latest commands that named their generation or their deadline, and their answers.
#[derive(Clone, Default)]
pub struct Commands(Arc<Mutex<VecDeque<(ClientRequest, Pending)>>>);

impl Commands {
    /// The answer to `request`. A repeat of a request that still waits, or whose answer is final, gets the same answer: a phone
    /// repeats its request if the reply was lost on the way.
    fn answer(&self, app: &App, request: ClientRequest) -> Pending {
        let mut latest = self.lock();
        if let Some((_, known)) = latest.iter().find(|(known, _)| *known == request)
            && known.borrow().as_ref().is_none_or(|(verdict, _)| is_final(*verdict, &request))
        {
            return known.clone();
        }
        let (sender, pending) = watch::channel(None);
        if request.generation.is_some() || request.deadline.is_some() {
            latest.retain(|(known, _)| *known != request);
            if latest.len() == REMEMBERED_MAX {
                latest.pop_front();
            }
            latest.push_back((request.clone(), pending.clone()));
        }
        let desk = app.desk.clone();
        // A task of its own completes even if the client hangs up.
        tokio::task::spawn_blocking(move || sender.send_replace(Some(desk.answer(&request))));
        pending
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(ClientRequest, Pending)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a repeat of `request` gets its answer again. Only one press has a certain deadline, so this also holds for a refusal: in
/// the two seconds after the end of a talk, a start was meant as "stop". Without a deadline it may be another press.
fn is_final(verdict: Verdict, request: &ClientRequest) -> bool {
    match verdict {
        Verdict::Done { change: true } => true,
        Verdict::Unanswered => false,
        Verdict::Done { change: false } | Verdict::Refused | Verdict::Stale | Verdict::Mistake => {
            request.deadline.is_some()
        }
    }
}

/// `None` if the thread that waits for the engine has ended without an answer.
async fn answered(mut pending: Pending) -> Option<Answer> {
    pending.wait_for(Option::is_some).await.ok()?.clone()
}
