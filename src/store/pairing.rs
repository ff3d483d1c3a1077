//! Pairing: which devices and programs may change the timer over the network.
//!
//! An invitation holds a ticket, for a QR code, and a code to type. Either can be exchanged for a token, once and within a
//! minute. A token is valid until all devices are unpaired. The file holds only hashes of tokens, so that a stolen file opens
//! nothing. Time is an argument.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::core::clock::Moment;
use crate::os::lock::beside;
use crate::os::private;
use crate::os::site::Site;

/// How long an invitation is valid.
pub const INVITATION: Duration = Duration::from_secs(60);
/// After so many wrong codes within a minute, codes are refused for [`CLOSED`]: ten guesses a minute among a million codes.
pub const WRONG_MAX: usize = 10;
const WRONG_WINDOW: Duration = Duration::from_secs(60);
pub const CLOSED: Duration = Duration::from_secs(60);
/// Paired devices and programs. A further one replaces the oldest.
pub const PAIRED_MAX: usize = 64;

/// Why no device can be paired when the web is off, with a remedy.
pub const OFF: &str = match cfg!(feature = "web") {
    true => {
        "the web is off; for the service run `sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight`, for another timer use --web, or write `listen = \":8080\"` under [web]"
    }
    false => "this talklight was built without the web; build it with the feature `web`",
};

const CODES: u32 = 1_000_000;
const CODE_DIGITS: usize = 6;
/// 32 bytes in hexadecimal and a newline.
const LINE_BYTES: u64 = 65;

type Hash = [u8; 32];

/// The paired devices and the current invitation. Shared by the web server, the socket and the screen.
pub struct Pairing {
    path: PathBuf,
    /// The place of the web server, once it listens.
    site: Mutex<Option<Site>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The file was read or written.
    loaded: bool,
    /// The hashes of the valid tokens, the oldest first.
    paired: VecDeque<Hash>,
    invitation: Option<Invitation>,
    /// When the recent wrong codes were tried.
    wrong: VecDeque<Moment>,
    closed_until: Option<Moment>,
}

/// Lets one device be paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// 128 bits in hexadecimal.
    pub ticket: String,
    /// Six digits.
    pub code: String,
    pub until: Moment,
}

/// Why a device was not paired.
#[derive(Debug)]
pub enum PairingError {
    /// The ticket or code is wrong, used or expired.
    Wrong,
    /// Codes are refused for the time `left`, after too many wrong ones.
    Closed { left: Duration },
    /// The token cannot be created or saved.
    Failed(io::Error),
}

impl Pairing {
    /// No device is paired until [`load`](Self::load) has succeeded.
    pub fn new(path: PathBuf) -> Self {
        Self { path, site: Mutex::default(), state: Mutex::default() }
    }

    /// Reads the file, unless it was read or written before. A damaged file is renamed; the returned message then says that
    /// every phone must be paired again.
    ///
    /// # Errors
    /// If the file can be neither read nor renamed. The call may be repeated.
    pub fn load(&self) -> Result<Option<String>, String> {
        let mut state = self.state();
        if state.loaded {
            return Ok(None);
        }
        let message = match read(&self.path) {
            Ok(paired) => {
                state.paired = paired;
                None
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let path = self.path.display();
                let damaged = beside(&self.path, "damaged");
                let lost = || format!("every phone must be paired again: {path}: {error}");
                fs::rename(&self.path, &damaged).map_err(|why| format!("{}; it cannot be renamed: {why}", lost()))?;
                Some(format!("{}; it is kept as {}", lost(), damaged.display()))
            }
        };
        state.loaded = true;
        Ok(message)
    }

    /// Whether [`load`](Self::load) has succeeded.
    pub fn is_loaded(&self) -> bool {
        self.state().loaded
    }

    /// The place of the web server. `None` until it listens.
    pub fn site(&self) -> Option<Site> {
        self.lock_site().clone()
    }

    /// Sets the place of the web server.
    pub fn set_site(&self, site: Site) {
        *self.lock_site() = Some(site);
    }

    /// Notes the address of this machine by which a page was reached. A process without a network learns its address so.
    pub fn reached_by(&self, ip: IpAddr) {
        let ip = ip.to_canonical();
        let is_useless = ip.is_loopback() || matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        if let Some(site) = self.lock_site().as_mut().filter(|_| !is_useless) {
            site.reached = Some(ip);
        }
    }

    /// Creates an invitation, which replaces the previous one.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn invite(&self, now: Moment) -> io::Result<Invitation> {
        let invitation = Invitation { ticket: hex(&random::<16>()?), code: code()?, until: now + INVITATION };
        self.state().invitation = Some(invitation.clone());
        Ok(invitation)
    }

    /// Exchanges the ticket or the code of the invitation for a token. The invitation is then used up.
    ///
    /// # Errors
    /// Why the device was not paired.
    pub fn redeem(&self, answer: &str, now: Moment) -> Result<String, PairingError> {
        let mut state = self.state();
        let closed = state.closed_until.filter(|&until| now < until);
        // Tickets cannot be guessed, so they stay valid while codes are refused.
        let is_code = answer.len() == CODE_DIGITS && answer.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(until) = closed.filter(|_| is_code) {
            return Err(PairingError::Closed { left: until.since(now) });
        }
        let invitation = state.invitation.take_if(|invitation| now < invitation.until);
        let is_right = invitation.as_ref().is_some_and(|invitation| {
            let [ticket, code] = [&invitation.ticket, &invitation.code].map(|right| is_same(right, answer));
            (ticket | code).into()
        });
        if is_right {
            return self.admit(&mut state).map_err(|error| {
                state.invitation = invitation;
                PairingError::Failed(error)
            });
        }
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

    /// Creates a token without an invitation, for a program.
    ///
    /// # Errors
    /// If the token cannot be created or saved.
    pub fn issue(&self) -> io::Result<String> {
        self.admit(&mut self.state())
    }

    /// Whether a token belongs to a paired device. Takes the same time for every token, so that none can be guessed by timing.
    pub fn is_valid(&self, token: &str) -> bool {
        let hash = hash(token);
        let state = self.state();
        let matches = state.paired.iter().map(|paired| paired.ct_eq(&hash));
        matches.fold(Choice::from(0), |any, one| any | one).into()
    }

    /// The number of paired devices and programs.
    pub fn count(&self) -> usize {
        self.state().paired.len()
    }

    /// Unpairs all devices and withdraws the invitation.
    ///
    /// # Errors
    /// If the file cannot be removed. Then all devices are unpaired only until the next start.
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
        save(&self.path, &paired)?;
        (state.paired, state.loaded) = (paired, true);
        Ok(token)
    }

    fn lock_site(&self) -> MutexGuard<'_, Option<Site>> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The default path of the file: in the service's state directory, else in the user's.
///
/// # Errors
/// If there is neither.
pub fn default_path() -> anyhow::Result<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // systemd separates several directories by colons.
    let service = env::var("STATE_DIRECTORY").ok();
    let service = service.and_then(|all| Some(PathBuf::from(all.split(':').next()?)));
    let user = || {
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
        Some(state?.join("talklight"))
    };
    let folder = service.or_else(user);
    Ok(folder.context("there is no directory for the paired devices; set XDG_STATE_HOME")?.join("paired"))
}

/// Replaces the file. Without fsync, which would delay all requests of the web.
fn save(path: &Path, paired: &VecDeque<Hash>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let lines: String = paired.iter().map(|hash| hex(hash) + "\n").collect();
    private::replace(path, lines.as_bytes())
}

fn read(path: &Path) -> io::Result<VecDeque<Hash>> {
    let bytes = private::read(path, PAIRED_MAX as u64 * LINE_BYTES)?;
    let text = str::from_utf8(&bytes).unwrap_or_default();
    let paired: Option<_> = text.lines().map(unhex).collect();
    paired.filter(|_| text.len() == bytes.len()).ok_or_else(|| io::Error::other("it does not hold tokens"))
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

/// Compares two texts in a time that depends only on their lengths.
fn is_same(right: &str, answer: &str) -> Choice {
    right.as_bytes().ct_eq(answer.as_bytes())
}

fn code() -> io::Result<String> {
    // Numbers above the last whole million would make small codes likelier.
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
