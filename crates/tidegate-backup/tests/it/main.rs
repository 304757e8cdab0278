//! Backups as their callers see them, of data directories on real files.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]
#![allow(clippy::print_stdout, reason = "figures belong into the test's output")]

mod forged;
mod installation;
mod round_trip;
mod speed;
mod torn;
