//! The OpenAPI document matches the API.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Web;
use super::client::{HttpRequest, HttpResponse};

const PREFIX: &str = "/api/v1/";

fn document(web: &Web) -> Value {
    web.get("/api/v1/openapi.json").json()
}

/// Resolves a `$ref`; other values are returned as they are.
fn resolve<'a>(document: &'a Value, it: &'a Value) -> &'a Value {
    match it.get("$ref") {
        None => it,
        Some(path) => {
            let path = path.as_str().unwrap().strip_prefix('#').unwrap();
            resolve(document, document.pointer(path).unwrap_or_else(|| panic!("no {path}")))
        }
    }
}

/// The differences between `value` and `schema`. Knows only the keywords that the document uses, and panics at others.
fn misfits(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolve(document, schema);
    let mut found = Vec::new();
    let mut must = |so: bool, word: &str| {
        if !so {
            found.push(format!("{at}: {word}: {value}"));
        }
    };
    let mut deeper = Vec::new();
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "description" => {}
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                must(types.iter().any(|name| is_of_type(value, name.as_str().unwrap())), "type");
            }
            "enum" => must(rule.as_array().unwrap().contains(value), "enum"),
            "minimum" => must(value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()), "minimum"),
            "pattern" => {
                assert_eq!(rule, "^#[0-9a-f]{6}$", "the one pattern that is known here");
                let digits = value.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or_default();
                must(
                    digits.len() == 6 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
                    "pattern",
                );
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    must(value.get(name.as_str().unwrap()).is_some(), &format!("required {name}"));
                }
            }
            "properties" => {
                // A property that is sent must be described.
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        None => must(false, &format!("{name} is not described")),
                        Some(rule) => deeper.extend(misfits(document, rule, inner, &format!("{at}.{name}"))),
                    }
                }
            }
            "additionalProperties" => assert_eq!(rule, false),
            "items" => {
                for inner in value.as_array().into_iter().flatten() {
                    deeper.extend(misfits(document, rule, inner, &format!("{at}[]")));
                }
            }
            "anyOf" => {
                let mut any = rule.as_array().unwrap().iter();
                must(any.any(|one| misfits(document, one, value, at).is_empty()), "anyOf");
            }
            word => panic!("`{word}` is not known here"),
        }
    }
    found.extend(deeper);
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        name => panic!("`{name}` is not known here"),
    }
}

/// Checks that the document describes the response.
fn assert_described(document: &Value, method: &str, path: &str, answer: &HttpResponse) {
    let responses = &document["paths"][path][method]["responses"];
    let described = responses.get(answer.status.to_string());
    let described = described.unwrap_or_else(|| panic!("{method} {path}: {} is not described", answer.status));
    let content = resolve(document, described)["content"].as_object().unwrap();
    let (kind, content) = content.iter().next().unwrap();
    assert_eq!(answer.header("content-type"), Some(kind.as_str()), "{method} {path}");
    if kind == "application/json" {
        let found = misfits(document, &content["schema"], &answer.json(), path);
        assert!(found.is_empty(), "{method} {path}: {found:?}");
    }
}

#[test]
fn the_check_finds_differences() {
    let schema = json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": "integer", "minimum": 1 }, "b": { "type": "array", "items": { "enum": ["x"] } } },
    });
    let misfit = |value: Value| !misfits(&json!({}), &schema, &value, "").is_empty();
    assert!(!misfit(json!({"a": 1, "b": ["x"]})));
    for value in
        [json!([]), json!({}), json!({"a": 0}), json!({"a": "1"}), json!({"a": 1, "c": 1}), json!({"a": 1, "b": ["y"]})]
    {
        assert!(misfit(value.clone()), "{value}");
    }
}

#[test]
fn the_document_has_exactly_the_routes() {
    let web = Web::running();
    let document = document(&web);
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.clone()))
        })
        .collect();
    // The routes in the source of the router and of the pages.
    let source = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let routed: BTreeSet<(String, String)> = [source("src/web.rs"), source("src/web/pages.rs")]
        .concat()
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(&format!("\"{PREFIX}"))?;
            rest.split_once('"')
        })
        .flat_map(|(name, rest)| {
            let posts = rest.contains("post(").then_some("post");
            let gets = (posts.is_none() || rest.contains("get(")).then_some("get");
            let route = |method: &str| (format!("{PREFIX}{name}"), method.to_owned());
            posts.into_iter().chain(gets).map(route).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(described, routed);
    // The routes as the server answers them.
    for (path, method) in &described {
        let other = if method == "get" { "post" } else { "get" };
        if !described.contains(&(path.clone(), other.to_owned())) {
            let other = if method == "get" { HttpRequest::post(path, "") } else { HttpRequest::get(path) };
            assert_eq!(other.send(web.port).status, 405, "{path}");
        }
        if path.ends_with("/events") {
            continue;
        }
        let same = if method == "get" { HttpRequest::get(path) } else { HttpRequest::post(path, "") };
        let answer = same.send(web.port);
        assert!(![404, 405].contains(&answer.status), "{path}");
        assert_described(&document, method, path, &answer);
    }
}

#[test]
fn responses_match_the_document() {
    let web = Web::running();
    let document = document(&web);
    let token = web.token();
    let bearer = format!("Bearer {token}");
    let mut seen = BTreeSet::new();
    let mut asks = |verb: &str, body: &str, status: u16| {
        let path = format!("{PREFIX}{verb}");
        let ask = HttpRequest::post(&path, body).with("Authorization", &bearer);
        let answer = ask.send(web.port);
        assert_eq!(answer.status, status, "{verb} {body}");
        assert_described(&document, "post", &path, &answer);
        seen.insert(status);
    };
    asks("undo", "", 409);
    asks("start", "{\"plan\": \"keynote\"}", 200);
    asks("start", "{\"plan\": \"none\"}", 400);
    asks("reset", "", 200);
    asks("undo", "", 200);
    asks("reset", &"x".repeat(600), 413);
    for _ in 0..9 {
        asks("pair", "{\"answer\": \"123456\"}", 403);
    }
    asks("pair", "{\"answer\": \"123456\"}", 429);
    asks("invite", "{}", 200);
    asks("invite", "{\"url\": \"x\"}", 400);
    asks("hello", "{}", 200);
    asks("remove", "{\"id\": \"none\"}", 409);
    asks("pair", "{\"answer\": \"button\"}", 403);
    for (name, status) in
        [("status", 200), ("paired", 200), ("devices", 200), ("hello?id=x", 400), ("hello?id=4294967295", 409)]
    {
        let path = format!("{PREFIX}{name}");
        let answer = HttpRequest::get(&path).with("Authorization", &bearer).send(web.port);
        assert_eq!(answer.status, status);
        assert_described(&document, "get", path.split('?').next().unwrap(), &answer);
    }
    assert_eq!(seen, BTreeSet::from([200, 400, 403, 409, 413, 429]));
}
