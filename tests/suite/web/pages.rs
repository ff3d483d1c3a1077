//! The pages as files: whole, light, and asking nobody else.

use std::collections::BTreeSet;

use super::Web;

const PAGE_BYTES_MAX: usize = 40 * 1024;

/// What is between quotes after each `mark`.
fn quoted<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let parts = text.split(mark).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

/// The page at `path` and all that it takes, with what each says of itself.
fn with_all(web: &Web, path: &str) -> Vec<(String, String, String)> {
    let mut known = BTreeSet::from([path.to_owned()]);
    let mut open = vec![path.to_owned()];
    let mut all = Vec::new();
    while let Some(path) = open.pop() {
        let answer = web.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let takes = [
            quoted(&answer.body, "<link rel=\"icon\" href=\""),
            quoted(&answer.body, "<link rel=\"stylesheet\" href=\""),
            quoted(&answer.body, " src=\""),
            quoted(&answer.body, "} from \""),
        ]
        .concat();
        for taken in takes {
            let taken = taken.replacen("./", "/", 1);
            assert!(taken.starts_with('/') && !taken.starts_with("//"), "{path} takes {taken}");
            if known.insert(taken.clone()) {
                open.push(taken);
            }
        }
        let kind = answer.header("content-type").unwrap().to_owned();
        all.push((path, kind, answer.body));
    }
    all
}

#[test]
fn a_page_with_all_that_it_takes_is_light_and_is_served() {
    let web = Web::running();
    for (page, least) in [("/", 5), ("/remote", 4)] {
        let all = with_all(&web, page);
        assert!(all.len() >= least, "{page} takes {}", all.len());
        let bytes: usize = all.iter().map(|(_, _, body)| body.len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX, "{page} weighs {bytes}");
        for (path, kind, body) in all {
            let meant = match path.rsplit_once('.') {
                Some((_, "css")) => "text/css; charset=utf-8",
                Some((_, "js")) => "text/javascript; charset=utf-8",
                Some((_, "svg")) => "image/svg+xml",
                _ => "text/html; charset=utf-8",
            };
            assert_eq!(kind, meant, "{path}");
            assert!(body.len() > 100, "{path}");
        }
    }
}

#[test]
fn no_page_asks_anybody_else_nor_goes_round_the_policy() {
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
        for (path, _, body) in with_all(&web, page) {
            // The name of a kind of document, which nobody asks.
            let body = body.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            for name in names {
                assert!(!body.contains(name), "{path}: {name}");
            }
            let scripts = body.matches("<script").count();
            assert_eq!(scripts, body.matches("<script type=\"module\" src=\"/").count(), "{path}");
        }
    }
}
