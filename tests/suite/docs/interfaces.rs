//! What the pages say of the socket, of HTTP, of files and of messages, against what the program says.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use talklight::control::protocol::ClientRequest;
use talklight::engine::event::Origin;
use talklight::show::sample::Sample;

use super::{Page, read, root, rows, spans};
use crate::harness::{Instance, QUICK};

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_requests_of_the_socket_are_those_that_the_daemon_takes() {
    let page = Page::new("docs/programs.md");
    let section = page.section("## The socket");
    let mut told = BTreeSet::new();
    for cells in rows(section, "| request | does |") {
        for request in spans(cells[0]) {
            request.parse::<ClientRequest>().unwrap_or_else(|error| panic!("{request}: {error}"));
            told.insert(request.split(' ').next().unwrap().to_owned());
        }
    }
    // What is no request is answered with all of them.
    let all = "nonsense".parse::<ClientRequest>().unwrap_err().replace("expected ", "").replace(" or ", ", ");
    assert_eq!(told, all.split(", ").map(str::to_owned).collect());
    let samples: BTreeSet<String> = Sample::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
    let missing = samples.iter().filter(|sample| **sample != "`red`" && !section.contains(*sample));
    assert_eq!(missing.count(), 0, "all samples of `try` are named");
    for request in spans(section).iter().filter(|span| span.starts_with("if ") && !span.contains("GENERATION")) {
        request.parse::<ClientRequest>().unwrap_or_else(|error| panic!("{request}: {error}"));
    }
}

#[test]
fn the_keys_of_the_status_are_those_of_the_page() {
    let house = Instance::running(QUICK);
    let status = &house.say("status")["status"];
    let page = Page::new("docs/programs.md");
    let rows = rows(&page.text, "| key | means |");
    let told: Vec<(String, Vec<String>)> =
        rows.iter().flat_map(|cells| spans(cells[0]).into_iter().map(|key| (key, spans(cells[1])))).collect();
    assert_eq!(told.iter().map(|(key, _)| key.clone()).collect::<BTreeSet<_>>(), names(status));
    for (key, within) in told.iter().filter(|(key, _)| status[key].is_object()) {
        for name in names(&status[key]) {
            assert!(within.contains(&name), "`{name}` of `{key}` is not in docs/programs.md");
        }
    }
    let (_, faults) = page.text.split_once("`input` of a fault is ").unwrap();
    for name in spans(faults.split(". ").next().unwrap()) {
        serde_json::from_value::<Origin>(name.as_str().into()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_requests_over_http_are_those_of_its_description() {
    let description: Value = serde_json::from_str(&read("src/web/pages/openapi.json")).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let page = Page::new("docs/programs.md");
    let rows = rows(page.section("## HTTP"), "| request | does |");
    let told: BTreeSet<String> = rows.iter().flat_map(|cells| spans(cells[0])).collect();
    // A page pairs itself, and the description does not describe itself.
    let own = ["/api/v1/pair", "/api/v1/paired", "/api/v1/openapi.json"];
    let described = paths.iter().filter(|(path, _)| !own.contains(&path.as_str()));
    let described = described.flat_map(|(path, methods)| names(methods).into_iter().map(move |method| (path, method)));
    assert_eq!(told, described.map(|(path, method)| format!("{} {path}", method.to_uppercase())).collect());
}

#[test]
fn the_json_of_the_pages_is_json() {
    for page in super::pages() {
        for line in page.blocks("json").into_iter().flatten() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{}: {line}: {error}", page.path));
        }
    }
    let page = Page::new("docs/programs.md");
    let tape: Value = serde_json::from_str(page.blocks("json")[0][0]).unwrap();
    let house = Instance::running(QUICK);
    let path = house.folder.file("tape.0");
    let recorded = std::fs::read_to_string(path).unwrap();
    let recorded: Value = serde_json::from_str(recorded.lines().next().unwrap()).unwrap();
    assert_eq!(names(&tape), names(&recorded));
}

/// Home Assistant has no `platform: template` for switches since 2026.6; a switch stands under `template`, with lists of actions.
#[test]
fn the_yaml_for_home_assistant_is_of_its_present_kind() {
    let page = Page::new("docs/programs.md");
    let block = page.text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let yaml: Value = serde_saphyr::from_str(block).unwrap();
    assert_eq!(yaml["switch"], Value::Null);
    let commands = names(&yaml["rest_command"]);
    for name in &commands {
        let command = &yaml["rest_command"][name];
        assert_eq!(command["method"], "post");
        let path = command["url"].as_str().unwrap().split_once(":8080").unwrap().1;
        let description: Value = serde_json::from_str(&read("src/web/pages/openapi.json")).unwrap();
        assert!(description["paths"][path]["post"].is_object(), "{path}");
    }
    let switch = &yaml["template"][0]["switch"][0];
    for (turn, does) in [("turn_on", "talk_start"), ("turn_off", "talk_reset")] {
        assert_eq!(switch[turn][0]["action"], format!("rest_command.{does}"));
        assert!(commands.contains(does));
    }
    for phase in ["green", "yellow", "red", "flash"] {
        assert!(switch["state"].as_str().unwrap().contains(&format!("'{phase}'")), "{phase}");
    }
    let sensor = &yaml["rest"][0]["sensor"][0];
    assert_eq!(sensor["name"].as_str().unwrap().replace(' ', "_"), "talk_phase");
}

/// The text of the sources, with the literals that go over several lines in one.
pub(super) fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            text += &sources(&entry);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(&entry).unwrap();
            let mut parts = source.split("\\\n");
            text += parts.next().unwrap_or_default();
            parts.for_each(|part| text += part.trim_start());
        }
    }
    text
}

/// Each part of a message between two `…` is in some source.
#[test]
fn the_messages_that_are_quoted_are_in_the_program() {
    let page = Page::new("docs/trouble.md");
    let sources = sources(&root().join("src"));
    let mut quoted: Vec<String> = Vec::new();
    let wiring = Page::new("docs/wiring.md");
    let lines = page.text.lines().chain(wiring.text.lines());
    for row in lines.filter(|line| line.starts_with("| ") && !line.starts_with("| you see ")) {
        let seen = row.split('|').nth(1).unwrap();
        quoted.extend(seen.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    let told = rows(&page.text, "| you see | `talklight status` says | do |");
    for message in told.iter().flat_map(|cells| spans(cells[1])) {
        let (input, error) = message.split_once(" failed: ").unwrap_or_else(|| panic!("`{message}` is no fault"));
        serde_json::from_value::<Origin>(input.into()).unwrap_or_else(|error| panic!("{message}: {error}"));
        quoted.push(error.to_owned());
    }
    assert!(quoted.len() > 10, "{quoted:?}");
    for quote in quoted {
        for part in quote.split('…').map(|part| part.trim_matches([' ', ';'])).filter(|part| !part.is_empty()) {
            assert!(sources.contains(part), "`{part}` is nothing that the program says");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_currents_of_the_wiring_page_are_those_that_the_program_tells() {
    use talklight::config::{Config, Origin, Overrides};
    let page = read("docs/wiring.md");
    let rows = page.lines().skip_while(|line| !line.contains("| brightness 128 | brightness 255 |")).skip(2);
    let mut checked = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for (brightness, limit, told) in [(128, 850, cells[2]), (128, 0, cells[3]), (255, 0, cells[4])] {
            let config = format!(
                "[strip]\nkind = \"spi\"\nleds = {}\nbrightness = {brightness}\nmax_milliamps = {limit}",
                cells[1]
            );
            let config = Config::parse(&config, Origin::BuiltIn, &Overrides::default(), 4096).unwrap();
            let milliamps = told.split(',').next().unwrap();
            assert!(
                config.describe().contains(&format!("draw at most {milliamps} mA")),
                "{row}: {}",
                config.describe()
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 15);
}
