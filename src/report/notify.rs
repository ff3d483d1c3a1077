//! The service manager: readiness, the watchdog and a line of status, by sd_notify(3)'s protocol.
//!
//! One datagram each. Written here because the owner of the strip pings: the socket must be connected once and must
//! never block, and the crates for it do neither.

use std::env;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

/// Silent where no service manager listens.
#[derive(Debug)]
pub struct Notify(Option<UnixDatagram>);

impl Notify {
    /// To `$NOTIFY_SOCKET`.
    pub fn from_env() -> Self {
        Self(env::var("NOTIFY_SOCKET").ok().and_then(|path| connect(&path).ok()))
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
pub fn before_failing() {
    if env::var_os("NOTIFY_SOCKET").is_some() {
        thread::park_timeout(Duration::from_secs(1));
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
