//! The request handlers of the API.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::connections::{self, Connection, ConnectionState};
use super::{App, cookie};
use crate::control::protocol::{self, Reply};
use crate::control::registry::Registration;
use crate::core::clock;
use crate::store::pairing::Guest;

/// A body holds at most the name of a plan and a number, or a ticket.
const BODY_BYTES_MAX: usize = 512;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

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

pub fn done(app: &App, message: &str) -> Response {
    json(StatusCode::OK, protocol::encode(&Reply::new(true, message, Some(app.desk.status()))))
}

pub fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
