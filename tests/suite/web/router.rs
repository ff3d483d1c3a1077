//! The router by itself: no connection, no daemon, and a runtime that is there for one request.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use talklight::core::timer::{Command, Timer};
use talklight::engine::event::Event;
use talklight::store::pairing::Pairing;
use talklight::web::router;
use tower_service::Service;

use crate::core::harness::{board, look, plan};
use crate::harness::Folder;

/// What is answered to `request`, by a house whose engine says yes to everything; and the commands that it was asked for.
fn answer(request: impl Fn(&Pairing) -> Request<Body>) -> (StatusCode, String, Vec<Command>) {
    let folder = Folder::new();
    let address = "127.0.0.1:8080".parse().unwrap();
    let pairing = Arc::new(Pairing::open(folder.file("paired"), address).unwrap());
    let request = request(&pairing);
    let board = board(look(), Timer::new(plan("lightning"), 7));
    let (events, inbox) = sync_channel(8);
    let engine = std::thread::spawn(move || {
        let mut asked = Vec::new();
        let mut timer = Timer::new(plan("lightning"), 7);
        for event in inbox {
            if let Event::Command(request) = event {
                let at = talklight::core::clock::Moment::from_ns(1);
                let result = timer.apply(request.command, at);
                asked.push(request.command);
                let answer = talklight::engine::event::Answer { result, timer, at };
                request.reply.unwrap().send(answer).unwrap();
            }
        }
        asked
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, body) = runtime.block_on(async {
        let hosts = ["timer.example.org".to_owned()];
        let mut router = router(&board, pairing, &events, &hosts).unwrap();
        let response = router.call(request).await.unwrap();
        let (status, body) = (response.status(), response.into_body());
        (status, to_bytes(body, 64 * 1024).await.unwrap())
    });
    drop((runtime, events));
    let body = String::from_utf8(body.to_vec()).unwrap();
    (status, body, engine.join().unwrap())
}

fn post(path: &str) -> axum::http::request::Builder {
    Request::post(path).header("Host", "timer.example.org")
}

#[test]
fn who_has_a_token_is_obeyed() {
    let ask = |pairing: &Pairing| {
        let token = pairing.issue().unwrap();
        let ask = post("/api/v1/start").header("Authorization", format!("bearer {token}"));
        ask.body(Body::from("{\"plan\": \"short\"}")).unwrap()
    };
    let (status, body, asked) = answer(ask);
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("started short, 0:10"), "{body}");
    assert_eq!(asked, [Command::Start(Some(plan("short")))]);
}

#[test]
fn who_has_none_and_who_comes_from_elsewhere_reach_no_engine() {
    let (status, _, asked) = answer(|_| post("/api/v1/start").body(Body::empty()).unwrap());
    assert_eq!((status, asked), (StatusCode::UNAUTHORIZED, Vec::new()));
    let foreign = |pairing: &Pairing| {
        let cookie = format!("talklight={}", pairing.issue().unwrap());
        let ask = post("/api/v1/reset").header("Cookie", cookie);
        ask.header("Origin", "http://elsewhere.example").body(Body::empty()).unwrap()
    };
    let (status, _, asked) = answer(foreign);
    assert_eq!((status, asked), (StatusCode::FORBIDDEN, Vec::new()));
    let rebound =
        |_: &Pairing| Request::get("/api/v1/status").header("Host", "elsewhere.example").body(Body::empty()).unwrap();
    assert_eq!(answer(rebound).0, StatusCode::MISDIRECTED_REQUEST);
}

#[test]
fn the_pages_and_what_is_none() {
    let get = |path: &'static str| {
        answer(move |_| Request::get(path).header("Host", "[::1]:8080").body(Body::empty()).unwrap()).0
    };
    for path in ["/", "/remote", "/api/v1/status", "/api/v1/openapi.json"] {
        assert_eq!(get(path), StatusCode::OK, "{path}");
    }
    assert_eq!(get("/api/v1/nothing"), StatusCode::NOT_FOUND);
    assert_eq!(get("/api/v1/start"), StatusCode::METHOD_NOT_ALLOWED);
}
