//! The request handlers of the API.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::App;
use super::connections::{self, Connection, ConnectionState};
use crate::control::protocol::{self, Reply};
use crate::control::registry::Registration;
use crate::store::pairing::PairingError;

/// A body holds at most the name of a plan and a number, or a ticket.
const BODY_BYTES_MAX: usize = 512;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
const COOKIE: &str = "talklight";
/// A year. Each visit of the remote renews the cookie.
const COOKIE_AGE_S: u32 = 31_536_000;

/// The body of pair.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairBody {
    /// The ticket or the code of an invitation.
    answer: String,
}

impl PairBody {
    const EXPECTED: &str = "the body must be JSON such as {\"answer\": \"123456\"}";
}

/// Extracted from a request that carries the token of a paired device; other requests are answered with 401. It also marks
/// the connection as that of a paired device.
pub struct Paired;

impl FromRequestParts<App> for Paired {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let token = bearer(&parts.headers).or(cookie(&parts.headers));
        if !token.is_some_and(|token| app.pairing.is_valid(token)) {
            let message = "this device is not paired; `talklight remote`, or `p` on the screen, shows how";
            let mut response = refused(StatusCode::UNAUTHORIZED, message);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Err(response);
        }
        if let Some(connection) = parts.extensions.get::<Arc<Registration<Connection>>>() {
            connections::promote(connection, ConnectionState::Paired);
        }
        Ok(Self)
    }
}

pub async fn status(State(app): State<App>) -> Response {
    json(StatusCode::OK, protocol::encode(&app.desk.status()))
}

/// Server-sent events: the status at once and after each change, and a beat each second. Open to all; a paired device
/// keeps its connection when there are too many.
pub async fn events(State(app): State<App>, _: Result<Paired, Response>) -> Response {
    let events = stream::unfold((app.feed, true), |(mut feed, is_first)| async move {
        let event = if is_first { feed.first() } else { feed.next().await? };
        Some((Ok::<_, Infallible>(event), (feed, false)))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// Confirms that the requester is paired, and renews its cookie.
pub async fn paired(State(app): State<App>, _: Paired, headers: HeaderMap) -> Response {
    let mut response = done(&app, "paired");
    if let Some(token) = cookie(&headers).filter(|token| app.pairing.is_valid(token)) {
        set_cookie(&mut response, token);
    }
    response
}

/// Exchanges the ticket or the code of an invitation for a token, which goes into a cookie.
pub async fn pair(State(app): State<App>, request: Request) -> Response {
    let body: PairBody = match read_body(request, PairBody::EXPECTED).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    match app.desk.redeem(body.answer.trim()) {
        Ok(token) => {
            let mut response = done(&app, "paired");
            set_cookie(&mut response, &token);
            response
        }
        Err(PairingError::Wrong) => refused(
            StatusCode::FORBIDDEN,
            "wrong or expired code; ask for a new one with `talklight remote`, or `p` on the screen",
        ),
        Err(PairingError::Closed { left }) => refused(
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many wrong codes; try again in {} s", left.as_secs() + 1),
        ),
        Err(PairingError::Failed(error)) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, format!("the pairing cannot be saved: {error}"))
        }
    }
}

pub async fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "no such page; the stage view is at /, the remote at /remote")
}

pub async fn method_not_allowed() -> Response {
    refused(StatusCode::METHOD_NOT_ALLOWED, "use POST for commands and pairing, and GET for all else")
}

/// A response that says why a request was refused.
pub fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    json(status, protocol::encode(&Reply::new(false, message, None)))
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

/// The bearer token of the request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The token in the request's cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Stores `token` in the browser for a year.
fn set_cookie(response: &mut Response, token: &str) {
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={COOKIE_AGE_S}; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn done(app: &App, message: &str) -> Response {
    json(StatusCode::OK, protocol::encode(&Reply::new(true, message, Some(app.desk.status()))))
}

pub fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
