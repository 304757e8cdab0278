//! A run: gives out requests by the timetable, waits for the last of them, makes the account.
//!
//! Bounds: requests in flight by two semaphores, each request by its timeout, the run by `Config::last`.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, interval, sleep_until, timeout};

use crate::config::Config;
use crate::connection::Pool;
use crate::exchange;
use crate::payload::Random;
use crate::progress;
use crate::report::Report;
use crate::request::Request;
use crate::seen::{self, Acknowledged};
use crate::tally::Tally;

/// Most requests in flight on connections of their own.
const MOST_FRESH: usize = 512;
/// How long the app's logs may take to show a request that was handled twice.
const SETTLE: Duration = Duration::from_millis(200);

struct Shared {
    config: Config,
    pool: Pool,
    tally: Mutex<Tally>,
    begun: Instant,
}

struct Slots {
    kept: Arc<Semaphore>,
    fresh: Arc<Semaphore>,
    kept_size: usize,
}

struct Timetable<'a> {
    shared: &'a Arc<Shared>,
    slots: &'a Slots,
    random: Random,
    next: u64,
}

/// Makes a run. Errors are about the logs of the app alone: what happens to requests is in the report.
pub async fn run(config: Config) -> io::Result<Report> {
    let acknowledged = config.seen_log.is_some().then(Acknowledged::default);
    let tally = Mutex::new(Tally { acknowledged, ..Tally::default() });
    let shared = Arc::new(Shared { config, pool: Pool::default(), tally, begun: Instant::now() });
    let slots = Slots::new(shared.config.connections);
    let mut timetable =
        Timetable { shared: &shared, slots: &slots, random: Random(shared.config.seed), next: 0 };
    let (unsent, given_in) = tokio::select! {
        given = timetable.run() => given,
        never = report_progress(&shared) => match never {},
    };
    account(&shared, unsent, given_in).await
}

async fn account(shared: &Shared, unsent: u64, seconds: Duration) -> io::Result<Report> {
    let config = &shared.config;
    if config.seen_log.is_some() {
        tokio::time::sleep(SETTLE).await;
    }
    let tally = shared.tally.lock().expect("no holder of this lock can panic");
    let seen = match (&config.seen_log, &tally.acknowledged) {
        (Some(folder), Some(acknowledged)) => {
            Some(seen::compare(folder, &config.run_name, tally.sent, acknowledged)?)
        }
        _ => None,
    };
    Ok(Report::new(&tally, seconds, unsent, seen))
}

impl Timetable<'_> {
    /// Gives out requests until the end, then those that are late, then waits for the answers. Returns how many were
    /// never given out and how long the timetable was.
    async fn run(&mut self) -> (u64, Duration) {
        let config = &self.shared.config;
        let mut end = std::pin::pin!(until_end(config));
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                () = self.give_next() => {}
            }
        }
        let ended = Instant::now();
        let _ = timeout(config.timeout, self.give_late(ended)).await; // the rest is counted as unsent
        self.slots.wait_until_free(config.timeout + Duration::from_secs(1)).await;
        let lasted = ended - self.shared.begun;
        let due = (lasted.as_secs_f64() * config.rate).floor() as u64;
        (due.saturating_sub(self.next), lasted)
    }

    async fn give_late(&mut self, ended: Instant) {
        while self.intended() < ended {
            self.give_next().await;
        }
    }

    fn intended(&self) -> Instant {
        self.shared.begun + Duration::from_secs_f64(self.next as f64 / self.shared.config.rate)
    }

    /// Gives out the next request at its time, or later when every slot is taken. Safe to drop while it waits.
    async fn give_next(&mut self) {
        let request = Request::draw(self.next, &self.shared.config, &mut self.random);
        let intended = self.intended();
        let permit = self.slots.take(&request, intended).await;
        self.next += 1;
        self.shared.tally.lock().expect("no holder of this lock can panic").on_sent();
        tokio::spawn(carry_out(Arc::clone(self.shared), request, intended, permit));
    }
}

async fn carry_out(shared: Arc<Shared>, request: Request, intended: Instant, permit: OwnedSemaphorePermit) {
    let outcome = exchange::make(&shared.config, &shared.pool, request).await;
    let (at, latency) = (shared.begun.elapsed(), intended.elapsed());
    shared.tally.lock().expect("no holder of this lock can panic").on_outcome(&request, outcome, at, latency);
    drop(permit);
}

/// Returns when the time is over, the file exists, or somebody pressed Ctrl-C.
async fn until_end(config: &Config) {
    let file_exists = async {
        let Some(path) = &config.until_file else { return std::future::pending().await };
        let mut ticks = interval(Duration::from_millis(50));
        while !path.exists() {
            ticks.tick().await;
        }
    };
    tokio::select! {
        () = tokio::time::sleep(config.last) => {}
        () = file_exists => {}
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
}

async fn report_progress(shared: &Shared) -> std::convert::Infallible {
    // A destination that fails ends the lines; the account at the end is what counts.
    let _ = progress::report(shared.config.progress.clone(), &shared.tally).await;
    std::future::pending().await
}

impl Slots {
    fn new(kept_size: usize) -> Self {
        let (kept, fresh) = (Arc::new(Semaphore::new(kept_size)), Arc::new(Semaphore::new(MOST_FRESH)));
        Slots { kept, fresh, kept_size }
    }

    async fn take(&self, request: &Request, intended: Instant) -> OwnedSemaphorePermit {
        sleep_until(intended).await;
        let slots = if request.fresh { &self.fresh } else { &self.kept };
        Arc::clone(slots).acquire_owned().await.expect("the semaphores are never closed")
    }

    async fn wait_until_free(&self, longest: Duration) {
        let all = async {
            let _kept = self.kept.acquire_many(self.kept_size as u32).await;
            let _fresh = self.fresh.acquire_many(MOST_FRESH as u32).await;
        };
        // What is still in flight after that shows as unfinished.
        let _ = timeout(longest, all).await;
    }
}
