//! What users see of manifests, Procfiles and env files, good and broken.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod broken;
mod checks;
mod flags;
mod good;
mod init;
mod notify;
mod pipeline;
mod policy;
mod properties;
mod schema;
mod steps;
mod strategies;
