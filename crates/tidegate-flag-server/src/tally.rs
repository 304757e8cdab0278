//! What was asked and answered, counted for `/metrics`.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::hall::Hall;
use crate::snapshot::Snapshot;

/// See the module. A count of evaluations is one of flags, not of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) evaluated: Count,
    pub(crate) failed: Count,
    pub(crate) refused: Count,
    pub(crate) connections_refused: Count,
    pub(crate) streams_begun: Count,
    pub(crate) streams_ended: Count,
    pub(crate) reloads: Count,
    pub(crate) reloads_failed: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.many(1);
    }

    pub(crate) fn many(&self, many: u64) {
        self.0.fetch_add(many, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// In Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, count) in [
            ("evaluations", "Flags that were evaluated.", &self.evaluated),
            ("evaluation_failures", "Flags that could not be evaluated.", &self.failed),
            ("requests_refused", "Requests without a key that may ask.", &self.refused),
            ("connections_refused", "Connections over the limit.", &self.connections_refused),
            ("streams", "Streams of changes that began.", &self.streams_begun),
            ("reloads", "New flags that were read.", &self.reloads),
            ("reload_failures", "New flags that could not be read.", &self.reloads_failed),
        ] {
            counter(&mut text, name, help, count.get());
        }
        let open = self.streams_begun.get().saturating_sub(self.streams_ended.get());
        gauge(&mut text, "streams_open", "Streams of changes that are open.", open);
        text
    }
}

impl Hall {
    /// What is counted, and how old the flags are, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let (sets, standing) = (self.sets(), self.standing());
        let all = |of: fn(&Snapshot) -> usize| sets.iter().map(|(_, flags)| of(flags) as u64).sum();
        let mut text = self.tally().text();
        gauge(&mut text, "flags", "Flags that are served.", all(Snapshot::flags));
        let broken = all(|flags| flags.problems().count());
        gauge(&mut text, "flags_broken", "Flags whose rules cannot be understood.", broken);
        let stale = u64::from(standing.trouble.is_some());
        gauge(
            &mut text,
            "source_broken",
            "1 while newer flags cannot be read and older ones are served.",
            stale,
        );
        let since = standing.published.unwrap_or(SystemTime::UNIX_EPOCH);
        let age = SystemTime::now().duration_since(since).unwrap_or_default().as_secs();
        gauge(&mut text, "age_seconds", "How long ago what is served was read.", age);
        gauge(&mut text, "sets", "Flag sets that are served, an app's environment each.", sets.len() as u64);
        gauge(&mut text, "epoch", "Which writing of the flags is served.", self.epoch());
        text
    }
}

fn counter(text: &mut String, name: &str, help: &str, value: u64) {
    let name = format!("tidegate_flag_{name}_total");
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
}

/// One more line for `/metrics`.
fn gauge(text: &mut String, name: &str, help: &str, value: u64) {
    let name = format!("tidegate_flag_{name}");
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
}
