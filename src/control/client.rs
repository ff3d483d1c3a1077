//! The control socket: the client's end.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Group};

use crate::control::protocol::{self, Ask, Reply};
use crate::control::server;
use crate::core::clock;

/// Where the service listens.
const SERVICE: &str = "/run/talklight/control.sock";
/// A daemon answers at once; one that does not is stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a daemon that has ended may take to be back: a service that crashed is, within a second.
const ABSENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(250);
/// An answer that is longer is none.
const ANSWER_MAX: u64 = 1024 * 1024;

/// A connection to the one daemon that answers at `named`, or where daemons are by default.
///
/// # Errors
/// If none answers, if two do, or if this user may not ask; each with what to do about it.
pub fn connect(named: Option<&Path>) -> anyhow::Result<UnixStream> {
    find(named).map(|(_, stream)| stream)
}

/// The same, and where it was found.
///
/// # Errors
/// As [`connect`].
pub fn find(named: Option<&Path>) -> anyhow::Result<(PathBuf, UnixStream)> {
    one(seek(named))
}

/// The one daemon that was found.
///
/// # Errors
/// As [`connect`].
pub fn one(sought: Sought) -> anyhow::Result<(PathBuf, UnixStream)> {
    let Sought { places, mut found, refused } = sought;
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

/// Where daemons were looked for, and what was there.
pub struct Sought {
    pub places: Vec<PathBuf>,
    pub found: Vec<(PathBuf, UnixStream)>,
    /// Why one that is there cannot be asked.
    pub refused: Option<String>,
}

/// Looks for daemons at `named`, or where they are by default.
pub fn seek(named: Option<&Path>) -> Sought {
    let mut places: Vec<PathBuf> = match named {
        Some(path) => vec![path.into()],
        // A folder of ours that somebody else has made his own holds no daemon of ours.
        None => server::default_path().into_iter().chain([SERVICE.into()]).collect(),
    };
    places.dedup();
    let (mut found, mut refused) = (Vec::new(), None);
    for path in &places {
        let stream = UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
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
    Sought { places, found, refused }
}

/// Asks, and waits for the answer.
///
/// # Errors
/// If the daemon gives none.
pub fn request(mut stream: UnixStream, ask: &Ask) -> anyhow::Result<Reply> {
    let sent = stream.write_all(ask.line().as_bytes());
    let line = sent.and_then(|()| read_line(&mut BufReader::new(stream)));
    let line = line.context("the daemon does not answer; look with `talklight status` what became of it")?;
    let line = line.context("the daemon hung up without an answer; look with `talklight status` what became of it")?;
    protocol::decode(&line).context("the daemon answers something else")
}

/// Asks for lines without end, of which the first comes at once.
///
/// # Errors
/// If the daemon is gone, or refuses.
pub fn watch(mut stream: UnixStream, ask: &Ask) -> anyhow::Result<Lines> {
    stream.write_all(ask.line().as_bytes()).context("the daemon hung up")?;
    let mut rest = BufReader::new(stream);
    let first = read_line(&mut rest).context("the daemon does not answer")?;
    let first = first.context("the daemon hung up without an answer")?;
    if let Ok(Reply { ok: false, message, .. }) = protocol::decode(&first) {
        bail!(message);
    }
    rest.get_ref().set_read_timeout(None)?;
    Ok(Lines { first: Some(first), rest })
}

/// Waits for a daemon that hung up to be back, and asks it again. None if it stays away.
pub fn watch_again(path: &Path, ask: &Ask) -> Option<Lines> {
    let absent = clock::now();
    while clock::now().since(absent) < ABSENCE {
        thread::park_timeout(RETRY);
        if let Ok(lines) = connect(Some(path)).and_then(|stream| watch(stream, ask)) {
            return Some(lines);
        }
    }
    None
}

/// The lines that a daemon says to one that watches, until it hangs up.
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

/// One line; none at the end.
fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = stream.take(ANSWER_MAX).read_line(&mut line)?;
    Ok((length > 0).then_some(line))
}

fn denied(path: &Path) -> String {
    let group =
        std::fs::metadata(path).ok().and_then(|found| Group::from_gid(Gid::from_raw(found.gid())).ok().flatten());
    let path = path.display();
    match group {
        Some(Group { name, gid, .. }) if gid.as_raw() != 0 => {
            format!("you may not use {path}; join its group with `sudo usermod -aG {name} $USER` and log in again")
        }
        _ => format!("you may not use {path}; ask as the user that it belongs to"),
    }
}
