//! What the simulated gateway counts of requests: so that a candidate is judged by how its answers were, and by nothing else.
//!
//! Which answers are bad says the command of the instance: `errs:5%` of all, `errs:50%@web-7` of that instance alone. While there is
//! an outage three tenths of everybody's are.

use std::collections::BTreeMap;

use tidegate_core::model::{
    ArmCounts, ArmRole, BodyBytes, CountsReport, Histogram, InstanceId, Outcomes, RevisionNo,
};
use tidegate_core::time::{Millis, Moment};

use crate::rng::Rng;

/// Answers that are bad while there is an outage, in percent.
const OUTAGE: u64 = 30;

/// An instance in an arm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The service.
    pub upstream: String,
    /// The arm.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// The instance.
    pub instance: InstanceId,
}

/// The counts of one gateway process.
#[derive(Debug)]
pub struct Counts {
    incarnation: u64,
    rows: BTreeMap<Place, Outcomes>,
    rng: Rng,
    outage: Option<(Moment, Moment)>,
}

impl Counts {
    /// Of a gateway that begins.
    pub fn new(rng: Rng) -> Self {
        Counts { incarnation: 1, rows: BTreeMap::new(), rng, outage: None }
    }

    /// The process is another one: it counts from zero.
    pub fn begin_anew(&mut self) {
        self.incarnation += 1;
        self.rows.clear();
    }

    /// Both arms err for a while.
    pub fn break_for(&mut self, from: Moment, span: Millis) {
        self.outage = Some((from, from + span));
    }

    /// A request was answered by an instance with this command, for better or worse.
    pub fn add(&mut self, place: &Place, command: &str, now: Moment) {
        let out = self.outage.is_some_and(|(from, until)| from <= now && now < until);
        let bad = self.rng.percent(errs(command, &place.instance).max(if out { OUTAGE } else { 0 }));
        let row = self.rows.entry(place.clone()).or_default();
        *(if bad { &mut row.server_error } else { &mut row.good }) += 1;
    }

    /// What it reports.
    pub fn report(&self) -> CountsReport {
        let rows = self.rows.iter().map(|(place, outcomes)| ArmCounts {
            upstream: place.upstream.clone(),
            role: place.role,
            revision: place.revision,
            instance: Some(place.instance.clone()),
            outcomes: *outcomes,
            latencies: Histogram::default(),
            bytes: BodyBytes::default(),
            samples: Vec::new(),
        });
        CountsReport {
            incarnation: self.incarnation.to_string(),
            rows: rows.collect(),
            ..CountsReport::default()
        }
    }
}

/// How many of 100 answers are bad.
fn errs(command: &str, instance: &InstanceId) -> u64 {
    let words = command.split_whitespace().filter_map(|word| word.strip_prefix("errs:"));
    let mine = words.map(|word| word.split_once('@').unwrap_or((word, "")));
    let mine = mine.filter(|(_, whose)| whose.is_empty() || *whose == instance.0);
    mine.filter_map(|(share, _)| share.strip_suffix('%')?.parse::<u64>().ok()).sum()
}
