//! What is shipped beside the program is true: the README, the unit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use talklight::cli::{Cli, Exit};
use talklight::engine::BEAT;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The lines of the README's code blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let parts: Vec<&str> = readme.split("\n```").collect();
    let blocks = parts
        .iter()
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'));
    blocks
        .filter(|(of, _)| *of == language)
        .flat_map(|(_, block)| block.lines().map(str::to_owned))
        .collect()
}

#[test]
fn the_commands_of_the_readme_are_commands() {
    let mut verbs = BTreeSet::new();
    for line in blocks("sh") {
        let line = line.split('#').next().unwrap();
        for command in line
            .split("&&")
            .map(str::trim)
            .filter(|command| command.starts_with("talklight"))
        {
            let matches = Cli::command()
                .try_get_matches_from(command.split_whitespace())
                .unwrap_or_else(|error| panic!("{command}: {error}"));
            verbs.extend(matches.subcommand_name().map(str::to_owned));
        }
    }
    let known: BTreeSet<String> = Cli::command()
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    assert_eq!(verbs, known, "each command is in the README, and none else");
}

#[test]
fn the_flags_of_the_readme_are_all_flags() {
    let readme = read("README.md");
    for flag in Cli::command()
        .get_arguments()
        .filter_map(|argument| argument.get_long())
    {
        let row = format!("| `--{flag}");
        assert!(
            matches!(flag, "help" | "version") || readme.contains(&row),
            "--{flag} is not in the README"
        );
    }
}

#[test]
fn the_settings_of_the_readme_are_those_of_the_default_config() {
    let (readme, default) = (read("README.md"), read("config/default.toml"));
    let table = readme
        .split("### Settings")
        .nth(1)
        .unwrap()
        .split("###")
        .next()
        .unwrap();
    let mut documented = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let keys: Vec<&str> = cells[1]
            .split(", ")
            .map(|key| key.trim_matches('`'))
            .collect();
        let values: Vec<&str> = cells[2]
            .split(", ")
            .map(|value| value.trim_matches('`'))
            .collect();
        for (index, key) in keys.iter().enumerate() {
            documented.insert(key.to_string());
            let line = default.lines().find(|line| {
                line.trim_start_matches("# ")
                    .starts_with(&format!("{key} = "))
            });
            let line = line.unwrap_or_else(|| panic!("{key} is not in default.toml"));
            let value = values.get(index).copied().unwrap_or_default();
            if !line.starts_with('#') && !value.is_empty() {
                let written = line.split('#').next().unwrap().trim();
                assert_eq!(written, format!("{key} = {value}"));
            }
        }
    }
    for line in default.lines() {
        let line = line.trim_start_matches("# ");
        if let Some((key, _)) = line
            .split_once(" = ")
            .filter(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        {
            assert!(documented.contains(key), "{key} is not in the README");
        }
    }
}

#[test]
fn the_pictures_and_files_that_the_readme_names_are_there() {
    let readme = read("README.md");
    for link in readme
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
    {
        if !link.starts_with("http") {
            let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
            assert!(path.exists(), "{link}");
        }
    }
    for block in blocks("sh") {
        for word in block
            .split_whitespace()
            .filter(|word| word.starts_with("config/") || word.starts_with("systemd/"))
        {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists(),
                "{word}"
            );
        }
    }
}

#[test]
fn the_json_of_the_readme_is_json() {
    for line in blocks("json") {
        serde_json::from_str::<serde_json::Value>(&line)
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

/// The values of a key in the unit.
fn unit(key: &str) -> Vec<String> {
    let unit = read("systemd/talklight.service");
    unit.lines()
        .filter_map(|line| line.strip_prefix(&format!("{key}=")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_unit_runs_commands_that_there_are() {
    for command in unit("ExecStart").into_iter().chain(unit("ExecStopPost")) {
        let program = command
            .trim_start_matches('-')
            .strip_prefix("/usr/bin/")
            .expect("the place where it is installed");
        Cli::try_parse_from(program.split_whitespace())
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

#[test]
fn the_unit_restarts_after_all_but_a_bad_config_and_its_watchdog_outlasts_a_beat() {
    assert_eq!(unit("Type"), ["notify"]);
    assert_eq!(unit("Restart"), ["on-failure"]);
    assert_eq!(unit("RestartSec"), ["0"]);
    assert_eq!(unit("StartLimitIntervalSec"), ["0"]);
    assert_eq!(
        unit("RestartPreventExitStatus"),
        [(Exit::Config as u8).to_string()]
    );
    let seconds: u64 = unit("WatchdogSec")[0]
        .strip_suffix('s')
        .unwrap()
        .parse()
        .unwrap();
    assert!(seconds >= 3 * BEAT.as_secs());
    assert_eq!(unit("RuntimeDirectory"), ["talklight"]);
    assert_eq!(unit("RuntimeDirectoryPreserve"), ["restart"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_currents_of_the_wiring_page_are_those_that_the_program_tells() {
    use talklight::config::{Config, Origin, Overrides};
    let page = read("docs/wiring.md");
    let rows = page
        .lines()
        .skip_while(|line| !line.contains("| brightness 128 | brightness 255 |"))
        .skip(2);
    let mut checked = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for (brightness, limit, told) in
            [(128, 850, cells[2]), (128, 0, cells[3]), (255, 0, cells[4])]
        {
            let config = format!(
                "[strip]\nkind = \"spi\"\nleds = {}\nbrightness = {brightness}\nmax_milliamps = {limit}",
                cells[1]
            );
            let config =
                Config::parse(&config, Origin::BuiltIn, &Overrides::default(), 4096).unwrap();
            let milliamps = told.split(',').next().unwrap();
            assert!(
                config
                    .describe()
                    .contains(&format!("draw at most {milliamps} mA")),
                "{row}: {}",
                config.describe()
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 15);
}
