//! The control socket, server side.
//!
//! A client sends one line and gets a reply. Each client has a thread of its own, so that a slow, silent or hostile client
//! delays only itself.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;

use crate::control::desk::Desk;
use crate::control::protocol::{self, ClientRequest, REQUEST_MAX, Reply, Status, Verb};
use crate::control::registry::{List, Registration, Registry};
use crate::core::clock;
use crate::engine::board::Snapshot;
use crate::os::lock;

/// Connections at the same time. A further one replaces an idle one.
pub const CONNECTIONS_MAX: usize = 64;
/// Connections that watch or attach. A further one replaces another; the rest stay free for commands.
pub const WATCHERS_MAX: usize = 32;
/// The time for a client to send its request, and to accept each line of the reply.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(2);
/// The delay after a failed accept().
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// The threads of clients need little stack.
const STACK_BYTES: usize = 128 * 1024;

/// The default path of the socket: in the service's runtime directory, else in the user's, else in a private directory
/// under the one for temporary files.
///
/// # Errors
/// If the private directory belongs to another user.
pub fn default_path() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var(name).ok().filter(|value| value.starts_with('/'));
    if let Some(directories) = variable("RUNTIME_DIRECTORY") {
        let first = directories.split(':').next().unwrap_or(&directories);
        return Ok(Path::new(first).join("control.sock"));
    }
    if let Some(directory) = variable("XDG_RUNTIME_DIR") {
        return Ok(Path::new(&directory).join("talklight/control.sock"));
    }
    let directory = private_directory();
    if directory.exists() {
        ensure_private(&directory)?;
    }
    Ok(directory.join("control.sock"))
}

fn private_directory() -> PathBuf {
    std::env::temp_dir().join(format!("talklight-{}", geteuid()))
}

fn ensure_private(directory: &Path) -> anyhow::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    let private = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0;
    ensure!(
        private,
        "{} is not a private folder of this user; remove it, or name another socket with --socket",
        directory.display()
    );
    Ok(())
}

/// The bound socket. While this value lives, no other daemon can listen at its path.
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
    _lock: File,
}

impl Socket {
    /// Binds `path`, readable and writable by its group. Replaces a socket that a crash has left behind. Call it before any
    /// thread is started: it changes the umask for a moment.
    ///
    /// # Errors
    /// If another daemon listens there, or the file system refuses.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            let created = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            created.with_context(|| format!("the folder {} cannot be created", directory.display()))?;
            if directory == private_directory() {
                ensure_private(directory)?;
            }
        }
        let lock_path = lock::beside(path, "lock");
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
        let lock = options.open(&lock_path).with_context(|| format!("{} cannot be opened", lock_path.display()))?;
        lock::hold(&lock).with_context(|| format!("another talklight already listens at {}", path.display()))?;
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => bail!("{} exists and is not a socket; remove it, or name another with --socket", path.display()),
            Err(_) => {}
        }
        let before = umask(Mode::from_bits_truncate(0o117));
        let listener = UnixListener::bind(path);
        umask(before);
        let listener = listener.with_context(|| format!("the control socket {} cannot be created", path.display()))?;
        Ok(Self { path: path.into(), listener, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A listener for the thread that serves clients.
    ///
    /// # Errors
    /// If the system has no file descriptor left.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Accepts and serves clients for ever.
pub fn run(listener: &UnixListener, desk: &Desk) -> ! {
    let clients = Arc::new(Registry::default());
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            // No file descriptor or memory is left at the moment.
            Err(_) => {
                thread::park_timeout(ACCEPT_RETRY);
                continue;
            }
        };
        let Some(registration) = admit(&clients, &stream) else {
            continue;
        };
        let desk = desk.clone();
        let serve = move || {
            let _ = Connection { stream, registration, desk }.serve();
        };
        // If no thread can be started, the closure is dropped, which closes the connection.
        let _ = thread::Builder::new().name("client".into()).stack_size(STACK_BYTES).spawn(serve);
    }
}

struct Client {
    /// The process id of the client.
    process: i32,
    stream: UnixStream,
    state: ClientState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientState {
    /// No request was received yet.
    Idle,
    Requesting,
    Watching,
}

/// Disconnects the oldest client in `state` of the process that has most of them. Returns false if no client is in `state`.
fn evict(list: &mut List<Client>, state: ClientState) -> bool {
    let evicted = list.evict(|client| (client.state == state).then_some((client.process, ())));
    evicted.inspect(|client| drop(client.stream.shutdown(Shutdown::Both))).is_some()
}

/// Registers a client, if need be in place of an idle one. `None` if no client is idle.
fn admit(clients: &Arc<Registry<Client>>, stream: &UnixStream) -> Option<Registration<Client>> {
    let mut list = clients.lock();
    if list.iter().len() >= CONNECTIONS_MAX && !evict(&mut list, ClientState::Idle) {
        return None;
    }
    drop(list);
    let client = Client { process: peer_process(stream), stream: stream.try_clone().ok()?, state: ClientState::Idle };
    Some(Registry::insert(clients, client))
}

/// Changes the state of a client. A new watcher replaces another one if there are too many.
fn set_state(registration: &Registration<Client>, state: ClientState) {
    let mut list = registration.lock();
    let watchers = list.iter().filter(|client| client.state == ClientState::Watching).count();
    if state == ClientState::Watching && watchers >= WATCHERS_MAX {
        evict(&mut list, state);
    }
    if let Some(client) = list.get_mut(registration.id()) {
        client.state = state;
    }
}

/// One client, served by one thread.
struct Connection {
    stream: UnixStream,
    registration: Registration<Client>,
    desk: Desk,
}

impl Connection {
    fn serve(mut self) -> anyhow::Result<()> {
        self.stream.set_write_timeout(Some(CLIENT_TIMEOUT))?;
        let request = match self.read_request()? {
            Ok(request) => request,
            Err(mistake) => return self.reply(&Reply::new(false, mistake, None)),
        };
        let is_stream = matches!(request.verb, Verb::Watch | Verb::Attach);
        set_state(&self.registration, if is_stream { ClientState::Watching } else { ClientState::Requesting });
        match &request.verb {
            Verb::Watch => {
                let mut last = None;
                self.stream_board(|snapshot| {
                    let status = Status::new(snapshot, clock::now());
                    if last.as_ref().is_some_and(|last| status.is_same_but_for_time(last)) {
                        return None;
                    }
                    Some(protocol::encode(last.insert(status)))
                })
            }
            Verb::Attach => self.stream_board(|snapshot| Some(protocol::encode(snapshot))),
            _ => {
                let (_, reply) = self.desk.answer(&request);
                self.reply(&reply)
            }
        }
    }

    /// Reads the request, or what is wrong with it. An error if none arrives in time.
    fn read_request(&mut self) -> anyhow::Result<Result<ClientRequest, String>> {
        let deadline = clock::now() + CLIENT_TIMEOUT;
        let mut received = Vec::new();
        let mut chunk = [0; REQUEST_MAX];
        loop {
            let left = deadline.since(clock::now());
            ensure!(!left.is_zero(), "no request arrived in time");
            self.stream.set_read_timeout(Some(left))?;
            let length = self.stream.read(&mut chunk)?;
            received.extend_from_slice(&chunk[..length]);
            if let Some(request) = ClientRequest::from_bytes(&received, length == 0) {
                return Ok(request);
            }
        }
    }

    /// Sends what `line` makes of each snapshot, until the client disconnects or stops reading.
    fn stream_board(&mut self, mut line: impl FnMut(&Snapshot) -> Option<String>) -> anyhow::Result<()> {
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
            // A watcher sends nothing more, so any event on its stream is a disconnect.
            ensure!(fds[1].revents() == Some(PollFlags::empty()), "the watcher disconnected");
        }
    }

    fn reply(&mut self, reply: &Reply) -> anyhow::Result<()> {
        Ok(self.stream.write_all(protocol::encode(reply).as_bytes())?)
    }
}

/// The process id of the peer; 0 on systems that do not tell it.
fn peer_process(stream: &UnixStream) -> i32 {
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
