//! What is simulated, and what is wanted of the judge there.

use crate::latency::{STABLE, longer_tail, slower};
use crate::traffic::Traffic;
use crate::trial::Outcome;

/// In seconds.
pub const HOUR: u64 = 3_600;

/// One kind of traffic.
#[derive(Clone, Debug)]
pub struct Row {
    /// In words.
    pub name: String,
    /// The traffic.
    pub traffic: Traffic,
    /// How long a run is.
    pub seconds: u64,
    /// Whether the judge is written down and read again after each second, beside one that is not.
    pub restarts: bool,
    /// What the same version met before for an hour, elsewhere; its judgement is carried over.
    pub before: Option<Traffic>,
    /// What the judge must reach.
    pub wanted: Wanted,
}

/// What the judge must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// Aborts of a good candidate: at most this part.
    FewAborts(f64),
    /// The candidate is aborted, with a median of at most so many requests; and what was expected of the method.
    Found { most: f64, expected: f64 },
    /// The candidate is as bad as must not be promoted: promoted in at most this part.
    FewPromotions(f64),
    /// Most good candidates are promoted, with few aborts.
    Promoted(f64),
    /// Nothing: the figures are of interest.
    Shown,
}

impl Wanted {
    /// What it did not reach, in words.
    pub fn missed_by(&self, outcome: &Outcome) -> Option<String> {
        let slack = 1.0 / outcome.runs as f64; // one run more or less is not the difference
        let said = |bad: bool, what: String| bad.then_some(what);
        if outcome.differed > 0 {
            return Some(format!("{} restarts changed something", outcome.differed));
        }
        match *self {
            Wanted::FewAborts(most) => {
                said(outcome.aborted(0) > most + slack, format!("more than {} % aborted", most * 100.0))
            }
            Wanted::FewPromotions(most) => {
                let part = outcome.promoted as f64 / outcome.runs as f64;
                said(part > most + slack, format!("more than {} % promoted", most * 100.0))
            }
            Wanted::Promoted(least) => {
                let part = outcome.promoted as f64 / outcome.runs as f64;
                said(part < least, format!("less than {} % promoted", least * 100.0))
            }
            Wanted::Found { most, .. } => {
                let median = outcome.median(0, |found| found.requests).map_or(f64::INFINITY, |m| m as f64);
                let few = outcome.found[0].len() as f64 + 1.0 < 0.95 * outcome.runs as f64;
                said(few || median > most, format!("more than {most:.0} requests, or not found"))
            }
            Wanted::Shown => None,
        }
    }
}

/// All of them.
pub fn all() -> Vec<Row> {
    let mut rows = healthy();
    rows.extend(shared());
    rows.extend(faults());
    rows.extend(late());
    rows.extend(slow());
    rows.extend(promotions());
    rows.extend(carried());
    rows
}

fn row(name: String, traffic: Traffic, wanted: Wanted) -> Row {
    Row { name, traffic, seconds: HOUR, restarts: false, before: None, wanted }
}

/// Candidates that are as good as stable, for an hour.
fn healthy() -> Vec<Row> {
    let mut rows = Vec::new();
    for base in [0.0001, 0.001, 0.005, 0.009, 0.05] {
        let traffic = Traffic::new(10.0, 90.0, base, base);
        rows.push(row(format!("healthy {} %", percent(base)), traffic, Wanted::FewAborts(ALPHA)));
    }
    for (candidate, stable) in
        [(1.0, 9.0), (100.0, 900.0), (1.0, 99.0), (5.0, 95.0), (25.0, 75.0), (50.0, 50.0)]
    {
        for base in [0.001, 0.009] {
            let name = format!("healthy {} %, {candidate} + {stable}/s", percent(base));
            rows.push(row(name, Traffic::new(candidate, stable, base, base), Wanted::FewAborts(ALPHA)));
        }
    }
    for base in [0.001, 0.05] {
        let traffic = Traffic::new(10.0, 90.0, base, base * 1.25);
        let name = format!("allowed {} → {} %", percent(base), percent(base * 1.25));
        rows.push(row(name, traffic, Wanted::FewAborts(ALPHA)));
    }
    rows
}

/// What happens to both arms alike, or to one session.
fn shared() -> Vec<Row> {
    let mut rows = Vec::new();
    for base in [0.001, 0.009] {
        let incident = Some((1_200..1_560, 0.03));
        let traffic = Traffic { incident, ..Traffic::new(10.0, 90.0, base, base) };
        let name = format!("healthy {} %, both 3 % for 6 min", percent(base));
        rows.push(row(name, traffic, Wanted::FewAborts(ALPHA)));
        let traffic = Traffic { burst: Some(10.0), ..Traffic::new(10.0, 90.0, base, base) };
        let name = format!("healthy {} %, bursts of 10", percent(base));
        rows.push(row(name, traffic, Wanted::FewAborts(ALPHA)));
    }
    let floor = Traffic::new(10.0, 90.0, 0.0001, 0.0004);
    rows.push(row("under the floor 0.01 → 0.04 %".to_owned(), floor, Wanted::Shown));
    rows
}

/// Candidates that are bad from the beginning: rates, and requests until they are found as the plain method has it.
fn faults() -> Vec<Row> {
    let expected = [
        (0.001, 0.005, 2_389.0),
        (0.001, 0.01, 680.0),
        (0.001, 0.02, 266.0),
        (0.001, 0.05, 105.0),
        (0.001, 0.5, 40.0),
        (0.005, 0.01, 8_349.0),
        (0.01, 0.02, 4_355.0),
        (0.0001, 0.001, 6_979.0),
    ];
    let mut rows: Vec<Row> = Vec::new();
    for (base, bad, expected) in expected {
        let name = format!("fault {} → {} %", percent(base), percent(bad));
        rows.push(fault(name, Traffic::new(10.0, 90.0, base, bad), expected));
    }
    let name = "fault 0.1 → 1 %, 1 + 9/s".to_owned();
    rows.push(fault(name, Traffic::new(1.0, 9.0, 0.001, 0.01), 816.0));
    let shown =
        fault("fault 0.1 → 1 %, 100 + 900/s".to_owned(), Traffic::new(100.0, 900.0, 0.001, 0.01), 0.0);
    rows.push(Row { wanted: Wanted::Shown, ..shown });
    rows
}

fn fault(name: String, traffic: Traffic, expected: f64) -> Row {
    let wanted = Wanted::Found { most: 1.1 * expected, expected };
    Row { seconds: 2 * HOUR, ..row(name, traffic, wanted) }
}

/// Candidates that become bad after half an hour.
fn late() -> Vec<Row> {
    let late = |base: f64, bad: f64| {
        let traffic = Traffic { onset: HOUR / 2, ..Traffic::new(10.0, 90.0, base, bad) };
        let name = format!("late {} → {} %", percent(base), percent(bad));
        Row { wanted: Wanted::Shown, ..fault(name, traffic, 0.0) }
    };
    vec![late(0.001, 0.01), late(0.001, 0.05), late(0.01, 0.05)]
}

/// Latency.
fn slow() -> Vec<Row> {
    let timed = |name: &str, candidate, wanted| {
        let traffic = Traffic { slow: Some([STABLE, candidate]), ..Traffic::new(10.0, 90.0, 0.0, 0.0) };
        row(name.to_owned(), traffic, wanted)
    };
    let found = |expected: f64| Wanted::Found { most: 1.1 * expected, expected };
    let rows = [
        timed("slow: healthy", STABLE, Wanted::FewAborts(ALPHA)),
        timed("slow: all 20 % slower", slower(1.2), found(416.0)),
        timed("slow: tail 20 % longer", longer_tail(1.2), found(1_894.0)),
    ];
    rows.to_vec()
}

/// Candidates that may, and may not, be promoted.
fn promotions() -> Vec<Row> {
    let promoted = |base: f64, bad: f64, wanted| {
        let name = format!("promotion {} → {} %", percent(base), percent(bad));
        row(name, Traffic::new(10.0, 90.0, base, bad), wanted)
    };
    let mut rows = vec![
        promoted(0.001, 0.002, Wanted::FewPromotions(BETA)),
        promoted(0.01, 0.02, Wanted::FewPromotions(BETA)),
        promoted(0.05, 0.1, Wanted::FewPromotions(BETA)),
        promoted(0.001, 0.001, Wanted::Promoted(0.9)),
        promoted(0.0, 0.0, Wanted::Promoted(0.9)),
    ];
    let mut restarts = promoted(0.009, 0.009, Wanted::FewAborts(ALPHA));
    (restarts.restarts, restarts.seconds, restarts.name) = (true, 120, "restart each second".to_owned());
    rows.push(restarts);
    rows
}

/// Candidates that come from another environment: how good they were there, and are here.
fn carried() -> Vec<Row> {
    let carried = |before: (f64, f64), here: (f64, f64), wanted| {
        let of = |(base, bad): (f64, f64)| format!("{} → {} %", percent(base), percent(bad));
        let (first, traffic) =
            (Traffic::new(10.0, 90.0, before.0, before.1), Traffic::new(10.0, 90.0, here.0, here.1));
        Row {
            before: Some(first),
            ..row(format!("carried {}, then {}", of(before), of(here)), traffic, wanted)
        }
    };
    let found = |expected: f64| Wanted::Found { most: 1.1 * expected, expected };
    vec![
        carried((0.001, 0.001), (0.001, 0.001), Wanted::FewAborts(ALPHA)),
        carried((0.009, 0.009), (0.009, 0.009), Wanted::FewAborts(ALPHA)),
        carried((0.001, 0.001), (0.05, 0.05), Wanted::FewAborts(ALPHA)),
        // What has to be won is ln 2 more: 13 %.
        carried((0.001, 0.001), (0.001, 0.01), found(1.13 * 680.0)),
        carried((0.001, 0.001), (0.001, 0.05), found(1.13 * 105.0)),
        // What has to be won is half.
        carried((0.001, 0.01), (0.001, 0.01), found(0.5 * 680.0)),
        carried((0.01, 0.02), (0.01, 0.02), Wanted::FewPromotions(BETA)),
        // Bad here alone: the root of what else holds.
        carried((0.01, 0.01), (0.01, 0.02), Wanted::FewPromotions(BETA.sqrt())),
        carried((0.0, 0.0), (0.0, 0.0), Wanted::Promoted(0.9)),
    ]
}

/// What a policy by default promises on one count.
const ALPHA: f64 = 0.005;
const BETA: f64 = 0.05;

/// `0.1`.
pub fn percent(rate: f64) -> String {
    let text = format!("{:.4}", rate * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
