//! This machine in its network: the addresses by which a phone may reach it, its names, and who listens on a port.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrLike;
use nix::unistd::gethostname;
#[cfg(target_os = "linux")]
use nix::unistd::{Uid, User};

/// The port of multicast DNS (RFC 6762).
const MDNS_PORT: u16 = 5353;
/// The socket of avahi's simple protocol, which everybody may use.
const AVAHI: &str = "/run/avahi-daemon/socket";
/// It knows its own name at once.
const AVAHI_TIMEOUT: Duration = Duration::from_millis(200);
/// Accounts below this number belong to the system, not to people (login.defs, `UID_MIN`).
#[cfg(target_os = "linux")]
const PEOPLE_FROM: u32 = 1000;

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub flags: InterfaceFlags,
    pub ip: IpAddr,
}

/// What a phone's way to this machine depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    pub interfaces: Vec<Interface>,
    /// The addresses from which this machine would reach the internet, by IPv4 and by IPv6.
    pub sources: Vec<IpAddr>,
    /// The interfaces of the default routes, the best first. Known even while a VPN takes all traffic.
    pub routes: Vec<String>,
    /// The first label of the host's name.
    pub host: Option<String>,
    /// The `.local` name for which a responder answers.
    pub local: Option<String>,
}

impl Network {
    /// Looks at this machine. Sends nothing.
    pub fn look() -> Self {
        let interfaces = getifaddrs().into_iter().flatten().filter_map(|interface| {
            let ip = address(&interface)?;
            // A second address may have a label, such as `wlan0:1`.
            let name = interface.interface_name.split(':').next().unwrap_or_default().to_owned();
            Some(Interface { name, flags: interface.flags, ip })
        });
        let mut network = Self {
            interfaces: interfaces.collect(),
            sources: sources(),
            routes: default_routes(&fs::read_to_string("/proc/net/route").unwrap_or_default()),
            host: host_name().map(|name| first_label(&name)),
            local: None,
        };
        if has_mdns() {
            let usual = || network.host.as_ref().map(|host| format!("{host}.local"));
            network.local = network.addresses().first().and_then(|ip| ask_avahi(*ip)).or_else(usual);
        }
        network
    }

    /// The addresses by which a phone may reach this machine, the likeliest first: those of the default route's interface,
    /// IPv4 before IPv6, then the others. A tunnel comes last, since no phone is at its other end.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let main = self.main_interface();
        let mut found: Vec<_> = self
            .interfaces
            .iter()
            .filter(|interface| interface.is_up() && (Some(&*interface.name) == main || !interface.is_internal()))
            // Browsers take no IPv6 address with a zone.
            .filter(|Interface { ip, .. }| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))
            .map(|interface @ Interface { name, ip, .. }| {
                let is_self_assigned = matches!(ip, IpAddr::V4(ip) if ip.is_link_local());
                let is_source = self.sources.contains(ip);
                let is_main = Some(&**name) == main;
                let rank = (interface.is_tunnel(), is_self_assigned, !is_main);
                (rank, ip.is_ipv6(), !is_source, !is_private(*ip), *ip)
            })
            .collect();
        found.sort();
        let mut addresses: Vec<IpAddr> = found.into_iter().map(|(.., ip)| ip).collect();
        addresses.dedup();
        addresses
    }

    /// The interface of the default route that is no tunnel.
    fn main_interface(&self) -> Option<&str> {
        let is_usable = |interface: &&Interface| interface.is_up() && !interface.is_tunnel();
        let by_source = self
            .sources
            .iter()
            .filter_map(|source| self.interfaces.iter().filter(is_usable).find(|interface| interface.ip == *source));
        let by_route = self
            .routes
            .iter()
            .filter_map(|route| self.interfaces.iter().filter(is_usable).find(|interface| interface.name == *route));
        by_source.chain(by_route).map(|interface| &*interface.name).next()
    }
}

impl Interface {
    fn is_up(&self) -> bool {
        let up = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
        self.flags.contains(up) && !self.flags.contains(InterfaceFlags::IFF_LOOPBACK)
    }

    /// It belongs to containers or virtual machines on this machine.
    fn is_internal(&self) -> bool {
        [
            "docker", "podman", "cni", "veth", "br-", "virbr", "vnet", "lxc", "lxdbr", "incusbr", "vmnet", "vboxnet",
            "ve-", "vb-",
        ]
        .iter()
        .any(|prefix| self.name.starts_with(prefix))
    }

    /// A VPN or a dial-up line.
    fn is_tunnel(&self) -> bool {
        self.flags.contains(InterfaceFlags::IFF_POINTOPOINT)
            || [
                "tailscale",
                "wg",
                "tun",
                "tap",
                "utun",
                "ppp",
                "zt",
                "vpn",
                "nordlynx",
                "proton",
                "ipsec",
                "csco",
                "gpd",
            ]
            .iter()
            .any(|prefix| self.name.starts_with(prefix))
    }
}

/// The names of this machine in a URL, which need no entry in the config: also what a responder calls the second machine of the
/// same name. Lower case, without a dot at the end.
pub fn is_own_name(name: &str, host: Option<&str>) -> bool {
    let name = canonical(name);
    if name == "localhost" {
        return true;
    }
    let Some(host) = host.map(canonical).filter(|host| !host.is_empty()) else { return false };
    let label = first_label(&host);
    let local = name.strip_suffix(".local");
    let is_numbered = |name: &str| {
        let number = name.strip_prefix(&*label).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| !number.starts_with('0') && number.parse::<u16>().is_ok_and(|number| number > 1))
    };
    name == host || name == label || local.is_some_and(|local| local == label || is_numbered(local))
}

/// A name as it is compared: in lower case and without the dot that may end it.
pub fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The name of this machine, without a dot at the end.
pub fn host_name() -> Option<String> {
    let name = gethostname().ok()?.into_string().ok()?;
    let name = name.trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The part of a name before the first dot.
pub fn first_label(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

/// An address as the host of a URL.
pub fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The addresses from which this machine would send to the internet. Connecting a UDP socket only asks the kernel for the route;
/// the addresses are those of documentation (RFC 5737, RFC 3849).
fn sources() -> Vec<IpAddr> {
    let source = |own: IpAddr, far: IpAddr| {
        let socket = UdpSocket::bind((own, 0)).ok()?;
        socket.connect((far, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let v4 = source(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into());
    let v6 = source(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
    v4.into_iter().chain(v6).collect()
}

/// The interfaces of the default routes in `/proc/net/route`, the one with the lowest metric first. Its columns are Iface,
/// Destination, Gateway, Flags, RefCnt, Use, Metric and Mask.
pub fn default_routes(table: &str) -> Vec<String> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, "00000000", _, _, _, _, metric, "00000000", ..] = words[..] else { return None };
        Some((metric.parse::<u32>().ok()?, name.to_owned()))
    };
    let mut routes: Vec<_> = table.lines().filter_map(route).collect();
    routes.sort();
    routes.into_iter().map(|(_, name)| name).collect()
}

fn address(interface: &InterfaceAddress) -> Option<IpAddr> {
    let address = interface.address?;
    address.family()?;
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// Whether a responder answers for this machine's `.local` name. Browsers listen on the same port, but as a person's program.
/// So does systemd-resolved, even when it answers for no interface; it is not counted, because a name that fails is worse than
/// one that is left out.
#[cfg(target_os = "linux")]
fn has_mdns() -> bool {
    let is_responder = |uid: u32| {
        let name = || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        uid < PEOPLE_FROM && name().as_deref() != Some("systemd-resolve")
    };
    ["udp", "udp6"]
        .iter()
        .flat_map(|table| sockets(table))
        .any(|socket| socket.port == MDNS_PORT && is_responder(socket.uid))
}

/// The name that avahi gives this machine at `ip`. Another machine may have the usual one, and this one is then `NAME-2.local`.
fn ask_avahi(ip: IpAddr) -> Option<String> {
    let mut stream = UnixStream::connect(AVAHI).ok()?;
    stream.set_read_timeout(Some(AVAHI_TIMEOUT)).ok()?;
    stream.write_all(format!("RESOLVE-ADDRESS {ip}\n").as_bytes()).ok()?;
    let mut reply = [0; 512];
    let length = stream.read(&mut reply).ok()?;
    avahi_name(&String::from_utf8_lossy(&reply[..length]))
}

/// The name in a reply of avahi, such as `+ 3 0 lectern-2.local`: interface, protocol, name.
pub fn avahi_name(reply: &str) -> Option<String> {
    let words: Vec<&str> = reply.lines().next()?.split(' ').collect();
    let ["+", _, _, name] = words[..] else { return None };
    let name = canonical(name);
    let is_label = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.strip_suffix(".local").is_some_and(is_label).then_some(name)
}

/// macOS always has one.
#[cfg(not(target_os = "linux"))]
fn has_mdns() -> bool {
    let _ = MDNS_PORT;
    cfg!(target_os = "macos")
}

/// Who listens at a TCP address of this machine, such as `process 812 (nginx)`. `None` if nobody does or it cannot be known.
#[cfg(target_os = "linux")]
pub fn listener(address: SocketAddr) -> Option<Listener> {
    /// The state of a socket that listens (include/net/tcp_states.h, TCP_LISTEN).
    const LISTEN: &str = "0A";
    let mut open = ["tcp", "tcp6"].iter().flat_map(|table| sockets(table));
    let socket = open.find(|socket| {
        socket.state == LISTEN && socket.port == address.port() && is_same_place(socket.ip, address.ip())
    })?;
    let pid = owner(socket.inode);
    let account = || User::from_uid(Uid::from_raw(socket.uid)).ok().flatten().map(|user| user.name);
    Some(Listener {
        pid,
        name: pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok()).map(|name| name.trim().into()),
        account: account().unwrap_or_else(|| socket.uid.to_string()),
    })
}

#[cfg(not(target_os = "linux"))]
pub fn listener(_: SocketAddr) -> Option<Listener> {
    None
}

/// Whether two sockets on the same port of these addresses are in each other's way. All addresses of IPv6 are those of IPv4, too.
pub fn is_same_place(one: IpAddr, other: IpAddr) -> bool {
    let (one, other) = (one.to_canonical(), other.to_canonical());
    let is_all = |ip: IpAddr| ip.is_unspecified();
    let is_dual = |ip: IpAddr| ip.is_ipv6() && is_all(ip);
    let is_one_family = one.is_ipv4() == other.is_ipv4();
    is_dual(one) || is_dual(other) || is_one_family && (is_all(one) || is_all(other) || one == other)
}

/// The owner of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `None` if this user may not look at the process.
    pub pid: Option<u32>,
    pub name: Option<String>,
    pub account: String,
}

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.pid, &self.name) {
            (Some(pid), Some(name)) => write!(f, "process {pid} ({name})"),
            (Some(pid), None) => write!(f, "process {pid}"),
            (None, _) => write!(f, "a process of the account {}", self.account),
        }
    }
}

/// A line of `/proc/net/tcp` or one of its kind.
#[cfg(target_os = "linux")]
struct Socket {
    ip: IpAddr,
    port: u16,
    state: String,
    uid: u32,
    inode: u64,
}

/// The sockets in this process's network. The columns are sl, local_address, rem_address, st, tx:rx, tr:tm, retrnsmt, uid,
/// timeout and inode (the kernel's Documentation/networking/proc_net_tcp.rst).
#[cfg(target_os = "linux")]
fn sockets(table: &str) -> Vec<Socket> {
    let text = fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default();
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, uid, _, inode, ..] = words[..] else { return None };
        let (ip, port) = local.rsplit_once(':')?;
        Some(Socket {
            ip: proc_address(ip)?,
            port: u16::from_str_radix(port, 16).ok()?,
            state: state.into(),
            uid: uid.parse().ok()?,
            inode: inode.parse().ok()?,
        })
    };
    text.lines().filter_map(socket).collect()
}

/// An address as the kernel prints it: words of 32 bits, each in the machine's own order of bytes.
#[cfg(target_os = "linux")]
fn proc_address(hex: &str) -> Option<IpAddr> {
    let words: Vec<_> = hex.as_bytes().chunks(8).collect();
    let bytes = |word: &&[u8]| Some(u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes());
    let bytes: Vec<u8> = words.iter().map(bytes).collect::<Option<Vec<_>>>()?.concat();
    let v6 = || Some(IpAddr::from(<[u8; 16]>::try_from(&*bytes).ok()?));
    <[u8; 4]>::try_from(&*bytes).ok().map(IpAddr::from).or_else(v6)
}

/// The process that holds a socket. Only root sees the descriptors of other users' processes.
#[cfg(target_os = "linux")]
fn owner(inode: u64) -> Option<u32> {
    let link = format!("socket:[{inode}]");
    let holds = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.map(|entry| entry.path()).any(|path| fs::read_link(path).is_ok_and(|target| target.as_os_str() == &*link))
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|&pid| holds(pid))
}
