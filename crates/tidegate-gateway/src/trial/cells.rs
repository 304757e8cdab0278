//! Counts of one revision by cells of clients. Workers add, the report reads.

use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_core::model::{CELLS, OutcomeCounts, OutcomeRule, RevisionNo};

/// One count a cell.
type Counts = [AtomicU64; CELLS];

/// See the module.
#[derive(Debug)]
pub(crate) struct Cells {
    requests: Box<Counts>,
    counted: Box<[(String, Counts)]>,
}

impl Cells {
    pub(crate) fn new(rules: &[OutcomeRule]) -> Self {
        let zero = || std::array::from_fn(|_| AtomicU64::new(0));
        let counted = rules.iter().take(OutcomeRule::MOST).map(|rule| (rule.name.clone(), zero()));
        Cells { requests: Box::new(zero()), counted: counted.collect() }
    }

    /// Whether these are the counts of the rules.
    pub(crate) fn are_of(&self, rules: &[OutcomeRule]) -> bool {
        let names = rules.iter().take(OutcomeRule::MOST).map(|rule| &rule.name);
        self.counted.iter().map(|(name, _)| name).eq(names)
    }

    /// A request.
    pub(super) fn on_request(&self, cell: u8) {
        add(&self.requests, cell);
    }

    /// An answer that counts for the rule at this place.
    pub(super) fn on_counted(&self, rule: usize, cell: u8) {
        if let Some((_, counts)) = self.counted.get(rule) {
            add(counts, cell);
        }
    }

    /// All of it; `None` where there was no request.
    pub(crate) fn report(&self, upstream: &str, revision: RevisionNo) -> Option<OutcomeCounts> {
        let read = |counts: &Counts| counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let requests: Vec<u64> = read(&self.requests);
        let counted = self.counted.iter().map(|(name, counts)| (name.clone(), read(counts)));
        requests.iter().any(|count| *count > 0).then(|| OutcomeCounts {
            upstream: upstream.to_owned(),
            revision,
            requests,
            counted: counted.collect(),
        })
    }
}

fn add(counts: &Counts, cell: u8) {
    if let Some(count) = counts.get(usize::from(cell)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}
