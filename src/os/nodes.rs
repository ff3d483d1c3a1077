//! Device nodes that come late, or get their group late: at boot udev may still be at work when the service starts.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// A watch on a folder of device nodes. Create it before the first try to open a node, and no change is missed.
pub struct Nodes(Inotify);

impl Nodes {
    /// Watches `folder`, such as `/dev` or `/dev/input`.
    ///
    /// # Errors
    /// The folder is not there, as `/dev/input` before the first keyboard, or the system has no watch left. A timed retry
    /// has to do then.
    pub fn watch(folder: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ATTRIB)?;
        Ok(Self(inotify))
    }

    /// Whether a node has come or changed its rights since the last call. Waits for it as long as `patience`; for callers
    /// that poll the descriptor, zero. To try a node once too often is harmless: of which node it was, nothing is said.
    ///
    /// # Errors
    /// The watch is broken, and a timed retry has to do.
    pub fn changed(&self, patience: Duration) -> io::Result<bool> {
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], timeout)?;
        let mut is_changed = false;
        loop {
            match self.0.read_events() {
                Ok(_) => is_changed = true,
                Err(Errno::EAGAIN) => return Ok(is_changed),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Nodes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
