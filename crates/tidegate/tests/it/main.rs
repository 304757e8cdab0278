//! The real binary: what it prints and how it exits, without a server and with one that answers from a script.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod accepted;
mod audit;
mod check;
mod commits;
mod flag;
mod help;
mod init;
mod jobs;
mod judge;
mod kept;
mod no_server;
mod output;
mod pipeline;
mod pipeline_run;
mod previews;
mod releases;
mod served;
mod terminal;

#[path = "../../../tidegate-api/tests/it/stub.rs"]
#[allow(dead_code)] // the API's own tests use the rest
mod stub;
