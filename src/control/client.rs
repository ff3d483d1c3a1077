//! The control socket, client side.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Group};

use crate::control::protocol::{self, ClientRequest, Reply};
use crate::control::server;
use crate::core::clock;

/// The socket of the service.
const SERVICE_SOCKET: &str = "/run/talklight/control.sock";
/// A daemon answers at once unless it hangs.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a daemon that has ended. A service that crashed is back within a second.
const RESTART_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(250);
/// Longer lines are cut off, and so do not decode.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Connects to the daemon at `socket`, or to the only one at the default paths.
///
/// # Errors
/// If no daemon answers, if two do, or if this user may not connect; each with a remedy.
pub fn connect(socket: Option<&Path>) -> anyhow::Result<UnixStream> {
    find(socket).map(|(_, stream)| stream)
}

/// As [`connect`], and the path of the socket.
///
/// # Errors
/// As [`connect`].
pub fn find(socket: Option<&Path>) -> anyhow::Result<(PathBuf, UnixStream)> {
    single(discover(socket))
}

/// The only daemon that was found.
///
/// # Errors
/// As [`connect`].
pub fn single(discovery: Discovery) -> anyhow::Result<(PathBuf, UnixStream)> {
    let Discovery { places, mut found, refused } = discovery;
    let names: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
    match (found.len(), refused) {
        (0, Some(refused)) => bail!(refused),
        (0, None) => {
            bail!("no talklight answers at {}; start one, or name its socket with --socket", names.join(" or "))
        }
        (1, _) => Ok(found.remove(0)),
        _ => bail!("two talklights are running, at {}; name the one you mean with --socket", names.join(" and ")),
    }
}

/// The result of looking for daemons.
pub struct Discovery {
    /// The paths that were tried.
    pub places: Vec<PathBuf>,
    pub found: Vec<(PathBuf, UnixStream)>,
    /// Why a daemon that exists cannot be used, with a remedy.
    pub refused: Option<String>,
}

/// Looks for daemons at `socket`, or at the default paths.
pub fn discover(socket: Option<&Path>) -> Discovery {
    let mut places: Vec<PathBuf> = match socket {
        Some(path) => vec![path.into()],
        // If another user owns the private directory, our daemon cannot be there.
        None => server::default_path().into_iter().chain([SERVICE_SOCKET.into()]).collect(),
    };
    places.dedup();
    let (mut found, mut refused) = (Vec::new(), None);
    for path in &places {
        let stream = UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
            stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => found.push((path.clone(), stream)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => refused = Some(denied(path)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory
                ) => {}
            Err(error) => refused = Some(format!("{} does not answer: {error}", path.display())),
        }
    }
    Discovery { places, found, refused }
}

/// Sends a request and waits for the reply.
///
/// # Errors
/// If no reply arrives in time, or it does not decode.
pub fn request(mut stream: UnixStream, request: &ClientRequest) -> anyhow::Result<Reply> {
    let sent = stream.write_all(request.line().as_bytes());
    let line = sent.and_then(|()| read_line(&mut BufReader::new(stream)));
    let line =
        line.context("the daemon does not answer; `talklight status` shows whether the request was carried out")?;
    let line = line.context(
        "the daemon disconnected without a reply; `talklight status` shows whether the request was carried out",
    )?;
    protocol::decode(&line).context("the daemon's reply")
}

/// Sends `watch` or `attach` and waits for the first line of the stream.
///
/// # Errors
/// If the daemon is gone, or refuses.
pub fn watch(mut stream: UnixStream, request: &ClientRequest) -> anyhow::Result<Lines> {
    stream.write_all(request.line().as_bytes()).context("the daemon disconnected")?;
    let mut rest = BufReader::new(stream);
    let first = read_line(&mut rest).context("the daemon does not answer")?;
    let first = first.context("the daemon disconnected without a reply")?;
    if let Ok(Reply { ok: false, message, .. }) = protocol::decode(&first) {
        bail!(message);
    }
    rest.get_ref().set_read_timeout(None)?;
    Ok(Lines { first: Some(first), rest })
}

/// As [`watch`], after the daemon has disconnected: waits until it is back. `None` if it stays away.
pub fn watch_again(path: &Path, request: &ClientRequest) -> Option<Lines> {
    let lost = clock::now();
    while clock::now().since(lost) < RESTART_TIMEOUT {
        thread::park_timeout(RETRY);
        if let Ok(lines) = connect(Some(path)).and_then(|stream| watch(stream, request)) {
            return Some(lines);
        }
    }
    None
}

/// The lines of a stream, until the daemon disconnects.
pub struct Lines {
    first: Option<String>,
    rest: BufReader<UnixStream>,
}

impl Iterator for Lines {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => read_line(&mut self.rest).transpose(),
        }
    }
}

/// The next line; `None` at the end of the stream.
fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = stream.take(LINE_BYTES_MAX).read_line(&mut line)?;
    Ok((length > 0).then_some(line))
}

fn denied(path: &Path) -> String {
    let group =
        std::fs::metadata(path).ok().and_then(|found| Group::from_gid(Gid::from_raw(found.gid())).ok().flatten());
    let path = path.display();
    match group {
        Some(Group { name, gid, .. }) if gid.as_raw() != 0 => {
            format!(
                "this user may not use {path}; join its group with `sudo usermod -aG {name} $USER` and log in again"
            )
        }
        _ => format!("this user may not use {path}; run this as the user who owns it"),
    }
}
