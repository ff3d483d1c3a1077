//! The pages as files: complete, small, and without requests to other servers.

use std::collections::BTreeSet;

use super::Web;

const PAGE_BYTES_MAX: usize = 40 * 1024;

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
            let resource = resource.replacen("./", "/", 1);
            assert!(resource.starts_with('/') && !resource.starts_with("//"), "{path} loads {resource}");
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
            let body = body.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            for name in names {
                assert!(!body.contains(name), "{path}: {name}");
            }
            let scripts = body.matches("<script").count();
            assert_eq!(scripts, body.matches("<script type=\"module\" src=\"/").count(), "{path}");
        }
    }
}
