//! `tidegate.yaml`, `Procfile` and env files: text in, a validated model or diagnostics out.
//!
//! The way of a manifest, a module each: [`Source`] → `tree` (YAML as a tree that knows where everything stands) →
//! `raw` (the keys as typed; the JSON Schema comes from the same types) → `compile` (checks over several keys, overlays
//! of environments, defaults) → [`Manifest`], which [`Manifest::resolve`]s to the services of one environment.
//!
//! Every stage goes on after a mistake, so that one run shows all of them, each with its place. Nothing here reads a
//! file: the command line and the API hand in texts and names, and show the [`Diagnostic`]s in their own ways.
#![warn(clippy::wildcard_enum_match_arm)]

mod codes;
mod compile;
mod diagnostic;
mod env_file;
mod findings;
pub mod flags;
mod glob;
pub mod init;
pub mod lock;
mod manifest;
mod nearest;
mod preview;
mod procfile;
mod quote;
mod raw;
mod render;
mod schema;
mod source;
mod span;
mod tree;
mod variable;

pub use codes::{Code, codes};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use env_file::parse_env_file;
pub use flags::{Flags, Origin};
pub use manifest::{Manifest, Resolved};
pub use nearest::did_you_mean;
pub use preview::PreviewOf;
pub use procfile::load_procfile;
pub use render::render_plain;
pub use schema::schema;
pub use source::Source;
pub use variable::variable_fault;

/// Reads a `tidegate.yaml`. There is a manifest exactly when no diagnostic is an error; diagnostics are in the order of
/// their places in the file.
pub fn load(manifest: &Source) -> (Option<Manifest>, Vec<Diagnostic>) {
    let mut findings = findings::Findings::new(manifest);
    let compiled = tree::parse(manifest, &mut findings)
        .and_then(|root| raw::read_manifest(&root, &mut findings))
        .and_then(|raw| compile::compile(&raw, &mut findings));
    findings.finish(compiled)
}
