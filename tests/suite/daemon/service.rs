//! The service manager's socket: what cannot be told is a fault, and tried again with each beat.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::*;

fn heard(socket: &UnixDatagram, what: &str) -> bool {
    let mut line = [0; 1024];
    let said = std::iter::from_fn(|| {
        let length = socket.recv(&mut line).ok()?;
        Some(crate::harness::text(&line[..length]))
    });
    said.into_iter().any(|line| line == what)
}

fn bound(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[test]
fn a_manager_that_comes_late_or_again_is_told() {
    let mut house = Instance::new(QUICK);
    let path = house.folder.file("notify");
    house.env("NOTIFY_SOCKET", path.to_str().unwrap());
    house.start();
    let is_fault = || house.status()["faults"][0]["input"] == "service manager";
    let is_well = || house.status()["faults"].as_array().is_some_and(Vec::is_empty);
    until("the fault is told", is_fault);
    let manager = bound(&path);
    until("it is ready", || heard(&manager, "READY=1"));
    until("the fault is gone", is_well);
    // A manager that has restarted itself has a new socket by the same name.
    drop(manager);
    std::fs::remove_file(&path).unwrap();
    until("the fault is told again", is_fault);
    let manager = bound(&path);
    until("the watchdog is fed", || heard(&manager, "WATCHDOG=1"));
    until("the fault is gone again", is_well);
}
