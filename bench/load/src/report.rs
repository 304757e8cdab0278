//! The account of a finished run, as JSON and as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::seen::Seen;
use crate::tally::{FailureNote, RevisionTally, Tally};

/// The account. `sent` = `ok` + `failed` + `unfinished`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How long requests were given out, in seconds.
    pub seconds: f64,
    /// Requests given out.
    pub sent: u64,
    /// Answered well (status below 400, right body).
    pub ok: u64,
    /// Failed.
    pub failed: u64,
    /// Neither, which would be a fault of the generator.
    pub unfinished: u64,
    /// Requests of the timetable that were never given out, since every connection was busy to the end.
    pub unsent: u64,
    /// Answers by class of status.
    pub statuses: BTreeMap<String, u64>,
    /// Failures by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// `GET`s sent once more after a stale connection.
    pub retried: u64,
    /// What the app's own logs say, where they were asked for.
    pub handled: Option<u64>,
    /// Ids handled more than once.
    pub duplicated: u64,
    /// Ids answered and not handled.
    pub missing: u64,
    /// Some of the duplicated and missing ids.
    pub suspect_ids: Vec<String>,
    /// Latency from the intended start.
    pub latency_ms: Latency,
    /// Answers by revision.
    pub revisions: BTreeMap<String, RevisionTally>,
    /// The first failures.
    pub first_failures: Vec<FailureNote>,
}

/// Latency in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half of the requests were within.
    pub p50: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// All.
    pub max: f64,
}

impl Report {
    /// Makes the account.
    pub fn new(tally: &Tally, seconds: Duration, unsent: u64, seen: Option<Seen>) -> Self {
        let quantile = |share| tally.latency.quantile_ms(share);
        let handled = seen.as_ref().map(|seen| seen.handled);
        let seen = seen.unwrap_or_default();
        Report {
            seconds: seconds.as_secs_f64(),
            sent: tally.sent,
            ok: tally.ok,
            failed: tally.failed,
            unfinished: tally.sent - tally.ok - tally.failed,
            unsent,
            statuses: tally.statuses.clone(),
            failures: tally.failures.clone(),
            retried: tally.retried,
            handled,
            duplicated: seen.duplicated_total,
            missing: seen.missing_total,
            suspect_ids: [seen.duplicated, seen.missing].concat(),
            latency_ms: Latency {
                p50: quantile(0.5),
                p95: quantile(0.95),
                p99: quantile(0.99),
                max: tally.latency.max_ms(),
            },
            revisions: tally.revisions.clone(),
            first_failures: tally.first_failures.clone(),
        }
    }

    /// Whether no request was lost, failed or handled twice.
    pub fn is_clean(&self) -> bool {
        self.sent > 0 && [self.failed, self.duplicated, self.missing, self.unfinished, self.unsent] == [0; 5]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.sent as f64 / self.seconds.max(0.001);
        writeln!(f, "sent        {:>10}   in {:.1} s, {rate:.0} a second", self.sent, self.seconds)?;
        writeln!(f, "ok          {:>10}", self.ok)?;
        writeln!(f, "failed      {:>10}", self.failed)?;
        for (name, count) in &self.failures {
            writeln!(f, "  {name:<18}{count:>2}")?;
        }
        for (name, count) in
            [("unsent", self.unsent), ("unfinished", self.unfinished), ("retried", self.retried)]
        {
            writeln!(f, "{name:<12}{count:>10}")?;
        }
        if let Some(handled) = self.handled {
            writeln!(f, "handled     {handled:>10}   by the app's own log")?;
            writeln!(f, "duplicated  {:>10}", self.duplicated)?;
            writeln!(f, "missing     {:>10}", self.missing)?;
        }
        for (class, count) in &self.statuses {
            writeln!(f, "status {class}  {count:>10}")?;
        }
        for (name, row) in &self.revisions {
            let span = format!("{:.1} s to {:.1} s", row.first_ms as f64 / 1e3, row.last_ms as f64 / 1e3);
            writeln!(f, "revision {name:<10} ok {:>8}  failed {:>6}  {span}", row.ok, row.failed)?;
        }
        let Latency { p50, p95, p99, max } = self.latency_ms;
        writeln!(
            f,
            "latency ms  p50 {p50:.1}  p95 {p95:.1}  p99 {p99:.1}  max {max:.1}   from the intended start"
        )?;
        self.write_failures(f)
    }
}

impl Report {
    fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.first_failures {
            let at = note.at_ms as f64 / 1e3;
            let by = note.revision.as_deref().map(|name| format!(" from {name}")).unwrap_or_default();
            let (number, kind, after) = (note.request, &note.kind, note.after_ms);
            writeln!(f, "  at {at:.3} s: request {number} ({kind}) after {after} ms: {}{by}", note.reason)?;
        }
        for id in &self.suspect_ids {
            writeln!(f, "  duplicated or missing: {id}")?;
        }
        Ok(())
    }
}
