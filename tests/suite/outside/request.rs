//! What must hold of the bytes that a client says on the socket, whatever they are.

use talklight::control::protocol::{ClientRequest, REQUEST_MAX, Verb};
use talklight::engine::event::Origin;

pub fn holds(said: &[u8]) {
    let heard = ClientRequest::from_bytes(said, true).expect("nothing comes after the end");
    // The first piece that is enough decides, wherever the pieces were cut, and no more than a request's length is awaited.
    let enough = (0..=said.len()).find(|&length| ClientRequest::from_bytes(&said[..length], false).is_some());
    match enough {
        None => assert!(said.len() < REQUEST_MAX && !said.contains(&b'\n')),
        Some(enough) => {
            assert!(enough <= REQUEST_MAX);
            for length in enough..=said.len() {
                for ended in [true, false] {
                    assert_eq!(ClientRequest::from_bytes(&said[..length], ended).as_ref(), Some(&heard));
                }
            }
        }
    }
    match &heard {
        Ok(ask) => is_what_was_said(ask, said),
        Err(mistake) => {
            assert!(!mistake.is_empty() && mistake.len() < 100);
            // A stranger's words are not said again.
            assert!(mistake.is_ascii() && !mistake.contains(char::is_control));
        }
    }
}

/// Nothing was left out or made up: its own line has the words that were said, and is no longer.
fn is_what_was_said(ask: &ClientRequest, said: &[u8]) {
    let line = ask.line();
    assert!(line.len() <= REQUEST_MAX && line.ends_with('\n'));
    assert_eq!(ClientRequest::from_bytes(line.as_bytes(), false), Some(Ok(ask.clone())));
    assert!([Origin::Socket, Origin::Console].contains(&ask.origin));
    if let Verb::Start(Some(plan)) | Verb::Choose(plan) = &ask.verb {
        assert!(!plan.is_empty() && !plan.contains(|c: char| c.is_ascii_whitespace()));
    }
    let said = said.split(|&byte| byte == b'\n').next().unwrap();
    let said = str::from_utf8(said).expect("only text is heard");
    let (said, line) = (said.split_ascii_whitespace(), line.split_ascii_whitespace());
    assert_eq!(said.clone().count(), line.clone().count());
    for (place, (said, told)) in said.zip(line).enumerate() {
        let number = ask.generation.filter(|_| place == 1);
        assert!(said == told || number.is_some() && said.parse() == Ok(number.unwrap()));
    }
}
