//! The service manager: readiness, the watchdog and a line of status, by sd_notify(3)'s protocol.
//!
//! One datagram each. Written here because the owner of the strip pings: the socket must be connected once and must
//! never block, and the crates for it do neither.

use std::env;
use std::io;
use std::os::unix::net::UnixDatagram;

/// Silent where no service manager listens.
#[derive(Debug)]
pub struct Notify(Option<UnixDatagram>);

impl Notify {
    /// To `$NOTIFY_SOCKET`.
    pub fn from_env() -> Self {
        Self(
            env::var("NOTIFY_SOCKET")
                .ok()
                .and_then(|path| connect(&path).ok()),
        )
    }

    pub fn ready(&self) {
        self.send("READY=1");
    }

    pub fn watchdog(&self) {
        self.send("WATCHDOG=1");
    }

    pub fn status(&self, line: &str) {
        self.send(&format!("STATUS={}", line.replace('\n', " ")));
    }

    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, state: &str) {
        // A ping that is lost is followed by another before the watchdog's time is up.
        let _ = self.0.as_ref().map(|socket| socket.send(state.as_bytes()));
    }
}

fn connect(path: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match path.strip_prefix('@') {
        None => socket.connect(path)?,
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(io::ErrorKind::Unsupported.into()),
    }
    Ok(socket)
}
