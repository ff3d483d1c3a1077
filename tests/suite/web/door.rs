//! Refused requests: foreign names, foreign pages, and those that are too large, too slow or malformed.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use talklight::core::clock;

use super::client::{HttpRequest, HttpResponse};
use super::{Instance, Web};
use crate::child;
use crate::harness::{PATIENCE, text};

/// Checks the security headers, which every response has.
fn assert_guarded(answer: &HttpResponse) {
    let policy = answer.header("content-security-policy").unwrap();
    for rule in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn every_response_has_the_security_headers() {
    let web = Web::running();
    for path in ["/", "/remote", "/style.css", "/api/v1/status", "/nowhere"] {
        assert_guarded(&web.get(path));
    }
    assert_guarded(&HttpRequest::get("/").with("Host", "evil.example").send(web.port));
    assert_guarded(&web.post("/api/v1/start", "wrong", &json!({})));
}

#[test]
fn a_foreign_host_name_can_read_nothing() {
    let web = Web::of("hosts = [\"timer.example.org\"]");
    let name = text(&child::command("uname").arg("-n").output().unwrap().stdout);
    let name = name.trim();
    let port = web.port;
    let ours = [
        "localhost".to_owned(),
        format!("LocalHost:{port}"),
        format!("127.0.0.1:{port}"),
        "192.168.0.7".into(),
        "[::1]:8080".into(),
        name.into(),
        name.to_uppercase(),
        format!("{name}.:{port}"),
        format!("{name}.local:{port}"),
        format!("{name}-2.local"),
        format!("{name}.local.:{port}"),
        "[fd00::7]".into(),
        "timer.example.org".into(),
        format!("Timer.Example.org.:{port}"),
    ];
    for host in ours {
        let answer = HttpRequest::get("/api/v1/status").with("Host", &host).send(port);
        assert_eq!(answer.status, 200, "{host}");
    }
    let theirs = [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8080",
        "[evil]",
        "[::1]evil",
        "[::1]:evil",
        "[::1].evil.example",
        "localhost:evil",
        "localhost:80:80",
        "",
        "127.1",
        "timer.example.org.evil.example",
    ];
    for host in theirs {
        let answer = HttpRequest::get("/api/v1/status").with("Host", host).send(port);
        assert_eq!(answer.status, 421, "{host}");
        assert_eq!(answer.json()["status"], json!(null), "{host}");
    }
    assert_eq!(HttpRequest::get("/api/v1/status").without("Host").send(port).status, 421);
}

#[test]
fn a_refused_host_is_told_the_line_that_lets_it_in() {
    let web = Web::of("hosts = [\"secret.example.org\"]");
    let ask =
        |host: &str, accept: &str| HttpRequest::get("/remote").with("Host", host).with("Accept", accept).send(web.port);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = ask("Timer.Example.org.:8443", browser);
    assert_eq!((page.status, page.header("content-type")), (421, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<p>This timer does not know the name timer.example.org.</p>"), "{}", page.body);
    assert!(
        page.body.contains("write <code>hosts = [&quot;timer.example.org&quot;]</code> under [web]"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("secret"), "a foreign page may read this: {}", page.body);
    let program = ask("timer.example.org", "*/*").json();
    let message = program["message"].as_str().unwrap();
    assert!(message.contains("write `hosts = [\"timer.example.org\"]` under [web] in its config"), "{message}");
    // The line is one that the config takes.
    let line = message.split('`').nth(1).unwrap();
    let web = Web::of(line);
    assert_eq!(HttpRequest::get("/remote").with("Host", "timer.example.org").send(web.port).status, 200);
    for odd in ["<b>x</b>", "a\"b", "", "a..b"] {
        let page = ask(odd, browser);
        assert_eq!(page.status, 421);
        assert!(
            !page.body.contains("<b>") && page.body.contains("Use this machine's address or name"),
            "{}",
            page.body
        );
    }
}

#[test]
fn the_address_of_a_proxy_counts_among_the_hosts() {
    let web = Web::of("address = \"https://timer.example.org:8443/timer/\"");
    for (host, status) in [("timer.example.org:8443", 200), ("timer.example.org", 200), ("example.org", 421)] {
        assert_eq!(HttpRequest::get("/").with("Host", host).send(web.port).status, status, "{host}");
    }
}

#[test]
fn a_foreign_page_can_change_nothing() {
    let web = Web::running();
    let host = format!("127.0.0.1:{}", web.port);
    let [ticket, _] = web.invite();
    let cookie = web.pair(&ticket);
    let cookie = cookie.header("set-cookie").unwrap().split(';').next().unwrap();
    let with_cookie = || HttpRequest::post("/api/v1/start", "{}").with("Host", &host).with("Cookie", cookie);
    let foreign = [
        "http://evil.example".to_owned(),
        "null".into(),
        "".into(),
        "file://".into(),
        format!("http://127.0.0.1:{}", web.port ^ 1),
        format!("http://evil.example/{host}"),
        format!("http://{host}.evil.example"),
        format!("http://user@{host}"),
    ];
    for origin in foreign {
        let answer = with_cookie().with("Origin", &origin).send(web.port);
        assert_eq!(answer.status, 403, "{origin}");
    }
    // A browser sends an `Origin` with each POST; a request without one is not from our page.
    assert_eq!(with_cookie().send(web.port).status, 403);
    for site in ["cross-site", "same-site"] {
        let ask = with_cookie().with("Origin", &format!("http://{host}"));
        assert_eq!(ask.with("Sec-Fetch-Site", site).send(web.port).status, 403, "{site}");
    }
    // A foreign page cannot pair either.
    let [_, code] = web.invite();
    let body = json!({ "answer": code }).to_string();
    let ask = HttpRequest::post("/api/v1/pair", &body).with("Host", &host);
    let answer = ask.with("Origin", "http://evil.example").send(web.port);
    assert_eq!((answer.status, answer.header("set-cookie")), (403, None));
    // A preflight request allows no other origin.
    let preflight = HttpRequest::new("OPTIONS", "/api/v1/start").with("Origin", "http://evil.example");
    assert_eq!(preflight.send(web.port).header("access-control-allow-origin"), None);
    assert_eq!(web.house.status()["phase"], "ready");
    let ours = with_cookie().with("Origin", &format!("http://{host}"));
    let answer = ours.with("Sec-Fetch-Site", "same-origin").send(web.port);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_proxy_may_use_another_scheme_with_a_known_name() {
    let web = Web::of("hosts = [\"timer.example.org\"]");
    let [ticket, _] = web.invite();
    let body = json!({ "answer": ticket }).to_string();
    let ask = HttpRequest::post("/api/v1/pair", &body).with("Host", "timer.example.org");
    assert_eq!(ask.with("Origin", "https://timer.example.org").send(web.port).status, 200);
}

#[test]
fn a_proxy_may_pass_on_another_name_than_that_of_the_address() {
    let web = Web::of("address = \"https://Timer.example.org:8443/timer/\"");
    let pair = |host: &str, origin: &str| {
        let [ticket, _] = web.invite();
        let body = json!({ "answer": ticket }).to_string();
        let ask = HttpRequest::post("/api/v1/pair", &body).with("Host", host).with("Origin", origin);
        ask.send(web.port).status
    };
    // nginx without a line for the host, and with `$host`, which has no port.
    for host in ["127.0.0.1:8080", "timer.example.org"] {
        assert_eq!(pair(host, "https://timer.example.org:8443"), 200, "{host}");
        for origin in ["https://timer.example.org", "http://timer.example.org:8443", "https://evil.example", "null", ""]
        {
            // Without a port it is the name that the proxy has passed on.
            let expected = if host == "timer.example.org" && origin == "https://timer.example.org" { 200 } else { 403 };
            assert_eq!(pair(host, origin), expected, "{host} {origin}");
        }
    }
}

#[test]
fn malformed_requests_get_the_right_status() {
    let web = Web::running();
    let token = web.token();
    let start = |body: &str| {
        let ask = HttpRequest::post("/api/v1/start", body);
        ask.with("Authorization", &format!("Bearer {token}")).send(web.port).status
    };
    for body in
        ["[]", "{", "17", "{\"generation\": -1}", "{\"generation\": \"17\"}", "{\"plam\": \"lightning\"}", "\u{0}"]
    {
        assert_eq!(start(body), 400, "{body}");
    }
    let long = |length: usize| format!("{{\"plan\": \"{}\"}}", "x".repeat(length - 12));
    assert_eq!(start(&long(512)), 400);
    assert_eq!(start(&long(513)), 413);
    assert_eq!(start(&long(100_000)), 413);
    assert_eq!(web.get("/api/v1").status, 404);
    assert_eq!(web.get("/../Cargo.toml").status, 404);
    assert_eq!(web.get("/api/v1/start").status, 405);
    assert_eq!(HttpRequest::post("/api/v1/status", "").send(web.port).status, 405);
    assert_eq!(HttpRequest::new("DELETE", "/").send(web.port).status, 405);
    let large = HttpRequest::get("/").with("X", &"x".repeat(20_000));
    assert_eq!(large.send(web.port).status, 431);
    assert_eq!(web.house.status()["phase"], "ready");
}

#[test]
fn slow_clients_are_disconnected_in_time() {
    let web = Web::running();
    let token = web.token();
    let connect = || TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    let [mut head, mut body, silent] = [connect(), connect(), connect()];
    let begun = clock::now();
    write!(head, "GET / HTTP/1.1\r\nHost: local").unwrap();
    write!(
        body,
        "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{{"
    )
    .unwrap();
    let answer = HttpResponse::read(body);
    assert_eq!(answer.status, 408);
    let passed = || clock::now().since(begun);
    assert!(passed().as_secs() >= 4, "{:?}", passed());
    // Without a complete header there is no response: the connection is closed.
    for mut stream in [head, silent] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let end = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        assert!(end.is_ok(), "{end:?}");
    }
    assert!(passed().as_secs() >= 9, "{:?}", passed());
}

#[test]
fn without_web_in_the_config_no_port_is_open() {
    let house = Instance::running(super::PLANS);
    let reply = house.say("invite");
    assert_eq!(reply["ok"], false);
    assert!(reply["message"].as_str().unwrap().starts_with("the web is off"), "{reply}");
    let pid = house.daemon.as_ref().unwrap().id();
    if let Ok(tcp) = std::fs::read_dir(format!("/proc/{pid}/fd")) {
        let sockets = tcp.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        let inodes: Vec<String> = sockets
            .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let table =
            ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default());
        let listens = table
            .concat()
            .lines()
            .any(|line| line.split_whitespace().nth(9).is_some_and(|inode| inodes.iter().any(|ours| ours == inode)));
        assert!(!listens);
    }
}
