//! Routing tables over time: takes the next one, has every worker use it, keeps it on disk, and only then says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::model::{CountsReport, InstanceId, MirrorReport, RouteTable};
use tokio::sync::{mpsc, oneshot};

use crate::count::Front;
use crate::gateway::GatewayError;
use crate::handover::Elders;
use crate::observe::LogCounts;
use crate::registry::{Registry, seed};
use crate::route::{TableError, validate};
use crate::worker::Order;

/// The last table's file in the gateway's directory.
const TABLE_FILE: &str = "table.json";
/// The table before it, for a start where the last one is torn.
const EARLIER_FILE: &str = "table.json.1";
/// The longest table on disk or on the control socket.
pub(crate) const LARGEST_TABLE: u64 = 64 * 1024 * 1024;

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) address: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Epochs {
    dir: PathBuf,
    /// Where the workers listen.
    pub(crate) places: Places,
    /// Which process this is: counts of another start from zero.
    pub(crate) incarnation: String,
    front: Front,
    orders: Vec<mpsc::UnboundedSender<Order>>,
    /// The gateways before this one that still drain.
    pub(crate) elders: Arc<Elders>,
    draining: AtomicBool,
    /// One table at a time.
    applying: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
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
        dir: PathBuf,
        places: Places,
        registry: Registry,
        table: RouteTable,
        orders: Vec<mpsc::UnboundedSender<Order>>,
        front: Front,
        elders: Arc<Elders>,
    ) -> Self {
        let incarnation = format!("{}-{:016x}", std::process::id(), seed());
        let state = Mutex::new(State { registry, table: Arc::new(table) });
        let applying = Arc::default();
        Epochs {
            dir,
            places,
            incarnation,
            front,
            orders,
            elders,
            draining: AtomicBool::new(false),
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

    /// Keeps other tables off until it is dropped.
    pub(crate) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.applying.clone().lock_owned().await
    }

    /// Everything counted so far.
    pub(crate) fn counts(&self) -> CountsReport {
        let (rows, routes, ejected) = {
            let state = self.lock();
            (state.registry.counts(), state.registry.route_counts(), state.registry.ejected())
        };
        let (unrouted, front) = (self.front.unrouted(), self.front.counts());
        CountsReport { incarnation: self.incarnation.clone(), rows, unrouted, routes, front, ejected }
    }

    /// What becomes of the lines of the access log.
    pub(crate) fn log(&self) -> &LogCounts {
        self.front.log()
    }

    /// What came of copies of requests so far.
    pub(crate) fn mirrors(&self) -> Vec<MirrorReport> {
        self.lock().registry.mirrors()
    }

    /// Applies a table. When this returns every worker uses it, and it is on disk unless the disk refused.
    pub(crate) async fn apply(&self, table: RouteTable) -> Result<u64, ApplyError> {
        let _one_at_a_time = self.applying.lock().await;
        let current = self.lock().table.clone();
        if table.epoch < current.epoch {
            return Err(ApplyError::Older { asked: table.epoch, current: current.epoch });
        }
        if table.epoch == current.epoch {
            // Sent again after a lost answer.
            let same = table == *current;
            return if same { Ok(table.epoch) } else { Err(ApplyError::Differs(table.epoch)) };
        }
        validate(&table)?;
        let table = Arc::new(table);
        let (swapped, kept, ()) = tokio::join!(
            self.swap(&table),
            keep(self.dir.clone(), current, table.clone()),
            self.elders.apply(&table),
        );
        if let Err(error) = kept {
            // Serving comes first: a full disk must not stop a rollback.
            tracing::error!(%error, epoch = table.epoch, "the routing table is not on disk");
        }
        swapped?;
        let epoch = table.epoch;
        let mut state = self.lock();
        state.table = table;
        // Not before: until its swap a worker may still pick an endpoint that is idle now.
        state.registry.sweep();
        Ok(epoch)
    }

    async fn swap(&self, table: &RouteTable) -> Result<(), ApplyError> {
        let compiled = {
            let mut state = self.lock();
            let compiled = Arc::new(state.registry.compile(table));
            state.registry.settle(table);
            compiled
        };
        let mut waits = Vec::with_capacity(self.orders.len());
        for order in &self.orders {
            let (done, wait) = oneshot::channel();
            // Dropped with the order where the worker is gone: the wait ends.
            let _ = order.send(Order::Swap(compiled.clone(), done));
            waits.push(wait);
        }
        let mut gone = 0;
        for wait in waits {
            gone += usize::from(wait.await.is_err());
        }
        // While the gateway drains, its workers end one by one as their connections do.
        if gone > 0 && !self.draining.load(Ordering::Relaxed) {
            return Err(ApplyError::Ending);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last table of a gateway's directory or, where its file is torn, the one before. Where neither can be read the last
/// one's mistake is told.
pub(crate) fn load(dir: &Path) -> Result<RouteTable, GatewayError> {
    let (last, earlier) = (dir.join(TABLE_FILE), dir.join(EARLIER_FILE));
    let torn = match load_table(&last) {
        Err(error @ GatewayError::Table { .. }) if earlier.exists() => error,
        read => return read,
    };
    let Ok(table) = load_table(&earlier) else { return Err(torn) };
    tracing::error!(error = %torn, from = %earlier.display(), epoch = table.epoch, "starting with the table before the last");
    Ok(table)
}

/// Reads a table; none where there is no file. A file that is no table is refused rather than overwritten.
fn load_table(path: &Path) -> Result<RouteTable, GatewayError> {
    let file = |source| GatewayError::File { path: path.to_owned(), source };
    let wrong = |why: String| GatewayError::Table { path: path.to_owned(), why };
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST_TABLE => return Err(wrong("the file is too large".into())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RouteTable::default()),
        Err(error) => return Err(file(error)),
    }
    let bytes = fs::read(path).map_err(file)?;
    let table: RouteTable = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    validate(&table).map_err(|error| wrong(error.to_string()))?;
    Ok(table)
}

/// Writes the table, and the one before it beside it: that one from memory, since the file may be torn.
async fn keep(dir: PathBuf, earlier: Arc<RouteTable>, table: Arc<RouteTable>) -> io::Result<()> {
    let write = move || {
        // The first one follows no other: without a table is no way to start where there was one.
        if earlier.epoch > 0 {
            put(&dir.join(EARLIER_FILE), &earlier)?;
        }
        put(&dir.join(TABLE_FILE), &table)
    };
    tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
}

fn put(path: &Path, table: &RouteTable) -> io::Result<()> {
    let bytes = serde_json::to_vec(table).map_err(io::Error::other)?;
    tidegate_os::file::write_atomic(path, &bytes, 0o600)
}
