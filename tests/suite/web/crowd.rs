//! Too many connections: silent ones, slow ones, and ones that listen without end.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use talklight::core::clock;

use super::{HttpResponse, Web};

/// Connections that are opened: more than the daemon serves at the same time.
const CROWD: usize = 1200;
/// Connections that stay open here; the oldest is dropped for each further one.
const HELD: usize = 850;
/// The limit for a command on a busy machine. A command that queued behind the crowd would take longer.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_paired_phone_is_served_despite_too_many_connections() {
    let web = Web::running();
    let token = web.token();
    // More listeners than the limit, so that a sent request alone does not protect a connection.
    let says = |number: usize| match number % 50 {
        0 => "",
        1 => "GET /api/v1/status HTTP/1.1\r\nHost: local",
        2 => "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
        _ => "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    // The phone's own stream is older than the crowd and stays open.
    let mut phone = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    write!(phone, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
    let mut crowd = VecDeque::new();
    for number in 0..CROWD {
        let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
        let _ = stream.write_all(says(number).as_bytes());
        if says(number).contains("\r\n\r\n") {
            // After a byte of the response, the connection counts as one that has sent a request.
            stream.read_exact(&mut [0]).unwrap();
        }
        crowd.push_back(stream);
        if crowd.len() > HELD {
            crowd.pop_front();
        }
        if number % 100 == 99 {
            let begun = clock::now();
            let verb = if number % 200 == 99 { "start" } else { "reset" };
            let answer = web.post(&format!("/api/v1/{verb}"), &token, &json!({}));
            assert_eq!(answer.status, 200, "{answer:?}");
            let took = clock::now().since(begun);
            assert!(took < SOON, "with {number} others: {took:?}");
        }
    }
    // The phone's stream is still open and gets the change.
    web.house.does(&["start"]);
    let change = format!("\"generation\":{},", web.generation());
    assert!(HttpResponse::until(phone, &change), "the paired connection was closed");
    assert_eq!(web.house.status()["strip"]["health"], "sending");
}
