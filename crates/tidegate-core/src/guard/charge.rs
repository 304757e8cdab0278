//! What a flag is turned off for, with the figures.

use serde::{Deserialize, Serialize};

use super::Culprit;
use super::grid::Blame;
use crate::judge::Decision;
use crate::judge::words::percent;
use crate::model::RevisionNo;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// The service where it was found, as the gateway names it: `shop/production/web`.
    pub service: String,
    /// What was counted there, and the evidence.
    pub decision: Decision,
    /// Beside a rollout: what each revision has to do with it.
    pub blame: Option<Blame>,
}

impl Charge {
    /// One sentence for people.
    pub fn why(&self, on: &str, off: &str) -> String {
        let Decision { candidate_requests, candidate_bad, stable_requests, stable_bad, .. } = self.decision;
        let service = self.service.rsplit('/').next().unwrap_or_default();
        format!(
            "`{on}` errs more than `{off}` at {service}: {}, {} (evidence {:.1} of {:.1}){}",
            part(on, candidate_bad, candidate_requests),
            part(off, stable_bad, stable_requests),
            self.decision.log_e,
            self.decision.threshold,
            self.blame.as_ref().map(|blame| beside(blame, on, off)).unwrap_or_default()
        )
    }
}

fn part(who: &str, bad: u64, requests: u64) -> String {
    let share = if requests == 0 { 0.0 } else { bad as f64 / requests as f64 };
    let rounded = (share * 10_000.0).round() / 10_000.0;
    format!("of those with {who} {bad} met a bad answer in {requests} requests ({})", percent(rounded))
}

/// The two revisions by the two variants.
fn beside(blame: &Blame, on: &str, off: &str) -> String {
    let (stable, candidate) = blame.revisions;
    let places: [(RevisionNo, &str); 4] = [(stable, on), (stable, off), (candidate, on), (candidate, off)];
    let cells: Vec<String> = places
        .iter()
        .zip(blame.counts)
        .map(|((revision, variant), tally)| format!("{revision} {variant} {} of {}", tally.bad, tally.n))
        .collect();
    let at_once = if blame.culprit == Culprit::Together { ", and to turn the flag off ends it" } else { "" };
    format!("; to blame is {}{at_once} ({})", blame.culprit.as_str(), cells.join(", "))
}
