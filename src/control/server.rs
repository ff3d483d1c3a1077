//! The control socket: the daemon's end.
//!
//! A client says one line and gets its answer. A thread of its own serves each, so that one that is slow, silent or
//! hostile keeps only itself waiting.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;

use crate::control::desk::Desk;
use crate::control::protocol::{self, Ask, REQUEST_MAX, Reply, Status, What};
use crate::core::clock;
use crate::engine::board::Snapshot;
use crate::os::lock;

/// Connections at one time. When there are more, one that has said nothing yet makes room.
pub const CONNECTIONS_MAX: usize = 64;
/// Connections that watch; one more takes the place of another. The rest are there for commands.
pub const WATCHERS_MAX: usize = 32;
/// How long a client may take to say its line, and to take each line of the answer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// A connection's thread calls nothing deep.
const STACK: usize = 128 * 1024;

/// Where the daemon listens unless it is told: in the service's runtime directory, the user's, or a private one.
///
/// # Errors
/// If the private one belongs to somebody else.
pub fn default_path() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var(name).ok().filter(|value| value.starts_with('/'));
    if let Some(directories) = variable("RUNTIME_DIRECTORY") {
        let first = directories.split(':').next().unwrap_or(&directories);
        return Ok(Path::new(first).join("control.sock"));
    }
    if let Some(directory) = variable("XDG_RUNTIME_DIR") {
        return Ok(Path::new(&directory).join("talklight/control.sock"));
    }
    let directory = private_folder();
    if directory.exists() {
        ensure_private(&directory)?;
    }
    Ok(directory.join("control.sock"))
}

fn private_folder() -> PathBuf {
    std::env::temp_dir().join(format!("talklight-{}", geteuid()))
}

fn ensure_private(directory: &Path) -> anyhow::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    let private = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0;
    ensure!(
        private,
        "{} is not a folder of this user's alone; remove it, or name a socket with --socket",
        directory.display()
    );
    Ok(())
}

/// The socket, held: no other daemon listens here while this lives.
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
    _lock: File,
}

impl Socket {
    /// Binds `path`, readable and writable by its group; a socket that a crash left behind is taken over. Call it before
    /// any thread is started: for a moment it changes the umask.
    ///
    /// # Errors
    /// If another daemon listens there, naming it, or the file system refuses.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.with_context(|| format!("the folder {} cannot be made", directory.display()))?;
            if directory == private_folder() {
                ensure_private(directory)?;
            }
        }
        let lock_path = lock::beside(path, "lock");
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let lock = options.open(&lock_path).with_context(|| format!("{} cannot be opened", lock_path.display()))?;
        lock::hold(&lock).with_context(|| format!("another talklight listens at {}", path.display()))?;
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => bail!("{} is there and is no socket; remove it, or name another with --socket", path.display()),
            Err(_) => {}
        }
        let before = umask(Mode::from_bits_truncate(0o117));
        let listener = UnixListener::bind(path);
        umask(before);
        let listener = listener.with_context(|| format!("the control socket {} cannot be made", path.display()))?;
        Ok(Self { path: path.into(), listener, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listener for a thread that serves it.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Serves clients for ever.
///
/// # Errors
/// When the listener is of no more use.
pub fn run(listener: &UnixListener, desk: &Desk) -> anyhow::Result<()> {
    let clients = Arc::new(Clients::default());
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            // Out of descriptors or memory: what passes, passes.
            Err(_) => {
                thread::park_timeout(Duration::from_millis(100));
                continue;
            }
        };
        let Some(place) = Clients::admit(&clients, &stream) else {
            continue;
        };
        let desk = desk.clone();
        let serve = move || {
            let _ = Connection { stream, place, desk }.serve();
        };
        // Without room for a thread the connection closes, and the client is told by that.
        let _ = thread::Builder::new().name("client".into()).stack_size(STACK).spawn(serve);
    }
}

/// Who is connected, the oldest first.
#[derive(Default)]
struct Clients(Mutex<List>);

#[derive(Default)]
struct List {
    clients: Vec<Client>,
    next_id: u64,
}

struct Client {
    id: u64,
    process: i32,
    stream: UnixStream,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Silent,
    Asking,
    Watching,
}

impl List {
    /// Sends away the oldest client at `stage` of the process that has most of them there: who crowds the house loses a
    /// place, and nobody else. False if there is none.
    fn make_room(&mut self, stage: Stage) -> bool {
        let at_stage = || self.clients.iter().filter(|client| client.stage == stage);
        let count = |process| at_stage().filter(|client| client.process == process).count();
        // `max_by_key` gives the last of equals, which in reverse is the oldest.
        let Some(crowd) = at_stage().rev().max_by_key(|client| count(client.process)) else {
            return false;
        };
        let process = crowd.process;
        let oldest = self.clients.iter().position(|client| client.stage == stage && client.process == process);
        if let Some(oldest) = oldest {
            let _ = self.clients.remove(oldest).stream.shutdown(Shutdown::Both);
        }
        true
    }
}

impl Clients {
    /// Takes a client in, if need be in place of one that has said nothing yet. None if all are busy.
    fn admit(clients: &Arc<Self>, stream: &UnixStream) -> Option<Place> {
        let mut list = clients.list();
        if list.clients.len() >= CONNECTIONS_MAX && !list.make_room(Stage::Silent) {
            return None;
        }
        let id = list.next_id;
        list.next_id += 1;
        let (process, stream) = (process(stream), stream.try_clone().ok()?);
        list.clients.push(Client { id, process, stream, stage: Stage::Silent });
        Some(Place { clients: Arc::clone(clients), id })
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place among the clients, given up when dropped.
struct Place {
    clients: Arc<Clients>,
    id: u64,
}

impl Place {
    /// Goes on to `stage`, if need be in place of another that watches.
    fn enter(&self, stage: Stage) {
        let mut list = self.clients.list();
        let watchers = list.clients.iter().filter(|client| client.stage == Stage::Watching).count();
        if stage == Stage::Watching && watchers >= WATCHERS_MAX {
            list.make_room(stage);
        }
        if let Some(client) = list.clients.iter_mut().find(|client| client.id == self.id) {
            client.stage = stage;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.list().clients.retain(|client| client.id != self.id);
    }
}

/// One client, served by one thread.
struct Connection {
    stream: UnixStream,
    place: Place,
    desk: Desk,
}

impl Connection {
    fn serve(mut self) -> anyhow::Result<()> {
        self.stream.set_write_timeout(Some(PATIENCE))?;
        let ask = match self.hear()? {
            Err(mistake) => return self.reply(&Reply::new(false, mistake, None)),
            Ok(ask) => ask,
        };
        let stage = if matches!(ask.what, What::Watch | What::Attach) { Stage::Watching } else { Stage::Asking };
        self.place.enter(stage);
        match &ask.what {
            What::Watch => {
                let mut last = None;
                self.watch(|snapshot| {
                    let status = Status::new(snapshot, clock::now());
                    if last.as_ref().is_some_and(|last| status.is_same_but_for_time(last)) {
                        return None;
                    }
                    Some(protocol::encode(last.insert(status)))
                })
            }
            What::Attach => self.watch(|snapshot| Some(protocol::encode(snapshot))),
            _ => {
                let (_, reply) = self.desk.answer(&ask);
                self.reply(&reply)
            }
        }
    }

    /// What the client asks for, or what it should say instead; an error if it says nothing in time.
    fn hear(&mut self) -> anyhow::Result<Result<Ask, String>> {
        let until = clock::now() + PATIENCE;
        let mut said = Vec::new();
        let mut piece = [0; REQUEST_MAX];
        loop {
            let left = until.since(clock::now());
            ensure!(!left.is_zero(), "the client says nothing");
            self.stream.set_read_timeout(Some(left))?;
            let length = self.stream.read(&mut piece)?;
            said.extend_from_slice(&piece[..length]);
            if let Some(heard) = Ask::heard(&said, length == 0) {
                return Ok(heard);
            }
        }
    }

    /// What `line` makes of each snapshot, until the client hangs up or takes no more.
    fn watch(&mut self, mut line: impl FnMut(&Snapshot) -> Option<String>) -> anyhow::Result<()> {
        let mut subscription = self.desk.board.subscribe()?;
        loop {
            subscription.clear();
            if let Some(line) = line(&self.desk.board.latest()) {
                self.stream.write_all(line.as_bytes())?;
            }
            let mut fds = [
                PollFd::new(subscription.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.stream.as_fd(), PollFlags::POLLIN),
            ];
            poll(&mut fds, PollTimeout::NONE)?;
            // A watcher has nothing more to say: what comes is its end.
            ensure!(fds[1].revents() == Some(PollFlags::empty()), "the watcher hung up");
        }
    }

    fn reply(&mut self, reply: &Reply) -> anyhow::Result<()> {
        Ok(self.stream.write_all(protocol::encode(reply).as_bytes())?)
    }
}

/// The process at the other end; 0 where the system does not tell.
fn process(stream: &UnixStream) -> i32 {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
        getsockopt(stream, PeerCredentials).map_or(0, |peer| peer.pid())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = stream;
        0
    }
}
