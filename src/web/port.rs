//! Opens the port of the web server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen as start, setsockopt, socket,
};

/// Connections that wait to be accepted: as many as the kernel allows.
const BACKLOG: Backlog = Backlog::MAXCONN;

/// Listens at `address`. All addresses of IPv6 are those of IPv4, too; on a machine without IPv6, they are those of IPv4 alone.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let SocketAddr::V6(v6) = address else { return TcpListener::bind(address) };
    if !v6.ip().is_unspecified() {
        return TcpListener::bind(address);
    }
    match dual(SockaddrIn6::from(v6)) {
        Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, v6.port())),
        listener => Ok(listener?),
    }
}

/// By hand, because the system's default for IPv4 on such a socket can be changed (net.ipv6.bindv6only).
fn dual(address: SockaddrIn6) -> nix::Result<TcpListener> {
    let socket = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::empty(), None)?;
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    setsockopt(&socket, Ipv6V6Only, &false)?;
    // A restart need not wait for the connections of the process before.
    setsockopt(&socket, ReuseAddr, &true)?;
    bind(socket.as_raw_fd(), &address)?;
    start(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}
