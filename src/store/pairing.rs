//! Pairing: who may change the timer from the network.
//!
//! An invitation is a ticket, for a camera, and a code, for fingers; either is good once and for a minute. Who redeems it gets
//! a token, which is good until all are forgotten. Kept on disk are hashes of tokens, so that a stolen file opens nothing.
//! Time is an argument.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::core::clock::Moment;
use crate::os::lock::beside;

/// How long an invitation is good.
pub const INVITATION: Duration = Duration::from_secs(60);
/// Wrong codes within a minute after which codes are closed for [`CLOSED`]: of a million, ten a minute.
pub const WRONG_MAX: usize = 10;
const WRONG_WINDOW: Duration = Duration::from_secs(60);
pub const CLOSED: Duration = Duration::from_secs(60);
/// More are the work of a program; the oldest makes room.
pub const PAIRED_MAX: usize = 64;

/// Why nobody can be paired with a daemon that has no web.
pub const OFF: &str = match cfg!(feature = "web") {
    true => {
        "the web is off; the service takes `sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight`, another timer `listen = \"0.0.0.0:8080\"` under [web], or --web"
    }
    false => "this talklight was built without the web; build it with the feature `web`",
};

const CODES: u32 = 1_000_000;
const CODE_DIGITS: usize = 6;
/// 32 bytes in hexadecimal and a line's end.
const LINE_BYTES: u64 = 65;

type Hash = [u8; 32];

pub struct Pairing {
    path: PathBuf,
    /// Where the pages are, once they are.
    listen: OnceLock<SocketAddr>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The file was read, or written since.
    loaded: bool,
    /// Of the tokens that are good, the oldest first.
    paired: VecDeque<Hash>,
    invitation: Option<Invitation>,
    /// When the last wrong codes came.
    wrong: VecDeque<Moment>,
    closed_until: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// 128 bits in hexadecimal.
    pub ticket: String,
    /// Six digits.
    pub code: String,
    pub until: Moment,
}

/// Why nobody was paired.
#[derive(Debug)]
pub enum PairingError {
    /// It is not, or no longer, what the invitation says.
    Wrong,
    /// Too many wrong codes; how long to wait.
    Closed { left: Duration },
    /// The token cannot be kept.
    Failed(io::Error),
}

impl Pairing {
    /// Nobody is paired before [`load`](Self::load).
    pub fn new(path: PathBuf) -> Self {
        Self { path, listen: OnceLock::new(), state: Mutex::default() }
    }

    /// Reads who is paired, unless that was done or somebody was paired since. What is no file of tokens is set aside, beside
    /// itself; then the text says so, and every phone must be paired again.
    ///
    /// # Errors
    /// If it can neither be read nor set aside; it may be tried again.
    pub fn load(&self) -> Result<Option<String>, String> {
        let mut state = self.state();
        if state.loaded {
            return Ok(None);
        }
        let told = match read(&self.path) {
            Ok(paired) => {
                state.paired = paired;
                None
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.path.display();
                let damaged = beside(&self.path, "damaged");
                let aside = || format!("every phone must be paired again: {path}: {error}");
                fs::rename(&self.path, &damaged)
                    .map_err(|why| format!("{}; it cannot be set aside: {why}", aside()))?;
                Some(format!("{}; it is kept as {}", aside(), damaged.display()))
            }
        };
        state.loaded = true;
        Ok(told)
    }

    /// Whether [`load`](Self::load) need not be tried again.
    pub fn is_loaded(&self) -> bool {
        self.state().loaded
    }

    /// Where those who are invited go, once the port is open.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen.get().copied()
    }

    /// The pages are at `listen` from now on.
    pub fn set_listen(&self, listen: SocketAddr) {
        let _ = self.listen.set(listen);
    }

    /// Invites one to be paired, in place of anybody invited before.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn invite(&self, now: Moment) -> io::Result<Invitation> {
        let invitation = Invitation { ticket: hex(&random::<16>()?), code: code()?, until: now + INVITATION };
        self.state().invitation = Some(invitation.clone());
        Ok(invitation)
    }

    /// The token for who says the ticket or the code of the invitation, which is used up by that.
    ///
    /// # Errors
    /// [`PairingError`].
    pub fn redeem(&self, answer: &str, now: Moment) -> Result<String, PairingError> {
        let mut state = self.state();
        let closed = state.closed_until.filter(|&until| now < until);
        // A ticket is beyond guessing, so that whoever tries codes shuts out nobody who has one.
        let is_code = answer.len() == CODE_DIGITS && answer.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(until) = closed.filter(|_| is_code) {
            return Err(PairingError::Closed { left: until.since(now) });
        }
        let invitation = state.invitation.take_if(|invited| now < invited.until);
        let is_right = invitation.as_ref().is_some_and(|invited| {
            let [ticket, code] = [&invited.ticket, &invited.code].map(|right| same(right, answer));
            (ticket | code).into()
        });
        if is_right {
            return self.admit(&mut state).map_err(|error| {
                state.invitation = invitation;
                PairingError::Failed(error)
            });
        }
        // What was not used up is good for who is meant.
        state.invitation = invitation;
        if !is_code {
            return Err(PairingError::Wrong);
        }
        state.wrong.retain(|&at| now.since(at) < WRONG_WINDOW);
        state.wrong.push_back(now);
        if state.wrong.len() >= WRONG_MAX {
            state.wrong.clear();
            state.closed_until = Some(now + CLOSED);
            return Err(PairingError::Closed { left: CLOSED });
        }
        Err(PairingError::Wrong)
    }

    /// A token without an invitation, for a program of who may use the control socket.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn issue(&self) -> io::Result<String> {
        self.admit(&mut self.state())
    }

    /// Whether a token is good.
    pub fn is_valid(&self, token: &str) -> bool {
        let hash = hash(token);
        let state = self.state();
        let known = state.paired.iter().map(|paired| paired.ct_eq(&hash));
        known.fold(Choice::from(0), |any, one| any | one).into()
    }

    /// How many are paired.
    pub fn count(&self) -> usize {
        self.state().paired.len()
    }

    /// Unpairs all, and takes back the invitation.
    ///
    /// # Errors
    /// If the file cannot be removed; all are unpaired until the next start all the same.
    pub fn forget(&self) -> io::Result<()> {
        let mut state = self.state();
        state.paired.clear();
        (state.invitation, state.loaded) = (None, true);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn admit(&self, state: &mut State) -> io::Result<String> {
        let token = hex(&random::<32>()?);
        let mut paired = state.paired.clone();
        if paired.len() == PAIRED_MAX {
            paired.pop_front();
        }
        paired.push_back(hash(&token));
        keep(&self.path, &paired)?;
        (state.paired, state.loaded) = (paired, true);
        Ok(token)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where those who are paired are kept: in the service's state directory, or the user's.
///
/// # Errors
/// If there is none.
pub fn default_path() -> anyhow::Result<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // Of several the service's first is ours.
    let service = env::var("STATE_DIRECTORY").ok();
    let service = service.and_then(|all| Some(PathBuf::from(all.split(':').next()?)));
    let user = || {
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
        Some(state?.join("talklight"))
    };
    let folder = service.or_else(user);
    Ok(folder.context("there is no place to keep who is paired; set XDG_STATE_HOME")?.join("paired"))
}

/// Replaces the file whole, so that one that is killed meanwhile leaves the old or the new one.
fn keep(path: &Path, paired: &VecDeque<Hash>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = beside(path, "new");
    let _ = fs::remove_file(&draft);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
    let lines: String = paired.iter().map(|hash| hex(hash) + "\n").collect();
    file.write_all(lines.as_bytes())?;
    // Not waited for until it is on the card: all who ask something of the web would wait with it.
    fs::rename(&draft, path)
}

fn read(path: &Path) -> io::Result<VecDeque<Hash>> {
    let file = File::options().read(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(io::Error::other("it is not a file that this user alone can read"));
    }
    let mut text = String::new();
    file.take(PAIRED_MAX as u64 * LINE_BYTES + 1).read_to_string(&mut text)?;
    let paired: Option<VecDeque<Hash>> = text.lines().map(unhex).collect();
    paired
        .filter(|paired| paired.len() <= PAIRED_MAX)
        .ok_or_else(|| io::Error::other("it holds something else than tokens"))
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether two texts are the same, in a time that tells of their lengths only.
fn same(right: &str, answer: &str) -> Choice {
    right.as_bytes().ct_eq(answer.as_bytes())
}

fn code() -> io::Result<String> {
    // Above the last whole million the first codes would be likelier than the others.
    let fair = u32::MAX - u32::MAX % CODES;
    loop {
        let number = u32::from_le_bytes(random()?);
        if number < fair {
            return Ok(format!("{:06}", number % CODES));
        }
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(line: &str) -> Option<Hash> {
    if line.len() != 64 || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&line[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}
