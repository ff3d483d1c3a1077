//! The router alone: no connection, no daemon, and a runtime for one request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{self, StatusCode};
use talklight::control::desk::Desk;
use talklight::core::clock::{self, Moment};
use talklight::core::timer::{Command, Timer};
use talklight::engine::event::{Action, Answer, Done, Event, Events, Refused, Request};
use talklight::store::pairing::{Pairing, Visitor};
use talklight::web::router;
use tower_service::Service;

use crate::core::harness::{board, look, plan};
use crate::harness::Folder;

/// The response to `request` from a router whose engine applies every command, and the commands the engine got.
fn answer(request: impl Fn(&Pairing) -> http::Request<Body>) -> (StatusCode, String, Vec<Command>) {
    let folder = Folder::new();
    let pairing = Arc::new(Pairing::new(folder.file("paired")));
    let request = request(&pairing);
    let board = board(look(), Timer::new(plan("lightning"), 7));
    let (events, inbox) = Events::channel();
    let theirs = Arc::clone(&board);
    let engine = std::thread::spawn(move || {
        let mut asked = Vec::new();
        // Ends when all senders are gone.
        while let Some(event) = inbox.wait(Duration::from_secs(60)) {
            let Event::Request(Request { action: Action::Command(command), reply, .. }) = event else { continue };
            let at = Moment::from_ns(1);
            let result = theirs.latest().timer.clone().apply(command, at).map(Done::Command).map_err(Refused::Command);
            asked.push(command);
            reply.unwrap().send(Answer { result, snapshot: theirs.latest(), at }).unwrap();
        }
        asked
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, body) = runtime.block_on(async {
        let hosts = ["timer.example.org".to_owned()];
        let desk = Desk { board, events, pairing: Some(Arc::clone(&pairing)) };
        let mut router = router(&desk, pairing, &hosts).unwrap();
        let response = router.call(request).await.unwrap();
        let (status, body) = (response.status(), response.into_body());
        (status, to_bytes(body, 64 * 1024).await.unwrap())
    });
    drop(runtime);
    let body = String::from_utf8(body.to_vec()).unwrap();
    (status, body, engine.join().unwrap())
}

fn issue(pairing: &Pairing) -> std::io::Result<String> {
    pairing.issue(&Visitor::program(), clock::stamp())
}

fn post(path: &str) -> axum::http::request::Builder {
    http::Request::post(path).header("Host", "timer.example.org")
}

#[test]
fn a_request_with_a_token_reaches_the_engine() {
    let ask = |pairing: &Pairing| {
        let token = issue(pairing).unwrap();
        let ask = post("/api/v1/start").header("Authorization", format!("bearer {token}"));
        ask.body(Body::from("{\"plan\": \"short\"}")).unwrap()
    };
    let (status, body, asked) = answer(ask);
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("started short, 0:10"), "{body}");
    assert_eq!(asked, [Command::Start(Some(plan("short")))]);
}

#[test]
fn requests_without_a_token_or_from_foreign_pages_do_not_reach_the_engine() {
    let (status, _, asked) = answer(|_| post("/api/v1/start").body(Body::empty()).unwrap());
    assert_eq!((status, asked), (StatusCode::UNAUTHORIZED, Vec::new()));
    let foreign = |pairing: &Pairing| {
        let cookie = format!("talklight={}", issue(pairing).unwrap());
        let ask = post("/api/v1/reset").header("Cookie", cookie);
        ask.header("Origin", "http://elsewhere.example").body(Body::empty()).unwrap()
    };
    let (status, _, asked) = answer(foreign);
    assert_eq!((status, asked), (StatusCode::FORBIDDEN, Vec::new()));
    let rebound = |_: &Pairing| {
        http::Request::get("/api/v1/status").header("Host", "elsewhere.example").body(Body::empty()).unwrap()
    };
    assert_eq!(answer(rebound).0, StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn pages_are_found_and_other_paths_are_not() {
    let get = |path: &'static str| {
        answer(move |_| http::Request::get(path).header("Host", "[::1]:8080").body(Body::empty()).unwrap()).0
    };
    for path in ["/", "/remote", "/api/v1/status", "/api/v1/openapi.json"] {
        assert_eq!(get(path), StatusCode::OK, "{path}");
    }
    assert_eq!(get("/api/v1/nothing"), StatusCode::NOT_FOUND);
    assert_eq!(get("/api/v1/start"), StatusCode::METHOD_NOT_ALLOWED);
}
