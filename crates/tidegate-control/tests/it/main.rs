//! The control plane's dealings with files: snapshots as they come in, builds as they are made.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod clock;
mod codes;
mod git;
mod provenance;
mod remote;
mod snapshot;
mod unpack;
mod workshop;
mod workspace;
