//! The control socket: its protocol, its server and its client.

pub mod client;
pub mod desk;
pub mod invite;
pub mod protocol;
pub(crate) mod registry;
mod request;
pub mod server;
