//! The pages as files: complete, small, and without requests to other servers.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;

use super::Web;
use super::client::HttpRequest;

/// Compressed, a third of it: less than a second at 400 kbit/s.
const PAGE_BYTES_MAX: usize = 112 * 1024;
const COMPRESSED_BYTES_MAX: usize = 36 * 1024;

/// The text after each `mark` up to the next quote.
fn quoted<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let parts = text.split(mark).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

/// The page at `path` and all files it loads: path, content type and body.
fn with_resources(web: &Web, path: &str) -> Vec<(String, String, String)> {
    let mut known = BTreeSet::from([path.to_owned()]);
    let mut open = vec![path.to_owned()];
    let mut all = Vec::new();
    while let Some(path) = open.pop() {
        let answer = web.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let resources = [
            quoted(&answer.body, "<link rel=\"icon\" href=\""),
            quoted(&answer.body, "<link rel=\"stylesheet\" href=\""),
            quoted(&answer.body, " src=\""),
            quoted(&answer.body, "} from \""),
        ]
        .concat();
        for resource in resources {
            // Relative, so that the pages work in a folder behind a proxy.
            let name = resource.trim_start_matches("./");
            let is_file = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
            assert!(is_file, "{path} loads {resource}");
            let resource = format!("/{name}");
            if known.insert(resource.clone()) {
                open.push(resource);
            }
        }
        let content_type = answer.header("content-type").unwrap().to_owned();
        all.push((path, content_type, answer.body));
    }
    all
}

#[test]
fn each_page_with_its_resources_is_small_and_served() {
    let web = Web::running();
    for (page, least) in [("/", 5), ("/remote", 4)] {
        let all = with_resources(&web, page);
        assert!(all.len() >= least, "{page} loads {}", all.len());
        let bytes: usize = all.iter().map(|(_, _, body)| body.len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX, "{page} has {bytes} bytes");
        for (path, content_type, body) in all {
            let expected = match path.rsplit_once('.') {
                Some((_, "css")) => "text/css; charset=utf-8",
                Some((_, "js")) => "text/javascript; charset=utf-8",
                Some((_, "svg")) => "image/svg+xml",
                _ => "text/html; charset=utf-8",
            };
            assert_eq!(content_type, expected, "{path}");
            assert!(body.len() > 100, "{path}");
        }
    }
}

#[test]
fn pages_are_compressed_for_browsers_that_take_it() {
    let web = Web::running();
    let ask = |accepted: &str, path: &str| HttpRequest::get(path).with("Accept-Encoding", accepted).send(web.port);
    for page in ["/", "/remote"] {
        let mut bytes = 0;
        for (path, _, body) in with_resources(&web, page) {
            for accepted in ["gzip, deflate", "br;q=1.0, gzip;q=0.8", "GZIP"] {
                let answer = ask(accepted, &path);
                assert_eq!(answer.header("content-encoding"), Some("gzip"), "{path}");
                assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}");
                let mut text = String::new();
                GzDecoder::new(&answer.bytes[..]).read_to_string(&mut text).unwrap();
                assert_eq!(text, body, "{path}");
            }
            bytes += ask("gzip", &path).bytes.len();
            for accepted in ["", "br", "gzip;q=0", "identity"] {
                let answer = ask(accepted, &path);
                assert_eq!((answer.header("content-encoding"), &answer.body), (None, &body), "{path}");
            }
        }
        println!("{page}: {bytes} bytes compressed");
        assert!(bytes <= COMPRESSED_BYTES_MAX, "{page}: {bytes} bytes compressed");
    }
}

#[test]
fn no_page_uses_other_servers_or_inline_code() {
    let web = Web::running();
    let names = [
        "http://",
        "https://",
        "//cdn",
        "url(",
        "@import",
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        " style=\"",
        " onclick",
        "<style",
    ];
    for page in ["/", "/remote"] {
        for (path, _, body) in with_resources(&web, page) {
            // An XML namespace is not a request.
            let body = body.replace("http://www.w3.org/2000/svg", "");
            for name in names {
                assert!(!body.contains(name), "{path}: {name}");
            }
            let scripts = body.matches("<script").count();
            assert_eq!(scripts, body.matches("<script type=\"module\" src=\"").count(), "{path}");
        }
    }
}
