//! An invitation as shown to a person: a URL as text and QR code, and a code to type.

use std::fmt;
use std::time::Duration;

use qrcode::{Color, EcLevel, QrCode};

use crate::control::protocol::{Pass, Reply};
use crate::core::clock::Moment;
use crate::os::network::Network;
use crate::os::site::{Reach, Site};

/// Said in place of a QR code while there is no network.
pub const NO_NETWORK: &str = "this machine is in no network yet; the QR code comes by itself when it is in one";

/// The width of the quiet zone of a QR code, in modules. ISO/IEC 18004 asks for 4; cameras read codes with 2.
const QUIET_ZONE: usize = 2;

/// What a person needs to pair a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationCard {
    /// The URL of the remote.
    pub address: String,
    /// The URLs with this machine's other addresses and names, for a phone in another network.
    pub others: Vec<String>,
    /// The URL with the ticket, for the QR code.
    pub link: String,
    pub code: String,
    /// Who can open `address`. Only for phones there is a QR code.
    pub reach: Reach,
    /// When the ticket and the code expire.
    pub until: Moment,
}

impl InvitationCard {
    /// An invitation to the web server at `site`, on a machine in `network`.
    pub fn new(site: &Site, network: &Network, ticket: &str, code: &str, until: Moment) -> Self {
        let (urls, reach) = site.urls(network);
        let mut all: Vec<String> = urls.into_iter().map(|url| url + "/remote").collect();
        let address = all.remove(0);
        Self { link: format!("{address}#{ticket}"), address, others: all, code: code.into(), reach, until }
    }

    /// As an invitation, but for a page that only tells that a phone has come through, under the number of a try.
    pub fn hello(site: &Site, network: &Network, id: u32) -> Self {
        let mut card = Self::new(site, network, "", "", Moment::default());
        let page = |url: &str| format!("{}/hello?id={id}", url.strip_suffix("/remote").unwrap_or(url));
        card.others = card.others.iter().map(|url| page(url)).collect();
        card.address = page(&card.address);
        card.link = card.address.clone();
        card
    }

    /// What to do if no phone has come to the page of [`hello`](Self::hello). The rule is for who runs the network.
    pub fn no_phone(&self) -> String {
        let place = self.address.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let usual = if self.address.starts_with("https:") { "443" } else { "80" };
        // The colons of an IPv6 address are in brackets.
        let (host, port) = place.rsplit_once(':').filter(|(_, port)| !port.contains(']')).unwrap_or((place, usual));
        let host = match self.reach {
            Reach::Phones => host,
            // A process without a network of its own may not know its address.
            Reach::Nobody => "this machine",
            Reach::ThisMachine | Reach::NoIpv4 => {
                return format!("No phone arrived: {}", self.trouble().unwrap_or_default());
            }
        };
        format!(
            "No phone arrived. Guest networks often forbid it: ask for one rule, guests to {host}, port {port}; docs/remote.md has it as a text to send"
        )
    }

    /// The daemon's reply to `invite`.
    ///
    /// # Errors
    /// The daemon's message if it refused.
    pub fn from_reply(reply: Reply, now: Moment) -> Result<Self, String> {
        match reply.pass {
            Some(Pass::Invitation { site, ticket, code, seconds }) => {
                let until = now + Duration::from_secs(seconds);
                Ok(Self::new(&site, &Network::look(), &ticket, &code, until))
            }
            _ => Err(reply.message),
        }
    }

    /// Why no phone can open the address, and what to do instead. `None` if phones can.
    pub fn trouble(&self) -> Option<String> {
        let port = || self.address.rsplit(':').next().and_then(|end| end.split('/').next()).unwrap_or("8080");
        let all = || format!("start with --web=:{0}, or write `listen = \":{0}\"` under [web]", port());
        match self.reach {
            Reach::Phones => None,
            Reach::ThisMachine => Some(format!("only this machine can open it; for phones {}", all())),
            Reach::NoIpv4 => Some(format!("this network has IPv6 alone, and the web listens to IPv4 alone; {}", all())),
            Reach::Nobody => Some(NO_NETWORK.into()),
        }
    }

    /// The link as a QR code with its quiet zone, row by row; true is dark. Empty if no phone can open the link.
    pub fn modules(&self) -> Vec<Vec<bool>> {
        if self.reach != Reach::Phones {
            return Vec::new();
        }
        // The lowest error correction needs the fewest modules, and a screen is neither dirty nor damaged.
        let code = QrCode::with_error_correction_level(&self.link, EcLevel::L).expect("a link fits in a QR code");
        let width = code.width();
        let colours = code.to_colors();
        let is_dark = |x: usize, y: usize| {
            let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|&at| at < width);
            let module = inside(x).zip(inside(y)).map(|(x, y)| colours[y * width + x]);
            module == Some(Color::Dark)
        };
        let all = width + 2 * QUIET_ZONE;
        (0..all).map(|y| (0..all).map(|x| is_dark(x, y)).collect()).collect()
    }
}

/// As `talklight remote` prints it below the QR code.
impl fmt::Display for InvitationCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.code.split_at(self.code.len() / 2);
        writeln!(f, "{}   code {start} {end}", self.address)?;
        if !self.others.is_empty() {
            writeln!(f, "or {}", self.others.join(" or "))?;
        }
        write!(f, "valid once, within a minute")?;
        self.trouble().map_or(Ok(()), |trouble| write!(f, "\n{trouble}"))
    }
}

/// A QR code as lines of text for programs: `#` is dark, `.` is light.
pub fn qr_rows(modules: &[Vec<bool>]) -> Vec<String> {
    let row = |row: &Vec<bool>| row.iter().map(|&is_dark| if is_dark { '#' } else { '.' }).collect();
    modules.iter().map(row).collect()
}

/// How a terminal draws a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrStyle {
    /// With colours and half-block characters: two rows of modules in one line of text.
    HalfBlocks,
    /// With colours, two columns per module.
    Cells,
    /// Without colours, by half-block characters; right on a dark screen.
    Glyphs,
    /// Without colours or block characters.
    Ascii,
}

/// A QR code as text for a terminal, with escape sequences for colours. It is dark on light if it has colours.
pub fn render_qr(modules: &[Vec<bool>], paper: QrStyle) -> String {
    // From the palette of 256 colours: more terminals know it than 24-bit colours, and no theme changes it. Uniform cells
    // are drawn by the background, since the blocks of some fonts leave gaps that confuse a camera.
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
        QrStyle::Cells => return wide(["\x1b[48;5;231m  ", "\x1b[48;5;16m  ", "\x1b[0m"]),
        QrStyle::Ascii => return wide(["##", "  ", ""]),
        QrStyle::HalfBlocks | QrStyle::Glyphs => {}
    }
    let row = |pair: &[Vec<bool>]| {
        let lower = |x: usize| pair.get(1).is_some_and(|row| row[x]);
        let cells = (0..modules.len()).map(|x| [pair[0][x], lower(x)]);
        match paper == QrStyle::HalfBlocks {
            true => cells.map(coloured).collect::<String>() + "\x1b[0m\n",
            false => cells.map(|[upper, lower]| half_block([!upper, !lower])).collect::<String>() + "\n",
        }
    };
    modules.chunks(2).map(row).collect()
}

/// The half-block character for the pixels `[upper, lower]`, of which true is set.
pub fn half_block([upper, lower]: [bool; 2]) -> char {
    match [upper, lower] {
        [false, false] => ' ',
        [true, false] => '▀',
        [false, true] => '▄',
        [true, true] => '█',
    }
}
