//! Programs with their output, and the preload library that they run under.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lock;

const RUN_LIMIT: Duration = Duration::from_secs(20);

/// A child whose output is read as it comes.
pub struct Program {
    pub child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    pub fn spawn(mut command: Command) -> Program {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let lines = Arc::default();
        read_lines(child.stdout.take(), &lines);
        read_lines(child.stderr.take(), &lines);
        Program { child, lines }
    }

    pub fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// Both pipes are at their end.
    pub fn is_read(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(pipe: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let (pipe, lines) = (pipe.expect("the child has pipes"), Arc::clone(lines));
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            lock(&lines).push(String::from_utf8_lossy(&line).into_owned());
        }
    });
}

/// For a program that should end soon.
pub fn run_to_end(mut command: Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let pid = Pid::from_raw(child.id().cast_signed());
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(RUN_LIMIT) else {
        let _ = kill(pid, Signal::SIGKILL);
        panic!("no end within {RUN_LIMIT:?}: {command:?}");
    };
    output.expect("cannot read a program's output")
}

/// The preload library, built once for each version of its source and each compiler, by whichever test comes first.
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
            // Other test processes may be doing the same: a rename leaves each of them a whole library.
            fs::rename(&part, &library).expect("cannot name the preload library");
        }
        library
    })
}

fn compile(cc: &str, source: &str, library: &Path) {
    let mut words = cc.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("cc"));
    command.args(words).args(["-O2", "-fPIC", "-shared", "-x", "c", "-", "-ldl", "-lpthread", "-o"]).arg(library);
    let child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let remedy = "install gcc and libc's and linux's headers, or set CC";
    let mut child =
        child.unwrap_or_else(|error| panic!("the pretend pi needs a c compiler, `{cc}`: {error}; {remedy}"));
    // A compiler that fails early closes its input, and says why on stderr.
    let _ = child.stdin.take().expect("the compiler has pipes").write_all(source.as_bytes());
    let output = child.wait_with_output().expect("cannot wait for the compiler");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{cc}` cannot build the pretend pi; {remedy}\n{errors}");
}
