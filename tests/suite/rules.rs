//! Rules of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The one file that reads the clock.
const CLOCK: &str = "src/core/clock.rs";

/// `lib.rs` lists the modules in groups, the lowest layer first. A module may import from its own group and from those before it
/// in the list, and never in a cycle.
#[test]
fn modules_import_only_from_lower_layers() {
    let rank = |module: &str| {
        let found = groups().iter().position(|group| group.iter().any(|known| known == module));
        found.unwrap_or_else(|| panic!("`{module}` is not in lib.rs"))
    };
    let sources = sources();
    let modules = sources.iter().filter(|source| !["lib", "main"].contains(&&*source.module));
    let mut edges = BTreeSet::new();
    for source in modules {
        for import in imports(&source.code).into_iter().filter(|import| *import != source.module) {
            assert!(
                rank(&import) <= rank(&source.module),
                "{}: `{}` may not import `{import}`, which comes after it in lib.rs",
                source.path,
                source.module,
            );
            edges.insert((source.module.clone(), import));
        }
    }
    // Without a cycle there is always a module whose imports are all done.
    while !edges.is_empty() {
        let importers: BTreeSet<String> = edges.iter().map(|(importer, _)| importer.clone()).collect();
        let before = edges.len();
        edges.retain(|(_, import)| importers.contains(import));
        assert!(edges.len() < before, "modules import each other: {edges:?}");
    }
}

#[test]
fn every_form_of_import_is_found() {
    let code = "
        use crate::a::{self, B}; use crate::{b, c::{d, E}, f as g};
        fn h() { crate::i::j(); crate::k::L } pub(crate) struct M;
        use talklight::n;
    ";
    assert_eq!(imports(code), ["a", "b", "c", "f", "i", "k", "n"]);
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let words = [
        "std::io",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::sync",
        "std::process",
        "Instant",
        "SystemTime",
        "serde_json",
        "clock::now",
        "clock::{",
        "clock::*",
        "print!",
        "println!",
    ];
    nowhere(&words, |source| source.module == "core" && source.path != CLOCK);
}

/// Core types derive serde; only these modules read and write JSON.
#[test]
fn json_stays_at_the_edge() {
    let edge = ["config", "control", "store", "web", "setup"];
    nowhere(&["serde_json"], |source| !edge.contains(&&*source.module));
}

#[test]
fn only_one_function_reads_the_clock_and_none_sleeps() {
    nowhere(&["Instant::now", "SystemTime::now", "thread::sleep", "nanosleep"], |_| true);
    nowhere(&["clock_gettime"], |source| source.path != CLOCK);
}

#[test]
fn there_is_no_unsafe_code() {
    nowhere(&["unsafe "], |_| true);
}

#[test]
fn no_open_tasks_and_no_paths_of_one_machine() {
    let words = [
        "todo!",
        "dbg!",
        "unimplemented!",
        "FIXME",
        "XXX",
        "<<<<<<<",
        ">>>>>>>",
        "/work/",
        "/home/",
        "/root/",
        "/Users/",
        "/tmp/",
    ];
    none(texts().iter().flat_map(|(path, text)| offences(path, text, &words)).collect());
}

#[test]
fn no_dependency_needs_a_newer_rust() {
    let parts = |version: &str| -> Vec<u32> {
        let parts = version.split('.').map(|part| part.parse().unwrap());
        parts.chain([0; 3]).take(3).collect()
    };
    let ours = parts(env!("CARGO_PKG_RUST_VERSION"));
    let dependencies = dependencies();
    assert!(dependencies.len() > 30, "cargo's registry was not found");
    for (name, version) in dependencies {
        assert!(parts(&version) <= ours, "{name} needs Rust {version}: raise `rust-version` or take an older one");
    }
}

/// Another way of starting would inherit ignored signals and could outlive the test.
#[test]
fn tests_start_processes_in_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = files(&root.join("tests/suite")).into_iter().filter(|path| !path.ends_with("child.rs"));
    let found = tests.flat_map(|path| {
        let text = fs::read_to_string(&path).expect("tests are text");
        offences(&path.display().to_string(), &text, &[concat!("Command", "::new(")])
    });
    none(found.collect());
}

#[test]
fn no_trailing_space_and_one_newline_at_the_end() {
    for (path, text) in texts() {
        for (number, line) in text.split('\n').enumerate() {
            assert_eq!(line, line.trim_end(), "{path}:{}: trailing space", number + 1);
        }
        let one = text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n");
        assert!(one, "{path}: a file must end with one newline");
    }
}

struct Source {
    /// Relative to the root.
    path: String,
    /// The top-level module: `strip` for `src/strip/spi.rs`.
    module: String,
    /// Without comments.
    code: String,
}

/// Checks that no source for which `applies` holds contains one of `words`.
fn nowhere(words: &[&str], applies: impl Fn(&Source) -> bool) {
    let sources = sources();
    let checked = sources.iter().filter(|source| applies(source));
    let found = checked.flat_map(|source| offences(&source.path, &source.code, words));
    none(found.collect());
}

fn offences(path: &str, text: &str, words: &[&str]) -> Vec<String> {
    let lines = text.lines().enumerate();
    let places = lines.flat_map(|(number, line)| {
        let found = words.iter().filter(move |word| line.contains(**word));
        found.map(move |word| format!("{path}:{}: `{word}`", number + 1))
    });
    places.collect()
}

fn none(offences: Vec<String>) {
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

fn sources() -> Vec<Source> {
    let source = |(path, text): (String, String)| {
        let below = path.strip_prefix("src/")?;
        let module = below.split('/').next()?.trim_end_matches(".rs").to_owned();
        let code = text.lines().map(|line| without_comment(line).to_owned() + "\n").collect();
        below.ends_with(".rs").then_some(Source { path, module, code })
    };
    let sources: Vec<Source> = texts().into_iter().filter_map(source).collect();
    assert!(sources.len() > 10, "the sources were not found");
    sources
}

/// The dependencies in cargo's registry, and the Rust version that each needs.
fn dependencies() -> Vec<(String, String)> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo"))).expect("a home of cargo");
    let registries = fs::read_dir(home.join("registry/src")).into_iter().flatten();
    let registries: Vec<PathBuf> = registries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    let value = |text: &str, key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(value.trim_matches('"').to_owned())
    };
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).expect("a lock file");
    let packages = lock.split("[[package]]").filter(|package| package.contains("\nsource = "));
    let dependency = |package| {
        let name = format!("{}-{}", value(package, "name")?, value(package, "version")?);
        let manifests = registries.iter().map(|registry| registry.join(&name).join("Cargo.toml"));
        let manifest = manifests.into_iter().find_map(|manifest| fs::read_to_string(manifest).ok())?;
        Some((name, value(&manifest, "rust-version")?))
    };
    packages.filter_map(dependency).collect()
}

/// All text files: code, configs, units and pages, with their paths.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let parts = [
        "src",
        "benches",
        "examples",
        "config",
        "systemd",
        "docs",
        ".ci",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Cargo.toml",
        "clippy.toml",
        "deny.toml",
    ];
    let mut paths: Vec<PathBuf> = parts.iter().flat_map(|part| files(&root.join(part))).collect();
    paths.sort();
    // Pictures are skipped.
    let text = |path: PathBuf| {
        let below = path.strip_prefix(root).expect("below the root").display().to_string();
        Some((below, fs::read_to_string(&path).ok()?))
    };
    paths.into_iter().filter_map(text).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.flat_map(|entry| files(&entry.expect("a folder can be listed").path())).collect()
}

/// The modules of `lib.rs`, in the groups that empty lines separate.
fn groups() -> Vec<Vec<String>> {
    let sources = sources();
    let library = sources.iter().find(|source| source.path == "src/lib.rs").expect("a library");
    let module = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    let lines: Vec<&str> = library.code.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).map(|group| group.iter().filter_map(|line| module(line)).collect()).collect()
}

/// Also cuts off the rest of a string with two slashes. No rule looks for that.
fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// The modules in paths that begin with `crate::` or `talklight::`.
fn imports(code: &str) -> Vec<String> {
    let paths = ["crate::", "talklight::"].into_iter().flat_map(|root| code.split(root).skip(1));
    let mut found: Vec<String> = paths
        .flat_map(|path| match path.strip_prefix('{') {
            Some(list) => first_names(list),
            None => vec![name(path)],
        })
        .filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect();
    found.sort();
    found
}

/// The first name of each item of a list in braces. `list` begins after the opening brace.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut items) = (1, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => items.push(String::new()),
            _ if depth == 1 => items.last_mut().expect("never empty").push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    items.iter().map(|item| name(item.trim())).collect()
}

fn name(path: &str) -> String {
    path.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
