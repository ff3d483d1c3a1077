//! Where the web server is, as far as its process knows.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::network::{Network, bracketed};

/// The web server's place in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The address at which the web server listens.
    pub listen: SocketAddr,
    /// `[web] address`: what phones are told, where a proxy stands in front. Without a slash at the end.
    #[serde(default)]
    pub address: Option<String>,
    /// The address of this machine by which a page was last reached, for a process that has no network of its own.
    #[serde(default)]
    pub reached: Option<IpAddr>,
}

/// Who can reach a web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Phones,
    /// It listens on a loopback address.
    ThisMachine,
    /// The machine has IPv6 alone, and it listens to IPv4 alone.
    NoIpv4,
    /// The machine is in no network.
    Nobody,
}

impl Site {
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, address: None, reached: None }
    }

    /// The URLs of the stage view without a slash at the end, the likeliest first. There is always one.
    pub fn urls(&self, network: &Network) -> (Vec<String>, Reach) {
        if let Some(address) = &self.address {
            return (vec![address.clone()], Reach::Phones);
        }
        let port = self.listen.port();
        let url = |host: String| format!("http://{host}:{port}");
        let ip = self.listen.ip().to_canonical();
        if ip.is_loopback() {
            return (vec![url(bracketed(ip))], Reach::ThisMachine);
        }
        if !ip.is_unspecified() {
            return (vec![url(bracketed(ip))], Reach::Phones);
        }
        // An IPv4 socket accepts no IPv6 connections.
        let mut found = network.addresses();
        found.retain(|own| ip.is_ipv6() || own.is_ipv4());
        if found.is_empty() {
            found.extend(self.reached);
        }
        if found.is_empty() {
            let has_ipv6 = network.addresses().iter().any(IpAddr::is_ipv6);
            let reach = if has_ipv6 { Reach::NoIpv4 } else { Reach::Nobody };
            return (vec![url("localhost".into())], reach);
        }
        (found.into_iter().map(bracketed).chain(network.local.clone()).map(url).collect(), Reach::Phones)
    }
}
