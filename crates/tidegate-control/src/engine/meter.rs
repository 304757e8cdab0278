//! What the last seconds of a service were like: from counts that only ever grow to rates, each over its own window.
//!
//! Kept in memory by the scale reconciler. A control plane that starts anew knows nothing for two reports, and says so: a
//! measurement that is missing is never taken for 0.

use std::collections::{BTreeMap, VecDeque};

use tidegate_core::model::{
    ArmCounts, CountsReport, GatewayObservation, Histogram, Instance, InstanceId, RevisionNo,
};
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
    /// Also on instances that leave.
    inflight: BTreeMap<RevisionNo, u64>,
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
        instances: &[Instance],
        cpu_us: BTreeMap<InstanceId, u64>,
        now: Moment,
    ) {
        let Some(counts) = &seen.counts else { return };
        let mut rows: BTreeMap<(String, RevisionNo), Row> = BTreeMap::new();
        for report in seen.earlier_counts.iter().chain([counts]) {
            add_rows(&mut rows, report, upstream);
        }
        let clock = (counts.incarnation.clone(), counts.at_ms);
        let mut inflight: BTreeMap<RevisionNo, u64> = BTreeMap::new();
        for instance in instances {
            let own = seen.inflight.get(&instance.id).copied().unwrap_or(0);
            *inflight.entry(instance.revision).or_default() += u64::from(own);
        }
        self.samples.push_back(Sample { at: now, clock, rows, inflight, cpu_us });
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
        let ended = requests(newest, &of) - requests_known(before, newest, &of);
        // Those that came: an app that cannot keep up ends fewer than it is asked.
        let came = (ended + newest.inflight(&of)).saturating_sub(before.inflight(&of));
        Load {
            ready,
            rate: Some(came as f64 / seconds),
            inflight: Some(self.inflight(&of)),
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
    fn inflight(&self, of: &impl Fn(RevisionNo) -> bool) -> f64 {
        let Some(newest) = self.samples.back() else { return 0.0 };
        let recent = self.samples.iter().filter(|sample| newest.at.since(sample.at) < RATE);
        let sums: Vec<u64> = recent.map(|sample| sample.inflight(of)).collect();
        sums.iter().sum::<u64>() as f64 / sums.len().max(1) as f64
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

impl Sample {
    fn inflight(&self, of: &impl Fn(RevisionNo) -> bool) -> u64 {
        self.inflight.iter().filter(|(revision, _)| of(**revision)).map(|(_, own)| own).sum()
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

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{ArmRole, BodyBytes, Outcomes};

    const R1: RevisionNo = RevisionNo(1);

    /// What a gateway says that has answered so many and works on so many.
    fn seen(incarnation: &str, at_ms: u64, good: u64, inflight: u32) -> GatewayObservation {
        let id = InstanceId("web-1".to_owned());
        let mut latencies = Histogram::default();
        (0..good).for_each(|_| latencies.add_ns(20_000_000));
        let row = ArmCounts {
            upstream: "a/b/web".to_owned(),
            role: ArmRole::Stable,
            revision: R1,
            instance: Some(id.clone()),
            outcomes: Outcomes { good, ..Outcomes::default() },
            latencies,
            bytes: BodyBytes::default(),
            samples: Vec::new(),
        };
        let counts = CountsReport {
            incarnation: incarnation.to_owned(),
            at_ms,
            rows: vec![row],
            ..CountsReport::default()
        };
        let inflight = BTreeMap::from([(id, inflight)]);
        GatewayObservation { alive: true, counts: Some(counts), inflight, ..GatewayObservation::default() }
    }

    struct Watched {
        meter: Meter,
        instances: Vec<Instance>,
        members: Members,
    }

    impl Watched {
        fn new() -> Self {
            let id = InstanceId("web-1".to_owned());
            let instances = vec![Instance::new(id.clone(), R1, Moment(0))];
            let members = Members::from([(id, Member { revision: R1, cpu: 500 })]);
            Watched { meter: Meter::default(), instances, members }
        }

        fn take(&mut self, at: u64, seen: &GatewayObservation, cpu_us: u64) {
            let cpu = BTreeMap::from([(InstanceId("web-1".to_owned()), cpu_us)]);
            assert!(self.meter.wants(seen, Moment(at)));
            self.meter.take("a/b/web", seen, &self.instances, cpu, Moment(at));
        }

        fn load(&self, at: u64) -> Load {
            self.meter.load(&self.members, |revision| revision == R1, Moment(at))
        }
    }

    #[test]
    fn rates_are_by_the_gateways_clock_and_count_those_that_came() {
        let mut watched = Watched::new();
        watched.take(1_000, &seen("g", 10_000, 1_000, 0), 0);
        assert_eq!(watched.load(1_000), Load { ready: 1, ..Load::default() });
        // Two reports, late by a quarter of a second each; 100 a second come, fewer are answered.
        watched.take(2_250, &seen("g", 11_000, 1_090, 10), 250_000);
        watched.take(3_000, &seen("g", 12_000, 1_180, 20), 500_000);
        let load = watched.load(3_000);
        assert_eq!((load.ready, load.rate, load.inflight), (1, Some(100.0), Some(10.0)));
        assert_eq!(load.cpu, Some(50.0), "half a second in two, of half a CPU");
        assert!(load.p95.is_some_and(|p95| (p95 - 20.0).abs() < 1.0));
        assert!(!watched.meter.wants(&seen("g", 12_000, 1_180, 20), Moment(3_500)));
    }

    #[test]
    fn a_gateway_that_began_anew_is_counted_from_its_beginning() {
        let mut watched = Watched::new();
        watched.take(1_000, &seen("one", 60_000, 9_000, 0), 0);
        watched.take(2_000, &seen("two", 500, 50, 0), 0);
        assert_eq!(watched.load(2_000).rate, Some(50.0));
    }

    #[test]
    fn what_was_said_long_ago_says_nothing_of_now() {
        let mut watched = Watched::new();
        watched.take(1_000, &seen("g", 1_000, 10, 0), 0);
        watched.take(2_000, &seen("g", 2_000, 20, 0), 0);
        assert_eq!(watched.load(6_900).rate, Some(10.0));
        assert_eq!(watched.load(7_000).rate, None);
    }
}
