//! Where an invitation leads, and what is said if no phone could go there.

use super::*;
use talklight::control::invite::NO_NETWORK;
use talklight::os::site::Reach;

#[test]
fn the_address_is_one_a_phone_can_reach() {
    let both = ["192.168.1.7", "203.0.113.9", "fd00::7"];
    let all = card("0.0.0.0:8080", &both);
    assert_eq!(all.address, "http://192.168.1.7:8080/remote");
    assert_eq!(all.others, ["http://203.0.113.9:8080/remote"], "an IPv4 socket accepts no IPv6");
    assert_eq!(all.link, format!("http://192.168.1.7:8080/remote#{TICKET}"));
    assert_eq!((all.reach, all.trouble()), (Reach::Phones, None));
    let six = card("[::]:80", &["fd00::7", "192.168.1.7"]);
    assert_eq!((six.address.as_str(), six.others.len()), ("http://192.168.1.7:80/remote", 1), "IPv4 comes first");
    assert_eq!(card("[::]:80", &["fd00::7"]).address, "http://[fd00::7]:80/remote");
    assert_eq!(card("10.0.0.2:8080", &both).address, "http://10.0.0.2:8080/remote");
    assert!(all.to_string().contains("code 012 345"));
}

#[test]
fn there_is_no_qr_code_for_an_address_that_only_this_machine_reaches() {
    for listen in ["127.0.0.1:8080", "[::1]:8080", "127.0.1.1:8080"] {
        let here = card(listen, &["192.168.1.7"]);
        assert_eq!((here.reach, here.modules().len()), (Reach::ThisMachine, 0));
        let said = here.to_string();
        assert!(said.contains("only this machine can open it"), "{said}");
        assert!(said.contains("--web=:8080") && said.contains("`listen = \":8080\"` under [web]"), "{said}");
    }
    let ipv6 = card("0.0.0.0:8080", &["fd00::7"]);
    assert_eq!((ipv6.reach, ipv6.modules().len()), (Reach::NoIpv4, 0));
    assert!(ipv6.to_string().contains("listens to IPv4 alone; start with --web=:8080, or write `listen"), "{ipv6}");
    for none in [&[][..], &["fe80::7"]] {
        let nowhere = card("[::]:8080", none);
        assert_eq!((nowhere.reach, nowhere.modules().len()), (Reach::Nobody, 0));
        assert!(nowhere.to_string().ends_with(NO_NETWORK), "{nowhere}");
    }
}

#[test]
fn the_address_of_a_proxy_is_what_phones_are_told() {
    let address = Some("https://timer.example.org/timer".to_owned());
    for listen in ["127.0.0.1:8080", "[::]:8080"] {
        let site = Site { address: address.clone(), ..Site::new(listen.parse().unwrap()) };
        let card = InvitationCard::new(&site, &Network::default(), TICKET, "012345", NOW);
        assert_eq!(card.link, format!("https://timer.example.org/timer/remote#{TICKET}"));
        assert!(card.others.is_empty() && !card.modules().is_empty());
    }
}

#[test]
fn the_rule_to_ask_for_names_the_port_that_phones_use() {
    let rule = |address: &str| {
        let site = Site { address: Some(address.into()), ..Site::new("127.0.0.1:8080".parse().unwrap()) };
        let card = InvitationCard::hello(&site, &Network::default(), 7);
        assert_eq!(card.link, format!("{address}/hello?id=7"));
        let said = card.no_phone();
        said.split("ask for one rule, ").nth(1).unwrap().split(';').next().unwrap().to_owned()
    };
    assert_eq!(rule("https://timer.example.org"), "guests to timer.example.org, port 443");
    assert_eq!(rule("http://timer.example.org/remote"), "guests to timer.example.org, port 80");
    assert_eq!(rule("https://timer.example.org:8443/timer"), "guests to timer.example.org, port 8443");
    assert_eq!(rule("https://[fd00::7]"), "guests to [fd00::7], port 443");
}

#[test]
fn no_rule_leads_to_an_address_that_no_phone_can_open() {
    let said =
        |listen: &str| InvitationCard::hello(&Site::new(listen.parse().unwrap()), &Network::default(), 7).no_phone();
    let local = said("127.0.0.1:8080");
    assert!(local.starts_with("No phone arrived: only this machine can open it; for phones start with"), "{local}");
    // The service behind a proxy knows no address of its own.
    let unknown = said("[::]:8080");
    assert!(unknown.contains("ask for one rule, guests to this machine, port 8080;"), "{unknown}");
}

#[test]
fn a_process_without_a_network_tells_the_address_by_which_a_page_was_reached() {
    let folder = crate::harness::Folder::new();
    let pairing = pairing::Pairing::new(folder.file("paired"));
    pairing.reached_by("10.0.0.7".parse().unwrap());
    assert_eq!(pairing.site(), None);
    pairing.set_site(Site::new("[::]:8080".parse().unwrap()));
    let url = || pairing.site().unwrap().urls(&Network::default());
    assert_eq!(url().1, Reach::Nobody);
    // As an IPv6 socket tells an address of IPv4. A proxy or a test on this machine says nothing about phones.
    for by in ["::ffff:192.168.1.7", "127.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::7"] {
        pairing.reached_by(by.parse().unwrap());
        assert_eq!(url(), (vec!["http://192.168.1.7:8080".into()], Reach::Phones), "{by}");
    }
}
