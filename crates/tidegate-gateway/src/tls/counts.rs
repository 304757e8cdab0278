//! What became of handshakes, and which names were asked for in vain.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most names kept: anybody can ask for any name.
const MOST_NAMES: usize = 64;

/// Cumulative since the process began.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    done: AtomicU64,
    resumed: AtomicU64,
    failed: AtomicU64,
    nameless: AtomicU64,
    unknown: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    pub(super) fn on_done(&self, resumed: bool) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.resumed.fetch_add(u64::from(resumed), Ordering::Relaxed);
    }

    pub(super) fn on_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// There is no certificate for the name. Whether it is asked for the first time.
    pub(super) fn on_unknown(&self, name: Option<&str>) -> bool {
        self.on_failed();
        let Some(name) = name else {
            return self.nameless.fetch_add(1, Ordering::Relaxed) == 0;
        };
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = unknown.get_mut(name) {
            *count += 1;
            return false;
        }
        if unknown.len() < MOST_NAMES {
            unknown.insert(name.to_owned(), 1);
            return true;
        }
        false
    }

    /// Names that were asked for and have no certificate, with how often.
    pub(crate) fn unknown(&self) -> BTreeMap<String, u64> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once_and_are_not_kept_without_end() {
        let counts = Counts::default();
        assert!(counts.on_unknown(Some("a")));
        assert!(!counts.on_unknown(Some("a")));
        assert_eq!(counts.unknown()["a"], 2);
        for index in 0..1_000 {
            counts.on_unknown(Some(&format!("n{index}")));
        }
        assert_eq!(counts.unknown().len(), MOST_NAMES);
        assert!(counts.on_unknown(None) && !counts.on_unknown(None));
    }
}
