//! The flags of an app: those of the manifest and those of its flag files, as one document in flagd's format.
//!
//! The command line calls it for `check`, the control plane when a deploy comes in; both have listed the repository's files
//! and read those that [`Manifest::is_flag_file`] names. What is served of a flag now is not known here.

mod edit;
mod expiry;
mod gather;
mod mention;
mod part;
mod places;
mod reach;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tidegate_core::model::FlagKey;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::manifest::Manifest;
use crate::quote::quote;
use crate::source::Source;

pub use edit::{Edited, edited};
pub(crate) use gather::gather;
pub use mention::{partly_read, undefined, unreadable};
pub(crate) use places::Places;

/// The most flag files, and the most bytes of all together: what they come to is kept in rows of at most 4 MiB.
pub const MOST_FLAG_FILES: usize = 200;
/// See [`MOST_FLAG_FILES`].
pub const MOST_FLAG_BYTES: usize = 3 << 20;

/// Every flag that an app defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flags {
    document: Map<String, Json>,
    origins: BTreeMap<FlagKey, Origin>,
}

/// Where a flag is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
}

impl Flags {
    /// The flags, segments and evaluators as one JSON text in flagd's format.
    pub fn document(&self) -> String {
        Json::Object(self.document.clone()).to_string()
    }

    /// The flags' keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &FlagKey> {
        self.origins.keys()
    }

    /// Where a flag is defined.
    pub fn origin(&self, key: &FlagKey) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// The same as JSON.
    pub fn json(&self) -> Json {
        Json::Object(self.document.clone())
    }

    fn metadata(&self, key: &FlagKey, name: &str) -> Option<&str> {
        self.document.get("flags")?.get(key.as_str())?.get("metadata")?.get(name)?.as_str()
    }
}

impl Manifest {
    /// Whether the manifest says anything of flags. Where it does not, nothing of flags is looked at.
    pub fn uses_flags(&self) -> bool {
        self.flags.is_some()
    }

    /// Whether a file of the repository, by its path with `/`, is one of `flag_files`.
    pub fn is_flag_file(&self, path: &str) -> bool {
        self.flags.iter().flat_map(|plan| &plan.files).any(|(glob, _)| glob.matches(path))
    }

    /// Every flag of the app; `None` where the manifest says nothing of flags. `manifest` is the text this manifest came from,
    /// `files` are the flag files.
    ///
    /// # Errors
    /// The mistakes, each with its file and place.
    pub fn flags(&self, manifest: &Source, files: &[Source]) -> Result<Option<Flags>, Vec<Diagnostic>> {
        let Some(plan) = &self.flags else { return Ok(None) };
        let (flags, mut mistakes) = gather(plan, manifest, files);
        for (glob, span) in &plan.files {
            if !files.iter().any(|file| glob.matches(&file.file)) {
                let message = format!("no file of the repository is called {}", quote(glob.as_str()));
                mistakes.push(
                    Diagnostic::error(codes::FLAG_FILES, message)
                        .at(*span, "no such file")
                        .help("name a file that Git does not ignore, or remove it")
                        .in_file(&manifest.file),
                );
            }
        }
        match flags {
            Some(flags) if mistakes.is_empty() => Ok(Some(flags)),
            _ => Err(mistakes),
        }
    }
}
