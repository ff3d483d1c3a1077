//! A minimal HTTP client, which also sends invalid requests.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::harness::PATIENCE;

pub struct HttpRequest {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl HttpRequest {
    pub fn new(method: &str, path: &str) -> Self {
        let request = Self { method: method.into(), path: path.into(), headers: Vec::new(), body: String::new() };
        request.with("Host", "127.0.0.1").with("Connection", "close")
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str, body: &str) -> Self {
        let mut request = Self::new("POST", path).with("Content-Length", &body.len().to_string());
        request.body = body.into();
        request
    }

    /// Sets a header, in place of an existing one.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn send(&self, port: u16) -> HttpResponse {
        let headers = self.headers.iter();
        let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let Self { method, path, body, .. } = self;
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // The server may refuse and disconnect before everything is sent.
        let _ = stream.write_all(request.as_bytes());
        HttpResponse::read(stream)
    }
}

#[derive(Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The body as it came, which may be compressed.
    pub bytes: Vec<u8>,
}

impl HttpResponse {
    /// Reads a response, until the server disconnects.
    pub fn read(mut stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        // A reset of the connection after the response does no harm.
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            bytes.extend_from_slice(&piece[..length]);
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a response has a header");
        let body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).unwrap();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.expect("a status"),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.into())).collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
            bytes: body,
        }
    }

    /// Whether `words` arrive in a stream without end.
    pub fn until(mut stream: TcpStream, words: &str) -> bool {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (mut received, mut piece) = (String::new(), [0; 4096]);
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            received += &String::from_utf8_lossy(&piece[..length]);
            if received.contains(words) {
                return true;
            }
        }
        false
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        assert!(found.next().is_none(), "{name} comes once");
        Some(value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
