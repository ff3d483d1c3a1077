//! The pages: static files, embedded in the binary.

use axum::Router;
use axum::http::header;
use axum::routing::get;

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
    "/style.css" CSS "pages/style.css";
    "/daemon.js" SCRIPT "pages/daemon.js";
    "/awake.js" SCRIPT "pages/awake.js";
    "/stage.js" SCRIPT "pages/stage.js";
    "/remote.js" SCRIPT "pages/remote.js";
    "/icon.svg" SVG "pages/icon.svg";
    "/api/v1/openapi.json" JSON "pages/openapi.json";
}

/// Whether a path is that of a page, and not of one of its files.
pub fn is_page(path: &str) -> bool {
    path == "/hello" || PAGES.iter().any(|&(known, content_type, _)| known == path && content_type == HTML)
}

pub fn routes() -> Router<App> {
    PAGES.iter().fold(Router::new(), |router, &(path, content_type, text)| {
        router.route(path, get(move || async move { ([(header::CONTENT_TYPE, content_type)], text) }))
    })
}
