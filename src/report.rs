//! Reports to the machine: the log and the service manager.

pub mod journal;
pub mod notify;
