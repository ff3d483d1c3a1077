//! Builds the preload library of the pretend Pi.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::child;

/// The preload library. The first test builds it, once for each version of the source and each compiler.
pub fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = include_str!("pishim.c");
        let cc = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut hasher = DefaultHasher::new();
        (source, &cc).hash(&mut hasher);
        let dir = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let library = dir.join(format!("pishim-{:016x}.so", hasher.finish()));
        if !library.exists() {
            fs::create_dir_all(&dir).expect("cannot make the folder of the preload library");
            let part = dir.join(format!("pishim-{}.part", std::process::id()));
            compile(&cc, source, &part);
            // Other test processes may build it at the same time. A rename never exposes half a library.
            fs::rename(&part, &library).expect("cannot name the preload library");
        }
        library
    })
}

fn compile(cc: &str, source: &str, library: &Path) {
    let mut words = cc.split_whitespace();
    let mut command = child::command(words.next().unwrap_or("cc"));
    command.args(words).args(["-O2", "-fPIC", "-shared", "-x", "c", "-", "-ldl", "-lpthread", "-o"]).arg(library);
    let child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let remedy = "install gcc and libc's and linux's headers, or set CC";
    let mut child =
        child.unwrap_or_else(|error| panic!("the pretend pi needs a c compiler, `{cc}`: {error}; {remedy}"));
    // If the compiler fails early, writing fails too, and stderr has the reason.
    let _ = child.stdin.take().expect("the compiler has pipes").write_all(source.as_bytes());
    let output = child.wait_with_output().expect("cannot wait for the compiler");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{cc}` cannot build the pretend pi; {remedy}\n{errors}");
}
