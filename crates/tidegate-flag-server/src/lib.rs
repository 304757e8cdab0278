//! The servers that OpenFeature clients ask: OFREP over HTTP, and flagd's evaluation and sync over gRPC.
//!
//! Used by `tidegate flag serve`, and made to be put into another process on listeners of its own: whoever has flags puts
//! them on a [`Board`], a [`Hall`] says whose key leads to which board, and [`Servers`] serve what stands there to everybody who
//! asks or follows. Nothing here decides what a
//! flag is worth: that is `tidegate-flags`; nothing here knows of services, revisions or rollouts.

mod board;
mod clients;
mod connection;
mod door;
mod file;
mod follow;
mod grpc;
mod hall;
mod keys;
mod ledger;
mod limits;
mod ofrep;
mod origins;
mod patience;
mod places;
mod secret;
mod selection;
mod selector;
mod servers;
mod sets;
mod sets_file;
mod snapshot;
mod stop;
mod strangers;
mod tally;
mod ticket;
mod tls;
mod visit;

pub use board::Board;
pub use file::FlagFile;
pub use follow::{FileError, Following, News};
pub use hall::Hall;
pub use keys::{Audience, Grant, Key, Keys, KeysError};
pub use ledger::Standing;
pub use limits::Limits;
pub use origins::Origins;
pub use secret::new_secret;
pub use servers::{Addresses, Offer, ServeError, Servers, Settings};
pub use sets_file::SetsFile;
pub use snapshot::Snapshot;
pub use stop::{Stop, Stopper};
pub use tls::Certificates;
