//! The service manager: readiness, the watchdog and a line of status, by sd_notify(3)'s protocol.
//!
//! One datagram each. Written here because the owner of the strip pings: it must never block, and the crates for it open a
//! socket each time and may.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread;
use std::time::Duration;

/// Silent where no service manager listens.
#[derive(Debug)]
pub struct Notify {
    /// `$NOTIFY_SOCKET`.
    name: Option<OsString>,
    /// Not connected, so that it is heard again by a manager that has restarted itself.
    socket: Option<UnixDatagram>,
}

impl Notify {
    /// To `$NOTIFY_SOCKET`.
    pub fn from_env() -> Self {
        let socket = UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        Self { name: env::var_os("NOTIFY_SOCKET"), socket: socket.ok() }
    }

    /// # Errors
    /// Why the manager did not hear it; so with the others.
    pub fn ready(&self) -> io::Result<()> {
        self.send("READY=1")
    }

    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn watchdog(&self) -> io::Result<()> {
        self.send("WATCHDOG=1")
    }

    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn status(&self, line: &str) -> io::Result<()> {
        self.send(&format!("STATUS={}", line.replace('\n', " ")))
    }

    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn stopping(&self) -> io::Result<()> {
        self.send("STOPPING=1")
    }

    fn send(&self, state: &str) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let socket = self.socket.as_ref().ok_or_else(|| io::Error::other("there is no socket to send by"))?;
        match socket.send_to_addr(state.as_bytes(), &address(name.as_bytes())?) {
            // A ping that finds no room is followed by another before the watchdog's time is up.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether systemd, which tells its `ExecStopPost=` how the service ended, will start it again: it does after every
/// failure but a bad config, which ends with `config_status`. A timeout may also be that of a stop, after which only this command can darken the strip.
pub fn restart_follows(config_status: u8) -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    match variable("SERVICE_RESULT").as_str() {
        "success" | "timeout" | "start-limit-hit" | "" => false,
        "exit-code" => variable("EXIT_STATUS") != config_status.to_string(),
        _ => true,
    }
}

/// Waits a second where a service manager would start us again at once: what keeps us from starting is not gone that soon,
/// and the log is not to be flooded by it.
pub fn delay_failure() {
    if env::var_os("NOTIFY_SOCKET").is_some() {
        thread::park_timeout(Duration::from_secs(1));
    }
}

/// The address by that name: a path, or behind an `@` a name in Linux's abstract namespace.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name.strip_prefix(b"@") {
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
