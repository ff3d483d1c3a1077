//! The README and the pages of docs/ are true: commands, flags, settings, requests, links and quoted messages.

mod interfaces;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::ErrorKind;
use talklight::cli::Cli;
use talklight::config::{Config, Origin, Overrides};
use talklight::core::plan::Clock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A page in Markdown.
struct Page {
    /// Below the root.
    path: String,
    text: String,
}

/// All pages.
fn pages() -> Vec<Page> {
    let docs =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let docs = docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}"));
    let pages: Vec<Page> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(String::from)
        .into_iter()
        .chain(docs)
        .map(Page::new)
        .collect();
    assert!(pages.len() > 8, "the pages are not where they are looked for");
    pages
}

impl Page {
    fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        let text = read(&path);
        Self { path, text }
    }

    /// The lines of the code blocks of one language, a block each.
    fn blocks(&self, language: &str) -> Vec<Vec<&str>> {
        let mut blocks: Vec<Vec<&str>> = Vec::new();
        let mut open = None;
        for line in self.text.lines().map(str::trim_start) {
            match (line.strip_prefix("```"), open) {
                (Some(of), None) => {
                    open = Some(of);
                    if of == language {
                        blocks.push(Vec::new());
                    }
                }
                (Some(_), Some(_)) => open = None,
                (None, Some(of)) if of == language => blocks.last_mut().unwrap().push(line),
                (None, _) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.path);
        blocks
    }

    /// The text without the code blocks.
    fn prose(&self) -> String {
        let parts = self.text.split("```").step_by(2);
        parts.collect()
    }

    /// The code between backticks.
    fn spans(&self) -> Vec<String> {
        spans(&self.prose())
    }

    /// What stands under a heading, until the next one of its kind.
    fn section(&self, heading: &str) -> &str {
        let (_, rest) =
            self.text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{}: no {heading}", self.path));
        let level = heading.split(' ').next().unwrap();
        rest.split(&format!("\n{level} ")).next().unwrap()
    }
}

fn spans(text: &str) -> Vec<String> {
    assert!(text.matches('`').count().is_multiple_of(2), "a backtick has no partner in: {text}");
    text.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
}

/// The rows of a table by its header, and their cells.
fn rows<'a>(text: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let (_, table) = text.split_once(&format!("{header}\n")).unwrap_or_else(|| panic!("there is no table {header}"));
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect()).collect()
}

/// The commands of this program in a line of shell.
fn commands(line: &str) -> impl Iterator<Item = &str> {
    let line = line.split(" #").next().unwrap_or_default();
    let parts = line.split("&&").map(|part| part.trim().trim_start_matches("sudo "));
    parts.filter(|part| *part == "talklight" || part.starts_with("talklight "))
}

/// The name of a command, after its line was found right.
fn verb(page: &str, command: &str) -> Option<String> {
    match Cli::command().try_get_matches_from(command.split_whitespace()) {
        Ok(matches) => matches.subcommand_name().map(str::to_owned),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => None,
        Err(error) => panic!("{page}: {command}: {error}"),
    }
}

#[test]
fn each_command_on_a_page_is_one_and_each_one_is_in_the_list() {
    for page in pages() {
        let blocks = page.blocks("sh").into_iter().flatten().map(str::to_owned);
        for line in blocks.chain(page.spans()) {
            for command in commands(&line) {
                verb(&page.path, command);
            }
        }
    }
    let page = Page::new("docs/programs.md");
    let list = page.blocks("sh").swap_remove(0);
    let listed = list.iter().flat_map(|line| commands(line)).filter_map(|command| verb(&page.path, command));
    let known = Cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(listed.collect::<BTreeSet<_>>(), known);
}

#[test]
fn each_flag_is_in_the_list_and_no_page_names_another() {
    let own = |command: &clap::Command| -> BTreeSet<String> {
        command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect()
    };
    let cli = Cli::command();
    let settings = Page::new("docs/settings.md");
    let listed = rows(settings.section("## Flags"), "| flag | does |");
    let listed = listed.iter().map(|row| row[0].trim_matches('`').split(' ').next().unwrap().to_owned());
    let flags = own(&cli);
    assert_eq!(listed.collect::<BTreeSet<_>>(), flags);
    let known: BTreeSet<String> = cli.get_subcommands().flat_map(own).chain(flags).chain(["--help".into()]).collect();
    for page in pages() {
        for span in page.spans().iter().filter(|span| span.starts_with("--") && span.len() > 2) {
            let flag = span.split([' ', '=']).next().unwrap();
            assert!(known.contains(flag), "{}: {span}", page.path);
        }
    }
}

#[test]
fn the_settings_are_those_of_the_default_config() {
    let (page, default) = (Page::new("docs/settings.md"), read("config/default.toml"));
    let mut documented = BTreeSet::new();
    for cells in rows(&page.text, "| key | default | means |").iter().filter(|cells| cells[0].starts_with('`')) {
        let keys: Vec<&str> = cells[0].split(", ").map(|key| key.trim_matches('`')).collect();
        let values: Vec<&str> = cells[1].split(", ").map(|value| value.trim_matches('`')).collect();
        for (index, key) in keys.iter().enumerate() {
            documented.insert(key.to_string());
            let line = default.lines().find(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = ")));
            let line = line.unwrap_or_else(|| panic!("{key} is not in default.toml"));
            let value = values.get(index).copied().unwrap_or_default();
            if !line.starts_with('#') && !value.is_empty() {
                let written = line.split('#').next().unwrap().trim();
                assert_eq!(written, format!("{key} = {value}"));
            }
        }
    }
    let keys: BTreeSet<String> = keys(&default).into_iter().map(|(_, key)| key).collect();
    assert_eq!(documented, keys);
}

/// The keys of a config with their sections, also those that are commented out.
fn keys(config: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in config.lines().map(|line| line.trim_start_matches("# ")) {
        if line.starts_with('[') {
            section = line.split_inclusive(']').take_while(|part| !part.starts_with(' ')).collect();
        }
        let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        keys.extend(
            line.split_once(" = ").filter(|(key, _)| is_key(key)).map(|(key, _)| (section.clone(), key.into())),
        );
    }
    keys
}

#[test]
fn each_setting_on_a_page_is_taken() {
    /// In a formula.
    const NO_KEY: [&str; 1] = ["drop"];
    let taken = |page: &Page, config: &str| {
        let parsed = Config::parse(config, Origin::BuiltIn, &Overrides::default(), 4096);
        assert!(parsed.is_ok() || !cfg!(feature = "web"), "{}: {config}: {:?}", page.path, parsed.err());
    };
    let known = keys(&read("config/default.toml"));
    for page in pages() {
        for block in page.blocks("toml") {
            taken(&page, &block.join("\n"));
        }
        for span in page.spans() {
            let Some((key, _)) = span.split_once(" = ").filter(|(key, _)| !NO_KEY.contains(key)) else { continue };
            let section = known.iter().find(|(_, known)| known == key).map(|(section, _)| section);
            let section = section.unwrap_or_else(|| panic!("{}: `{span}` is no setting", page.path));
            taken(&page, &format!("{section}\n{span}"));
        }
    }
}

#[test]
fn the_chair_is_told_the_times_of_the_default_plan() {
    let config = Config::parse("", Origin::BuiltIn, &Overrides::default(), 4096).unwrap();
    let [yellow, red, flash] =
        [config.chosen.yellow(), config.chosen.red(), config.chosen.flash()].map(|left| Clock(left).to_string());
    let words = &config.words[0];
    let (readme, card) = (read("README.md"), read("docs/chair-card.svg"));
    for (colour, left, word) in [
        ("green", format!("more than {yellow}"), &words.green),
        ("yellow", yellow, &words.yellow),
        ("red", red, &words.red),
        ("red, flashing once a second", flash, &words.flash),
        ("dark", "0:00".into(), &words.over),
    ] {
        let row = format!("| {colour} | {left} | {word} |");
        assert!(readme.contains(&row), "{row}");
        assert!(card.contains(&format!(">{word}</text>")), "the card: {word}");
        assert!(left == "0:00" || card.contains(&format!("{left} left</text>")), "the card: {left}");
    }
}

#[test]
fn links_lead_somewhere() {
    // GitHub's name of a heading: in small letters, with its blanks made hyphens and without its other signs.
    let name = |line: &str| {
        let line = line.trim_start_matches('#').trim().to_lowercase();
        let kept = line.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    for page in pages() {
        let folder = root().join(&page.path).parent().unwrap().to_owned();
        let prose = page.prose();
        for link in prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() { root().join(&page.path) } else { folder.join(file) };
            assert!(path.exists(), "{}: {link}", page.path);
            if !heading.is_empty() {
                let text = fs::read_to_string(path).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(name);
                assert!(headings.any(|named| named == heading), "{}: {link}", page.path);
            }
        }
    }
}

#[test]
fn files_that_a_page_names_are_there() {
    let folders = [".ci/", "benches/", "config/", "docs/", "src/", "systemd/", "tests/"];
    let is_there = |word: &str| [PathBuf::new(), "src".into()].iter().any(|base| root().join(base).join(word).exists());
    for page in pages() {
        let blocks = page.blocks("sh").into_iter().flatten().map(str::to_owned);
        for span in blocks.chain(page.spans()) {
            for word in span.split_whitespace() {
                let is_file = folders.iter().any(|folder| word.starts_with(folder)) || word.ends_with(".rs");
                let is_pattern = word.contains('*') || word.contains("NAME");
                assert!(!is_file || is_pattern || is_there(word), "{}: {word}", page.path);
            }
        }
    }
}

#[test]
fn the_changelog_tells_of_this_version() {
    let heading = format!("\n## {} (", env!("CARGO_PKG_VERSION"));
    assert!(read("CHANGELOG.md").contains(&heading), "{heading}");
}
