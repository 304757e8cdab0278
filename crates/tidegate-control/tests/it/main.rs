//! The control plane's dealings with files: snapshots as they come in, builds as they are made.

mod clock;
mod snapshot;
mod unpack;
mod workshop;
