//! The request handlers of the API.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::connections::{self, Connection, ConnectionState};
use super::{App, cookie};
use crate::control::desk::Verdict;
use crate::control::protocol::{self, ClientRequest, Reply, Verb};
use crate::control::registry::Registration;
use crate::core::clock;
use crate::engine::event::Origin;
use crate::store::pairing::Guest;

/// A body holds at most the name of a plan and a number, or a ticket.
const BODY_BYTES_MAX: usize = 512;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The engine answers at once, unless the strip hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Threads that wait for the engine at the same time. Further requests queue.
pub const WAITING_MAX: usize = 8;
/// Commands that are remembered, so that a repeated request is carried out once.
const COMPLETED_MAX: usize = 32;

/// The body of start, reset and undo.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody {
    /// The plan to start instead of the chosen one.
    plan: Option<String>,
    /// Refuse the command if the timer has another generation.
    generation: Option<u64>,
}

impl CommandBody {
    const EXPECTED: &str =
        "the body must be empty or JSON such as {\"plan\": \"lightning\", \"generation\": 17}; both keys are optional";
}

/// Extracted from a request that carries the token of a paired device; other requests are answered with 401. It also marks
/// the connection as that of a paired device.
pub struct Paired {
    pub guest: Guest,
    /// The token, if it came in a cookie.
    pub cookie: Option<String>,
}

impl FromRequestParts<App> for Paired {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Some(paired) = app.paired(&parts.headers) else {
            let message = "this device is not paired; `talklight remote`, or `p` on the screen, shows how";
            let mut response = refused(StatusCode::UNAUTHORIZED, message);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Err(response);
        };
        if let Some(connection) = parts.extensions.get::<Arc<Registration<Connection>>>() {
            connections::promote(connection, ConnectionState::Paired);
        }
        Ok(paired)
    }
}

impl App {
    /// The paired device that has sent these headers.
    pub fn paired(&self, headers: &HeaderMap) -> Option<Paired> {
        let now = clock::stamp();
        if let Some(token) = cookie::bearer(headers) {
            return self.pairing.visit(token, now).map(|guest| Paired { guest, cookie: None });
        }
        let timer = self.pairing.timer()?;
        let visit = |token: &str| Some(Paired { guest: self.pairing.visit(token, now)?, cookie: Some(token.into()) });
        cookie::tokens(headers, &timer).find_map(visit)
    }
}

pub async fn status(State(app): State<App>) -> Response {
    json(StatusCode::OK, protocol::encode(&app.desk.status()))
}

/// Server-sent events: the status at once and after each change, and a beat each second. Open to all; a paired device
/// keeps its connection when there are too many. With `?sound=1` the page counts as one whose sound is on.
pub async fn events(State(app): State<App>, _: Result<Paired, Response>, request: Request) -> Response {
    if let Some(connection) = request.extensions().get::<Arc<Registration<Connection>>>() {
        connections::promote(connection, ConnectionState::Streaming);
    }
    let sound = has_query(&request, "sound=1").then(|| app.sounds.add());
    let events = stream::unfold((app.feed, true, sound), |(mut feed, is_first, sound)| async move {
        let event = if is_first { feed.first() } else { feed.next().await? };
        Some((Ok::<_, Infallible>(event), (feed, false, sound)))
    });
    // nginx would collect the events and send many at once.
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Body::from_stream(events)).into_response()
}

/// Whether the query of a request has this part.
pub fn has_query(request: &Request, part: &str) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|one| one == part))
}

pub async fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "no such page; the stage view is at /, the remote at /remote")
}

pub async fn method_not_allowed() -> Response {
    refused(
        StatusCode::METHOD_NOT_ALLOWED,
        "use POST for commands and for pair, invite, remove and hello, and GET for all else",
    )
}

/// A response that says why a request was refused.
pub fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    json(status, protocol::encode(&Reply::new(false, message, None)))
}

/// Start, reset and undo. The last part of the path is the command.
pub async fn command(State(app): State<App>, _: Paired, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body: CommandBody = match read_body(request, CommandBody::EXPECTED).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let verb = match (path.rsplit('/').next(), body.plan) {
        (Some("start"), plan) => Verb::Start(plan),
        (_, Some(_)) => return refused(StatusCode::BAD_REQUEST, "only start takes a `plan`"),
        (Some("reset"), None) => Verb::Reset,
        (_, None) => Verb::Undo,
    };
    let request = ClientRequest { verb, generation: body.generation, origin: Origin::Web };
    // A task of its own completes even if the client hangs up, so that a repeat of the request finds its reply.
    match timeout(ANSWER_TIMEOUT, tokio::spawn(carry_out(app, request))).await {
        Ok(Ok(response)) => response,
        _ => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "the timer does not answer: the strip hangs, or the timer is stopping; check the status",
        ),
    }
}

async fn carry_out(app: App, request: ClientRequest) -> Response {
    let (desk, asked) = (app.desk.clone(), request.clone());
    let Ok((verdict, reply)) = tokio::task::spawn_blocking(move || desk.answer(&asked)).await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the timer is stopping");
    };
    let status = match verdict {
        Verdict::Done { .. } => StatusCode::OK,
        Verdict::Mistake => StatusCode::BAD_REQUEST,
        Verdict::Unanswered => StatusCode::SERVICE_UNAVAILABLE,
        // A repeat of a command that was carried out, but whose reply was lost on the way.
        Verdict::Stale if let Some(done) = app.completed.find(&request) => {
            return json(StatusCode::OK, protocol::encode(&Reply { status: reply.status, ..done }));
        }
        Verdict::Refused | Verdict::Stale => StatusCode::CONFLICT,
    };
    let text = protocol::encode(&reply);
    if request.generation.is_some() && verdict == (Verdict::Done { change: true }) {
        app.completed.insert(request, reply);
    }
    json(status, text)
}

/// The commands that were carried out for a given generation, and their replies.
#[derive(Clone, Default)]
pub struct CompletedCommands(Arc<Mutex<VecDeque<(ClientRequest, Reply)>>>);

impl CompletedCommands {
    fn find(&self, request: &ClientRequest) -> Option<Reply> {
        let completed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        completed.iter().find(|(known, _)| known == request).map(|(_, reply)| reply.clone())
    }

    fn insert(&self, request: ClientRequest, reply: Reply) {
        let mut completed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if completed.len() == COMPLETED_MAX {
            completed.pop_front();
        }
        completed.push_back((request, reply));
    }
}

/// Reads the body of a request; an empty body counts as `{}`. `expected` describes a good one to the client.
pub async fn read_body<T: DeserializeOwned>(request: Request, expected: &str) -> Result<T, Response> {
    let bytes = match timeout(BODY_TIMEOUT, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Err(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) => {
            let message = format!("the body is longer than {BODY_BYTES_MAX} bytes");
            return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Ok(Err(_)) => return Err(refused(StatusCode::BAD_REQUEST, expected)),
        Ok(Ok(bytes)) => bytes,
    };
    let text = match bytes.trim_ascii() {
        b"" => &b"{}"[..],
        text => text,
    };
    // serde would also read a struct from an array.
    let body = text.starts_with(b"{").then(|| serde_json::from_slice(text).ok()).flatten();
    body.ok_or_else(|| refused(StatusCode::BAD_REQUEST, expected))
}

pub fn done(app: &App, message: &str) -> Response {
    json(StatusCode::OK, protocol::encode(&Reply::new(true, message, Some(app.desk.status()))))
}

pub fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
