//! The flags that one client sees: all, or those of a flag set. With what is made of them once for all who follow: a revision,
//! the text for clients that evaluate by themselves, the event of a change, and what changed.

use std::collections::HashSet;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use siphasher::sip128::{Hasher128, SipHasher13};
use tidegate_flags::{Change, FlagSet};

/// See the module.
#[derive(Debug)]
pub(crate) struct Selection {
    set: FlagSet,
    source: Arc<str>,
    revision: String,
    /// Flags that have a variant which is no whole number: their whole numbers are written `5.0`.
    real: HashSet<String>,
    changes: Mutex<Option<(String, Arc<[Change]>)>>,
}

impl Selection {
    pub(crate) fn new(set: FlagSet) -> Self {
        let source: Arc<str> = set.source().into();
        let revision = hash(&[source.as_bytes()]);
        let real = real(&source);
        Selection { set, source, revision, real, changes: Mutex::default() }
    }

    pub(crate) fn set(&self) -> &FlagSet {
        &self.set
    }

    /// A flagd file as JSON.
    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Another for other flags.
    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    /// Whether all numbers of a flag are written with a point.
    pub(crate) fn is_real(&self, key: &str) -> bool {
        self.real.contains(key)
    }

    /// What changed from an earlier selection to this one. Kept: all who follow ask the same.
    pub(crate) fn changes_since(&self, earlier: &Selection) -> Arc<[Change]> {
        let mut kept = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, changes)) = kept.as_ref()
            && *revision == earlier.revision
        {
            return changes.clone();
        }
        let changes = Arc::<[Change]>::from(earlier.set.diff(&self.set));
        *kept = Some((earlier.revision.clone(), changes.clone()));
        changes
    }
}

/// A short name for bytes; two parts are not the same as both in one.
pub(crate) fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = SipHasher13::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    format!("{:032x}", hasher.finish128().as_u128())
}

/// Typed clients take `5` for another type than `5.0`: a flag of 5 and 0.5 is one of real numbers.
fn real(source: &str) -> HashSet<String> {
    let file: Value = serde_json::from_str(source).unwrap_or_default();
    let flags = file["flags"].as_object().into_iter().flatten();
    let real = flags.filter(|(_, flag)| {
        let mut variants = flag["variants"].as_object().into_iter().flatten();
        variants.any(|(_, value)| value.is_f64())
    });
    real.map(|(key, _)| key.clone()).collect()
}
