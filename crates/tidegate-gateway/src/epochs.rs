//! Routing tables over time: takes the next one, has every worker use it, keeps it on disk, and only then says so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate_core::model::{
    ArmCounts, CountsReport, InstanceId, MirrorReport, RouteChange, RouteCounts, RouteTable,
};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::count::{Front, RouteKey};
use crate::handover::Elders;
use crate::observe::LogCounts;
use crate::registry::{Registry, RowKey, seed};
use crate::route::{Table, TableError, validate};
use crate::table_file::TableFile;
use crate::worker::Order;

/// How long tables that follow are waited for before the disk is.
const REST: Duration = Duration::from_millis(200);
/// Rows of counts that are put together while nothing else is done.
const AT_ONCE: usize = 128;
/// From the end of one to the next: a whole table takes a moment of a processor that requests would have.
const APART: Duration = Duration::from_secs(2);

/// Why a table is not applied. The one in use stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("epoch {asked} is older than {current}")]
    Older { asked: u64, current: u64 },
    #[error("epoch {0} is in use with another table")]
    Differs(u64),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("a worker is gone")]
    Ending,
}

/// Where a gateway listens.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) address: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    /// Where its guest listens, by name.
    pub(crate) guests: BTreeMap<String, String>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Epochs {
    /// Where tables are kept on disk.
    file: Arc<TableFile>,
    /// There is a table that the disk may not have.
    news: Notify,
    /// Where the workers listen.
    pub(crate) places: Places,
    /// Which process this is: counts of another start from zero.
    pub(crate) incarnation: String,
    /// When it began.
    since: Instant,
    front: Front,
    orders: Vec<mpsc::UnboundedSender<Order>>,
    /// The gateways before this one that still drain.
    pub(crate) elders: Arc<Elders>,
    draining: AtomicBool,
    /// See [`Epochs::is_succeeded`].
    succeeded: AtomicBool,
    /// One table at a time.
    applying: Arc<tokio::sync::Mutex<()>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    registry: Registry,
    /// In use by every worker.
    table: Arc<RouteTable>,
}

impl Epochs {
    /// The workers already use `table`, compiled by `registry`.
    pub(crate) fn new(
        file: TableFile,
        places: Places,
        registry: Registry,
        table: Arc<RouteTable>,
        orders: Vec<mpsc::UnboundedSender<Order>>,
        front: Front,
        elders: Arc<Elders>,
    ) -> Self {
        let incarnation = format!("{}-{:016x}", std::process::id(), seed());
        let state = Arc::new(Mutex::new(State { registry, table }));
        let applying = Arc::default();
        let news = Notify::new();
        // What is there already goes to the disk first of all.
        news.notify_one();
        Epochs {
            file: Arc::new(file),
            news,
            places,
            incarnation,
            since: Instant::now(),
            front,
            orders,
            elders,
            draining: AtomicBool::new(false),
            succeeded: AtomicBool::new(false),
            applying,
            state,
        }
    }

    /// The hosts of routes that name one host each.
    pub(crate) fn exact_hosts(&self) -> BTreeSet<String> {
        let table = self.lock().table.clone();
        let hosts = table.routes.iter().map(|route| &route.host).filter(|host| !host.contains('*'));
        hosts.cloned().collect()
    }

    /// The epoch that every worker uses.
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().table.epoch
    }

    /// That epoch, and requests in flight as seen while it was in use.
    pub(crate) fn inflight(&self) -> (u64, BTreeMap<InstanceId, u32>) {
        let (epoch, mut inflight) = {
            let state = self.lock();
            (state.table.epoch, state.registry.inflight())
        };
        self.elders.add_inflight(&mut inflight);
        (epoch, inflight)
    }

    /// The table that every worker uses.
    pub(crate) fn table(&self) -> Arc<RouteTable> {
        self.lock().table.clone()
    }

    /// Workers that end are no failure from here on.
    pub(crate) fn on_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Another gateway keeps the tables of the directory from here on.
    pub(crate) fn on_succeeded(&self) {
        self.succeeded.store(true, Ordering::Relaxed);
    }

    /// Whether another gateway has the directory.
    pub(crate) fn is_succeeded(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// Keeps other tables off until it is dropped.
    pub(crate) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.applying.clone().lock_owned().await
    }

    /// Everything counted so far.
    pub(crate) fn counts(&self) -> CountsReport {
        let (rows, routes) = {
            let registry = &self.lock().registry;
            (registry.counts(), registry.route_counts())
        };
        CountsReport { rows, routes, ..self.counts_beside_rows() }
    }

    /// The same without what is counted by instance and by route.
    pub(crate) fn counts_beside_rows(&self) -> CountsReport {
        let ((ejected, levels), (outcomes, flags)) = {
            let registry = &self.lock().registry;
            (registry.levels(), (registry.outcomes(), registry.flags()))
        };
        let (unrouted, front) = (self.front.unrouted(), self.front.counts());
        let at_ms = self.since.elapsed().as_millis() as u64;
        let incarnation = self.incarnation.clone();
        let (rows, routes) = Default::default();
        CountsReport { incarnation, at_ms, rows, unrouted, routes, front, ejected, levels, outcomes, flags }
    }

    /// Whether it takes a moment to put together everything that was counted.
    pub(crate) fn count_is_large(&self) -> bool {
        self.lock().registry.count_rows() > AT_ONCE
    }

    /// Some of the counts by instance, after a row, and the last row looked at where there may be more.
    pub(crate) fn rows(&self, after: Option<&RowKey>) -> (Vec<ArmCounts>, Option<RowKey>) {
        self.lock().registry.counts_after(after, AT_ONCE)
    }

    /// The same of the counts by route.
    pub(crate) fn routes(&self, after: Option<&RouteKey>) -> (Vec<RouteCounts>, Option<RouteKey>) {
        self.lock().registry.route_counts_after(after, AT_ONCE)
    }

    /// What becomes of the lines of the access log.
    pub(crate) fn log(&self) -> &LogCounts {
        self.front.log()
    }

    /// Requests that are held because nothing of their upstream runs.
    pub(crate) fn waiting(&self) -> BTreeMap<String, u32> {
        self.lock().registry.waiting()
    }

    /// What came of copies of requests so far.
    pub(crate) fn mirrors(&self) -> Vec<MirrorReport> {
        self.lock().registry.mirrors()
    }

    /// Applies a table. When this returns every worker uses it, and the next gateway will find it unless the disk refused.
    /// `change`: what makes it of another, where that is known.
    pub(crate) async fn apply(
        &self,
        table: RouteTable,
        change: Option<RouteChange>,
    ) -> Result<u64, ApplyError> {
        let one_at_a_time = self.hold().await;
        let current = self.table();
        if table.epoch < current.epoch {
            return Err(ApplyError::Older { asked: table.epoch, current: current.epoch });
        }
        if table.epoch == current.epoch {
            // Sent again after a lost answer.
            let same = table == *current;
            return if same { Ok(table.epoch) } else { Err(ApplyError::Differs(table.epoch)) };
        }
        validate(&table, Some(&current))?;
        let table = Arc::new(table);
        // The first one begins on another thread while this one makes the table ready.
        let ((), before, ()) =
            tokio::join!(self.keep(table.clone(), change), self.swap(&table), self.elders.apply(&table));
        let (epoch, before) = (table.epoch, before?);
        let last = std::mem::replace(&mut self.lock().table, table.clone());
        let state = self.state.clone();
        // Nobody is to wait for that but the next table.
        tokio::task::spawn_blocking(move || {
            // Not before: until its swap a worker may still pick what the table no longer has.
            lock(&state).registry.sweep(&table);
            drop((one_at_a_time, before, last, current));
        });
        Ok(epoch)
    }

    /// Has the next gateway find the table.
    async fn keep(&self, table: Arc<RouteTable>, change: Option<RouteChange>) {
        if self.succeeded.load(Ordering::Relaxed) {
            return;
        }
        let (file, epoch) = (self.file.clone(), table.epoch);
        let kept = tokio::task::spawn_blocking(move || file.put(&table, change.as_ref())).await;
        if let Err(error) = kept.map_err(std::io::Error::other).flatten() {
            // Serving comes first: a full disk must not stop a rollback.
            tracing::error!(%error, epoch, "the routing table is not on disk");
        }
        self.news.notify_one();
    }

    /// Has the disk follow, for as long as it is polled.
    pub(crate) async fn follow_on_disk(&self) {
        loop {
            self.news.notified().await;
            tokio::time::sleep(REST).await;
            if let Err(error) = self.write_to_disk().await {
                tracing::error!(%error, "the routing table may not survive a power failure");
            }
            tokio::time::sleep(APART).await;
        }
    }

    /// Tables wait for a moment only: while the one that is written takes its place.
    async fn write_to_disk(&self) -> std::io::Result<()> {
        let table = self.table();
        if table.epoch == 0 || self.succeeded.load(Ordering::Relaxed) {
            return Ok(());
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&table)).await??;
        {
            let _one_at_a_time = self.hold().await;
            // Another gateway may have been given the directory meanwhile.
            if !self.succeeded.load(Ordering::Relaxed) {
                self.file.settle(written)?;
            }
        }
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || file.sync()).await?
    }

    /// Has every worker use the table; what they used before.
    async fn swap(&self, table: &Arc<RouteTable>) -> Result<Vec<Arc<Table>>, ApplyError> {
        let compiled = self.lock().registry.compile(table);
        let mut waits = Vec::with_capacity(self.orders.len());
        for order in &self.orders {
            let (done, wait) = oneshot::channel();
            // Dropped with the order where the worker is gone: the wait ends.
            let _ = order.send(Order::Swap(compiled.clone(), done));
            waits.push(wait);
        }
        let mut before = Vec::with_capacity(waits.len());
        for wait in waits {
            before.extend(wait.await);
        }
        // While the gateway drains, its workers end one by one as their connections do.
        if before.len() < self.orders.len() && !self.draining.load(Ordering::Relaxed) {
            return Err(ApplyError::Ending);
        }
        Ok(before)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
