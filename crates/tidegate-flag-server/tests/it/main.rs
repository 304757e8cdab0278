//! The servers on the wire: every status and body of OFREP as the protocol has it, streams of changes, and files that change.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case

mod bulk;
mod callers;
mod file;
mod grpc;
mod http;
mod leaving;
mod limits;
mod pages;
mod seats;
mod sets;
mod single;
mod stage;
mod stream;
mod tls;
