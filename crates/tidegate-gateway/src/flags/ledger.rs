//! Who came with which variant of an experiment, and what came of their requests: noted by the workers, written to a file each second.
//!
//! Workers note into a page of their own, which nobody else holds but for the moment in which it is taken. Everything has an end: users of
//! a second, reports on disk. What is over is counted, and told with the next report. A report is in place whole, or not at all; the control
//! plane removes it once it has taken it, and may be dead meanwhile.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_core::model::{EXPOSURES, ExposedUser, ExposedUsers, ExposureReport, MOST_EXPOSED, ReportName};
use tidegate_os::file;

use super::exposed::{Digest, Experiment};
use crate::count::Outcome;

/// From one report to the next.
const EVERY: Duration = Duration::from_secs(1);
/// So many reports wait on disk, of so many bytes together; while there are more, what comes is counted and not kept. At one a second, ten
/// minutes.
const MOST_REPORTS: usize = 600;
const MOST_BYTES: u64 = 64 << 20;
/// Users in one report, of all experiments together: what is over is counted.
const MOST_USERS: usize = 20_000;
/// Experiments with users in one second.
const MOST_EXPERIMENTS: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    dir: PathBuf,
    pages: Box<[Mutex<Page>]>,
    /// What could not be told, until it can be.
    owed: Mutex<HashMap<Arc<Experiment>, u64>>,
    /// Of the last report.
    serial: AtomicU64,
}

/// What one worker saw since it was last asked.
type Page = HashMap<Arc<Experiment>, Users>;

#[derive(Debug, Default)]
struct Users {
    seen: HashMap<(Digest, usize), Tally>,
    /// Requests of users beyond the most.
    dropped: u64,
}

/// One user's requests.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tally {
    at_unix_ms: u64,
    requests: u32,
    answered: u32,
    bad: u32,
    latency_ms: f64,
}

/// A user that was given a variant.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) experiment: Arc<Experiment>,
    pub(super) user: Digest,
    /// The place of the variant.
    pub(super) place: usize,
    pub(super) at_unix_ms: u64,
}

impl Ledger {
    /// Of the gateway in this directory, with so many workers.
    pub(crate) fn new(dir: PathBuf, workers: usize) -> Self {
        let pages = (0..workers).map(|_| Mutex::default()).collect();
        Ledger { dir: dir.join(EXPOSURES), pages, ..Ledger::default() }
    }

    /// A request of a user has ended.
    pub(super) fn note(&self, worker: usize, seen: &Sighting, outcome: Outcome, latency: Duration) {
        let Some(page) = self.pages.get(worker) else { return };
        let mut page = lock(page);
        if page.len() >= MOST_EXPERIMENTS && !page.contains_key(&seen.experiment) {
            return;
        }
        let users = page.entry(seen.experiment.clone()).or_default();
        users.add((seen.user, seen.place), Tally::of(seen.at_unix_ms, outcome, latency));
    }

    /// Writes down what was seen since the last time. `incarnation`: which gateway this is. Called once a second, and at the end.
    pub(crate) fn write(&self, incarnation: &str) -> io::Result<()> {
        let mut page = self.take();
        for (experiment, dropped) in std::mem::take(&mut *lock(&self.owed)) {
            page.entry(experiment).or_default().dropped += dropped;
        }
        if page.is_empty() {
            return Ok(());
        }
        let put = if self.is_full() {
            Err(io::ErrorKind::QuotaExceeded.into())
        } else {
            self.put(incarnation, &page)
        };
        if put.is_err() {
            self.owe(&page);
        }
        put
    }

    /// The pages of all workers as one.
    fn take(&self) -> Page {
        let mut all = Page::new();
        for page in &self.pages {
            for (experiment, users) in std::mem::take(&mut *lock(page)) {
                all.entry(experiment).or_default().join(users);
            }
        }
        let mut left = MOST_USERS;
        for users in all.values_mut() {
            users.keep(left);
            left -= users.seen.len();
        }
        all
    }

    fn put(&self, incarnation: &str, page: &Page) -> io::Result<()> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed) + 1;
        let experiments = page.iter().map(|(experiment, users)| users.report(experiment)).collect();
        let report = ExposureReport { incarnation: incarnation.to_owned(), serial, experiments };
        if !self.dir.is_dir() {
            fs::create_dir_all(&self.dir)?;
        }
        file::write_whole(&self.dir.join(report.name().file_name()), &serde_json::to_vec(&report)?, 0o600)
    }

    /// What could not be written is not forgotten: it is counted, and told as left out.
    fn owe(&self, page: &Page) {
        let mut owed = lock(&self.owed);
        for (experiment, users) in page {
            *owed.entry(experiment.clone()).or_default() += users.requests();
        }
    }

    /// Whether the control plane has too much to take in already.
    fn is_full(&self) -> bool {
        let Ok(entries) = fs::read_dir(&self.dir) else { return false };
        let is_report =
            |entry: &fs::DirEntry| entry.file_name().to_str().and_then(ReportName::of_file).is_some();
        let reports = entries.flatten().filter(is_report).take(MOST_REPORTS);
        // One that is gone meanwhile was taken.
        let sizes: Vec<u64> = reports.map(|entry| entry.metadata().map_or(0, |found| found.len())).collect();
        sizes.len() >= MOST_REPORTS || sizes.iter().sum::<u64>() >= MOST_BYTES
    }
}

/// Writes a report each second, for as long as it is polled.
pub(crate) async fn keep(ledger: Arc<Ledger>, incarnation: String) {
    let mut was_told = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let (writing, name) = (ledger.clone(), incarnation.clone());
        let written = tokio::task::spawn_blocking(move || writing.write(&name)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(()) => was_told = false,
            // Once, not each second.
            Err(error) if !was_told => {
                tracing::warn!(%error, "users of experiments cannot be told and are counted alone");
                was_told = true;
            }
            Err(_) => {}
        }
    }
}

impl Users {
    fn add(&mut self, key: (Digest, usize), tally: Tally) {
        let full = self.seen.len() >= MOST_EXPOSED;
        match self.seen.get_mut(&key) {
            Some(known) => *known = known.and(tally),
            None if full => self.dropped += u64::from(tally.requests),
            None => drop(self.seen.insert(key, tally)),
        }
    }

    fn join(&mut self, other: Users) {
        self.dropped += other.dropped;
        other.seen.into_iter().for_each(|(key, tally)| self.add(key, tally));
    }

    /// Counts those beyond so many, and keeps the rest.
    fn keep(&mut self, most: usize) {
        let mut place = 0;
        let dropped = &mut self.dropped;
        self.seen.retain(|_, tally| {
            place += 1;
            let kept = place <= most;
            *dropped += if kept { 0 } else { u64::from(tally.requests) };
            kept
        });
    }

    fn requests(&self) -> u64 {
        self.dropped + self.seen.values().map(|tally| u64::from(tally.requests)).sum::<u64>()
    }

    fn report(&self, experiment: &Experiment) -> ExposedUsers {
        let users = self.seen.iter().map(|((user, place), tally)| ExposedUser {
            user: user.iter().map(|byte| format!("{byte:02x}")).collect(),
            variant: experiment.known.variants.get(*place).cloned().unwrap_or_default(),
            at_unix_ms: tally.at_unix_ms,
            requests: tally.requests,
            answered: tally.answered,
            bad: tally.bad,
            latency_ms: tally.latency_ms,
        });
        ExposedUsers {
            set: experiment.set.clone(),
            flag: experiment.flag.clone(),
            design: experiment.known.design.clone(),
            dropped: self.dropped,
            users: users.collect(),
        }
    }
}

impl Tally {
    fn of(at_unix_ms: u64, outcome: Outcome, latency: Duration) -> Self {
        let answered = u32::from(outcome != Outcome::Cancelled);
        let bad = u32::from(outcome.is_bad());
        Tally { at_unix_ms, requests: 1, answered, bad, latency_ms: latency.as_secs_f64() * 1_000.0 }
    }

    fn and(self, more: Tally) -> Tally {
        Tally {
            at_unix_ms: self.at_unix_ms.min(more.at_unix_ms),
            requests: self.requests.saturating_add(more.requests),
            answered: self.answered.saturating_add(more.answered),
            bad: self.bad.saturating_add(more.bad),
            latency_ms: self.latency_ms + more.latency_ms,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
