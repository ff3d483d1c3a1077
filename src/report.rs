//! What the daemon tells the machine it runs on: the log, and the service manager.

pub mod journal;
pub mod notify;
