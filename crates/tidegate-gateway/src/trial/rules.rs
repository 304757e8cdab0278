//! What counts, compiled for the arms of one table.

use std::sync::Arc;

use tidegate_core::model::OutcomeRule;

use super::{Cells, Watch};

/// See the module.
#[derive(Debug)]
pub(crate) struct Trial {
    rules: Arc<[OutcomeRule]>,
    /// Those of each arm, by its place.
    cells: Box<[Arc<Cells>]>,
}

impl Trial {
    /// `cells` are those of the arms, in their order.
    pub(crate) fn new(rules: &[OutcomeRule], cells: impl Iterator<Item = Arc<Cells>>) -> Self {
        let rules = rules.iter().take(OutcomeRule::MOST).cloned().collect();
        Trial { rules, cells: cells.collect() }
    }

    /// Counts a request of a client in this cell that was given this arm.
    pub(crate) fn begin(&self, arm: usize, cell: u8, method: &str, path: &str) -> Option<Watch> {
        let cells = self.cells.get(arm)?;
        cells.on_request(cell);
        let wants = |rule: &OutcomeRule| rule.wants(method, path);
        let wanted = self.rules.iter().enumerate().filter(|(_, rule)| wants(rule));
        let wanted = wanted.fold(0, |wanted: u8, (place, _)| wanted | 1 << place);
        (wanted != 0).then(|| Watch::new(self.rules.clone(), cells.clone(), cell, wanted))
    }
}

// A place in the rules is a bit of a byte.
const _: () = assert!(OutcomeRule::MOST <= 8);

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::RevisionNo;

    #[test]
    fn requests_are_counted_for_the_arm_the_client_was_given_and_answers_that_count() {
        let rule = |name, text| OutcomeRule::parse(name, text).unwrap();
        let rules = [rule("bought", "POST /buy 2xx"), rule("failed", "* /* 5xx")];
        let cells: Vec<Arc<Cells>> = (0..2).map(|_| Arc::new(Cells::new(&rules))).collect();
        let trial = Trial::new(&rules, cells.iter().cloned());
        trial.begin(1, 7, "POST", "/buy").unwrap().on_status(201);
        trial.begin(1, 7, "POST", "/buy").unwrap().on_status(500);
        trial.begin(1, 9, "GET", "/buy").unwrap().on_status(200);
        // Without an answer nothing counts but the request.
        drop(trial.begin(1, 9, "POST", "/buy"));
        assert_eq!(cells[0].report("web", RevisionNo(1)), None);
        let counts = cells[1].report("web", RevisionNo(2)).unwrap();
        assert_eq!((counts.requests[7], counts.requests[9], counts.requests.iter().sum::<u64>()), (2, 2, 4));
        let of = |rule: usize| (counts.counted[rule].1[7], counts.counted[rule].1.iter().sum::<u64>());
        assert_eq!((of(0), of(1)), ((1, 1), (1, 1)));
    }
}
