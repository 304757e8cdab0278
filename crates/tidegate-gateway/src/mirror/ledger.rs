//! What came of an upstream's copies: counts, and the latest that differed. Workers write, the report reads. Locked for the
//! time of an addition, on the way of copies only.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::model::{Compared, MirrorCounts, MirrorDifference, MirrorReport};

/// How many differences are kept.
const LATEST: usize = 16;
/// Of how many pairs of revisions comparisons are kept.
const PAIRS: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    counts: MirrorCounts,
    latest: VecDeque<MirrorDifference>,
    compared: VecDeque<Compared>,
}

impl Ledger {
    /// Counts a copy.
    pub(crate) fn count(&self, what: impl FnOnce(&mut MirrorCounts) -> &mut u64) {
        *what(&mut self.lock().counts) += 1;
    }

    /// Counts requests with three answers.
    pub(super) fn on_compared(&self, more: &Compared) {
        let mut entries = self.lock();
        let same = |known: &&mut Compared| known.stable == more.stable && known.candidate == more.candidate;
        if let Some(known) = entries.compared.iter_mut().find(same) {
            known.requests += more.requests;
            known.candidate_differs += more.candidate_differs;
            known.stable_differs += more.stable_differs;
            known.both_differ += more.both_differ;
            return;
        }
        if entries.compared.len() == PAIRS {
            entries.compared.pop_front();
        }
        entries.compared.push_back(more.clone());
    }

    /// Keeps how a copy was answered otherwise.
    pub(super) fn on_difference(&self, difference: MirrorDifference) {
        let mut entries = self.lock();
        if entries.latest.len() == LATEST {
            entries.latest.pop_front();
        }
        entries.latest.push_back(difference);
    }

    /// With the last `latest` differences at most; `None` where nothing was copied yet.
    pub(crate) fn report(&self, upstream: &str, latest: usize) -> Option<MirrorReport> {
        let entries = self.lock();
        let earlier = entries.latest.len().saturating_sub(latest);
        (entries.counts != MirrorCounts::default()).then(|| MirrorReport {
            upstream: upstream.to_owned(),
            counts: entries.counts,
            latest: entries.latest.iter().skip(earlier).cloned().collect(),
            compared: entries.compared.iter().cloned().collect(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
