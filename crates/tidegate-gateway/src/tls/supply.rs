//! Sees to it that routed hosts have certificates: looks which lack one or have one that is due, and has the local authority
//! or ACME make it. One order per host at a time, and after a failure a pause that doubles. Runs on the control side.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::{Id, JoinSet};

use super::acme::{Acme, AcmeError};
use super::local_ca::{self, LocalCa};
use super::status::{Status, Trouble};
use super::{Origin, Shelf, folder};
use crate::epochs::Epochs;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure: at least, and at most. Authorities count failures by the hour.
const PAUSE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(6 * 60 * 60));
/// Within which time what was issued is in use: nobody orders it again meanwhile.
const SETTLES: Duration = Duration::from_secs(10);
const UNUSED: &str = "what was issued is not in use: gateway.log says what is wrong with it";
/// Orders under way at a time.
const ORDERS: usize = 4;

/// Who makes certificates.
#[derive(Debug)]
pub(crate) enum Source {
    /// Nobody: they are put there.
    None,
    /// The local authority.
    Dev(Box<LocalCa>),
    /// An authority elsewhere.
    Acme(Arc<Acme>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Supply {
    source: Source,
    certs: PathBuf,
    shelf: Arc<Shelf>,
    status: Status,
    failed: BTreeMap<String, Failed>,
    issued: BTreeMap<String, Instant>,
    orders: JoinSet<Result<(), AcmeError>>,
    under_way: BTreeMap<Id, String>,
}

#[derive(Debug)]
struct Failed {
    times: u32,
    next: Instant,
    why: String,
}

impl Supply {
    pub(crate) fn new(source: Source, certs: PathBuf, shelf: Arc<Shelf>, status: Status) -> Self {
        Supply {
            source,
            certs,
            shelf,
            status,
            failed: BTreeMap::new(),
            issued: BTreeMap::new(),
            orders: JoinSet::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// Looks again and again, until another gateway has the directory: two would write the same files.
    pub(crate) async fn keep(mut self, epochs: Arc<Epochs>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if epochs.is_succeeded() {
                return;
            }
            self.take_ended();
            let hosts = epochs.exact_hosts();
            self.failed.retain(|host, _| hosts.contains(host));
            self.look_after_issued();
            for host in hosts {
                if self.is_wanted(&host) {
                    self.make(host);
                }
            }
            self.tell();
        }
    }

    fn take_ended(&mut self) {
        while let Some(ended) = self.orders.try_join_next_with_id() {
            let (order, result) = match ended {
                Ok(ended) => ended,
                Err(error) => (error.id(), Err(AcmeError::Request(error.to_string()))),
            };
            if let Some(host) = self.under_way.remove(&order) {
                self.on_end(host, result);
            }
        }
    }

    /// What is still not in use after a while never will be.
    fn look_after_issued(&mut self) {
        let settled = self.issued.extract_if(.., |_, at| at.elapsed() >= SETTLES);
        for host in settled.map(|(host, _)| host).collect::<Vec<_>>() {
            if self.is_wanted(&host) {
                self.on_failure(&host, UNUSED.to_owned());
            }
        }
    }

    fn is_ordered(&self, host: &str) -> bool {
        self.under_way.values().any(|other| other == host)
    }

    /// Whether the host has nothing that holds for a while and nothing that somebody else sees to.
    fn is_wanted(&self, host: &str) -> bool {
        if matches!(self.source, Source::None) || self.is_ordered(host) || !local_ca::is_host(host) {
            return false;
        }
        if self.issued.contains_key(host) {
            return false;
        }
        let paused = self.failed.get(host).is_some_and(|failed| Instant::now() < failed.next);
        let folder = folder::of(&self.certs, host);
        let due = match self.shelf.leaf(host) {
            None => Origin::may_put(&folder),
            Some(leaf) => leaf.is_due(SystemTime::now()) && Origin::of(&folder) != Origin::Files,
        };
        due && !paused
    }

    fn make(&mut self, host: String) {
        match &self.source {
            Source::None => {}
            Source::Dev(ca) => {
                if let Err(error) = ca.ensure(&self.certs, &host) {
                    self.on_failure(&host, error.to_string());
                }
            }
            Source::Acme(acme) if self.under_way.len() < ORDERS => {
                let attempt = self.failed.get(&host).map_or(0, |failed| failed.times);
                let (acme, certs) = (acme.clone(), self.certs.clone());
                let asked = host.clone();
                let order = self.orders.spawn(async move { acme.obtain(&certs, &asked, attempt).await });
                self.under_way.insert(order.id(), host);
            }
            Source::Acme(_) => {}
        }
    }

    fn on_end(&mut self, host: String, result: Result<(), AcmeError>) {
        match result {
            Ok(()) => {
                self.failed.remove(&host);
                tracing::info!(host, "a certificate was issued");
                self.issued.insert(host, Instant::now());
            }
            Err(error) => self.on_failure(&host, error.to_string()),
        }
    }

    fn on_failure(&mut self, host: &str, why: String) {
        let times = self.failed.get(host).map_or(0, |failed| failed.times) + 1;
        let pause = PAUSE.0.saturating_mul(2_u32.saturating_pow(times - 1)).min(PAUSE.1);
        tracing::error!(host, why, times, pause_s = pause.as_secs(), "no certificate could be made");
        self.failed.insert(host.to_owned(), Failed { times, next: Instant::now() + pause, why });
    }

    fn tell(&mut self) {
        let trouble = |failed: &Failed| Trouble { why: failed.why.clone(), times: failed.times };
        let failed = self.failed.iter().map(|(host, failed)| (host.clone(), trouble(failed))).collect();
        self.status.tell(failed);
    }
}
