//! The door: connections, and who has to leave when there are too many.
//!
//! Everybody is let in. When the house is full, one leaves who has said the least: one that has asked for nothing before one
//! that has, of the address that has most of them, the oldest. Who is paired stays.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tower_service::Service;

use crate::core::clock::{self, Moment};

/// Connections at one time: five hundred stage views and what a room has in its pockets, below the 1024 descriptors of a
/// process.
pub const CONNECTIONS_MAX: usize = 800;
/// Paired connections that are not sent away for others.
const PAIRED_MAX: usize = 64;
/// How long who has come may be silent before that counts against him.
const GRACE: Duration = Duration::from_secs(1);
/// How long a peer that has gone without a word may leave what it is sent unanswered.
#[cfg(target_os = "linux")]
const GONE_MS: u32 = 10_000;
/// How long the head of a request may take, also that of the next one on a connection.
const HEAD: Duration = Duration::from_secs(10);
/// Cookies of other services on the same machine come along.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// After a failure to accept: what passes, passes.
const BREATH: Duration = Duration::from_millis(100);

/// Serves everybody who comes.
pub async fn serve(listener: &TcpListener, router: Router) -> anyhow::Result<()> {
    let guests = Arc::new(Guests::default());
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        guests.make_room(clock::now());
        let place = Place::new(&guests, from.ip().to_canonical());
        let id = place.id;
        let task = tokio::spawn(connection(stream, router.clone(), place));
        guests.seat(id, task.abort_handle());
        // What a guest has said already is heard before the next one comes in.
        tokio::task::yield_now().await;
    }
}

async fn connection(stream: TcpStream, router: Router, place: Place) {
    // A press is one small packet, and so is its answer.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::TcpUserTimeout, &GONE_MS);
    let place = Arc::new(place);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        place.rise(Standing::Asked);
        request.extensions_mut().insert(Arc::clone(&place));
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(answer(&mut router, request).await) }
    });
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(router: &mut Router, request: Request) -> axum::response::Response {
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// What a connection has shown of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Silent,
    Asked,
    Paired,
}

#[derive(Default)]
struct Guests(Mutex<List>);

#[derive(Default)]
struct List {
    guests: Vec<Guest>,
    next_id: u64,
}

struct Guest {
    id: u64,
    from: IpAddr,
    came: Moment,
    standing: Standing,
    task: Option<AbortHandle>,
}

impl Guests {
    fn make_room(&self, now: Moment) {
        let mut list = self.list();
        if list.guests.len() < CONNECTIONS_MAX {
            return;
        }
        if let Some(at) = leaves(&list.guests, now)
            && let Some(task) = list.guests.remove(at).task
        {
            task.abort();
        }
    }

    fn seat(&self, id: u64, task: AbortHandle) {
        if let Some(guest) = self.list().guests.iter_mut().find(|guest| guest.id == id) {
            guest.task = Some(task);
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who leaves: of the lowest rank, of the address that has most of that, the oldest.
fn leaves(guests: &[Guest], now: Moment) -> Option<usize> {
    // Who has just come has had no time to say anything.
    let rank = |guest: &Guest| match guest.standing {
        Standing::Silent if now.since(guest.came) > GRACE => 0,
        Standing::Asked => 1,
        Standing::Silent => 2,
        Standing::Paired => 3,
    };
    let lowest = guests.iter().map(rank).min()?;
    let among = || {
        let guests = guests.iter().enumerate();
        guests.filter(|(_, guest)| rank(guest) == lowest)
    };
    let mut counts = std::collections::HashMap::new();
    for (_, guest) in among() {
        *counts.entry(guest.from).or_insert(0) += 1;
    }
    // The first of equals is the oldest.
    let most = counts.values().max()?;
    among().find(|(_, guest)| counts[&guest.from] == *most).map(|(at, _)| at)
}

/// A connection's place in the house, given up when dropped.
pub struct Place {
    guests: Arc<Guests>,
    id: u64,
}

impl Place {
    fn new(guests: &Arc<Guests>, from: IpAddr) -> Self {
        let mut list = guests.list();
        let id = list.next_id;
        list.next_id += 1;
        list.guests.push(Guest { id, from, came: clock::now(), standing: Standing::Silent, task: None });
        Self { guests: Arc::clone(guests), id }
    }

    /// Takes note that this connection stands higher than was known.
    pub fn rise(&self, standing: Standing) {
        let mut list = self.guests.list();
        let paired = list.guests.iter().filter(|guest| guest.standing == Standing::Paired);
        if standing == Standing::Paired && paired.count() >= PAIRED_MAX {
            return;
        }
        if let Some(guest) = list.guests.iter_mut().find(|guest| guest.id == self.id) {
            guest.standing = guest.standing.max(standing);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.list().guests.retain(|guest| guest.id != self.id);
    }
}
