//! What the operating system gives to every folder below: locks on files.

pub mod lock;
