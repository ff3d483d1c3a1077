//! The addresses and names of a machine, in values.

use nix::net::if_::InterfaceFlags as Flags;
use talklight::os::network::{Interface, Network, avahi_name, default_routes, is_own_name, is_same_place, listener};

fn interface(name: &str, ip: &str) -> Interface {
    let up = Flags::IFF_UP | Flags::IFF_RUNNING;
    let flags = match name {
        "lo" => up | Flags::IFF_LOOPBACK,
        "down0" => Flags::IFF_UP,
        "p2p0" => up | Flags::IFF_POINTOPOINT,
        _ => up,
    };
    Interface { name: name.into(), flags, ip: ip.parse().unwrap() }
}

/// The addresses of a machine with these interfaces, whose packets to the internet leave from `source`.
fn addresses(interfaces: &[(&str, &str)], source: &str, routes: &[&str]) -> Vec<String> {
    let network = Network {
        interfaces: interfaces.iter().map(|(name, ip)| interface(name, ip)).collect(),
        sources: source.parse().into_iter().collect(),
        routes: routes.iter().map(|route| (*route).into()).collect(),
        ..Network::default()
    };
    network.addresses().iter().map(ToString::to_string).collect()
}

#[test]
fn the_interface_of_the_default_route_comes_first() {
    let machine = [
        ("lo", "127.0.0.1"),
        ("docker0", "172.17.0.1"),
        ("virbr0", "192.168.122.1"),
        ("br-0a1b2c3d", "172.18.0.1"),
        ("usb0", "10.55.0.1"),
        ("eth1", "10.0.0.9"),
        ("down0", "10.0.0.10"),
        ("wlan0", "fe80::7"),
        ("wlan0", "fd00::7"),
        ("wlan0", "2001:db8::7"),
        ("wlan0", "203.0.113.9"),
        ("tailscale0", "100.101.102.103"),
    ];
    let others = ["10.0.0.9", "10.55.0.1", "100.101.102.103"];
    let all = addresses(&machine, "203.0.113.9", &[]);
    assert_eq!(all[..3], ["203.0.113.9", "fd00::7", "2001:db8::7"], "IPv4 before IPv6");
    assert_eq!(all[3..], others, "a container's or a virtual machine's address is no phone's");
    // A sandbox may forbid the socket; the table of routes says the same.
    assert_eq!(addresses(&machine, "", &["wlan0"]), all);
    // Without a route: private networks, then IPv4.
    assert_eq!(addresses(&machine, "", &[])[..2], ["10.0.0.9", "10.55.0.1"]);
}

#[test]
fn a_tunnel_never_comes_first_even_if_it_has_the_route() {
    for tunnel in ["p2p0", "tun0", "wg0", "tailscale0"] {
        let machine = [(tunnel, "10.8.0.2"), ("eth1", "10.1.0.9"), ("wlan0", "192.168.1.7")];
        assert_eq!(
            addresses(&machine, "10.8.0.2", &[tunnel, "wlan0"]),
            ["192.168.1.7", "10.1.0.9", "10.8.0.2"],
            "{tunnel}"
        );
    }
    assert_eq!(addresses(&[("wg0", "10.8.0.2")], "10.8.0.2", &["wg0"]), ["10.8.0.2"], "there is no other");
}

#[test]
fn a_bridge_with_the_default_route_is_the_network() {
    let machine = [("br-lan", "192.168.1.1"), ("docker0", "172.17.0.1")];
    assert_eq!(addresses(&machine, "192.168.1.1", &[]), ["192.168.1.1"]);
    // A cable between two machines.
    assert_eq!(addresses(&[("eth0", "169.254.1.2"), ("wlan0", "fd00::7")], "", &[]), ["fd00::7", "169.254.1.2"]);
}

#[test]
fn the_default_routes_are_read_by_metric() {
    let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                 wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
                 tun0\t00000000\t0108080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n\
                 eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
                 wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n";
    assert_eq!(default_routes(table), ["eth0", "wlan0"]);
    assert_eq!(default_routes("nonsense"), [""; 0]);
}

#[test]
fn the_names_of_this_machine_are_known_in_every_form() {
    for host in ["Lectern", "lectern.", "lectern.example.org", "LECTERN.Example.org."] {
        for name in
            ["lectern", "LECTERN", "lectern.", "lectern.local", "Lectern.Local.", "lectern-2.local", "lectern-17.local"]
        {
            assert!(is_own_name(name, Some(host)), "{name} of {host}");
        }
        let foreign = [
            "lectern-1.local",
            "lectern-02.local",
            "lectern-x.local",
            "lectern-.local",
            "lectern2.local",
            "lectern-2",
            "",
        ];
        for name in
            foreign.into_iter().chain(["lectern.local.evil.example", "local", ".local", "lectern..", "x.lectern.local"])
        {
            assert!(!is_own_name(name, Some(host)), "{name} of {host}");
        }
    }
    assert!(is_own_name("lectern.example.org", Some("lectern.example.org")));
    assert!(!is_own_name("lectern.example.org", Some("lectern")));
    for host in [None, Some("")] {
        assert!(is_own_name("LocalHost.", host));
        assert!(!is_own_name("", host) && !is_own_name(".local", host) && !is_own_name("-2.local", host));
    }
}

/// The replies of avahi 0.8.
#[test]
fn avahi_says_the_name_that_it_gives_this_machine() {
    assert_eq!(avahi_name("+ 3 0 Lectern-2.local\n").as_deref(), Some("lectern-2.local"));
    for none in ["-15 Timeout reached\n", "", "+ 3 0\n", "+ 3 0 lectern.example.org\n", "+ 3 0 a/b.local\n"] {
        assert_eq!(avahi_name(none), None, "{none}");
    }
}

#[test]
fn two_sockets_are_in_each_others_way_only_at_the_same_address() {
    for (one, other, expected) in [
        ("::", "0.0.0.0", true),
        ("::", "127.0.0.1", true),
        ("::", "::1", true),
        ("0.0.0.0", "192.168.1.7", true),
        ("::ffff:127.0.0.1", "127.0.0.1", true),
        ("0.0.0.0", "::1", false),
        ("127.0.0.1", "192.168.1.7", false),
        ("::1", "fd00::7", false),
    ] {
        let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!((is_same_place(one, other), is_same_place(other, one)), (expected, expected), "{one} {other}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_owner_of_an_address_is_found() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // A machine without IPv6 has only the first.
        let Ok(socket) = std::net::TcpListener::bind(address) else { continue };
        let mut address = socket.local_addr().unwrap();
        assert_eq!(listener(address).unwrap().pid, Some(std::process::id()), "{address}");
        address.set_ip("192.0.2.1".parse().unwrap());
        assert_eq!(listener(address), None, "another address with the same port");
    }
}
