//! Tokens in the headers of requests and responses.
//!
//! A browser sends the cookies of a host to each of its ports, so the cookie's name has the timer's name in it: two timers on one
//! host do not take each other's. A cookie for HTTPS has another name than one for HTTP: no page without TLS may replace it, so a
//! browser that also opens the timer past its proxy could not be paired there.

use axum::http::{HeaderMap, header};
use axum::response::Response;

/// The name of the cookie in talklight 0.2, which is still accepted.
const OLD_NAME: &str = "talklight";
/// A year. Each visit of the remote renews the cookie.
const AGE_S: u32 = 31_536_000;
/// Cookies of one name that are looked at. A browser sends several only if they have different paths.
const TRIED_MAX: usize = 8;

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The tokens in a request's cookies: first those for this timer, then those under the old name, which any timer may have set.
/// A browser sends those for HTTPS only over HTTPS.
pub fn tokens<'a>(headers: &'a HeaderMap, timer: &str) -> impl Iterator<Item = &'a str> {
    let named = |name: String| {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = cookies.flat_map(|cookies| cookies.split(';'));
        cookies.filter_map(move |cookie| cookie.trim().strip_prefix(name.as_str())?.strip_prefix('=')).take(TRIED_MAX)
    };
    named(name(timer, true)).chain(named(name(timer, false))).chain(named(OLD_NAME.into()))
}

/// Stores `token` in the browser for a year.
pub fn set(response: &mut Response, timer: &str, token: &str, is_https: bool) {
    let secure = if is_https { "; Secure" } else { "" };
    let name = name(timer, is_https);
    let cookie = format!("{name}={token}; Path=/; Max-Age={AGE_S}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn name(timer: &str, is_https: bool) -> String {
    let end = if is_https { "-https" } else { "" };
    format!("{OLD_NAME}-{timer}{end}")
}
