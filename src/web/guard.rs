//! Checks before every request, and security headers on every response.
//!
//! A page of another site can make a browser send requests to this server. By a domain of its own that resolves to this
//! machine (DNS rebinding) it could even read the responses. So each request must name this machine as its `Host`, and one
//! that changes something must come from a page of this server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::api::{has_query, refused};
use super::{App, home};
use crate::os::network;

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
    let by = request.extensions().get::<ReachedBy>().map(|ReachedBy(ip)| *ip);
    let mut response = match check(&app, request.method(), request.headers()) {
        Ok(()) => {
            if let Some(ip) = by {
                app.pairing.reached_by(ip);
            }
            match home::redirect(&app, &request) {
                Some(redirect) => redirect,
                None => next.run(request).await,
            }
        }
        Err((status, message)) if status == StatusCode::MISDIRECTED_REQUEST && wants_html(request.headers()) => {
            (status, Html(page(&message))).into_response()
        }
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

/// The address of this machine by which a request came.
#[derive(Clone, Copy)]
pub struct ReachedBy(pub IpAddr);

fn check(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    if !is_own_host(host, &app.hosts) {
        return Err((StatusCode::MISDIRECTED_REQUEST, unknown(host)));
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let is_foreign = match (text(header::ORIGIN), headers.contains_key(header::ORIGIN)) {
        (Some(origin), _) => {
            let is_same = origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
            // A proxy may pass on another name than the browser uses, or leave out its port.
            let address = || app.pairing.site().and_then(|site| site.address);
            !is_same && !address().is_some_and(|address| origin_of(&address).eq_ignore_ascii_case(origin))
        }
        // A browser sends an `Origin` with every POST; only a program with a bearer token may leave it out.
        (None, is_unreadable) => {
            is_unreadable || headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION)
        }
    };
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if is_foreign || site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err((StatusCode::FORBIDDEN, "this request must come from a page of this timer".into()));
    }
    Ok(())
}

/// The scheme, the host and the port of a URL.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

/// Whether a `Host` header, with or without a port, is an IP address or one of `hosts` or of this machine's names. An IP address
/// is safe, since no foreign domain can resolve to it.
fn is_own_host(host: &str, hosts: &[String]) -> bool {
    let Some(name) = without_port(host) else { return false };
    if let Some(address) = name.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    if name.parse::<Ipv4Addr>().is_ok() || network::is_own_name(name, network::host_name().as_deref()) {
        return true;
    }
    let name = network::canonical(name);
    hosts.iter().any(|own| network::canonical(own) == name)
}

/// The name or address in a `Host` header. `None` if what follows it is no port.
fn without_port(host: &str) -> Option<&str> {
    let end = host.rfind(']').map_or(0, |at| at + 1);
    match host[end..].split_once(':') {
        None if end == 0 || end == host.len() => Some(host),
        Some((rest, port)) if end == 0 || rest.is_empty() => {
            port.bytes().all(|byte| byte.is_ascii_digit()).then_some(&host[..end + rest.len()])
        }
        _ => None,
    }
}

/// What is said to a request for the name of another machine.
fn unknown(host: &str) -> String {
    let name = without_port(host).map(network::canonical).unwrap_or_default();
    // Only what can stand in the config is repeated.
    let is_name = name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && name.split('.').all(|label| !label.is_empty());
    match is_name {
        true => format!(
            "this timer does not know the name {name}; if it is this timer's, write `hosts = [\"{name}\"]` under [web] in its \
             config and restart it; or use its address"
        ),
        false => "use this machine's address or name; list other names in `hosts` under [web]".into(),
    }
}

/// Whether a browser asks for a page to show.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// A page that says why a browser was refused. It needs no other file, because that would be refused as well.
fn page(message: &str) -> String {
    let (what, remedy) = message.split_once("; ").unwrap_or((message, ""));
    let sentence = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let code = |(n, part): (usize, &str)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.into() };
        let text: String = text.split('`').enumerate().map(code).collect();
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        format!("<p>{first}{}.</p>", letters.as_str())
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>talklight: unknown name</title>\n<h1>talklight</h1>\n{}\n{}\n",
        sentence(what),
        sentence(remedy)
    )
}
