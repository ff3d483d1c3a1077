//! Converts the values of `[web]`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use toml::de::DeValue;

use super::convert::{must, shown, text};
use crate::os::network::canonical;

const NAME_CHARS_MAX: usize = 40;
/// The longest name of a host (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;
const ADDRESS_BYTES_MAX: usize = 200;

/// A socket address with a port other than 0. Without an address, as in `:8081`, it is all addresses of the machine.
pub(super) fn listen(value: &DeValue) -> Result<SocketAddr, String> {
    let written = value.as_str().unwrap_or_default();
    let everywhere = |port: u16| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let parsed = match written.strip_prefix(':').filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(port) => port.parse().ok().map(everywhere),
        None => written.parse().ok(),
    };
    if let Some(address) = parsed.filter(|address: &SocketAddr| address.port() != 0) {
        return Ok(address);
    }
    let be = "be an address and a port, such as \":8080\" for all addresses of this machine, or \"127.0.0.1:8080\" for this \
              machine alone";
    let bare = match value {
        DeValue::Integer(number) => number.as_str(),
        _ => written,
    };
    let guess = match (bare.parse::<u16>(), bare.trim_matches(['[', ']']).parse::<IpAddr>()) {
        (Ok(port @ 1..), _) => Some(format!(":{port}")),
        (_, Ok(ip)) => Some(SocketAddr::new(ip, 8080).to_string()),
        _ => written.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}")),
    };
    let guess = guess.map(|guess| format!("; did you mean \"{guess}\"?"));
    Err(must(value, be) + &guess.unwrap_or_default())
}

/// What people call a timer.
pub(super) fn name(value: &DeValue) -> Result<String, String> {
    let name = text(value)?.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.contains(char::is_control);
    match fits {
        true => Ok(name.to_owned()),
        false => Err(must(
            value,
            &format!("be a name of 1 to {NAME_CHARS_MAX} characters in one line, such as \"Main hall\""),
        )),
    }
}

/// The URL of a proxy as browsers write its origin: in lower case and without the scheme's usual port. Without the slash that may
/// end it.
pub(super) fn url(value: &DeValue) -> Result<String, String> {
    let be = "be the URL that browsers open, such as \"https://timer.example.org\"";
    let written = text(value)?;
    let bad = |why: &str| Err(format!("{}: {why}", must(value, be)));
    let Some((scheme, rest)) = written.split_once("://") else { return bad("the scheme is missing, https or http") };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return bad("the scheme is https or http");
    }
    if written.len() > ADDRESS_BYTES_MAX || !rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return match rest.split(['/', ':']).next().and_then(ascii_form) {
            Some(ascii) => bad(&format!("browsers write this name as \"{ascii}\"")),
            None => bad("a URL has no blanks and no letters beyond ASCII"),
        };
    }
    if rest.contains(['?', '#', '@']) {
        return bad("it ends with the name, the port or a folder");
    }
    let (authority, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = split_port(authority);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return bad("this port is no number up to 65535");
    }
    let host = host_name(host)?;
    let usual = if scheme == "https" { "443" } else { "80" };
    let port = port.filter(|port| *port != usual).map_or(String::new(), |port| format!(":{port}"));
    let folder = folder.trim_end_matches('/');
    let slash = if folder.is_empty() { "" } else { "/" };
    Ok(format!("{scheme}://{host}{port}{slash}{folder}"))
}

/// The host of a URL that [`url`] has accepted.
pub(super) fn url_host(url: &str) -> &str {
    let authority = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    split_port(authority).0
}

/// A list of host names, without ports.
pub(super) fn names(value: &DeValue) -> Result<Vec<String>, String> {
    let list = value.as_array().ok_or_else(|| must(value, "be a list of names, such as [\"timer.example.org\"]"))?;
    let name = |value: &toml::Spanned<DeValue>| host_name(text(value.get_ref())?);
    let (mut names, mut wrong) = (Vec::new(), Vec::new());
    for entry in list {
        match name(entry) {
            Ok(name) => names.push(name),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(names) } else { Err(wrong.join("; ")) }
}

/// The name of a host as browsers send it, in lower case and without a dot at the end.
fn host_name(written: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("`\"{}\"` {why}", shown(written)));
    let is_v6 = |address: &str| address.parse::<Ipv6Addr>().is_ok();
    if is_v6(written.trim_start_matches('[').trim_end_matches(']')) {
        return Ok(format!("[{}]", written.trim_start_matches('[').trim_end_matches(']')));
    }
    let good = |name: &str| {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        name.len() <= HOST_BYTES_MAX && name.split('.').all(is_label)
    };
    let name = canonical(written);
    if good(&name) {
        return Ok(name);
    }
    // What is left of it as a name.
    let rest = written.split_once("://").map_or(written, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let (host, port) = split_port(host);
    let host = ascii_form(host).unwrap_or_else(|| canonical(host));
    let right = if good(&host) { format!("; write \"{host}\"") } else { String::new() };
    if written.contains("://") {
        return wrong(&format!("must be a name without a scheme{right}"));
    }
    if rest.contains('/') {
        return wrong(&format!("must be a name without a path{right}"));
    }
    if written.contains('*') {
        return wrong("must be a whole name: a star stands for nothing here; list each name");
    }
    if port.is_some() {
        return wrong(&format!("must be a name without a port{right}"));
    }
    if !written.is_ascii() && !right.is_empty() {
        return wrong(&format!("must be written as browsers send it{right}"));
    }
    wrong("must be the name of a host, such as \"timer.example.org\"")
}

/// Splits the host of a URL from its port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// A name with letters beyond ASCII as browsers send it (RFC 3492). `None` if it has none.
fn ascii_form(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    let label = |label: &str| match label.is_ascii() {
        true => Some(label.to_ascii_lowercase()),
        false => Some(format!("xn--{}", punycode::encode(&label.to_lowercase()).ok()?)),
    };
    let labels: Option<Vec<String>> = canonical(name).split('.').map(label).collect();
    Some(labels?.join("."))
}
