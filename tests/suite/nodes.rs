//! Device nodes that appear late.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use talklight::os::nodes::Nodes;

use crate::harness::Folder;

/// Far longer than an event takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_new_node_and_a_change_of_its_mode_are_reported() {
    let folder = Folder::new();
    let nodes = Nodes::watch(folder.path()).unwrap();
    let changed = |patience| nodes.changed(patience).unwrap();
    assert!(!changed(Duration::ZERO));
    let node = folder.file("spidev0.0");
    // It appears while a thread waits.
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| changed(PATIENCE));
        fs::write(&node, "").unwrap();
        assert!(waiter.join().unwrap());
    });
    while changed(Duration::ZERO) {}
    // Reads and writes are not reported.
    fs::write(&node, "frame").unwrap();
    fs::read(&node).unwrap();
    assert!(!changed(Duration::ZERO));
    // udev sets the mode later.
    fs::set_permissions(&node, Permissions::from_mode(0o660)).unwrap();
    let mut descriptor = [PollFd::new(nodes.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut descriptor, PollTimeout::MAX).unwrap(), 1);
    assert!(changed(Duration::ZERO));
    assert!(!changed(Duration::from_millis(1)));
    fs::remove_file(&node).unwrap();
    assert!(!changed(Duration::ZERO));
}

#[test]
fn a_missing_folder_cannot_be_watched() {
    let folder = Folder::new();
    let gone = folder.file("input");
    assert_eq!(Nodes::watch(&gone).err().map(|error| error.kind()), Some(std::io::ErrorKind::NotFound));
}
