//! Counts of one watched flag in one version, by variant and revision. Workers add, the report reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderValue;
use tidegate_core::model::{FLAG_CELLS, FlagCounts, FlagWatch, Outcomes};

use crate::count::{Outcome, Row};

/// Variants by revisions of one flag; what comes beyond is not counted.
const MOST: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct FlagRows {
    workers: usize,
    rows: RwLock<Vec<Arc<FlagRow>>>,
}

/// Counts of one variant on one revision.
#[derive(Debug)]
struct FlagRow {
    variant: Box<str>,
    revision: HeaderValue,
    row: Row,
    requests: Box<[AtomicU64; FLAG_CELLS]>,
    bad: Box<[AtomicU64; FLAG_CELLS]>,
}

impl FlagRows {
    pub(crate) fn new(workers: usize) -> Self {
        FlagRows { workers, rows: RwLock::default() }
    }

    /// Counts a request of a user in this cell. One that was cancelled has no cell: it is neither good nor bad.
    pub(super) fn add(
        &self,
        (variant, revision): (&str, &HeaderValue),
        (worker, cell): (usize, u8),
        outcome: Outcome,
        latency: Duration,
    ) {
        let Some(row) = self.row(variant, revision) else { return };
        row.row.add(worker, outcome, latency);
        if outcome != Outcome::Cancelled {
            row.requests[usize::from(cell)].fetch_add(1, Ordering::Relaxed);
        }
        if outcome.is_bad() {
            row.bad[usize::from(cell)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What the report says of it.
    pub(crate) fn report(&self, upstream: &str, watch: &FlagWatch) -> Vec<FlagCounts> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner).clone();
        rows.iter().filter_map(|row| row.report(upstream, watch)).collect()
    }

    /// Forgets revisions that are not `listed` any more, once there is little room for others: a report that comes late still has their
    /// last counts until then.
    pub(crate) fn forget(&self, listed: impl Fn(&HeaderValue) -> bool) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.len() > MOST / 2 {
            rows.retain(|row| listed(&row.revision));
        }
    }

    fn row(&self, variant: &str, revision: &HeaderValue) -> Option<Arc<FlagRow>> {
        let wanted = |row: &&Arc<FlagRow>| *row.variant == *variant && row.revision == *revision;
        let found = self.rows.read().unwrap_or_else(PoisonError::into_inner).iter().find(wanted).cloned();
        found.or_else(|| {
            let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
            // Another worker may have been quicker.
            if let Some(there) = rows.iter().find(wanted) {
                return Some(there.clone());
            }
            let made = Arc::new(FlagRow::new(variant, revision, self.workers));
            (rows.len() < MOST).then(|| rows.push(made.clone())).map(|()| made)
        })
    }
}

impl FlagRow {
    fn new(variant: &str, revision: &HeaderValue, workers: usize) -> Self {
        let zero = || Box::new(std::array::from_fn(|_| AtomicU64::new(0)));
        FlagRow {
            variant: variant.into(),
            revision: revision.clone(),
            row: Row::new(workers),
            requests: zero(),
            bad: zero(),
        }
    }

    fn report(&self, upstream: &str, watch: &FlagWatch) -> Option<FlagCounts> {
        let read =
            |cells: &[AtomicU64; FLAG_CELLS]| cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
        // Bad ones first: never more of them than there are requests.
        let bad = read(&self.bad);
        let outcomes = self.row.outcomes();
        (outcomes != Outcomes::default()).then_some(FlagCounts {
            upstream: upstream.to_owned(),
            flag: watch.flag.clone(),
            version: watch.version,
            variant: self.variant.to_string(),
            revision: self.revision.to_str().ok()?.parse().ok()?,
            outcomes,
            latencies: self.row.latencies(),
            requests: read(&self.requests),
            bad,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::RevisionNo;

    fn revision(number: usize) -> HeaderValue {
        HeaderValue::try_from(format!("r{number}")).unwrap()
    }

    #[test]
    fn after_any_number_of_revisions_the_newest_is_counted() {
        let rows = FlagRows::new(1);
        let count = |number: usize, variant: &str| {
            rows.add((variant, &revision(number)), (0, 1), Outcome::Good, Duration::ZERO);
        };
        for number in 1..=100 {
            // A table with a candidate; then one without the revision before.
            for variant in ["on", "off"] {
                count(number, variant);
            }
            rows.forget(|listed| *listed == revision(number));
        }
        let watch = FlagWatch {
            flag: "new-cart".parse().unwrap(),
            version: 1,
            user: Vec::new(),
            by: None,
            told: false,
            experiment: false,
        };
        let report = rows.report("shop/production/web", &watch);
        assert!(report.len() <= MOST, "{}", report.len());
        let newest = report.iter().filter(|row| row.revision == RevisionNo(100));
        assert_eq!(newest.map(|row| row.outcomes.good).sum::<u64>(), 2);
        count(100, "on");
        rows.forget(|_| false);
        assert!(!rows.report("shop/production/web", &watch).is_empty(), "the last counts are still reported");
    }
}
