//! What the operating system gives to every folder below: locks on files, private files, the kernel's command line, changes of device nodes.

pub mod cmdline;
pub mod lock;
#[cfg(target_os = "linux")]
pub mod nodes;
pub mod private;
