//! Too many connections: silent ones, slow ones, and ones that listen without end.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};

use serde_json::json;
use talklight::core::clock;

use super::{HttpResponse, Web};

/// Connections that are opened: more than the daemon serves at the same time.
const CROWD: usize = 1200;
/// Connections that stay open here; the oldest is dropped for each further one.
const HELD: usize = 850;
/// The limit for a command on a busy machine. A command that queued behind the crowd would take longer.
const SOON: Duration = Duration::from_secs(10);

/// These tests share the descriptors of one process, so they run one after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// A connection from an address of this machine.
fn connect_from(ip: Ipv4Addr, port: u16) -> TcpStream {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let [a, b, c, d] = ip.octets();
    bind(fd.as_raw_fd(), &SockaddrIn::new(a, b, c, d, 0)).unwrap();
    connect(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, port)).unwrap();
    TcpStream::from(fd)
}

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A stream of events that a guest reads, through a proxy that names the guest if `client` is not empty.
fn watch(web: &Web, from: Ipv4Addr, client: &str) -> TcpStream {
    let mut stream = connect_from(from, web.port);
    let client = if client.is_empty() { String::new() } else { format!("X-Forwarded-For: {client}\r\n") };
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{client}\r\n").unwrap();
    // After a byte of the response, the connection counts as a stream.
    stream.read_exact(&mut [0]).unwrap();
    stream
}

/// Whether a stream of events is open: it gets the next change.
fn is_open(web: &Web, stream: TcpStream) -> bool {
    web.house.does(&["start"]);
    let change = format!("\"generation\":{},", web.generation());
    let is_open = HttpResponse::until(stream, &change);
    web.house.does(&["reset"]);
    is_open
}

/// Behind a proxy all have one address.
#[test]
fn connections_that_say_nothing_do_not_close_a_stage_view() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let web = Web::running();
    let stage = watch(&web, PROXY, "");
    let slow = "POST /api/v1/start HTTP/1.1\r\nHost: local";
    let mut crowd = VecDeque::new();
    for number in 0..CROWD {
        let mut stream = connect_from(PROXY, web.port);
        if number % 2 == 0 {
            let _ = stream.write_all(slow.as_bytes());
        }
        crowd.push_back(stream);
        if crowd.len() > HELD {
            crowd.pop_front();
        }
    }
    // Neither do those that were answered and stay connected.
    for _ in 0..CROWD {
        let mut stream = connect_from(PROXY, web.port);
        stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        crowd.push_back(stream);
        if crowd.len() > HELD {
            crowd.pop_front();
        }
    }
    assert!(is_open(&web, stage), "the stage view was closed");
}

#[test]
fn a_guest_with_too_many_streams_behind_a_proxy_loses_their_own() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let web = Web::running();
    let stage = watch(&web, PROXY, "192.168.1.23");
    // What a guest claims stands before what the proxy has seen.
    let mut crowd = VecDeque::new();
    for number in 0..CROWD {
        crowd.push_back(watch(&web, PROXY, &format!("10.0.{}.{}, 192.168.1.66", number / 256, number % 256)));
        if crowd.len() > HELD {
            crowd.pop_front();
        }
    }
    assert!(is_open(&web, stage), "the stage view was closed");
}

/// Without a proxy, invented addresses do not help.
#[test]
fn a_guest_who_invents_addresses_loses_their_own_streams() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let web = Web::running();
    let stage = watch(&web, Ipv4Addr::new(127, 0, 0, 2), "");
    let mut crowd = VecDeque::new();
    for number in 0..CROWD {
        crowd.push_back(watch(&web, PROXY, &format!("10.0.{}.{}", number / 256, number % 256)));
        if crowd.len() > HELD {
            crowd.pop_front();
        }
    }
    assert!(is_open(&web, stage), "the stage view was closed");
}

#[test]
fn a_paired_phone_is_served_despite_too_many_connections() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
