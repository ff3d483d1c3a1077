//! What the operating system gives to every folder below: locks on files, private files, the kernel's command line, changes of
//! device nodes, the network.

pub mod cmdline;
pub mod lock;
pub mod network;
#[cfg(target_os = "linux")]
pub mod nodes;
pub mod private;
pub mod site;
