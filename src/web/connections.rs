//! Open connections, and which one is closed when there are too many.
//!
//! Every connection is accepted. At the limit, one is closed to make room: idle connections first, then those that have
//! sent a request; of these the oldest of the address that has most of them. Connections of paired devices are closed last.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tower_service::Service;

use super::guard::ReachedBy;
use crate::control::registry::{List, Registration, Registry};
use crate::core::clock::{self, Moment};

/// Open connections at the same time: enough for five hundred stage views and the phones of a room, and below the limit of
/// 1024 descriptors.
pub const CONNECTIONS_MAX: usize = 800;
/// Connections of paired devices that are protected from being closed.
const PAIRED_MAX: usize = 64;
/// A new connection counts as idle only after this time.
const GRACE: Duration = Duration::from_secs(1);
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
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        make_room(&mut connections.lock());
        let registration = Registry::insert(&connections, Connection::new(peer.ip().to_canonical()));
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
    /// It has sent a request with a valid token.
    Paired,
}

pub struct Connection {
    peer: IpAddr,
    accepted: Moment,
    state: ConnectionState,
    task: Option<AbortHandle>,
}

impl Connection {
    fn new(peer: IpAddr) -> Self {
        Self { peer, accepted: clock::now(), state: ConnectionState::Idle, task: None }
    }

    /// Connections of the lowest rank are closed first.
    fn rank(&self, now: Moment) -> u8 {
        match self.state {
            ConnectionState::Idle if now.since(self.accepted) > GRACE => 0,
            ConnectionState::Requested => 1,
            ConnectionState::Idle => 2,
            ConnectionState::Paired => 3,
        }
    }
}

/// Closes one connection if the limit is reached.
fn make_room(list: &mut List<Connection>) {
    if list.iter().len() < CONNECTIONS_MAX {
        return;
    }
    let now = clock::now();
    let lowest = list.iter().map(|connection| connection.rank(now)).min();
    let evicted = list.evict(|connection| (Some(connection.rank(now)) == lowest).then_some(connection.peer));
    if let Some(task) = evicted.and_then(|connection| connection.task) {
        task.abort();
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
