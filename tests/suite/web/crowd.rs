//! A house that is full, of those who say nothing, ask slowly or never stop listening.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use talklight::core::clock;

use super::{Answer, Web};

/// More than the daemon holds at a time; of those whom it has sent away the ends are let go here.
const CROWD: usize = 1200;
const HELD: usize = 850;
/// A press is answered at once, as far as a busy machine can do so; a press that waits its turn in the crowd takes longer.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn the_paired_phone_gets_through_a_crowd() {
    let web = Web::running();
    let token = web.token();
    // More that listen than there is room for, so that it is not enough to have asked.
    let says = |number: usize| match number % 50 {
        0 => "",
        1 => "GET /api/v1/status HTTP/1.1\r\nHost: local",
        2 => "POST /api/v1/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
        _ => "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    // The phone's own connection, from before the crowd came, and left open by it.
    let mut phone = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
    write!(phone, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
    let mut crowd = VecDeque::new();
    for number in 0..CROWD {
        let mut stream = TcpStream::connect(("127.0.0.1", web.port)).unwrap();
        let _ = stream.write_all(says(number).as_bytes());
        if says(number).contains("\r\n\r\n") {
            // Who has asked is answered, and from then on is one that has asked.
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
    // Its own connection has stayed: it hears what is new.
    web.house.does(&["start"]);
    let news = format!("\"generation\":{},", web.generation());
    assert!(Answer::until(phone, &news), "the paired listener was sent away");
    assert_eq!(web.house.status()["strip"]["health"], "sending");
}
