//! The control socket: the client's end.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Group};

use crate::socket;
use crate::wire::{self, Ask, Reply};

/// Where the service listens.
const SERVICE: &str = "/run/talklight/control.sock";
/// A daemon answers at once; one that does not is stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// An answer that is longer is none.
const ANSWER_MAX: u64 = 1024 * 1024;

/// A connection to the one daemon that answers at `named`, or where daemons are by default.
///
/// # Errors
/// If none answers, if two do, or if this user may not ask; each with what to do about it.
pub fn connect(named: Option<&Path>) -> anyhow::Result<UnixStream> {
    let mut places: Vec<PathBuf> = match named {
        Some(path) => vec![path.into()],
        None => vec![socket::default_path()?, SERVICE.into()],
    };
    places.dedup();
    let mut found: Vec<(PathBuf, UnixStream)> = Vec::new();
    for path in &places {
        match UnixStream::connect(path) {
            Ok(stream) => found.push((path.clone(), stream)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!(denied(path)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory
                ) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} does not answer", path.display()));
            }
        }
    }
    let names: Vec<String> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    match found.len() {
        0 => bail!(
            "no talklight answers at {}; start one, or name its socket with --socket",
            names.join(" or ")
        ),
        1 => {
            let (_, stream) = found.remove(0);
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        }
        _ => bail!(
            "two talklights are running, at {}; name the one you mean with --socket",
            names.join(" and ")
        ),
    }
}

/// Asks, and waits for the answer.
///
/// # Errors
/// If the daemon gives none.
pub fn request(mut stream: UnixStream, ask: &Ask) -> anyhow::Result<Reply> {
    let answer = (|| {
        stream.write_all(ask.line().as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream.take(ANSWER_MAX)).read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    })();
    let line = answer
        .context("the daemon does not answer; look with `talklight status` what became of it")?;
    if line.is_empty() {
        bail!(
            "the daemon hung up without an answer; look with `talklight status` what became of it"
        );
    }
    wire::decode(&line).context("the daemon answers something else")
}

/// Asks for lines without end.
///
/// # Errors
/// If the daemon is gone.
pub fn watch(mut stream: UnixStream, ask: &Ask) -> anyhow::Result<BufReader<UnixStream>> {
    stream
        .write_all(ask.line().as_bytes())
        .context("the daemon hung up")?;
    stream.set_read_timeout(None)?;
    Ok(BufReader::new(stream))
}

fn denied(path: &Path) -> String {
    let group = std::fs::metadata(path)
        .ok()
        .and_then(|found| Group::from_gid(Gid::from_raw(found.gid())).ok().flatten());
    let path = path.display();
    match group {
        Some(Group { name, .. }) => format!(
            "you may not use {path}; join its group with `sudo usermod -aG {name} $USER` and log in again"
        ),
        None => format!("you may not use {path}; ask its owner"),
    }
}
