//! What the doctor makes of the way to the pages.

use nix::net::if_::InterfaceFlags;
use talklight::config::WebConfig;
use talklight::engine::board::Fault;
use talklight::engine::event::Origin;
use talklight::os::network::{Interface, Listener, Network};
use talklight::setup::doctor::facts::{Facts, Unit, Web};
use talklight::setup::doctor::{Verdict, judge};

use super::facts::{absent, answers, pi4, status, with};

fn web(listen: Option<&str>, socket: Option<&str>) -> Web {
    let up = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let wifi = Interface { name: "wlan0".into(), flags: up, ip: "192.168.1.7".parse().unwrap() };
    Web {
        config: WebConfig { listen: listen.map(|listen| listen.parse().unwrap()), ..WebConfig::default() },
        socket: socket.map(|properties| Unit(properties.into())),
        network: Network { interfaces: vec![wifi], host: Some("lectern".into()), ..Network::default() },
        listener: None,
    }
}

const OPEN: &str = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nListen=[::]:8080 (Stream)";

fn facts(web: Web) -> Facts {
    with(pi4(), |facts| facts.web = Some(web))
}

/// The verdict, text and remedy of a check. `None` if there is none of this name.
fn found(facts: &Facts, name: &str) -> Option<(Verdict, String, String)> {
    let check = judge(facts).into_iter().find(|check| check.name == name)?;
    Some((check.verdict, check.text, check.remedy.unwrap_or_default()))
}

fn text(web: Web, name: &str) -> (Verdict, String) {
    let (verdict, text, _) = found(&facts(web), name).unwrap_or_else(|| panic!("no {name}"));
    (verdict, text)
}

#[test]
fn the_addresses_are_those_that_phones_open() {
    let good = |text: &str| (Verdict::Good, text.to_owned());
    let note = |text: &str| (Verdict::Note, text.to_owned());
    assert_eq!(text(web(Some("[::]:8080"), None), "web"), good("phones open http://192.168.1.7:8080/remote"));
    assert_eq!(text(web(None, Some(OPEN)), "web"), good("phones open http://192.168.1.7:8080/remote"));
    assert_eq!(
        text(web(Some("127.0.0.1:80"), None), "web"),
        note("only this machine can open http://127.0.0.1:80/remote")
    );
    assert_eq!(text(web(None, None), "web"), note("the web is off: --web, or `listen` under [web], turns it on"));
    let mut proxied = web(Some("127.0.0.1:80"), None);
    proxied.config.address = Some("https://timer.example.org".into());
    assert_eq!(found(&facts(proxied.clone()), "local-name"), None);
    assert_eq!(text(proxied, "web"), good("phones open https://timer.example.org/remote"));
    let mut alone = web(Some("[::]:80"), None);
    alone.network.interfaces.clear();
    assert_eq!(text(alone, "web"), note("this machine is in no network; phones can open the pages when it is in one"));
}

#[test]
fn the_local_name_needs_a_responder() {
    let mut web = web(Some("[::]:8080"), None);
    let (verdict, said, remedy) = found(&facts(web.clone()), "local-name").unwrap();
    assert_eq!(verdict, Verdict::Note);
    assert!(said.starts_with("lectern.local will not work: no mDNS responder runs"), "{said}");
    assert_eq!(remedy, "sudo apt install avahi-daemon");
    web.network.local = Some("lectern-2.local".into());
    assert_eq!(text(web, "local-name"), (Verdict::Good, "lectern-2.local works: an mDNS responder runs".into()));
}

#[test]
fn the_socket_unit_and_the_config_agree() {
    let off = "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nListen=[::]:8080 (Stream)";
    let not_open = OPEN.replace("=active", "=inactive");
    let disabled = OPEN.replace("enabled", "disabled");
    let restart = "talklight check && sudo systemctl restart talklight";
    for (listen, socket, verdict, says, remedy) in [
        (None, off, Verdict::Note, "the web is off; `sudo systemctl enable talklight-web.socket && ", ""),
        (
            Some("[::]:8080"),
            off,
            Verdict::Bad,
            "`listen` under [web] has no effect: the service has no network",
            "and remove `listen`",
        ),
        (None, &not_open, Verdict::Bad, "talklight-web.socket is enabled, and its port is not open", restart),
        (
            None,
            &disabled,
            Verdict::Bad,
            "talklight-web.socket is open, but will not be after a reboot",
            "sudo systemctl enable talklight-web.socket",
        ),
        (
            Some("[::]:8081"),
            OPEN,
            Verdict::Bad,
            "systemd opens port 8080 for the service, and `listen` under [web] says 8081",
            "remove `listen`",
        ),
        (
            Some("[::]:8080"),
            OPEN,
            Verdict::Note,
            "systemd opens the port of the service; `listen` under [web] has no effect",
            "",
        ),
    ] {
        let (judged, said, told) = found(&facts(web(listen, Some(socket))), "web-socket").unwrap();
        assert_eq!(judged, verdict, "{said}");
        assert!(said.starts_with(says) && told.contains(remedy), "{said}: {told}");
    }
    assert_eq!(found(&facts(web(None, Some(OPEN))), "web-socket"), None);
    // A port that is not open is none that phones could open.
    assert_eq!(found(&facts(web(Some("[::]:8080"), Some(off))), "web"), None);
}

#[test]
fn a_program_that_has_the_port_is_named() {
    let nginx = Listener { pid: Some(812), name: Some("nginx".into()), account: "root".into() };
    let hidden = Listener { pid: None, name: None, account: "www-data".into() };
    for (listener, says) in [
        (nginx.clone(), "port 8080 is taken: process 812 (nginx) listens on it"),
        (hidden, "port 8080 is taken: a process of the account www-data listens on it"),
    ] {
        let mut web = web(Some("[::]:8080"), None);
        web.listener = Some(listener);
        let stopped = with(facts(web.clone()), |facts| facts.daemon = absent());
        let remedy = "stop it, or choose another port, such as 8081";
        assert_eq!(found(&stopped, "port"), Some((Verdict::Bad, says.into(), remedy.into())));
        // A daemon that answers without a fault has the port itself.
        assert_eq!(found(&facts(web.clone()), "port"), None);
        let mut failing = status();
        failing.faults = vec![Fault::new(Origin::Web, "taken")];
        assert!(found(&with(facts(web), |facts| facts.daemon = answers(failing)), "port").is_some());
    }
    let with_listener = |name: &str, socket| {
        let mut web = web(Some("[::]:8080"), socket);
        web.listener = Some(Listener { name: Some(name.into()), ..nginx.clone() });
        found(&with(facts(web), |facts| facts.daemon = absent()), "port")
    };
    assert_eq!(with_listener("talklight", None), None, "another timer, which has a check of its own");
    assert_eq!(with_listener("systemd", Some(OPEN)), None);
}
