//! The way of a phone to the pages: the port, who has it, the addresses and the names.

use std::net::SocketAddr;

use super::facts::{Daemon, Facts, Unit, Web};
use super::service::{RESTART, checked};
use super::{Finding, advice, bad, good, note};
use crate::engine::event::Origin;
use crate::os::network::Network;
use crate::os::site::{Reach, Site};

/// Opens the port of the service. The socket unit starts with the service.
const ENABLE: &str =
    "sudo systemctl enable talklight-web.socket && talklight check && sudo systemctl restart talklight";

/// The findings about the facts of a doctor.
pub fn findings(facts: &Facts) -> Vec<(&'static str, Finding)> {
    let Some(web) = &facts.web else { return Vec::new() };
    let mut found = port(web);
    // The finding about the daemon has its fault.
    let has_fault = |fault: &crate::engine::board::Fault| fault.input == Origin::Web;
    let is_ours = matches!(&facts.daemon, Daemon::Answers(_, status) if !status.faults.iter().any(has_fault));
    found.extend(owner(web, is_ours).map(|finding| ("port", finding)));
    found
}

/// The findings that need no daemon, for `talklight check`.
pub fn of_config(web: &Web) -> Vec<Finding> {
    let found = port(web).into_iter().map(|(_, finding)| finding);
    found.chain(owner(web, false)).collect()
}

/// Where the pages are, and by which names.
fn port(web: &Web) -> Vec<(&'static str, Finding)> {
    let mut found = Vec::new();
    match (&web.socket, web.config.listen) {
        (Some(unit), listen) => {
            found.extend(socket(unit, listen.map(|listen| listen.port())).map(|it| ("web-socket", it)))
        }
        (None, None) => {
            found.push(("web", note("the web is off: --web, or `listen` under [web], turns it on")));
        }
        (None, Some(_)) => {}
    }
    let Some(site) = web.site() else { return found };
    let (urls, reach) = site.urls(&web.network);
    let remotes: Vec<String> = urls.iter().map(|url| format!("{url}/remote")).collect();
    found.push((
        "web",
        match reach {
            Reach::Phones => good(format!("phones open {}", remotes.join(" or "))),
            Reach::ThisMachine => note(format!("only this machine can open {}", remotes[0])),
            Reach::NoIpv4 => bad(
                "no phone can open the pages: this network has IPv6 alone, and they listen to IPv4 alone",
                format!("write `listen = \":{}\"` under [web]", site.listen.port()),
            ),
            Reach::Nobody => note("this machine is in no network; phones can open the pages when it is in one"),
        },
    ));
    if let (Reach::Phones, None) = (reach, &site.address) {
        found.extend(local_name(&web.network).map(|finding| ("local-name", finding)));
    }
    found
}

fn local_name(network: &Network) -> Option<Finding> {
    Some(match (&network.local, &network.host) {
        (Some(name), _) => good(format!("{name} works: an mDNS responder runs")),
        (None, Some(host)) => advice(
            format!("{host}.local will not work: no mDNS responder runs, so phones need the address"),
            "sudo apt install avahi-daemon",
        ),
        (None, None) => return None,
    })
}

/// Whether the socket unit of the service and the config agree.
fn socket(unit: &Unit, listen: Option<u16>) -> Option<Finding> {
    let is_enabled = matches!(unit.get("UnitFileState"), "enabled" | "enabled-runtime");
    let is_open = matches!(unit.get("ActiveState"), "active");
    let opened = port_of(unit.get("Listen"));
    Some(match (is_enabled, is_open, listen) {
        (false, false, None) => note(format!("the web is off; `{ENABLE}` turns it on")),
        (false, false, Some(_)) => bad(
            "`listen` under [web] has no effect: the service has no network of its own",
            format!("{ENABLE}\nand remove `listen`"),
        ),
        (true, false, _) => bad("talklight-web.socket is enabled, and its port is not open", checked(RESTART)),
        (false, true, _) => bad(
            "talklight-web.socket is open, but will not be after a reboot: it is disabled",
            "sudo systemctl enable talklight-web.socket",
        ),
        (true, true, Some(port)) if opened.is_some_and(|opened| opened != port) => bad(
            format!(
                "systemd opens port {} for the service, and `listen` under [web] says {port}",
                opened.unwrap_or_default()
            ),
            "remove `listen`; `sudo systemctl edit talklight-web.socket` changes the port",
        ),
        (true, true, Some(_)) => note("systemd opens the port of the service; `listen` under [web] has no effect"),
        (true, true, None) => return None,
    })
}

/// Whether something else has the port. `is_ours` if the daemon answers and has its port.
fn owner(web: &Web, is_ours: bool) -> Option<Finding> {
    let site = web.site()?;
    let listener = web.listener.as_ref().filter(|_| !is_ours && !web.is_open_by_systemd())?;
    // A timer that runs on its own, which another check finds.
    if listener.name.as_deref() == Some("talklight") {
        return None;
    }
    let port = site.listen.port();
    let other = if port == u16::MAX { port - 1 } else { port + 1 };
    Some(bad(
        format!("port {port} is taken: {listener} listens on it"),
        format!("stop it, or choose another port, such as {other}"),
    ))
}

impl Web {
    /// Where the pages are or would be. `None` if the web is off.
    fn site(&self) -> Option<Site> {
        let by_systemd = || {
            let unit = self.socket.as_ref().filter(|_| self.is_open_by_systemd())?;
            // The addresses of the unit, without a port for IPv4 alone.
            let listen = unit.get("Listen").split(' ').next()?;
            listen.parse().ok()
        };
        let listen = match &self.socket {
            Some(_) => by_systemd()?,
            None => self.config.listen?,
        };
        Some(Site { address: self.config.address.clone(), ..Site::new(listen) })
    }

    fn is_open_by_systemd(&self) -> bool {
        self.socket.as_ref().is_some_and(|unit| unit.get("ActiveState") == "active")
    }

    /// Where the pages listen or would listen, if that is known.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.site().map(|site| site.listen)
    }
}

/// The port in a value such as `[::]:8080 (Stream)`.
fn port_of(listen: &str) -> Option<u16> {
    listen.split(' ').next()?.rsplit(':').next()?.parse().ok()
}
