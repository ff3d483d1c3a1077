//! Messages to the service manager: readiness, the watchdog and a status line, as in sd_notify(3).
//!
//! Each message is one datagram. No crate is used, since the engine's thread sends the pings and must never block; the crates
//! for this open a socket each time and may block.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread;
use std::time::Duration;

/// Does nothing if there is no service manager.
#[derive(Debug)]
pub struct Notify {
    /// `$NOTIFY_SOCKET`.
    name: Option<OsString>,
    /// Not connected, so that messages reach a service manager that has re-executed itself.
    socket: Option<UnixDatagram>,
}

impl Notify {
    /// For the service manager at `$NOTIFY_SOCKET`.
    pub fn from_env() -> Self {
        let socket = UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        Self { name: env::var_os("NOTIFY_SOCKET"), socket: socket.ok() }
    }

    /// Says that the daemon is ready.
    ///
    /// # Errors
    /// Why the service manager cannot be reached.
    pub fn ready(&self) -> io::Result<()> {
        self.send("READY=1")
    }

    /// Pings the watchdog.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn watchdog(&self) -> io::Result<()> {
        self.send("WATCHDOG=1")
    }

    /// Sets the status line.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn status(&self, line: &str) -> io::Result<()> {
        self.send(&format!("STATUS={}", line.replace('\n', " ")))
    }

    /// Says that the daemon is about to end.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub fn stopping(&self) -> io::Result<()> {
        self.send("STOPPING=1")
    }

    fn send(&self, state: &str) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let socket = self.socket.as_ref().ok_or_else(|| io::Error::other("no datagram socket could be created"))?;
        match socket.send_to_addr(state.as_bytes(), &address(name.as_bytes())?) {
            // A full queue is no error: another ping follows before the watchdog's timeout.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

/// For a process of `ExecStopPost=`: whether systemd will restart the service. It does so after every failure but a bad
/// config, which ends with the exit status `config_status`. After a timeout the answer is false, since it may be that of a
/// stop, and then only this process can darken the strip.
pub fn restart_follows(config_status: u8) -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    match variable("SERVICE_RESULT").as_str() {
        "success" | "timeout" | "start-limit-hit" | "" => false,
        "exit-code" => variable("EXIT_STATUS") != config_status.to_string(),
        _ => true,
    }
}

/// Waits a second under a service manager, which restarts a failed service at once: this keeps it from flooding the log.
pub fn delay_failure() {
    if env::var_os("NOTIFY_SOCKET").is_some() {
        thread::park_timeout(Duration::from_secs(1));
    }
}

/// The address of a socket: a path, or after an `@` a name in Linux's abstract namespace.
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
