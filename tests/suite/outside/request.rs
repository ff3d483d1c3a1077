//! Properties of reading a request from the socket, for any bytes.

use talklight::control::protocol::{ClientRequest, REQUEST_MAX, Verb};
use talklight::engine::event::Origin;

pub fn holds(bytes: &[u8]) {
    let parsed = ClientRequest::from_bytes(bytes, true).expect("the line is complete at the end");
    // The shortest complete part decides, and it is never longer than a request may be.
    let enough = (0..=bytes.len()).find(|&length| ClientRequest::from_bytes(&bytes[..length], false).is_some());
    match enough {
        None => assert!(bytes.len() < REQUEST_MAX && !bytes.contains(&b'\n')),
        Some(enough) => {
            assert!(enough <= REQUEST_MAX);
            for length in enough..=bytes.len() {
                for is_end in [true, false] {
                    assert_eq!(ClientRequest::from_bytes(&bytes[..length], is_end).as_ref(), Some(&parsed));
                }
            }
        }
    }
    match &parsed {
        Ok(request) => is_equivalent(request, bytes),
        Err(mistake) => {
            assert!(!mistake.is_empty() && mistake.len() < 140);
            // The message does not repeat the client's words.
            assert!(mistake.is_ascii() && !mistake.contains(char::is_control));
        }
    }
}

/// The request's own line has the same words as the bytes.
fn is_equivalent(request: &ClientRequest, bytes: &[u8]) {
    let line = request.line();
    assert!(line.len() <= REQUEST_MAX && line.ends_with('\n'));
    assert_eq!(ClientRequest::from_bytes(line.as_bytes(), false), Some(Ok(request.clone())));
    assert!([Origin::Socket, Origin::Console].contains(&request.origin));
    if let Verb::Start(Some(plan)) | Verb::Choose(plan) = &request.verb {
        assert!(!plan.is_empty() && !plan.contains(|c: char| c.is_ascii_whitespace()));
    }
    let sent = bytes.split(|&byte| byte == b'\n').next().unwrap();
    let sent = str::from_utf8(sent).expect("only text is accepted");
    let (sent, line) = (sent.split_ascii_whitespace(), line.split_ascii_whitespace());
    assert_eq!(sent.clone().count(), line.clone().count());
    for (index, (sent, own)) in sent.zip(line).enumerate() {
        let number = request.generation.filter(|_| index == 1);
        assert!(sent == own || number.is_some() && sent.parse() == Ok(number.unwrap()));
    }
}
