//! The web server: the chair's remote, the stage view and the API. The only module that knows HTTP.
//!
//! One thread with one runtime serves all connections. The server pushes the timer's status to a page when it changes; the
//! page draws by its own clock. The only thing sent periodically is a heartbeat, by which a page notices a lost connection.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::runtime::Builder;

use crate::control::desk::Desk;
use crate::core::clock;
use crate::engine::event::{Event, Origin};
use crate::os::network;
use crate::store::pairing::Pairing;
use feed::Feed;
use sounds::Sounds;

mod api;
mod commands;
mod connections;
mod cookie;
mod feed;
mod guard;
mod home;
mod pages;
mod phones;
mod port;
mod sounds;
pub mod visitor;

/// The delay before an unavailable port or pairing file is tried again.
pub const RETRY: Duration = Duration::from_secs(1);

/// How often the paired devices are looked through.
const TIDY: Duration = Duration::from_secs(60);

/// The web server, bound to its port but not yet serving.
pub struct Web {
    listener: TcpListener,
    hosts: Vec<String>,
}

/// State shared by all request handlers.
#[derive(Clone)]
struct App {
    desk: Desk,
    pairing: Arc<Pairing>,
    feed: Feed,
    sounds: Sounds,
    /// The host names that requests may use.
    hosts: Arc<[String]>,
    commands: commands::Commands,
}

impl Web {
    /// Binds the port. `hosts` are the names that a proxy uses, besides this machine's own names.
    ///
    /// # Errors
    /// The system's error, with a remedy.
    pub fn bind(listen: SocketAddr, hosts: &[String]) -> Result<Self, BindError> {
        let is_service = std::env::var_os("NOTIFY_SOCKET").is_some();
        // In a network namespace of its own, bind() succeeds on an address that nobody can reach.
        if is_service && has_no_network() {
            return Err(BindError::NoNetwork);
        }
        let listener = port::listen(listen).map_err(|error| match error.raw_os_error() {
            Some(code) if is_service && code == nix::errno::Errno::EAFNOSUPPORT as i32 => BindError::NoNetwork,
            _ => BindError::Io(listen, error),
        })?;
        Self::from_listener(listener, hosts).map_err(|error| BindError::Io(listen, error))
    }

    /// Takes over a port that is already open, such as one from systemd.
    ///
    /// # Errors
    /// If the listener cannot be made non-blocking.
    pub fn from_listener(listener: TcpListener, hosts: &[String]) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener, hosts: hosts.to_vec() })
    }

    /// The bound address.
    ///
    /// # Errors
    /// The system's error.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves requests. Returns only on an error.
    ///
    /// # Errors
    /// If the runtime or the router cannot be built.
    pub fn run(self, desk: &Desk, pairing: Arc<Pairing>) -> anyhow::Result<()> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(commands::WAITING_MAX)
            .build()?;
        runtime.block_on(async {
            tokio::spawn(keep_paired(Arc::clone(&pairing), desk.clone()));
            let router = router(desk, pairing, &self.hosts)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            connections::serve(&listener, router).await
        })
    }
}

/// Reads the paired devices again until that succeeds, if it failed at start, and unpairs those that nobody uses.
async fn keep_paired(pairing: Arc<Pairing>, desk: Desk) {
    while !pairing.is_loaded() {
        tokio::time::sleep(RETRY).await;
        let fault = pairing.load(clock::stamp()).unwrap_or_else(Some).map(Into::into);
        desk.events.post(Event::Fault(Origin::Pairing, fault));
    }
    loop {
        desk.tidy();
        tokio::time::sleep(TIDY).await;
    }
}

/// Why the port could not be bound.
#[derive(Debug)]
pub enum BindError {
    /// A service that may not use the network, or has only its own loopback.
    NoNetwork,
    Io(SocketAddr, io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Io(listen, error) = self else {
            return f.write_str(
                "web.listen: this service has no network of its own; `sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight` gives it a port",
            );
        };
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                let port = listen.port();
                let other = if port == u16::MAX { port - 1 } else { port + 1 };
                match network::listener(*listen) {
                    Some(owner) => {
                        format!("{owner} uses this port; stop it, or choose another port, as with --web=:{other}")
                    }
                    None => format!(
                        "another program uses this port; stop it, or choose another port, as with --web=:{other}"
                    ),
                }
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; \":8080\" listens on all its addresses".into()
            }
            io::ErrorKind::PermissionDenied => "this user may not use ports below 1024; choose 8080".into(),
            _ => "choose another address".to_owned(),
        };
        write!(f, "web.listen: {listen}: {error}; {remedy}")
    }
}

impl std::error::Error for BindError {}

/// Whether loopback is the only interface, as in a unit with `PrivateNetwork=`.
fn has_no_network() -> bool {
    let Ok(mut interfaces) = nix::ifaddrs::getifaddrs() else {
        return false;
    };
    interfaces.all(|interface| interface.interface_name == "lo")
}

/// All routes, for requests whose `Host` is an IP address or one of `hosts`. Must be called and used within a tokio
/// runtime.
///
/// # Errors
/// If the system has no file descriptor left.
pub fn router(desk: &Desk, pairing: Arc<Pairing>, hosts: &[String]) -> io::Result<Router> {
    let app = App {
        desk: desk.clone(),
        pairing,
        feed: Feed::new(Arc::clone(&desk.board))?,
        sounds: Sounds::new(desk.events.clone()),
        hosts: hosts.into(),
        commands: commands::Commands::default(),
    };
    let router = Router::new()
        .merge(pages::routes())
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/events", get(api::events))
        .route("/api/v1/start", post(commands::command))
        .route("/api/v1/late", post(commands::command))
        .route("/api/v1/reset", post(commands::command))
        .route("/api/v1/undo", post(commands::command))
        .route("/api/v1/choose", post(commands::command))
        .route("/api/v1/demo", post(commands::command))
        .route("/api/v1/pair", post(phones::pair))
        .route("/api/v1/paired", get(phones::paired))
        .route("/api/v1/devices", get(phones::list))
        .route("/api/v1/remove", post(phones::remove))
        .route("/api/v1/invite", post(phones::invite))
        .route("/api/v1/hello", get(phones::arrived).post(phones::hello))
        .route("/hello", get(phones::hello_page))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app);
    Ok(router)
}
