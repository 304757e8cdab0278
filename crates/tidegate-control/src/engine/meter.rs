//! What the last seconds of a service were like: from counts that only ever grow to rates, each over its own window.
//!
//! Kept in memory by the scale reconciler. A control plane that starts anew knows nothing for two reports, and says so: a
//! measurement that is missing is never taken for 0.

use std::collections::{BTreeMap, VecDeque};

use tidegate_core::model::{ArmCounts, CountsReport, GatewayObservation, Histogram, InstanceId, RevisionNo};
use tidegate_core::scale::Load;
use tidegate_core::time::{Millis, Moment};

/// Rates are those of so long.
const RATE: Millis = Millis::seconds(5);
/// Latencies are those of so long.
const LATENCY: Millis = Millis::seconds(15);
/// Fewer requests have no telling p95.
const LEAST: u64 = 20;
/// A report older than this says nothing of now.
const STALE: Millis = Millis::seconds(5);

/// The instances of a service, and how much CPU each of them may use, in thousandths.
pub(super) type Members = BTreeMap<InstanceId, Member>;

/// One instance that takes requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// What it runs.
    pub(super) revision: RevisionNo,
    /// Thousandths of a CPU that count as all of one instance.
    pub(super) cpu: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<Sample>,
}

/// One report of the gateway, as far as it is about one service, and the CPU times of then.
#[derive(Debug)]
struct Sample {
    at: Moment,
    /// The gateway process that serves, and its own clock.
    clock: (String, u64),
    rows: BTreeMap<(String, RevisionNo), Row>,
    inflight: BTreeMap<InstanceId, u32>,
    cpu_us: BTreeMap<InstanceId, u64>,
}

/// Cumulative.
#[derive(Debug, Default)]
struct Row {
    requests: u64,
    latencies: Histogram,
}

impl Meter {
    /// Whether the gateway has said something new.
    pub(super) fn wants(&self, seen: &GatewayObservation, now: Moment) -> bool {
        let Some(counts) = seen.counts.as_ref().filter(|_| seen.alive) else { return false };
        let newest = self.samples.back();
        // An older gateway does not say its time: then about each second.
        newest.is_none_or(|last| match counts.at_ms {
            0 => now.since(last.at) >= Millis(900),
            at => last.clock != (counts.incarnation.clone(), at),
        })
    }

    /// Takes in what the gateway said of a service.
    pub(super) fn take(
        &mut self,
        upstream: &str,
        seen: &GatewayObservation,
        cpu_us: BTreeMap<InstanceId, u64>,
        now: Moment,
    ) {
        let Some(counts) = &seen.counts else { return };
        let mut rows: BTreeMap<(String, RevisionNo), Row> = BTreeMap::new();
        for report in seen.earlier_counts.iter().chain([counts]) {
            add_rows(&mut rows, report, upstream);
        }
        let clock = (counts.incarnation.clone(), counts.at_ms);
        self.samples.push_back(Sample { at: now, clock, rows, inflight: seen.inflight.clone(), cpu_us });
        while self.samples.len() > 2 && self.samples.get(1).is_some_and(|next| now.since(next.at) >= LATENCY)
        {
            self.samples.pop_front();
        }
    }

    /// The load of the revisions that `of` picks, whose instances these are.
    pub(super) fn load(&self, members: &Members, of: impl Fn(RevisionNo) -> bool, now: Moment) -> Load {
        let members: BTreeMap<_, _> = members.iter().filter(|(_, member)| of(member.revision)).collect();
        let ready = members.len() as u32;
        let newest = self.samples.back().filter(|newest| now.since(newest.at) < STALE);
        let (Some(newest), Some(before)) = (newest, self.before(RATE)) else {
            return Load { ready, ..Load::default() };
        };
        let seconds = seconds_between(before, newest);
        let requests = requests(newest, &of) - requests_known(before, newest, &of);
        Load {
            ready,
            rate: Some(requests as f64 / seconds),
            inflight: Some(self.inflight(&members)),
            cpu: cpu(before, newest, &members),
            p95: self.p95(newest, &of),
        }
    }

    /// The newest sample that is at least so much older than the last, or the oldest; never the last itself.
    fn before(&self, span: Millis) -> Option<&Sample> {
        let newest = self.samples.back()?;
        let others = self.samples.iter().rev().skip(1);
        others.clone().find(|sample| newest.at.since(sample.at) >= span).or(others.last())
    }

    /// The mean over the window of the rates.
    fn inflight(&self, members: &BTreeMap<&InstanceId, &Member>) -> f64 {
        let Some(newest) = self.samples.back() else { return 0.0 };
        let recent = self.samples.iter().filter(|sample| newest.at.since(sample.at) < RATE);
        let sums: Vec<u32> =
            recent.map(|sample| members.keys().filter_map(|id| sample.inflight.get(*id)).sum()).collect();
        sums.iter().sum::<u32>() as f64 / sums.len().max(1) as f64
    }

    fn p95(&self, newest: &Sample, of: &impl Fn(RevisionNo) -> bool) -> Option<f64> {
        let before = self.before(LATENCY)?;
        let mut latencies = Histogram::default();
        for ((incarnation, revision), row) in newest.rows.iter().filter(|((_, revision), _)| of(*revision)) {
            let earlier = before.rows.get(&(incarnation.clone(), *revision));
            latencies.merge(
                &earlier.map_or(row.latencies.clone(), |earlier| row.latencies.since(&earlier.latencies)),
            );
        }
        let enough = latencies.total() >= LEAST;
        latencies.quantile_ns(0.95).filter(|_| enough).map(|ns| ns as f64 / 1e6)
    }
}

fn add_rows(rows: &mut BTreeMap<(String, RevisionNo), Row>, report: &CountsReport, upstream: &str) {
    for counts in report.rows.iter().filter(|row| row.upstream == upstream) {
        let row = rows.entry((report.incarnation.clone(), counts.revision)).or_default();
        row.requests += requests_of(counts);
        row.latencies.merge(&counts.latencies);
    }
}

/// Those whose client went away are load as well.
fn requests_of(counts: &ArmCounts) -> u64 {
    counts.outcomes.total() + counts.outcomes.cancelled
}

fn requests(sample: &Sample, of: &impl Fn(RevisionNo) -> bool) -> u64 {
    sample.rows.iter().filter(|((_, revision), _)| of(*revision)).map(|(_, row)| row.requests).sum()
}

/// What was there before of what is there now: a gateway process that is gone with its counts is no negative load.
fn requests_known(before: &Sample, newest: &Sample, of: &impl Fn(RevisionNo) -> bool) -> u64 {
    let known = before.rows.iter().filter(|((_, revision), _)| of(*revision));
    known.filter_map(|(key, row)| Some(row.requests.min(newest.rows.get(key)?.requests))).sum()
}

/// By the gateway's own clock, where it is the same gateway.
fn seconds_between(before: &Sample, newest: &Sample) -> f64 {
    let same = before.clock.0 == newest.clock.0 && newest.clock.1 > before.clock.1;
    let ms = if same { newest.clock.1 - before.clock.1 } else { newest.at.since(before.at).0 };
    ms.max(1) as f64 / 1_000.0
}

/// In percent of what one instance may use; those that cannot be measured yet are taken to be like the others.
fn cpu(before: &Sample, newest: &Sample, members: &BTreeMap<&InstanceId, &Member>) -> Option<f64> {
    if members.is_empty() {
        return Some(0.0);
    }
    let us = newest.at.since(before.at).0.max(1) as f64 * 1_000.0;
    let used: Vec<f64> = members
        .iter()
        .filter_map(|(id, member)| {
            let used = newest.cpu_us.get(*id)?.saturating_sub(*before.cpu_us.get(*id)?);
            Some(used as f64 / us * 100_000.0 / f64::from(member.cpu.max(1)))
        })
        .collect();
    let known = used.len() as f64;
    (known > 0.0).then(|| used.iter().sum::<f64>() / known * members.len() as f64)
}
