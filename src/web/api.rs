//! The requests: what a program or a page can ask for.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::time::timeout;

use super::House;
use super::door::{Place, Standing};
use super::press::{Credential, Press, Said};
use crate::control::desk::Verdict;
use crate::control::protocol::{self, Ask, Reply, What};
use crate::engine::event::Origin;
use crate::store::pairing::Unpaired;

/// A request has a plan's name and a number in it, or a ticket.
const BODY_BYTES_MAX: usize = 512;
/// How long a body may take.
const BODY: Duration = Duration::from_secs(5);
/// The engine answers at once, unless the strip hangs.
const ANSWER: Duration = Duration::from_secs(2);
/// Threads that wait for the engine at one time; who comes after them waits his turn.
pub const WAITING_MAX: usize = 8;
/// Presses that are remembered, so that one which is repeated is done once.
const DONE_MAX: usize = 32;
/// A year, in seconds; each visit of the remote renews it.
const COOKIE_AGE: u32 = 31_536_000;

/// The presses that were done, with the generation that each was meant for, and what they were answered.
#[derive(Clone, Default)]
pub struct Done(Arc<Mutex<VecDeque<(Meant, Reply)>>>);

type Meant = (&'static str, Press);

/// The place of the connection that a request came by, if it came by one.
type Seat = Option<Extension<Arc<Place>>>;

pub async fn status(State(house): State<House>) -> Response {
    json(StatusCode::OK, protocol::encode(&house.desk.status()))
}

/// The status now and whenever it has changed, and a beat each second, for as long as somebody listens.
pub async fn events(State(house): State<House>, place: Seat, headers: HeaderMap) -> Response {
    // Anybody may listen; who is paired keeps his place in a crowd.
    is_paired(&house, place.as_ref(), &headers);
    let news = stream::unfold((house.news, true), |(mut news, begins)| async move {
        let event = match begins {
            true => news.first(),
            false => news.next().await?,
        };
        Some((Ok::<_, Infallible>(event), (news, false)))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(news)).into_response()
}

pub async fn start(house: State<House>, place: Seat, request: Request) -> Response {
    press("start", house, place, request).await
}

pub async fn reset(house: State<House>, place: Seat, request: Request) -> Response {
    press("reset", house, place, request).await
}

pub async fn undo(house: State<House>, place: Seat, request: Request) -> Response {
    press("undo", house, place, request).await
}

/// Whether who asks is paired.
pub async fn paired(State(house): State<House>, place: Seat, headers: HeaderMap) -> Response {
    if !is_paired(&house, place.as_ref(), &headers) {
        return unpaired();
    }
    let mut response = done(&house, "paired".into());
    if let Some(token) = cookie(&headers).filter(|token| house.pairing.knows(token)) {
        give(&mut response, token);
    }
    response
}

/// Gives a token to who says the ticket or the code of an invitation.
pub async fn pair(State(house): State<House>, request: Request) -> Response {
    let credential: Credential = match body(request).await {
        Ok(credential) => credential,
        Err(refusal) => return refusal,
    };
    match house.desk.redeem(credential.answer.trim()) {
        Ok(token) => {
            let mut response = done(&house, "paired".into());
            give(&mut response, &token);
            response
        }
        Err(Unpaired::Wrong) => refused(
            StatusCode::FORBIDDEN,
            "that is not, or no longer, the code; ask for a new one with `talklight remote`, or `p` on the screen",
        ),
        Err(Unpaired::Closed { left }) => refused(
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many wrong codes; pairing is open again in {} s", left.as_secs() + 1),
        ),
        Err(Unpaired::Failed(error)) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, format!("the pairing cannot be kept: {error}"))
        }
    }
}

pub async fn nowhere() -> Response {
    refused(StatusCode::NOT_FOUND, "there is nothing here; / is the stage view, /remote the remote")
}

pub async fn not_so() -> Response {
    refused(StatusCode::METHOD_NOT_ALLOWED, "read with GET; start, reset, undo and pair with POST")
}

/// An answer that says why not.
pub fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    let reply = Reply::new(false, why, None);
    json(status, protocol::encode(&reply))
}

async fn press(verb: &'static str, State(house): State<House>, place: Seat, request: Request) -> Response {
    if !is_paired(&house, place.as_ref(), request.headers()) {
        return unpaired();
    }
    let press: Press = match body(request).await {
        Ok(press) => press,
        Err(refusal) => return refusal,
    };
    let what = match (verb, press.plan.clone()) {
        ("start", plan) => What::Start(plan),
        (_, Some(_)) => return refused(StatusCode::BAD_REQUEST, "`plan` is for start"),
        ("reset", None) => What::Reset,
        _ => What::Undo,
    };
    let ask = Ask { what, generation: press.generation, origin: Origin::Web };
    // Done and remembered even if who asked is gone meanwhile, so that a repeat finds it done.
    let done = tokio::spawn(carry_out(house, verb, press, ask));
    match timeout(ANSWER, done).await {
        Ok(Ok(response)) => response,
        _ => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "the timer does not answer: the strip hangs, or it is stopping; look what became of it",
        ),
    }
}

async fn carry_out(house: House, verb: &'static str, press: Press, ask: Ask) -> Response {
    let desk = house.desk.clone();
    let Ok((verdict, reply)) = tokio::task::spawn_blocking(move || desk.answer(&ask)).await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the timer is stopping");
    };
    let code = match verdict {
        Verdict::Done { .. } => StatusCode::OK,
        Verdict::Mistake => StatusCode::BAD_REQUEST,
        Verdict::Unanswered => StatusCode::SERVICE_UNAVAILABLE,
        // A repeat of what was done, whose answer got lost on the way, is done already.
        Verdict::Stale if let Some(done) = house.done.find(verb, &press) => {
            return json(StatusCode::OK, protocol::encode(&Reply { status: reply.status, ..done }));
        }
        Verdict::Refused | Verdict::Stale => StatusCode::CONFLICT,
    };
    let text = protocol::encode(&reply);
    if press.generation.is_some() && verdict == (Verdict::Done { change: true }) {
        house.done.remember(verb, press, reply);
    }
    json(code, text)
}

/// What the body of a request says; an empty one says nothing more than the request itself.
async fn body<T: Said>(request: Request) -> Result<T, Response> {
    let bytes = match timeout(BODY, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Err(_) => {
            return Err(refused(StatusCode::REQUEST_TIMEOUT, "the body did not come"));
        }
        Ok(Err(error)) if is_too_long(&error) => {
            let why = format!("a body has at most {BODY_BYTES_MAX} bytes");
            return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        Ok(Err(_)) => return Err(refused(StatusCode::BAD_REQUEST, T::SUCH_AS)),
        Ok(Ok(bytes)) => bytes,
    };
    let text = std::str::from_utf8(&bytes).unwrap_or("\u{fffd}");
    T::said(text).ok_or_else(|| refused(StatusCode::BAD_REQUEST, T::SUCH_AS))
}

fn is_too_long(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

const COOKIE: &str = "talklight";

fn is_paired(house: &House, place: Option<&Extension<Arc<Place>>>, headers: &HeaderMap) -> bool {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    let paired = bearer.or(cookie(headers)).is_some_and(|token| house.pairing.knows(token.trim()));
    if let Some(place) = place.filter(|_| paired) {
        place.rise(Standing::Paired);
    }
    paired
}

/// The token in the cookie, if there is one.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Leaves a token with the browser, for a year from now.
fn give(response: &mut Response, token: &str) {
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn unpaired() -> Response {
    let mut response = refused(
        StatusCode::UNAUTHORIZED,
        "this device is not paired; `talklight remote`, or `p` on the screen, shows how",
    );
    let bearer = header::HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    response
}

fn done(house: &House, message: String) -> Response {
    let reply = Reply::new(true, message, Some(house.desk.status()));
    json(StatusCode::OK, protocol::encode(&reply))
}

fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

impl Done {
    fn find(&self, verb: &'static str, press: &Press) -> Option<Reply> {
        let done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |((was, meant), _): &&(Meant, Reply)| *was == verb && meant == press;
        done.iter().find(same).map(|(_, reply)| reply.clone())
    }

    fn remember(&self, verb: &'static str, press: Press, reply: Reply) {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() == DONE_MAX {
            done.pop_front();
        }
        done.push_back(((verb, press), reply));
    }
}
