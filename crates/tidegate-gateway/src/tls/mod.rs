//! TLS at the client's side: certificates by host name, the handshake, and how certificates come to be there.
//!
//! One [`Tls`] serves all workers, so that a session begun on one is resumed on any other. Certificates are files: whoever
//! makes them (an administrator, the local authority, ACME) writes into a folder, and [`watch`] alone reads it.

mod accept;
mod counts;
mod folder;
mod leaf;
mod pair;
mod shelf;
mod watch;

pub(crate) use accept::Tls;
pub(crate) use shelf::Shelf;
pub(crate) use watch::Watch;
