//! The section `[web]` and the flag `--web`.

use super::*;
use talklight::config::WebConfig;

#[test]
fn the_web_is_off_unless_the_config_has_it() {
    let web = |text: &str| parse_with(text, &Overrides::default(), 4096).map(|config| config.web);
    assert_eq!(web("").unwrap(), None);
    if cfg!(not(feature = "web")) {
        let message = web("[web]\nlisten = \"[::]:80\"").unwrap_err().to_string();
        assert_eq!(message, "c.toml:2: web.listen: this talklight was built without the web; remove `[web]`");
        return;
    }
    let everywhere = WebConfig { listen: Some("[::]:80".parse().unwrap()), ..WebConfig::default() };
    let expected = WebConfig { hosts: vec!["a.example".into(), "b".into()], ..everywhere.clone() };
    // With a port from systemd, `hosts` alone is enough.
    let hosts_only = web("[web]\nhosts = [\"a.example\"]").unwrap().unwrap();
    assert_eq!((hosts_only.listen, hosts_only.hosts), (None, vec!["a.example".into()]));
    let found = web("[web]\nlisten = \"[::]:80\"\nhosts = [\"A.example.\", \"b\"]");
    assert_eq!(found.unwrap(), Some(expected));
    assert_eq!(web("[web]\nlisten = \":80\"").unwrap(), Some(everywhere));
    for (bad, guess) in [
        ("8080", "\":8080\""),
        ("\"8080\"", "\":8080\""),
        ("\"localhost:8080\"", "\"127.0.0.1:8080\""),
        ("\"127.0.0.1\"", "\"127.0.0.1:8080\""),
        ("\"[::1]\"", "\"[::1]:8080\""),
        ("\"127.0.0.1:0\"", ""),
        ("\"127.0.0.1:65536\"", ""),
        ("\":0\"", ""),
        ("\":+80\"", ""),
        ("\":\"", ""),
        ("\"\"", ""),
    ] {
        let message = web(&format!("[web]\nlisten = {bad}")).unwrap_err().to_string();
        let end = if guess.is_empty() { "for this machine alone".into() } else { format!("; did you mean {guess}?") };
        assert!(
            message.starts_with("c.toml:2: web.listen: ")
                && message.contains("an address and a port, such as")
                && message.ends_with(&end),
            "{message}"
        );
    }
}

#[cfg(feature = "web")]
#[test]
fn the_flag_keeps_the_address_of_the_config_and_else_takes_all() {
    let listen = |text: &str, flag: Option<&str>| {
        let flags = Overrides { web: Some(flag.map(Into::into)), ..Overrides::default() };
        parse_with(text, &flags, 4096).map(|config| config.web.unwrap().listen.unwrap().to_string())
    };
    assert_eq!(listen("", None).unwrap(), "[::]:8080", "IPv6 and IPv4");
    assert_eq!(listen("[web]\nname = \"Main hall\"", None).unwrap(), "[::]:8080");
    assert_eq!(listen("[web]\nlisten = \"0.0.0.0:1\"", None).unwrap(), "0.0.0.0:1");
    assert_eq!(listen("[web]\nlisten = \"0.0.0.0:1\"", Some(":8081")).unwrap(), "[::]:8081");
    assert_eq!(listen("", Some("127.0.0.1:8080")).unwrap(), "127.0.0.1:8080");
    assert_eq!(listen("", Some("[fd00::7]:80")).unwrap(), "[fd00::7]:80");
    let wrong = listen("", Some("8081")).unwrap_err().to_string();
    assert!(wrong.starts_with("--web: `\"8081\"` must be") && wrong.ends_with("did you mean \":8081\"?"), "{wrong}");
    listen("", Some("")).unwrap_err();
    // A mistake of the file is not hidden by the flag without an address.
    listen("[web]\nlisten = 8080", None).unwrap_err();
}

#[cfg(feature = "web")]
#[test]
fn a_wrong_name_of_a_host_is_named_with_its_reason() {
    for (entry, why) in [
        ("http://a.example", "must be a name without a scheme; write \"a.example\""),
        ("https://A.example:443/timer/", "must be a name without a scheme; write \"a.example\""),
        ("a.example:80", "must be a name without a port; write \"a.example\""),
        ("a.example/timer", "must be a name without a path; write \"a.example\""),
        ("*.example.org", "must be a whole name: a star stands for nothing here; list each name"),
        ("bühne.example.org", "must be written as browsers send it; write \"xn--bhne-0ra.example.org\""),
        ("BÜHNE.example.org.", "must be written as browsers send it; write \"xn--bhne-0ra.example.org\""),
        ("", "must be the name of a host, such as \"timer.example.org\""),
        ("a b", "must be the name of a host, such as \"timer.example.org\""),
        ("a..b", "must be the name of a host, such as \"timer.example.org\""),
    ] {
        says(&format!("[web]\nhosts = [\"timer\", \"{entry}\"]"), &format!("c.toml:2: web.hosts: `\"{entry}\"` {why}"));
    }
    says(
        "[web]\nhosts = [\"*\", \"b:1\"]",
        "c.toml:2: web.hosts: `\"*\"` must be a whole name: a star stands for nothing here; list each name; \
         `\"b:1\"` must be a name without a port; write \"b\"",
    );
    says(
        "[web]\nhosts = \"a\"",
        "c.toml:2: web.hosts: `\"a\"` must be a list of names, such as [\"timer.example.org\"]",
    );
    says("[web]\nhosts = [1]", "c.toml:2: web.hosts: `1` must be text");
    let taken =
        "[web]\nhosts = [\"Timer.Example.org.\", \"10.0.0.7\", \"[fd00::7]\", \"fd00::8\", \"xn--bhne-0ra.example\"]";
    let web = parse_with(taken, &Overrides::default(), 4096).unwrap().web.unwrap();
    assert_eq!(web.hosts, ["timer.example.org", "10.0.0.7", "[fd00::7]", "[fd00::8]", "xn--bhne-0ra.example"]);
}

#[cfg(feature = "web")]
#[test]
fn the_name_and_the_address_of_the_web() {
    let web = |text: &str| parse_with(text, &Overrides::default(), 4096).unwrap().web.unwrap();
    assert_eq!(web("[web]\nname = \" Main hall \"").name.unwrap(), "Main hall");
    for (address, known, host) in [
        ("https://timer.example.org", "https://timer.example.org", "timer.example.org"),
        ("HTTPS://Timer.Example.org./", "https://timer.example.org", "timer.example.org"),
        ("http://a:8080/timer/", "http://a:8080/timer", "a"),
        ("http://[fd00::7]:8080", "http://[fd00::7]:8080", "[fd00::7]"),
        // Browsers leave the usual port out of the `Origin` of a press.
        ("http://[fd00::7]:80", "http://[fd00::7]", "[fd00::7]"),
        ("https://a:443/timer", "https://a/timer", "a"),
        ("https://a:80", "https://a:80", "a"),
    ] {
        let web = web(&format!("[web]\naddress = \"{address}\"\nhosts = [\"b\"]"));
        assert_eq!(web.address.as_deref(), Some(known));
        assert_eq!(web.all_hosts(), ["b", host], "it counts among `hosts`");
    }
    for (address, why) in [
        ("timer.example.org", "the scheme is missing, https or http"),
        ("ftp://a", "the scheme is https or http"),
        ("https://a?b", "it ends with the name, the port or a folder"),
        ("https://a/#b", "it ends with the name, the port or a folder"),
        ("https://user@a", "it ends with the name, the port or a folder"),
        ("https://a:99999", "this port is no number up to 65535"),
        ("https://bühne.example", "browsers write this name as \"xn--bhne-0ra.example\""),
        ("https://a b", "a URL has no blanks and no letters beyond ASCII"),
    ] {
        let expected = format!(
            "c.toml:2: web.address: `\"{address}\"` must be the URL that browsers open, such as \"https://timer.example.org\": {why}"
        );
        says(&format!("[web]\naddress = \"{address}\""), &expected);
    }
    let long = "x".repeat(41);
    for name in ["", " ", "a\\nb", &long] {
        let said =
            parse_with(&format!("[web]\nname = \"{name}\""), &Overrides::default(), 4096).unwrap_err().to_string();
        assert!(said.ends_with("must be a name of 1 to 40 characters in one line, such as \"Main hall\""), "{said}");
    }
}
