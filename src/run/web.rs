//! Starts the web server.

use std::sync::Arc;
#[cfg(feature = "web")]
use std::thread;

#[cfg(feature = "web")]
use anyhow::Context;

use crate::config::Config;
#[cfg(feature = "web")]
use crate::control::desk::Desk;
#[cfg(feature = "web")]
use crate::core::clock;
use crate::engine::board::Board;
use crate::engine::event::Events;
#[cfg(feature = "web")]
use crate::engine::event::{self, Event, Origin};
#[cfg(feature = "web")]
use crate::os::network::Network;
#[cfg(feature = "web")]
use crate::os::site::{Reach, Site};
use crate::store::pairing::Pairing;
#[cfg(feature = "web")]
use crate::web::{RETRY, Web};

/// Starts the web, if the config has one or systemd has opened a port for it, and returns the paired devices. Problems with
/// either are faults and are retried.
#[cfg(feature = "web")]
pub(super) fn start(config: &Config, board: &Arc<Board>, events: &Events) -> Option<Arc<Pairing>> {
    let handed_over = listenfd::ListenFd::from_env().take_tcp_listener(0);
    let listen = config.web.as_ref().and_then(|web| web.listen);
    if listen.is_none() && matches!(handed_over, Ok(None)) {
        return None;
    }
    let path = match crate::store::pairing::default_path() {
        Ok(path) => path,
        Err(error) => {
            let _ = events.try_send(Event::Fault(Origin::Web, Some(error.to_string().into())));
            return None;
        }
    };
    let pairing = Arc::new(Pairing::new(path));
    if let Some(fault) = pairing.load(clock::stamp()).unwrap_or_else(Some) {
        let _ = events.try_send(Event::Fault(Origin::Pairing, Some(fault.into())));
    }
    let web = config.web.clone().unwrap_or_default();
    let hosts = web.all_hosts();
    let desk = Desk { board: Arc::clone(board), events: events.clone(), pairing: Some(Arc::clone(&pairing)) };
    let theirs = Arc::clone(&pairing);
    event::spawn("web", Origin::Web, events.clone(), move |events| {
        let handed_over = handed_over.context("systemd has opened something else than a TCP port")?;
        let serve = || -> anyhow::Result<()> {
            let server = match (&handed_over, listen) {
                (Some(listener), _) => Web::from_listener(listener.try_clone()?, &hosts)?,
                (None, Some(listen)) => Web::bind(listen, &hosts)?,
                (None, None) => unreachable!("without both there is no web"),
            };
            let site = Site { address: web.address.clone(), ..Site::new(server.address()?) };
            let network = Network::look();
            let (mut urls, reach) = site.urls(&network);
            if let (Reach::Nobody, Some(host)) = (reach, &network.host) {
                // The service sees no network, and has one by its port.
                urls[0] = format!("http://{host}:{}", server.address()?.port());
            }
            let is_loopback = site.listen.ip().is_loopback();
            let by_proxy = site.address.is_some();
            theirs.set_site(site);
            events.send(Event::Fault(Origin::Web, None))?;
            events.send(Event::Web(urls[0].as_str().into()))?;
            let port = server.address()?.port();
            let alone = match (&handed_over, web.is_flag) {
                (Some(_), _) => None,
                _ if is_loopback => None,
                (None, true) => Some(format!("--web=127.0.0.1:{port}")),
                (None, false) => Some(format!("`listen = \"127.0.0.1:{port}\"`")),
            };
            for note in opened(&urls[0], reach, by_proxy, alone) {
                events.send(Event::Note(Origin::Web, note.into()))?;
            }
            server.run(&desk, Arc::clone(&theirs))
        };
        // Serving ends only by an error.
        while let Err(error) = serve() {
            events.send(Event::Fault(Origin::Web, Some(format!("{error:#}").into())))?;
            thread::park_timeout(RETRY);
        }
        Ok(())
    });
    Some(pairing)
}

/// What is said when the web's port is open; `alone` restricts it to this machine.
#[cfg(feature = "web")]
fn opened(url: &str, reach: Reach, by_proxy: bool, alone: Option<String>) -> Vec<String> {
    let view = format!("stage view: {url}; p or `talklight remote` pairs a phone");
    if reach == Reach::ThisMachine {
        return vec![view, "only this machine can open it; --web=:8080 is for the network".into()];
    }
    let alone = alone.map_or(String::new(), |alone| format!("; this machine alone: {alone}"));
    let who = if by_proxy { "who can open it" } else { "in this network" };
    vec![view, format!("everybody {who} may look, only paired devices may press{alone}")]
}

#[cfg(not(feature = "web"))]
pub(super) fn start(_: &Config, _: &Arc<Board>, _: &Events) -> Option<Arc<Pairing>> {
    None
}
