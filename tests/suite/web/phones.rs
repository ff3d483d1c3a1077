//! Phones over HTTP: cookies, the paired devices, invitations by a phone, a try of the Wi-Fi, closed codes, and sound.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use talklight::store::pairing::WRONG_MAX;

use super::client::{HttpRequest, HttpResponse};
use super::{Web, free_port};
use crate::child::Program;
use crate::harness::until;

const FIREFOX: &str = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";

/// The name and the token of the cookie that a response sets, and its attributes.
fn cookie(response: &HttpResponse) -> (String, String, Vec<String>) {
    let text = response.header("set-cookie").expect("a cookie is set");
    let mut parts = text.split("; ").map(str::to_owned);
    let pair = parts.next().unwrap();
    let (name, token) = pair.split_once('=').unwrap();
    (name.into(), token.into(), parts.collect())
}

/// A pairing as by a page whose address has this scheme and host.
fn pair_from(web: &Web, origin: &str) -> HttpResponse {
    let [ticket, _] = web.invite();
    let (_, host) = origin.split_once("://").unwrap();
    let request = HttpRequest::post("/api/v1/pair", &json!({ "answer": ticket }).to_string());
    request.with("Host", host).with("Origin", origin).with("User-Agent", FIREFOX).send(web.port)
}

fn is_paired(web: &Web, cookies: &str) -> HttpResponse {
    HttpRequest::get("/api/v1/paired").with("Cookie", cookies).send(web.port)
}

#[test]
fn two_timers_on_one_host_leave_each_other_s_cookie_alone() {
    let webs = [Web::running(), Web::running()];
    let cookies: Vec<_> = webs.iter().map(|web| cookie(&web.pair(&web.invite()[0]))).collect();
    assert_ne!(cookies[0].0, cookies[1].0, "a browser would keep only the last of one name");
    let both: Vec<String> = cookies.iter().map(|(name, token, _)| format!("{name}={token}")).collect();
    for web in &webs {
        assert_eq!(is_paired(web, &both.join("; ")).status, 200);
    }
    assert_eq!(is_paired(&webs[0], &both[1]).status, 401);
}

#[test]
fn the_cookie_of_talklight_0_2_is_accepted_and_renewed_under_the_timer_s_name() {
    let webs = [Web::running(), Web::running()];
    let [(name, token, _), (_, other, _)] = [0, 1].map(|n: usize| cookie(&webs[n].pair(&webs[n].invite()[0])));
    let answer = is_paired(&webs[0], &format!("talklight={token}"));
    assert_eq!(answer.status, 200);
    let renewed = cookie(&answer);
    assert_eq!((&renewed.0, &renewed.1), (&name, &token));
    // The old name may hold the token of the other timer.
    assert_eq!(is_paired(&webs[0], &format!("talklight={other}; {name}={token}")).status, 200);
    assert_eq!(is_paired(&webs[0], &format!("{name}={other}; talklight={token}")).status, 200);
    assert_eq!(is_paired(&webs[0], &format!("talklight={other}")).status, 401);
}

#[test]
fn a_cookie_is_secure_where_the_page_is() {
    let web = Web::of("hosts = [\"timer.example.org\"]");
    let is_secure = |response: &HttpResponse| cookie(response).2.iter().any(|part| part == "Secure");
    let plain = pair_from(&web, &format!("http://127.0.0.1:{}", web.port));
    assert!(!is_secure(&plain));
    let secure = pair_from(&web, "https://timer.example.org");
    assert!(is_secure(&secure));
    // A browser lets no page without TLS replace a cookie that is secure.
    assert_ne!(cookie(&plain).0, cookie(&secure).0);
    // A renewal keeps it: a page asks by GET, without an `Origin`.
    for (response, is) in [(&plain, false), (&secure, true)] {
        let (name, token, _) = cookie(response);
        assert_eq!(is_secure(&is_paired(&web, &format!("{name}={token}"))), is);
    }
}

#[test]
fn the_devices_are_listed_and_removed() {
    let web = Web::running();
    let token = web.token();
    let phone = cookie(&pair_from(&web, &format!("http://127.0.0.1:{}", web.port)));
    let devices = |token: &str| {
        let bearer = format!("Bearer {token}");
        let answer = HttpRequest::get("/api/v1/devices").with("Authorization", &bearer).send(web.port);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["devices"].as_array().unwrap().clone()
    };
    let names = |devices: &[Value]| -> Vec<(String, bool)> {
        let name = |device: &Value| (device["name"].as_str().unwrap().into(), device["is_this"].as_bool().unwrap());
        devices.iter().map(name).collect()
    };
    let all = devices(&token);
    assert_eq!(names(&all), [("a program".to_owned(), true), ("Firefox on Android".into(), false)]);
    assert_eq!(names(&devices(&phone.1)), [("a program".to_owned(), false), ("Firefox on Android".into(), true)]);
    for device in &all {
        assert!(device["paired_s"].as_u64().unwrap() < 60 && device["seen_s"].as_u64().unwrap() < 60, "{device}");
    }
    assert_eq!(web.get("/api/v1/devices").status, 401);
    assert_eq!(HttpRequest::post("/api/v1/remove", "{\"id\": \"0\"}").send(web.port).status, 401);
    assert_eq!(web.post("/api/v1/remove", &token, &json!({"id": "00000000"})).status, 409);
    assert_eq!(web.post("/api/v1/remove", &token, &json!({})).status, 400);
    let answer = web.post("/api/v1/remove", &token, &json!({"id": all[1]["id"]}));
    let message = format!("unpaired Firefox on Android ({})", all[1]["id"].as_str().unwrap());
    assert_eq!((answer.status, answer.json()["message"].as_str()), (200, Some(&*message)));
    assert_eq!(is_paired(&web, &format!("{}={}", phone.0, phone.1)).status, 401);
    web.house.wait_log(&message);

    // The same on the machine itself.
    let list = web.house.does(&["remote", "--list"]);
    let id = all[0]["id"].as_str().unwrap();
    assert!(
        list.starts_with(&format!("{id}  a program: paired ")) && list.contains("one device is paired; "),
        "{list}"
    );
    assert!(web.house.refuses(&["remote", "--remove", "00000000"]).contains("there is no device `00000000`"));
    assert_eq!(web.house.does(&["remote", "--remove", id]), format!("unpaired a program ({id})"));
    assert_eq!(web.house.does(&["remote", "--list"]), "no device is paired");
    assert_eq!(web.post("/api/v1/start", &token, &json!({})).status, 401);
}

#[test]
fn a_paired_phone_invites_the_next_one() {
    let web = reachable();
    let token = web.token();
    assert_eq!(HttpRequest::post("/api/v1/invite", "").send(web.port).status, 401);
    let invited = web.post("/api/v1/invite", &token, &json!({})).json();
    assert_eq!((&invited["ok"], &invited["seconds"]), (&json!(true), &json!(60)));
    let [url, link, code] = ["url", "link", "code"].map(|key| invited[key].as_str().unwrap());
    assert!(url.ends_with("/remote"), "{url}");
    let ticket = link.strip_prefix(&format!("{url}#")).unwrap();
    assert_eq!((ticket.len(), code.len()), (32, 6));
    let rows = invited["qr"].as_array().unwrap();
    assert!(rows.len() > 20 && rows.iter().all(|row| row.as_str().unwrap().len() == rows.len()), "a square");
    assert_eq!(web.pair(code).status, 200);
    assert_eq!(web.pair(ticket).status, 403, "once");
    let again = web.post("/api/v1/invite", &token, &json!({})).json();
    assert_eq!(web.pair(again["link"].as_str().unwrap().split('#').nth(1).unwrap()).status, 200);
}

/// A code for an address that only this machine reaches would lead nowhere.
#[test]
fn an_address_of_this_machine_alone_has_no_qr_code_but_a_sentence() {
    let web = Web::running();
    let token = web.token();
    for verb in ["invite", "hello"] {
        let reply = web.post(&format!("/api/v1/{verb}"), &token, &json!({})).json();
        assert_eq!(reply["qr"], json!([]));
        assert!(reply["message"].as_str().unwrap().starts_with("only this machine can open it; "), "{reply}");
    }
    assert!(web.house.refuses(&["remote", "--try"]).contains("only this machine can open it; "));
}

/// Behind a proxy whose address the config does not name.
#[test]
fn a_page_behind_https_invites_to_where_it_is() {
    let web = Web::of("hosts = [\"timer.example.org\"]");
    let origin = "https://timer.example.org";
    let (name, token, _) = cookie(&pair_from(&web, origin));
    let request = HttpRequest::post("/api/v1/invite", "").with("Host", "timer.example.org").with("Origin", origin);
    let reply = request.with("Cookie", &format!("{name}={token}")).send(web.port).json();
    assert_eq!(reply["url"], "https://timer.example.org/remote");
}

#[test]
fn closed_codes_are_told_to_everybody_who_could_act() {
    let web = Web::running();
    let [ticket, code] = web.invite();
    let wrong = if code == "123456" { "654321" } else { "123456" };
    for _ in 0..WRONG_MAX {
        web.pair(wrong);
    }
    let told = web.pair(&code);
    let message = told.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(told.status, 429);
    assert!(
        message.contains("a new invitation or a QR code works at once") && message.contains("try again in "),
        "{message}"
    );
    until("the status says so", || web.house.status()["codes_closed_ms"].is_u64());
    let left = web.house.status()["codes_closed_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    assert!(web.house.does(&["status"]).contains("; codes are refused for "));
    web.house.wait_log("codes are refused for a minute, because ten were wrong");
    assert_eq!(web.pair(&ticket).status, 200, "a QR code works");
    // Whoever acts: a new invitation works at once.
    let [_, code] = web.invite();
    assert_eq!(web.pair(&code).status, 200);
    until("the status says so", || web.house.status()["codes_closed_ms"].is_null());
}

/// A timer that phones find at 127.0.0.1.
fn reachable() -> Web {
    let port = free_port();
    Web::at(port, &format!("address = \"http://127.0.0.1:{port}\""))
}

/// `talklight remote --try`, while it waits, and the link that its QR code holds.
fn trying(web: &Web) -> (Program, String) {
    let mut command = web.house.command(&["remote", "--try"]);
    command.stdin(Stdio::null());
    let mut program = Program::spawn(command);
    loop {
        let line = program.next_line();
        if line.starts_with("http://") {
            return (program, line);
        }
    }
}

fn path_of(link: &str) -> String {
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

#[test]
fn a_phone_that_comes_through_is_told_to_the_terminal() {
    let web = reachable();
    let (mut program, link) = trying(&web);
    let page = web.get(&path_of(&link));
    assert!(page.status == 200 && page.body.contains("This phone reaches the timer"), "{page:?}");
    while program.next_line() != "a phone arrived, from 127.0.0.1" {}
    assert!(end(&mut program.child));
}

fn end(child: &mut Child) -> bool {
    crate::harness::end(child).success()
}

#[test]
fn a_phone_that_does_not_come_is_told_with_the_rule_to_ask_for() {
    let web = reachable();
    let (mut program, _) = trying(&web);
    let rule = format!(
        "No phone arrived. Guest networks often forbid it: ask for one rule, guests to 127.0.0.1, port {}",
        web.port
    );
    loop {
        let line = program.next_line();
        if line.contains(&rule) {
            break;
        }
        assert!(!line.contains("arrived, from"), "{line}");
    }
    assert!(!end(&mut program.child));
}

#[test]
fn a_page_tries_whether_a_phone_comes_through() {
    let web = reachable();
    let token = web.token();
    let bearer = format!("Bearer {token}");
    assert_eq!(HttpRequest::post("/api/v1/hello", "").send(web.port).status, 401);
    assert_eq!(web.get("/api/v1/hello?id=1").status, 401);
    let [first, second] = [0, 1].map(|_| web.post("/api/v1/hello", &token, &json!({})).json());
    assert_eq!(first["seconds"], 30);
    assert!(first["qr"].as_array().unwrap().len() > 20);
    let asks =
        |id: &Value| HttpRequest::get(&format!("/api/v1/hello?id={id}")).with("Authorization", &bearer).send(web.port);
    assert_eq!(asks(&first["id"]).json()["arrived"], json!(null));
    // The address that a proxy has seen is that of the phone.
    let path = path_of(first["link"].as_str().unwrap());
    HttpRequest::get(&path).with("X-Forwarded-For", "10.0.0.1, 192.168.1.23").send(web.port);
    web.get(&path);
    let arrived = asks(&first["id"]).json();
    assert_eq!(arrived["arrived"], "192.168.1.23");
    assert_eq!(arrived["message"], "a phone arrived, from 192.168.1.23");
    assert_eq!(asks(&second["id"]).json()["arrived"], json!(null), "another try");
    assert_eq!(asks(&json!(0)).status, 409);
    assert_eq!(asks(&json!("x")).status, 400);
}

#[test]
fn the_pages_with_sound_are_counted_while_they_are_open() {
    let web = Web::running();
    let open = |query: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
        write!(stream, "GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream
    };
    let count =
        |count: usize| until("the pages are counted", || web.house.status()["pages_with_sound"] == json!(count));
    let [one, two, _silent] = ["?sound=1", "?a&sound=1", "?sound=0"].map(open);
    count(2);
    drop(one);
    count(1);
    drop(two);
    count(0);
    let answer = HttpRequest::new("HEAD", "/api/v1/events").send(web.port);
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
}

#[test]
fn refusals_come_as_200_where_that_is_asked_for() {
    let web = Web::running();
    let token = web.token();
    let post = |path: &str| web.post(path, &token, &json!({}));
    let refused = post("/api/v1/undo?refusals=200");
    assert_eq!((refused.status, &refused.json()["ok"]), (200, &json!(false)));
    assert_eq!(refused.json()["message"], post("/api/v1/undo").json()["message"]);
    assert_eq!(post("/api/v1/undo").status, 409);
    // Other mistakes stay what they are.
    assert_eq!(web.post("/api/v1/undo?refusals=200", "wrong", &json!({})).status, 401);
    assert_eq!(web.post("/api/v1/start?refusals=200", &token, &json!({"plan": "none"})).status, 400);
    assert_eq!(post("/api/v1/start?refusals=200").json()["ok"], true);
}

#[test]
fn a_page_at_localhost_is_sent_to_the_address_that_is_told_everywhere() {
    let web = Web::running();
    let localhost = format!("localhost:{}", web.port);
    let get = |path: &str| HttpRequest::get(path).with("Host", &localhost);
    for path in ["/", "/remote", "/?overlay", "/hello?id=1"] {
        let answer = get(path).send(web.port);
        let to = format!("http://127.0.0.1:{}{path}", web.port);
        assert_eq!((answer.status, answer.header("location")), (307, Some(&*to)));
    }
    // Files and the API are not: a redirect would break scripts.
    for path in ["/remote.js", "/api/v1/status"] {
        assert_eq!(get(path).send(web.port).status, 200, "{path}");
    }
    // Behind a proxy or a tunnel the browser is elsewhere.
    for (header, value) in [
        ("X-Forwarded-For", "192.168.1.23"),
        ("Forwarded", "for=1.2.3.4"),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "1.2.3.4"),
    ] {
        assert_eq!(get("/").with(header, value).send(web.port).status, 200, "{header}");
    }
    assert_eq!(get("/").with("Host", "localhost").send(web.port).status, 200);
    assert_eq!(get("/").with("Host", &format!("localhost:{}", web.port ^ 1)).send(web.port).status, 200);
    // Who is paired at localhost stays there.
    let (name, token, _) = cookie(&pair_from(&web, &format!("http://{localhost}")));
    assert_eq!(get("/remote").with("Cookie", &format!("{name}={token}")).send(web.port).status, 200);
    assert_eq!(get("/remote").with("Cookie", &format!("{name}={}", "0".repeat(64))).send(web.port).status, 307);
}

/// A listener that takes no IPv4 has no 127.0.0.1.
#[test]
fn a_page_at_localhost_stays_there_if_only_ipv6_leads_to_it() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: there is no IPv6");
        return;
    }
    let port = free_port();
    let mut house = crate::harness::Instance::new(&format!("[web]\nlisten = \"[::1]:{port}\""));
    let state = house.folder.file("state").display().to_string();
    house.env("XDG_STATE_HOME", &state);
    house.start();
    until("the web server listens", || TcpStream::connect(("::1", port)).is_ok());
    let mut stream = TcpStream::connect(("::1", port)).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(HttpResponse::read(stream).status, 200);
}

#[test]
fn a_file_that_cannot_be_written_keeps_nobody_out() {
    let web = Web::running();
    let token = web.token();
    let folder = web.house.folder.file("state").join("talklight");
    // The draft of the file would be in the way of a folder.
    fs::create_dir_all(folder.join("paired.new").join("blocked")).unwrap();
    let [ticket, _] = web.invite();
    assert_eq!(web.pair(&ticket).status, 500);
    // The chair at the screen would wait for the phone in vain.
    web.house.wait_log("pairing failed: a phone cannot be paired: ");
    assert_eq!(web.post("/api/v1/start", &token, &json!({})).status, 200);
    fs::remove_dir_all(folder.join("paired.new")).unwrap();
    assert_eq!(web.pair(&ticket).status, 200, "the invitation was not used up");
}
