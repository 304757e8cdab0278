//! Which reports of gateways were counted: kept in the same row as what was counted, so that none counts twice, whenever a kill comes.

use serde::{Deserialize, Serialize};

/// Gateways that are remembered without a report of theirs in sight.
const MOST: usize = 32;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Intake(Vec<Last>);

/// The last report of one gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    incarnation: String,
    serial: u64,
}

impl Intake {
    /// Takes note of a report; whether it is a new one. `waiting`: the gateways with reports that are still there, none of which may be
    /// forgotten.
    pub fn is_new(&mut self, (incarnation, serial): (&str, u64), waiting: &[&str]) -> bool {
        let known = self.0.iter().position(|last| last.incarnation == incarnation);
        if known.is_some_and(|at| self.0[at].serial >= serial) {
            return false;
        }
        known.map(|at| self.0.remove(at));
        self.0.push(Last { incarnation: incarnation.to_owned(), serial });
        let mut over = self.0.len().saturating_sub(MOST);
        self.0.retain(|last| {
            let forgotten =
                over > 0 && last.incarnation != incarnation && !waiting.contains(&&*last.incarnation);
            over -= usize::from(forgotten);
            !forgotten
        });
        true
    }

    /// Whether none was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_new_once() {
        let mut intake = Intake::default();
        assert!(intake.is_new(("1-a", 1), &[]));
        assert!(!intake.is_new(("1-a", 1), &[]));
        assert!(intake.is_new(("2-b", 1), &[]), "another gateway counts from the beginning");
        assert!(intake.is_new(("1-a", 3), &[]), "one in between may be lost");
        assert!(!intake.is_new(("1-a", 2), &[]));
    }

    #[test]
    fn few_gateways_are_remembered_but_all_whose_reports_are_there() {
        let mut intake = Intake::default();
        assert!(intake.is_new(("waits", 7), &[]));
        for gateway in 0..100 {
            assert!(intake.is_new((&format!("{gateway}"), 1), &["waits"]));
        }
        assert_eq!(intake.0.len(), MOST);
        assert!(!intake.is_new(("waits", 7), &[]));
        assert!(!intake.is_new(("99", 1), &[]));
    }
}
