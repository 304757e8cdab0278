//! The store as its callers see it, on real files.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod access;
mod app_users;
mod atomic;
mod audit;
mod copies;
mod counters;
mod disk_full;
mod environments;
mod experiments;
mod files;
mod fixtures;
mod flags;
mod git_sources;
mod identity;
mod kill;
mod order;
mod prune;
mod readers;
mod round_trip;
mod schedules;
mod speed;
