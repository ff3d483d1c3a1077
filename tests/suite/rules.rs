//! Rules of the repository. A rule without a test is a wish.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The one file that reads the clock.
const CLOCK: &str = "src/core/clock.rs";

/// `lib.rs` names the modules in groups, those at the bottom of the house first. A module imports from the groups above
/// its own in that list, or from its own, and never in a circle.
#[test]
fn imports_point_up() {
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
    // Without a circle there is always a module that imports nothing more.
    while !edges.is_empty() {
        let importers: BTreeSet<String> = edges.iter().map(|(importer, _)| importer.clone()).collect();
        let before = edges.len();
        edges.retain(|(_, import)| importers.contains(import));
        assert!(edges.len() < before, "modules import each other: {edges:?}");
    }
}

#[test]
fn imports_are_found_however_they_are_written() {
    let code = "
        use crate::a::{self, B}; use crate::{b, c::{d, E}, f as g};
        fn h() { crate::i::j(); crate::k::L } pub(crate) struct M;
        use talklight::n;
    ";
    assert_eq!(imports(code), ["a", "b", "c", "f", "i", "k", "n"]);
}

#[test]
fn the_core_is_pure() {
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

/// Values say how they are written; only the edges write them.
#[test]
fn json_stays_at_the_edge() {
    let edge = ["config", "control", "store", "web", "setup"];
    nowhere(&["serde_json"], |source| !edge.contains(&&*source.module));
}

#[test]
fn one_function_reads_the_clock_and_nobody_sleeps() {
    nowhere(&["Instant::now", "SystemTime::now", "thread::sleep", "nanosleep"], |_| true);
    nowhere(&["clock_gettime"], |source| source.path != CLOCK);
}

#[test]
fn nothing_is_unsafe() {
    nowhere(&["unsafe "], |_| true);
}

#[test]
fn nothing_is_left_to_do_and_no_machine_is_named() {
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
    assert!(dependencies.len() > 30, "the crates are not where they are looked for");
    for (name, version) in dependencies {
        assert!(parts(&version) <= ours, "{name} needs Rust {version}: raise `rust-version` or take an older one");
    }
}

/// What starts otherwise inherits the signals that `nohup` ignores, and outlives its test.
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
fn lines_end_where_they_end() {
    for (path, text) in texts() {
        for (number, line) in text.split('\n').enumerate() {
            assert_eq!(line, line.trim_end(), "{path}:{}: trailing space", number + 1);
        }
        let one = text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n");
        assert!(one, "{path}: a file ends with one newline");
    }
}

struct Source {
    /// The path below the root, for messages.
    path: String,
    /// The module of the first level: `strip` for `src/strip/spi.rs`.
    module: String,
    /// Without comments.
    code: String,
}

/// None of `words` is in the code of any source that is `meant`.
fn nowhere(words: &[&str], meant: impl Fn(&Source) -> bool) {
    let sources = sources();
    let meant = sources.iter().filter(|source| meant(source));
    let found = meant.flat_map(|source| offences(&source.path, &source.code, words));
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
    assert!(sources.len() > 10, "the sources are not where they are looked for");
    sources
}

/// The dependencies that this machine has fetched, not all of which are for its platform, and the Rust that each asks for.
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

/// Everything that is ours to read: code, configs, units and pages.
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
    // What is no text, a picture say, has no lines.
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

/// The modules of `lib.rs`, in groups that empty lines part.
fn groups() -> Vec<Vec<String>> {
    let sources = sources();
    let house = sources.iter().find(|source| source.path == "src/lib.rs").expect("a library");
    let module = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    let lines: Vec<&str> = house.code.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).map(|group| group.iter().filter_map(|line| module(line)).collect()).collect()
}

/// Strings that hold two slashes lose their end, which no rule here looks for.
fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// The modules that some code names by `crate::…`, or from outside by `talklight::…`.
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

/// The first name of each item of a list in braces, whose opening one has been read.
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
