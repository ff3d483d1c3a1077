//! An invitation as a person is shown it: an address for a camera to read, and a code for fingers to type.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrLike;
use nix::unistd::gethostname;
use qrcode::{Color, EcLevel, QrCode};

use crate::control::protocol::{Pass, Reply};
use crate::core::clock::Moment;

/// Light modules around a QR code, without which a camera does not find it (ISO/IEC 18004: 4; all take 2).
const QUIET: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Where the remote is.
    pub address: String,
    /// Other addresses of this machine, for a phone in another network.
    pub others: Vec<String>,
    /// The same with the ticket, for a camera.
    pub link: String,
    pub code: String,
    /// Nobody but this machine can go there.
    pub only_here: bool,
    /// How long ticket and code are good.
    pub until: Moment,
}

impl Invited {
    /// To pages that are served at `listen`, on a machine that has the addresses `own`, the best first.
    pub fn new(listen: SocketAddr, own: &[IpAddr], ticket: &str, code: &str, until: Moment) -> Self {
        let port = listen.port();
        let url = |host: String| format!("http://{host}:{port}/remote");
        let mut all: Vec<String> = match listen.ip() {
            ip if !ip.is_unspecified() => vec![url(bracketed(ip))],
            // A socket of IPv4 takes nobody in by IPv6.
            ip => own.iter().filter(|own| ip.is_ipv6() || own.is_ipv4()).map(|&own| url(bracketed(own))).collect(),
        };
        if all.is_empty() {
            let name = gethostname().ok().and_then(|name| name.into_string().ok());
            all.push(url(format!("{}.local", name.unwrap_or_else(|| "localhost".into()))));
        }
        let address = all.remove(0);
        Self {
            link: format!("{address}#{ticket}"),
            address,
            others: all,
            code: code.into(),
            only_here: listen.ip().is_loopback(),
            until,
        }
    }

    /// What the daemon answered to `invite`, or why it did not.
    ///
    /// # Errors
    /// The daemon's words.
    pub fn of(reply: Reply, now: Moment) -> Result<Self, String> {
        match reply.pass {
            Some(Pass::Invitation { listen, ticket, code, seconds }) => {
                let until = now + Duration::from_secs(seconds);
                Ok(Self::new(listen, &own_addresses(), &ticket, &code, until))
            }
            _ => Err(reply.message),
        }
    }

    /// The link as a QR code, row by row, with its quiet zone; true is dark.
    pub fn modules(&self) -> Vec<Vec<bool>> {
        // A screen is clean and close: the least correction makes the fewest modules.
        let code = QrCode::with_error_correction_level(&self.link, EcLevel::L).expect("a link has room in a QR code");
        let width = code.width();
        let colours = code.to_colors();
        let is_dark = |x: usize, y: usize| {
            let inside = |at: usize| at.checked_sub(QUIET).filter(|&at| at < width);
            let module = inside(x).zip(inside(y)).map(|(x, y)| colours[y * width + x]);
            module == Some(Color::Dark)
        };
        let all = width + 2 * QUIET;
        (0..all).map(|y| (0..all).map(|x| is_dark(x, y)).collect()).collect()
    }
}

/// As printed by `talklight remote`, beneath its QR code.
impl fmt::Display for Invited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.code.split_at(self.code.len() / 2);
        writeln!(f, "{}   code {start} {end}", self.address)?;
        if !self.others.is_empty() {
            writeln!(f, "or {}", self.others.join(" or "))?;
        }
        write!(f, "good once, and for a minute")?;
        if self.only_here {
            write!(
                f,
                "\nonly this machine can open it: write `listen = \"0.0.0.0:{}\"` under [web] for the network",
                self.address.rsplit(':').next().and_then(|end| end.split('/').next()).unwrap_or("8080")
            )?;
        }
        Ok(())
    }
}

/// What a terminal can show of a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Colours, and blocks of half a row.
    Halves,
    /// Colours alone.
    Cells,
    /// No colours: blocks that are light on a dark screen.
    Glyphs,
    /// No blocks, either.
    Ascii,
}

/// A QR code for a terminal: dark on light if it has colours.
pub fn drawn(modules: &[Vec<bool>], paper: Paper) -> String {
    // Of 256 colours, as more terminals know these than those of 24 bits, and no theme changes them. The blocks of some fonts
    // leave seams, on which a camera may stumble; a background leaves none.
    let coloured = |pair: [bool; 2]| match pair {
        [false, false] => "\x1b[48;5;231m ",
        [true, true] => "\x1b[48;5;16m ",
        [false, true] => "\x1b[38;5;16;48;5;231m▄",
        [true, false] => "\x1b[38;5;231;48;5;16m▄",
    };
    let wide = |[light, dark, end]: [&str; 3]| {
        let cell = |&is_dark: &bool| if is_dark { dark } else { light };
        let row = |row: &Vec<bool>| row.iter().map(cell).collect::<String>() + end + "\n";
        modules.iter().map(row).collect()
    };
    match paper {
        Paper::Cells => return wide(["\x1b[48;5;231m  ", "\x1b[48;5;16m  ", "\x1b[0m"]),
        Paper::Ascii => return wide(["##", "  ", ""]),
        Paper::Halves | Paper::Glyphs => {}
    }
    let row = |pair: &[Vec<bool>]| {
        let lower = |x: usize| pair.get(1).is_some_and(|row| row[x]);
        let cells = (0..modules.len()).map(|x| [pair[0][x], lower(x)]);
        match paper == Paper::Halves {
            true => cells.map(coloured).collect::<String>() + "\x1b[0m\n",
            false => cells.map(|[upper, lower]| half_block([!upper, !lower])).collect::<String>() + "\n",
        }
    };
    modules.chunks(2).map(row).collect()
}

/// A QR code in half as many rows, as glyphs for `[upper, lower]` module.
pub fn half_block([upper, lower]: [bool; 2]) -> char {
    match [upper, lower] {
        [false, false] => ' ',
        [true, false] => '▀',
        [false, true] => '▄',
        [true, true] => '█',
    }
}

/// The addresses of this machine by which others may reach it, the likeliest first: those of a private network, then IPv4.
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = getifaddrs().into_iter().flatten();
    likeliest(interfaces.filter_map(|interface| {
        let address = address(&interface)?;
        Some((interface.interface_name, interface.flags, address))
    }))
}

/// The addresses of interfaces, by name and flags, at which a phone may find this machine; the likeliest first.
pub fn likeliest(interfaces: impl IntoIterator<Item = (String, InterfaceFlags, IpAddr)>) -> Vec<IpAddr> {
    let mut found: Vec<_> = interfaces
        .into_iter()
        .filter(|(name, flags, ip)| is_for_others(name, *flags) && !is_link_local(*ip))
        .map(|(_, flags, ip)| {
            // The tunnel of a VPN has private addresses, too, but no phone at its other end.
            let is_tunnel = flags.contains(InterfaceFlags::IFF_POINTOPOINT);
            (is_tunnel, !is_private(ip), ip.is_ipv6(), ip)
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(.., ip)| ip).collect()
}

/// Bridges and pairs of containers lead nowhere that a phone is.
fn is_for_others(name: &str, flags: InterfaceFlags) -> bool {
    let up = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let inner = ["docker", "podman", "veth", "br-", "virbr", "lxc", "lxdbr", "ve-", "vb-"];
    flags.contains(up)
        && !flags.contains(InterfaceFlags::IFF_LOOPBACK)
        && !inner.iter().any(|inner| name.starts_with(inner))
}

fn address(interface: &InterfaceAddress) -> Option<IpAddr> {
    let address = interface.address?;
    address.family()?;
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
