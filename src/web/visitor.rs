//! Who sends a request: the browser in words, the scheme, and the address behind a proxy.

use std::net::IpAddr;

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

use crate::store::pairing::Visitor;

/// By what a browser calls itself, the first that fits: most also name their ancestors.
const BROWSERS: [(&str, &str); 14] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Epiphany/", "Epiphany"),
    ("Safari/", "Safari"),
    ("AppleWebKit/", "a web view"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// The browser or program that has sent these headers.
pub fn visitor(headers: &HeaderMap) -> Visitor {
    let agent = text(headers, &header::USER_AGENT).unwrap_or_default();
    Visitor { name: browser(agent), is_https: is_https(headers) }
}

/// A word for the browser with this `User-Agent`, such as `Firefox on Android`. Never a word of the header itself.
pub fn browser(agent: &str) -> String {
    let find =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|&(_, word)| word);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => "a device".into(),
    }
}

/// The address of the page that has sent a request, if it is behind a proxy with HTTPS.
pub fn https_origin(headers: &HeaderMap) -> Option<String> {
    text(headers, &header::ORIGIN).filter(|origin| origin.starts_with("https://")).map(Into::into)
}

/// Whether the browser uses HTTPS, by its own word or by that of a proxy. It decides only about the browser's own cookie.
fn is_https(headers: &HeaderMap) -> bool {
    let proxy = text(headers, &HeaderName::from_static("x-forwarded-proto"));
    https_origin(headers).is_some() || proxy.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The address that the nearest proxy has seen. Anybody can claim one, so it must not open anything.
pub fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let all = headers.get_all("x-forwarded-for").iter().next_back()?;
    all.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// Whether a proxy has sent the request.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "via" | "x-real-ip")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}
