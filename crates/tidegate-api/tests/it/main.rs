//! The real server over a control plane that answers from a script, on a loopback port and a unix socket.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod access;
mod auth;
mod coverage;
mod desk;
mod follow;
mod git;
mod hooks;
mod limits;
mod otlp;
mod pipeline;
mod refusals;
mod server;
mod server_keys;
mod stub;
mod upload;
