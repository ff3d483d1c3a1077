//! The pages: static files, embedded in the binary. They are sent compressed, since a hall's Wi-Fi is slow.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

macro_rules! pages {
    ($($path:literal $type:ident $file:literal;)*) => {
        /// The path, content type and content of each page.
        pub const PAGES: &[(&str, &str, &str)] = &[$(($path, $type, include_str!($file))),*];
    };
}

pages! {
    "/" HTML "pages/stage.html";
    "/remote" HTML "pages/remote.html";
    "/base.css" CSS "pages/base.css";
    "/controls.css" CSS "pages/controls.css";
    "/remote.css" CSS "pages/remote.css";
    "/stage.css" CSS "pages/stage.css";
    "/awake.js" SCRIPT "pages/awake.js";
    "/buttons.js" SCRIPT "pages/buttons.js";
    "/clock.js" SCRIPT "pages/clock.js";
    "/daemon.js" SCRIPT "pages/daemon.js";
    "/dom.js" SCRIPT "pages/dom.js";
    "/fullscreen.js" SCRIPT "pages/fullscreen.js";
    "/look.js" SCRIPT "pages/look.js";
    "/pair.js" SCRIPT "pages/pair.js";
    "/panels.js" SCRIPT "pages/panels.js";
    "/planline.js" SCRIPT "pages/planline.js";
    "/press.js" SCRIPT "pages/press.js";
    "/qr.js" SCRIPT "pages/qr.js";
    "/reading.js" SCRIPT "pages/reading.js";
    "/remote.js" SCRIPT "pages/remote.js";
    "/sound.js" SCRIPT "pages/sound.js";
    "/stage.js" SCRIPT "pages/stage.js";
    "/streams.js" SCRIPT "pages/streams.js";
    "/update.js" SCRIPT "pages/update.js";
    "/words.js" SCRIPT "pages/words.js";
    "/icon.svg" SVG "pages/icon.svg";
    "/api/v1/openapi.json" JSON "pages/openapi.json";
}

/// Whether a path is that of a page, and not of one of its files.
pub fn is_page(path: &str) -> bool {
    path == "/hello" || PAGES.iter().any(|&(known, content_type, _)| known == path && content_type == HTML)
}

pub fn routes() -> Router<App> {
    PAGES.iter().fold(Router::new(), |router, &(path, content_type, text)| {
        // Compressed when the first browser asks for it.
        let compressed = Arc::new(OnceLock::new());
        let answer = async move |headers: HeaderMap| {
            let body: Response = match takes_gzip(&headers) {
                true => {
                    let bytes = Bytes::clone(compressed.get_or_init(|| gzip(text)));
                    ([(header::CONTENT_ENCODING, "gzip")], bytes).into_response()
                }
                false => text.into_response(),
            };
            ([(header::CONTENT_TYPE, content_type), (header::VARY, "Accept-Encoding")], body)
        };
        router.route(path, get(answer))
    })
}

/// Whether a client takes gzip. One that gives it a weight of zero does not (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
    })
}

fn gzip(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.expect("a vector takes all bytes").into()
}
