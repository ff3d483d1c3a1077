//! The request handlers for phones: pairing, the paired devices, invitations, and whether a phone gets through.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::api::{Paired, done, json, read_body, refused};
use super::connections::{self, Connection};
use super::{App, cookie, visitor};
use crate::control::desk::phones::{BUTTON, arrival, devices, summary};
use crate::control::invite::{InvitationCard, qr_rows};
use crate::control::protocol::{self, DeviceStatus};
use crate::control::registry::Registration;
use crate::core::clock;
use crate::engine::event::Refused;
use crate::os::network::Network;
use crate::os::site::Site;
use crate::store::pairing::{HELLO, INVITATION, Invitation, PairingError};

const HELLO_PAGE: &str = include_str!("pages/hello.html");
const NO_PORT: &str = "the web server has no port yet";

/// The body of pair.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairBody {
    /// The ticket or the code of an invitation, or `button`.
    answer: String,
}

impl PairBody {
    const EXPECTED: &str = "the body must be JSON such as {\"answer\": \"123456\"}";
}

/// The body of remove.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveBody {
    id: String,
}

impl RemoveBody {
    const EXPECTED: &str = "the body must be JSON such as {\"id\": \"0f3a9c55\"}";
}

/// The body of requests without arguments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

impl NoBody {
    const EXPECTED: &str = "the body must be empty or {}";
}

#[derive(Serialize)]
struct DevicesReply {
    ok: bool,
    message: String,
    devices: Vec<DeviceStatus>,
}

#[derive(Serialize)]
struct InviteReply {
    ok: bool,
    message: String,
    /// The address of the remote.
    url: String,
    /// The same with the ticket, as in the QR code.
    link: String,
    code: String,
    seconds: u64,
    /// The QR code, row by row with its quiet zone: `#` is dark.
    qr: Vec<String>,
}

#[derive(Serialize)]
struct HelloReply {
    ok: bool,
    message: String,
    id: u32,
    link: String,
    seconds: u64,
    qr: Vec<String>,
}

#[derive(Serialize)]
struct ArrivedReply {
    ok: bool,
    message: String,
    arrived: Option<std::net::IpAddr>,
}

/// Confirms that the requester is paired, and renews its cookie.
pub async fn paired(State(app): State<App>, paired: Paired, headers: HeaderMap) -> Response {
    let mut response = done(&app, "paired");
    if let (Some(token), Some(timer)) = (&paired.cookie, app.pairing.timer()) {
        let is_https = paired.guest.is_https || visitor::visitor(&headers).is_https;
        cookie::set(&mut response, &timer, token, is_https);
    }
    response
}

/// Exchanges the ticket or the code of an invitation, or an open window of the button, for a token, which goes into a cookie.
pub async fn pair(State(app): State<App>, request: Request) -> Response {
    let visitor = visitor::visitor(request.headers());
    let body: PairBody = match read_body(request, PairBody::EXPECTED).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let (answer, is_https) = (body.answer.trim().to_owned(), visitor.is_https);
    let desk = app.desk.clone();
    let redeemed = match answer.as_str() {
        // Anybody in the network may ask, so a thread waits only while pairing is open.
        BUTTON if !desk.is_pairing_open() => Err(PairingError::NotOpen),
        BUTTON => spawn_blocking(move || desk.redeem(BUTTON, &visitor)).await.unwrap_or(Err(PairingError::Unanswered)),
        answer => desk.redeem(answer, &visitor),
    };
    match (redeemed, app.pairing.timer()) {
        (Ok(token), Some(timer)) => {
            let mut response = done(&app, "paired");
            cookie::set(&mut response, &timer, &token, is_https);
            response
        }
        (Ok(_), None) | (Err(PairingError::Unanswered), _) => {
            refused(StatusCode::SERVICE_UNAVAILABLE, "the timer does not answer; try again")
        }
        (Err(PairingError::Wrong), _) => refused(
            StatusCode::FORBIDDEN,
            "wrong or expired code; ask for a new one with `talklight remote`, or `p` on the screen",
        ),
        (Err(PairingError::NotOpen), _) => refused(StatusCode::FORBIDDEN, Refused::NotOpen.to_string()),
        (Err(PairingError::Closed { left, .. }), _) => refused(
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "codes are refused, because too many were wrong; a new invitation or a QR code works at once; with this code try again in {} s",
                left.as_secs() + 1
            ),
        ),
        (Err(PairingError::Failed(error)), _) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, format!("the pairing cannot be saved: {error}"))
        }
    }
}

/// The paired devices.
pub async fn list(State(app): State<App>, paired: Paired) -> Response {
    let mut devices = devices(&app.pairing, clock::stamp());
    devices.iter_mut().for_each(|device| device.is_this = device.id == paired.guest.id);
    reply(&DevicesReply { ok: true, message: summary(&devices), devices })
}

/// Unpairs a device.
pub async fn remove(State(app): State<App>, _: Paired, request: Request) -> Response {
    let body: RemoveBody = match read_body(request, RemoveBody::EXPECTED).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    match app.desk.remove(&body.id) {
        Ok(message) => done(&app, &message),
        Err(why) => refused(StatusCode::CONFLICT, why),
    }
}

/// Creates an invitation for the next phone.
pub async fn invite(State(app): State<App>, _: Paired, request: Request) -> Response {
    let site = site(&app, request.headers());
    if let Err(response) = read_body::<NoBody>(request, NoBody::EXPECTED).await {
        return response;
    }
    let Some(site) = site else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, NO_PORT);
    };
    match app.desk.invite() {
        Ok(Invitation { ticket, code, until }) => {
            let card = InvitationCard::new(&site, &Network::look(), &ticket, &code, until);
            reply(&InviteReply {
                ok: true,
                message: card.trouble().unwrap_or_else(|| {
                    format!("scan it with the other phone; it is valid once, within {} s", INVITATION.as_secs())
                }),
                qr: qr_rows(&card.modules()),
                url: card.address,
                link: card.link,
                code,
                seconds: INVITATION.as_secs(),
            })
        }
        Err(why) => refused(StatusCode::INTERNAL_SERVER_ERROR, why),
    }
}

/// Begins to wait for a phone that opens the page `/hello`.
pub async fn hello(State(app): State<App>, _: Paired, request: Request) -> Response {
    let site = site(&app, request.headers());
    if let Err(response) = read_body::<NoBody>(request, NoBody::EXPECTED).await {
        return response;
    }
    let Some(site) = site else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, NO_PORT);
    };
    match app.pairing.hello(clock::now()) {
        Ok(id) => {
            let card = InvitationCard::hello(&site, &Network::look(), id);
            reply(&HelloReply {
                ok: true,
                message: card.trouble().unwrap_or_else(|| "scan it with a phone in the room's Wi-Fi".into()),
                id,
                qr: qr_rows(&card.modules()),
                link: card.link,
                seconds: HELLO.as_secs(),
            })
        }
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot begin: {error}")),
    }
}

/// Whether the phone has arrived for which a try waits.
pub async fn arrived(State(app): State<App>, _: Paired, request: Request) -> Response {
    let Some(id) = try_number(&request) else {
        return refused(StatusCode::BAD_REQUEST, "the query must be such as ?id=17, with the `id` of a POST");
    };
    match arrival(&app.pairing, id, clock::now()) {
        Ok((message, arrived)) => reply(&ArrivedReply { ok: true, message, arrived }),
        Err(why) => refused(StatusCode::CONFLICT, why),
    }
}

/// The page that the phone opens: it has come through.
pub async fn hello_page(State(app): State<App>, request: Request) -> Response {
    let connection = request.extensions().get::<Arc<Registration<Connection>>>();
    let from =
        visitor::forwarded_for(request.headers()).or(connection.and_then(|connection| connections::peer(connection)));
    if let (Some(id), Some(from), &Method::GET) = (try_number(&request), from, request.method()) {
        app.pairing.arrive(id, from, clock::now());
    }
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], HELLO_PAGE).into_response()
}

/// Where another phone finds this timer: where the config says, else where this page was found behind a proxy.
fn site(app: &App, headers: &HeaderMap) -> Option<Site> {
    let mut site = app.pairing.site()?;
    site.address = site.address.or_else(|| visitor::https_origin(headers));
    Some(site)
}

fn try_number(request: &Request) -> Option<u32> {
    request.uri().query()?.split('&').find_map(|part| part.strip_prefix("id=")?.parse().ok())
}

fn reply(reply: &impl Serialize) -> Response {
    json(StatusCode::OK, protocol::encode(reply))
}
