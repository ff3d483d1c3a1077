//! Open connections, and which one is closed when there are too many.
//!
//! Every connection is accepted. At the limit, one is closed to make room: first those that have not sent a request, then those
//! whose request was answered, then streams of events, and those of paired devices last. Of equal ones it is the oldest of the
//! address that has most of them. Behind a proxy all have one address; then the addresses count that the proxy names.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{getsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tower_service::Service;

use super::guard::ReachedBy;
use super::visitor;
use crate::control::registry::{List, Registration, Registry};
use crate::core::clock::{self, Moment};

/// Open connections at the same time: enough for five hundred stage views and the phones of a room, and below the limit of
/// 1024 descriptors.
pub const CONNECTIONS_MAX: usize = 800;
/// Connections of paired devices that are protected from being closed.
const PAIRED_MAX: usize = 64;
/// A new connection has this time for its first request, unless there are too many like it.
const GRACE: Duration = Duration::from_secs(1);
const NEW_MAX: usize = 200;
/// TCP_USER_TIMEOUT: a peer that acknowledges nothing for this long is gone.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT_MS: u32 = 10_000;
/// The time for the header of a request, including that of the next request on the same connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Large enough for the cookies that other services on the same host have set.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// The delay after a failed accept(), for instance when no file descriptor is left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Accepts and serves connections for ever.
pub async fn serve(listener: &TcpListener, router: Router) -> anyhow::Result<()> {
    let connections = Arc::new(Registry::default());
    let home = reached_at_home(listener);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        make_room(&mut connections.lock());
        let registration = Registry::insert(&connections, Connection::new(peer.ip().to_canonical(), home));
        let id = registration.id();
        let task = tokio::spawn(serve_connection(stream, router.clone(), registration));
        if let Some(connection) = connections.lock().get_mut(id) {
            connection.task = Some(task.abort_handle());
        }
        // Lets the task read a request that has already arrived, before the connection can be judged idle.
        tokio::task::yield_now().await;
    }
}

async fn serve_connection(stream: TcpStream, router: Router, registration: Registration<Connection>) {
    // Commands and replies are single small packets; Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::TcpUserTimeout, &TCP_USER_TIMEOUT_MS);
    let registration = Arc::new(registration);
    let by = stream.local_addr().ok().map(|address| address.ip());
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        promote(&registration, ConnectionState::Requested);
        set_client(&registration, visitor::forwarded_for(request.headers()));
        request.extensions_mut().insert(Arc::clone(&registration));
        if let Some(ip) = by {
            request.extensions_mut().insert(ReachedBy(ip));
        }
        let mut router = router.clone();
        async move { router.call(request).await }
    });
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// What is known of a connection. The order is that of rising trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// It has sent no complete request yet.
    Idle,
    Requested,
    /// It receives events, as a stage view and a remote do all the time.
    Streaming,
    /// It has sent a request with a valid token.
    Paired,
}

pub struct Connection {
    peer: IpAddr,
    /// The address behind the peer, if that is a proxy. It may be invented, so it counts only among connections of one peer.
    client: Option<IpAddr>,
    /// The port at which a browser on this machine reaches the server under 127.0.0.1.
    home: Option<u16>,
    accepted: Moment,
    state: ConnectionState,
    task: Option<AbortHandle>,
}

impl Connection {
    fn new(peer: IpAddr, home: Option<u16>) -> Self {
        Self { peer, client: None, home, accepted: clock::now(), state: ConnectionState::Idle, task: None }
    }

    fn is_new(&self, now: Moment) -> bool {
        self.state == ConnectionState::Idle && now.since(self.accepted) <= GRACE
    }

    /// Connections of the lowest rank are closed first. `spares_new` is false if there are too many new ones.
    fn rank(&self, now: Moment, spares_new: bool) -> u8 {
        match self.state {
            ConnectionState::Idle if !self.is_new(now) => 0,
            ConnectionState::Idle if !spares_new => 1,
            ConnectionState::Requested => 2,
            ConnectionState::Streaming => 3,
            ConnectionState::Idle => 4,
            ConnectionState::Paired => 5,
        }
    }
}

/// Closes one connection if the limit is reached.
fn make_room(list: &mut List<Connection>) {
    if list.iter().len() < CONNECTIONS_MAX {
        return;
    }
    let now = clock::now();
    let spares_new = list.iter().filter(|connection| connection.is_new(now)).count() <= NEW_MAX;
    let rank = |connection: &Connection| connection.rank(now, spares_new);
    let lowest = list.iter().map(rank).min();
    let evicted =
        list.evict(|connection| (Some(rank(connection)) == lowest).then_some((connection.peer, connection.client)));
    if let Some(task) = evicted.and_then(|connection| connection.task) {
        task.abort();
    }
}

/// The port of the listener, if it takes connections to 127.0.0.1.
fn reached_at_home(listener: &TcpListener) -> Option<u16> {
    let address = listener.local_addr().ok()?;
    let takes_both = || getsockopt(listener, sockopt::Ipv6V6Only).is_ok_and(|is_v6_only| !is_v6_only);
    let takes = match address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST,
        IpAddr::V6(ip) => ip.is_unspecified() && takes_both(),
    };
    takes.then_some(address.port())
}

/// The address at the other end.
pub fn peer(registration: &Registration<Connection>) -> Option<IpAddr> {
    registration.lock().get_mut(registration.id()).map(|connection| connection.peer)
}

/// The port of the server under 127.0.0.1, if the other end is on this machine and could use that address as well.
pub fn home_port(registration: &Registration<Connection>) -> Option<u16> {
    let mut list = registration.lock();
    let connection = list.get_mut(registration.id()).filter(|connection| connection.peer.is_loopback())?;
    connection.home
}

fn set_client(registration: &Registration<Connection>, client: Option<IpAddr>) {
    if let Some(connection) = registration.lock().get_mut(registration.id()) {
        connection.client = client;
    }
}

/// Raises the state of a connection to `state`. At most [`PAIRED_MAX`] connections become paired.
pub fn promote(registration: &Registration<Connection>, state: ConnectionState) {
    let mut list = registration.lock();
    let paired = list.iter().filter(|connection| connection.state == ConnectionState::Paired).count();
    if state == ConnectionState::Paired && paired >= PAIRED_MAX {
        return;
    }
    if let Some(connection) = list.get_mut(registration.id()) {
        connection.state = connection.state.max(state);
    }
}
