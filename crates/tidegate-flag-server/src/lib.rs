//! The servers that OpenFeature clients ask: OFREP over HTTP, and flagd's evaluation and sync over gRPC.
//!
//! Used by `tidegate flag serve`, and made to be put into another process on listeners of its own: whoever has flags puts
//! them on a [`Board`], and [`Servers`] serve what stands there to everybody who asks or follows. Nothing here decides what a
//! flag is worth: that is `tidegate-flags`; nothing here knows of services, revisions or rollouts.

mod board;
mod connection;
mod door;
mod file;
mod grpc;
mod keys;
mod limits;
mod ofrep;
mod origins;
mod secret;
mod selection;
mod selector;
mod servers;
mod snapshot;
mod stop;
mod tally;
mod ticket;

pub use board::{Board, Standing};
pub use file::{FileError, FlagFile, Following, News};
pub use keys::{Keys, KeysError};
pub use limits::Limits;
pub use origins::Origins;
pub use secret::new_secret;
pub use servers::{Addresses, ServeError, Servers, Settings};
pub use snapshot::Snapshot;
pub use stop::{Stop, Stopper};
