//! The flag `--web`, what is said at the start, and the addresses at which it listens.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;

use super::{Instance, free_port};
use crate::child::Program;
use crate::harness::until;

const SAID: &str = "everybody in this network may look, only paired devices may press";

/// A daemon with these flags, whose log has `line`.
fn started(config: &str, flags: &[&str], line: &str) -> (Instance, Program, String) {
    let mut house = Instance::new(config);
    let state = house.folder.file("state").display().to_string();
    house.env("XDG_STATE_HOME", &state);
    let mut command = house.command(&[&["--headless"], flags].concat());
    command.stdin(Stdio::null());
    let daemon = Program::spawn(command);
    let mut told = String::new();
    until(line, || {
        told = daemon.lines().into_iter().find(|told| told.contains(line)).unwrap_or_default();
        !told.is_empty()
    });
    (house, daemon, told)
}

fn answers(ip: impl Into<IpAddr>, port: u16) -> bool {
    TcpStream::connect(SocketAddr::new(ip.into(), port)).is_ok()
}

#[test]
fn a_port_alone_is_all_addresses_and_the_start_says_who_may_do_what() {
    let port = free_port();
    let (house, daemon, told) = started("", &[&format!("--web=:{port}")], SAID);
    assert!(told.ends_with(&format!("{SAID}; this machine alone: --web=127.0.0.1:{port}")), "{told}");
    let view = daemon.lines().into_iter().find(|line| line.contains("stage view: http://")).unwrap();
    assert!(view.ends_with(&format!(":{port}; p or `talklight remote` pairs a phone")), "{view}");
    assert!(answers([127, 0, 0, 1], port));
    // A machine without IPv6 has no such address.
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        assert!(answers(Ipv6Addr::LOCALHOST, port));
    }
    assert_eq!(house.status()["phase"], "ready");
}

#[test]
fn this_machine_alone_is_said_too() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let (_house, daemon, _) = started("", &[&format!("--web={address}")], "only this machine can open it");
    assert!(
        daemon
            .lines()
            .iter()
            .any(|line| line.contains(&format!("stage view: http://{address}; p or `talklight remote` pairs a phone")))
    );
}

#[test]
fn the_flag_alone_keeps_what_the_config_says() {
    let port = free_port();
    let config = format!("[web]\nlisten = \"0.0.0.0:{port}\"\nname = \"Main hall\"");
    for flags in [&["--web"][..], &[]] {
        let (house, _daemon, told) = started(&config, flags, SAID);
        let keep = match flags {
            [] => format!("`listen = \"127.0.0.1:{port}\"`"),
            _ => format!("--web=127.0.0.1:{port}"),
        };
        assert!(told.ends_with(&format!("; this machine alone: {keep}")), "{told}");
        assert!(answers([127, 0, 0, 1], port));
        assert_eq!(house.status()["name"], "Main hall");
    }
}

#[test]
fn behind_a_proxy_on_this_machine_it_is_said_who_may_look_and_nothing_to_restrict() {
    let port = free_port();
    let config = format!("[web]\nlisten = \"127.0.0.1:{port}\"\naddress = \"https://timer.example.org\"");
    let said = "everybody who can open it may look, only paired devices may press";
    let (_house, daemon, told) = started(&config, &[], said);
    assert!(told.ends_with(said), "{told}");
    assert!(
        daemon
            .lines()
            .iter()
            .any(|line| line.contains("stage view: https://timer.example.org; p or `talklight remote` pairs a phone"))
    );
}

#[test]
fn the_name_of_the_timer_is_else_that_of_the_machine() {
    let house = Instance::running("");
    let name = crate::harness::text(&crate::child::command("uname").arg("-n").output().unwrap().stdout);
    assert_eq!(house.status()["name"], name.trim().trim_end_matches('.'));
}
