//! The real server over a control plane that answers from a script, on a loopback port and a unix socket.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod access;
mod audit;
mod auth;
mod coverage;
mod desk;
mod document;
mod follow;
mod git;
mod hooks;
mod identity;
mod judge;
mod limits;
mod otlp;
mod pipeline;
mod provenance;
mod refusals;
mod server;
mod server_keys;
mod settings;
mod stub;
mod tls;
mod upload;
