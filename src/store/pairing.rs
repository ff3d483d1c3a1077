//! Pairing: which devices and programs may change the timer over the network.
//!
//! An invitation holds a ticket, for a QR code, and a code to type. Either can be exchanged for a token, once and within a
//! minute. A token is valid until its device is removed or was not used for a month. The file holds only hashes of tokens, so
//! that a stolen file opens nothing. Time is an argument.

mod codes;
mod device;
mod file;
mod hello;
mod secret;

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use subtle::ConstantTimeEq;

use crate::core::clock::{Moment, Stamp};
use crate::os::lock::beside;
use crate::os::site::Site;
pub use device::{Device, UNUSED_MAX, Visitor};
use file::Paired;
use hello::Hellos;
pub use hello::{Arrival, HELLO};
pub use secret::CODE_DIGITS;

use codes::Codes;
pub use codes::{CLOSED, INVITATION, Invitation, WRONG_MAX};

/// Paired devices and programs. A further one replaces the one that was not used for longest.
pub const PAIRED_MAX: usize = 64;
/// A clock that is this far behind the file's times is wrong, so nothing is unpaired by it.
const CLOCK_BEHIND_S: u64 = 60 * 60;

/// Why no device can be paired when the web is off, with a remedy.
pub const OFF: &str = match cfg!(feature = "web") {
    true => {
        "the web is off; for the service run `sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight`, for another timer use --web, or write `listen = \":8080\"` under [web]"
    }
    false => "this talklight was built without the web; build it with the feature `web`",
};

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
    paired: Paired,
    /// The file lacks something that may be written later.
    is_behind: bool,
    codes: Codes,
    hellos: Hellos,
}

/// A paired device that has sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub id: String,
    /// It was paired by HTTPS.
    pub is_https: bool,
}

/// A paired device for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    pub id: String,
    /// What it is, such as `Firefox on Android`.
    pub name: String,
    /// How long ago it was paired. `None` if talklight 0.2 paired it.
    pub paired: Option<Duration>,
    /// How long ago it was used. `None` if it was not used since talklight 0.2.
    pub seen: Option<Duration>,
}

/// Why a device was not paired.
#[derive(Debug)]
pub enum PairingError {
    /// The ticket or code is wrong, used or expired.
    Wrong,
    /// Codes are refused for the time `left`, after too many wrong ones.
    Closed {
        left: Duration,
        /// This wrong code has closed them.
        is_new: bool,
    },
    /// The timer's button has not opened pairing, or another phone was faster.
    NotOpen,
    /// The engine does not answer.
    Unanswered,
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
    pub fn load(&self, now: Stamp) -> Result<Option<String>, String> {
        let mut state = self.state();
        if state.loaded {
            return Ok(None);
        }
        let message = match file::read(&self.path) {
            Ok((paired, is_new)) => {
                state.paired = paired;
                state.is_behind = !is_new;
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
        state.name_timer(now).map_err(|error| error.to_string())?;
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

    /// A name that no other timer has, for cookies: a browser sends the cookies of a host to each of its ports. `None` until a
    /// device can be paired.
    pub fn timer(&self) -> Option<String> {
        Some(self.state().paired.timer.timer.clone()).filter(|name| !name.is_empty())
    }

    /// Creates an invitation, which replaces the previous one. Its code works at once, also while codes were refused.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn invite(&self, now: Moment) -> io::Result<Invitation> {
        self.state().codes.invite(now)
    }

    /// Until when codes are refused, after too many wrong ones.
    pub fn codes_closed(&self, now: Moment) -> Option<Moment> {
        self.state().codes.closed(now)
    }

    /// Exchanges the ticket or the code of the invitation for a token. The invitation is then used up.
    ///
    /// # Errors
    /// Why the device was not paired.
    pub fn redeem(&self, answer: &str, visitor: &Visitor, now: Stamp) -> Result<String, PairingError> {
        let mut state = self.state();
        let invitation = state.codes.redeem(answer, now.at)?;
        self.admit(&mut state, visitor, now).map_err(|error| {
            state.codes.give_back(invitation);
            PairingError::Failed(error)
        })
    }

    /// Pairs a device without an invitation, and returns its token.
    ///
    /// # Errors
    /// If the token cannot be created or saved.
    pub fn issue(&self, visitor: &Visitor, now: Stamp) -> io::Result<String> {
        self.admit(&mut self.state(), visitor, now)
    }

    /// The paired device with this token, which counts as used now. Takes the same time for every token, so that none can be
    /// guessed by timing.
    pub fn visit(&self, token: &str, now: Stamp) -> Option<Guest> {
        let hash = secret::hash(token);
        let mut state = self.state();
        let mut found = None;
        for (at, device) in state.paired.devices.iter().enumerate() {
            if device.hash().ct_eq(&hash).into() {
                found = Some(at);
            }
        }
        let at = found.filter(|&at| !state.paired.is_unused(&state.paired.devices[at], now))?;
        let device = &mut state.paired.devices[at];
        let guest = Guest { id: device.id(), is_https: device.https };
        let is_behind = device.visit(now);
        // A file that cannot be written now is written later.
        if is_behind && !state.is_behind {
            state.is_behind = true;
            let _ = self.save(&mut state, now);
        }
        Some(guest)
    }

    /// The paired devices and programs, the oldest first.
    pub fn devices(&self, now: Stamp) -> Vec<DeviceInfo> {
        let state = self.state();
        let devices = state.paired.devices.iter().filter(|device| !state.paired.is_unused(device, now));
        let info = |device: &Device| DeviceInfo {
            id: device.id(),
            name: device.browser.clone(),
            paired: device.age(now),
            seen: device.unused(now),
        };
        devices.map(info).collect()
    }

    /// The number of paired devices and programs.
    pub fn count(&self) -> usize {
        self.state().paired.devices.len()
    }

    /// Unpairs one device, and returns what it is. `None` if there is no such device.
    ///
    /// # Errors
    /// If the file cannot be written. Then the device is unpaired only until the next start.
    pub fn remove(&self, id: &str, now: Stamp) -> io::Result<Option<String>> {
        let mut state = self.state();
        let Some(at) = state.paired.devices.iter().position(|device| device.id() == id) else {
            return Ok(None);
        };
        let removed = state.paired.devices.remove(at);
        state.is_behind = true;
        self.save(&mut state, now)?;
        Ok(removed.map(|device| device.browser))
    }

    /// Unpairs the devices that were not used for [`UNUSED_MAX`], and brings the file up to date if it is behind. Returns what
    /// the devices are. Call it now and then.
    pub fn tidy(&self, now: Stamp) -> Vec<String> {
        let mut state = self.state();
        if !state.loaded {
            return Vec::new();
        }
        let all = state.paired.clone();
        let (unused, used): (VecDeque<_>, _) =
            all.devices.iter().cloned().partition(|device| all.is_unused(device, now));
        state.is_behind |= !unused.is_empty() || used.iter().any(|device| device.is_behind(now));
        state.paired.devices = used;
        if state.is_behind {
            // It is tried again at the next call.
            let _ = self.save(&mut state, now);
        }
        unused.into_iter().map(|device| device.browser).collect()
    }

    /// Unpairs all devices and withdraws the invitation.
    ///
    /// # Errors
    /// If the file cannot be removed. Then all devices are unpaired only until the next start.
    pub fn forget(&self) -> io::Result<()> {
        let mut state = self.state();
        state.paired.devices.clear();
        state.codes.withdraw();
        (state.loaded, state.is_behind) = (true, false);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Begins to wait for a phone that opens `/hello`, and returns the number of this try.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn hello(&self, now: Moment) -> io::Result<u32> {
        let id = u32::from_str_radix(&secret::token::<4>()?, 16).unwrap_or_default();
        self.state().hellos.begin(id, now);
        Ok(id)
    }

    /// A phone has opened `/hello`. False if nobody waits for it.
    pub fn arrive(&self, id: u32, from: IpAddr, now: Moment) -> bool {
        self.state().hellos.arrive(id, from, now)
    }

    /// Whether a phone has opened `/hello`. `None` if no such try is known.
    pub fn arrival(&self, id: u32, now: Moment) -> Option<Arrival> {
        self.state().hellos.arrival(id, now)
    }

    fn admit(&self, state: &mut State, visitor: &Visitor, now: Stamp) -> io::Result<String> {
        let token = secret::token::<32>()?;
        state.name_timer(now)?;
        let before = state.paired.clone();
        let devices = &mut state.paired.devices;
        if devices.len() >= PAIRED_MAX
            && let Some(at) = longest_unused(devices, now)
        {
            devices.remove(at);
        }
        devices.push_back(Device::new(secret::hash(&token), visitor, now));
        if let Err(error) = self.save(state, now) {
            state.paired = before;
            return Err(error);
        }
        state.loaded = true;
        Ok(token)
    }

    fn save(&self, state: &mut State, now: Stamp) -> io::Result<()> {
        state.paired.devices.iter_mut().for_each(|device| device.catch_up(now));
        file::save(&self.path, &state.paired)?;
        state.is_behind = false;
        Ok(())
    }

    fn lock_site(&self) -> MutexGuard<'_, Option<Site>> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives the timer its name, if it has none.
    fn name_timer(&mut self, now: Stamp) -> io::Result<()> {
        if self.paired.timer.timer.is_empty() {
            self.paired.timer = file::TimerName { timer: secret::token::<4>()?, since_s: now.wall_s };
        }
        Ok(())
    }
}

impl Paired {
    /// Whether a device was not used for [`UNUSED_MAX`]. A wall clock that is behind the times in the file tells nothing.
    fn is_unused(&self, device: &Device, now: Stamp) -> bool {
        let latest_s = self.devices.iter().filter_map(Device::latest_s).max().unwrap_or(0).max(self.timer.since_s);
        let is_clock_behind = now.wall_s + CLOCK_BEHIND_S < latest_s;
        let known = device.unused(now).into_iter().chain(device.age(now)).min();
        let unused = known.unwrap_or_else(|| Duration::from_secs(now.wall_s.saturating_sub(self.timer.since_s)));
        !is_clock_behind && unused > UNUSED_MAX
    }
}

/// The device that was not used for longest; of several that are equal, the oldest.
fn longest_unused(devices: &VecDeque<Device>, now: Stamp) -> Option<usize> {
    let unused = |device: &Device| device.unused(now).or(device.age(now)).unwrap_or(Duration::MAX);
    let all = devices.iter().enumerate().map(|(at, device)| (unused(device).as_secs(), std::cmp::Reverse(at)));
    all.max().map(|(_, std::cmp::Reverse(at))| at)
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
