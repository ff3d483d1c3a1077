//! The guard: what a request must be before anybody looks at what it wants, and what a browser is told to allow.
//!
//! Pages of other places can make a browser send requests here, and by a name of theirs that points here even read the
//! answers. So a request must ask for this machine by a name of its own, and one that changes something must come from a page
//! of it.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nix::unistd::gethostname;

use super::House;
use super::api::refused;

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

pub async fn guard(State(house): State<House>, request: Request, next: Next) -> Response {
    let mut response = match judge(&house.hosts, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err((status, why)) => refused(status, why).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn judge(hosts: &[String], method: &Method, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).filter(|host| is_ours(host, hosts)) else {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "ask by this machine's address or name; another name is put in `hosts` under [web]",
        ));
    };
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let foreign = match (text(header::ORIGIN), headers.contains_key(header::ORIGIN)) {
        (Some(origin), _) => origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host)),
        (None, unreadable) => {
            unreadable || headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION)
        }
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if foreign || site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err((StatusCode::FORBIDDEN, "this must come from a page of this timer"));
    }
    Ok(())
}

/// An address, which no name of somebody else's can stand for, or one of our names.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<std::net::Ipv4Addr>().is_ok() || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

/// The names by which this machine is known without a word in the config.
pub fn own_names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    if let Some(name) = gethostname().ok().and_then(|name| name.into_string().ok()) {
        names.push(format!("{name}.local"));
        names.push(name);
    }
    names
}
