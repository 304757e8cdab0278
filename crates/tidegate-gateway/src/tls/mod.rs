//! TLS at the client's side: certificates by host name, the handshake, and how certificates come to be there.
//!
//! One [`Tls`] serves all workers, so that a session begun on one is resumed on any other. Certificates are files: whoever
//! makes them (an administrator, the local authority, ACME) writes into a folder, and [`watch`] alone reads it.

mod accept;
mod acme;
mod challenges;
mod counts;
mod folder;
mod leaf;
mod list;
mod local_ca;
mod origin;
mod pair;
mod shelf;
mod status;
mod supply;
mod watch;

pub(crate) use accept::Tls;
pub(crate) use acme::Acme;
pub use acme::{AcmeChallenge, AcmeConfig};
pub(crate) use challenges::Challenges;
pub use leaf::Leaf;
pub use list::{Listed, list};
pub use local_ca::{LocalCa, LocalCaError, is_host};
pub use origin::Origin;
pub(crate) use shelf::Shelf;
pub(crate) use status::Status;
pub use status::{CertificateTrouble, Trouble};
pub(crate) use supply::{Source, Supply};
pub(crate) use watch::Watch;
