//! What is known of the log, for whoever answers `doctor` and `audit verify`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::audit::{Anchor, Broken};
use tidegate_core::view::{DoctorFinding, Severity};

/// Shared by the loop, which seals, the watch, which verifies, and the handle, which tells.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Mutex<Known>>);

/// See [`Standing`].
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// How far the log has come, as it is sealed outside the database.
    pub sealed: Option<Anchor>,
    /// Why it is not sealed any more.
    pub trouble: Option<String>,
    /// Up to this entry it was verified since the control plane began; `None`: not yet.
    pub verified: Option<u64>,
    /// Where it is broken.
    pub broken: Option<Broken>,
}

impl Standing {
    /// What is known now.
    pub fn known(&self) -> Known {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For `doctor`.
    pub(crate) fn finding(&self) -> DoctorFinding {
        let known = self.known();
        let evidence =
            "keep a copy of the data directory: it is evidence; `tidegate audit verify` says more".to_owned();
        let (severity, message, help) = match (known.broken, known.trouble, known.verified) {
            (Some(broken), _, _) => {
                (Severity::Error, format!("the audit log is not whole: {broken}"), Some(evidence))
            }
            (None, Some(trouble), _) => (Severity::Error, trouble, Some(evidence)),
            (None, None, None) => (Severity::Ok, "the audit log is being verified".to_owned(), None),
            (None, None, Some(last)) => (Severity::Ok, format!("whole up to entry {last}"), None),
        };
        DoctorFinding { severity, check: "audit".to_owned(), message, help }
    }
}
