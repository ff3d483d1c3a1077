//! Checks before every request, and security headers on every response.
//!
//! A page of another site can make a browser send requests to this server. By a domain of its own that resolves to this
//! machine (DNS rebinding) it could even read the responses. So each request must name this machine as its `Host`, and one
//! that changes something must come from a page of this server.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use nix::unistd::gethostname;

use super::api::{has_query, refused};
use super::{App, home};

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_plain = has_query(&request, "refusals=200");
    let mut response = match check(&app.hosts, request.method(), request.headers()) {
        Ok(()) => match home::redirect(&app, &request) {
            Some(redirect) => redirect,
            None => next.run(request).await,
        },
        Err((status, message)) => refused(status, message),
    };
    // For programs that take every other status for a broken connection. The body still says `"ok": false`.
    if is_plain && response.status() == StatusCode::CONFLICT {
        *response.status_mut() = StatusCode::OK;
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn check(hosts: &[String], method: &Method, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| is_own_host(host, hosts)) else {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "use this machine's address or name; list other names in `hosts` under [web]",
        ));
    };
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let is_foreign = match (text(header::ORIGIN), headers.contains_key(header::ORIGIN)) {
        (Some(origin), _) => origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host)),
        // A browser sends an `Origin` with every POST; only a program with a bearer token may leave it out.
        (None, is_unreadable) => {
            is_unreadable || headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION)
        }
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if is_foreign || site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err((StatusCode::FORBIDDEN, "this request must come from a page of this timer"));
    }
    Ok(())
}

/// Whether a `Host` header, with or without a port, is an IP address or one of `hosts`. An IP address is safe, since no
/// foreign domain can resolve to it.
fn is_own_host(host: &str, hosts: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<Ipv6Addr>().is_ok(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<Ipv4Addr>().is_ok() || hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// This machine's names, which need no entry in the config.
pub fn own_names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    if let Some(name) = gethostname().ok().and_then(|name| name.into_string().ok()) {
        names.push(format!("{name}.local"));
        names.push(name);
    }
    names
}
