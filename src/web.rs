//! The web: the chair's remote and the stage view. The only place that knows HTTP.
//!
//! One thread and one runtime serve everybody. A page is told the timer when that changes and draws by its own clock, so
//! nothing here ticks but the heartbeat by which a page knows that it has not lost the daemon.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::runtime::Builder;

use crate::control::desk::Desk;
use crate::engine::event::{Event, Events, Origin};
use crate::store::pairing::Pairing;
use news::News;

mod api;
mod door;
mod guard;
mod news;
mod pages;
pub mod press;

/// How long a port or a file that cannot be had is left alone.
pub const RETRY: Duration = Duration::from_secs(1);

/// The port, open: from here on it is this daemon's.
pub struct Web {
    listener: TcpListener,
    hosts: Vec<String>,
}

/// What every request may need.
#[derive(Clone)]
struct House {
    desk: Desk,
    pairing: Arc<Pairing>,
    news: News,
    /// The names by which this machine may be asked.
    hosts: Arc<[String]>,
    done: api::Done,
}

impl Web {
    /// Opens the port. `hosts` are names that a proxy asks by, besides this machine's own.
    ///
    /// # Errors
    /// What the system says, with what to do about it.
    pub fn bind(listen: SocketAddr, hosts: &[String]) -> Result<Self, Unopened> {
        // A service that is shut in has an address of its own that nobody else sees.
        if std::env::var_os("NOTIFY_SOCKET").is_some() && has_no_network() {
            return Err(Unopened::NoNetwork);
        }
        let listener = TcpListener::bind(listen).map_err(|error| match error.raw_os_error() {
            Some(code) if code == nix::errno::Errno::EAFNOSUPPORT as i32 => Unopened::NoNetwork,
            _ => Unopened::Refused(listen, error),
        })?;
        Self::of(listener, hosts).map_err(|error| Unopened::Refused(listen, error))
    }

    /// A port that somebody else has opened.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(listener: TcpListener, hosts: &[String]) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let hosts = hosts.iter().cloned().chain(guard::own_names()).collect();
        Ok(Self { listener, hosts })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where the pages are, as a person on this machine or its network types it.
    ///
    /// # Errors
    /// What the system says.
    pub fn url(&self) -> io::Result<String> {
        let address = self.address()?;
        let host = match address.ip() {
            ip if ip.is_unspecified() => guard::own_names().pop().unwrap_or_default(),
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        };
        Ok(format!("http://{host}:{}", address.port()))
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// When the listener is of no more use.
    pub fn run(self, desk: &Desk, pairing: Arc<Pairing>) -> anyhow::Result<()> {
        let runtime =
            Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(api::WAITING_MAX).build()?;
        runtime.block_on(async {
            tokio::spawn(load(Arc::clone(&pairing), desk.events.clone()));
            let router = router(desk, pairing, &self.hosts)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            door::serve(&listener, router).await
        })
    }
}

/// Reads who is paired, where that could not be read at the start.
async fn load(pairing: Arc<Pairing>, events: Events) {
    while !pairing.is_loaded() {
        tokio::time::sleep(RETRY).await;
        let fault = pairing.load().unwrap_or_else(Some).map(Into::into);
        if events.try_send(Event::Fault(Origin::Pairing, fault)).is_err() {
            return;
        }
    }
}

/// Why a port is not open.
#[derive(Debug)]
pub enum Unopened {
    /// This process may not use a network, or has none but its own.
    NoNetwork,
    Refused(SocketAddr, io::Error),
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Refused(listen, error) = self else {
            return f.write_str(
                "web.listen: this service has no network of its own; `sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight` gives it a port",
            );
        };
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there; stop it, or take another port",
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; \"0.0.0.0:8080\" means all that it has"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 are not for this user; take 8080",
            _ => "take another address",
        };
        write!(f, "web.listen: {listen}: {error}; {remedy}")
    }
}

impl std::error::Error for Unopened {}

/// Whether this process can be reached by nobody but itself, as in a unit with `PrivateNetwork=`.
fn has_no_network() -> bool {
    let Ok(mut interfaces) = nix::ifaddrs::getifaddrs() else {
        return false;
    };
    interfaces.all(|interface| interface.interface_name == "lo")
}

/// All that can be asked for, of one that is asked by any of `hosts`. To be made, and asked, in a runtime.
///
/// # Errors
/// When the system has no descriptor left.
pub fn router(desk: &Desk, pairing: Arc<Pairing>, hosts: &[String]) -> io::Result<Router> {
    let house = House {
        desk: desk.clone(),
        pairing,
        news: News::follow(Arc::clone(&desk.board))?,
        hosts: hosts.into(),
        done: api::Done::default(),
    };
    let router = Router::new()
        .merge(pages::routes())
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/events", get(api::events))
        .route("/api/v1/start", post(api::start))
        .route("/api/v1/reset", post(api::reset))
        .route("/api/v1/undo", post(api::undo))
        .route("/api/v1/pair", post(api::pair))
        .route("/api/v1/paired", get(api::paired))
        .fallback(api::nowhere)
        .method_not_allowed_fallback(api::not_so)
        .layer(axum::middleware::from_fn_with_state(house.clone(), guard::guard))
        .with_state(house);
    Ok(router)
}
