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
        router.route(path, get(move || async move { ([(header::CONTENT_TYPE, content_type)], text) }))
    })
}
