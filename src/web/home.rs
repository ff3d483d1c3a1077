//! One address for this machine itself. To a browser `localhost` and `127.0.0.1` are two sites with cookies of their own, so a
//! browser that is paired on one is unpaired on the other. Pages at `localhost` are sent to `127.0.0.1`, which every message of
//! talklight names.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};

use super::connections::{self, Connection};
use super::{App, pages, visitor};
use crate::control::registry::Registration;

/// The redirect, if this request asks for a page at `localhost`: straight from a browser on this machine, which is not paired
/// there, and if `127.0.0.1` leads to this server, too.
pub fn redirect(app: &App, request: &Request) -> Option<Response> {
    let is_page = *request.method() == Method::GET && pages::is_page(request.uri().path());
    // nginx's usual HTTP/1.0 with the name from its own config.
    if !is_page || request.version() != Version::HTTP_11 || visitor::is_forwarded(request.headers()) {
        return None;
    }
    let port = connections::home_port(request.extensions().get::<Arc<Registration<Connection>>>()?)?;
    let host = request.headers().get(header::HOST)?.to_str().ok()?.to_ascii_lowercase();
    let here = match port {
        80 => host == "localhost" || host == "localhost:80",
        port => host == format!("localhost:{port}"),
    };
    if !here || app.paired(request.headers()).is_some() {
        return None;
    }
    let path = request.uri().path_and_query()?;
    let to = format!("http://127.0.0.1:{port}{path}");
    Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response())
}
