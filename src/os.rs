//! What the operating system gives to every folder below: locks on files, the kernel's command line.

pub mod cmdline;
pub mod lock;
