//! The control loop: one thread, woken by signals and by a period, the only writer of the store.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tidegate_backend::{Backend, Logs};
use tidegate_core::model::{CountsReport, GatewayObservation};
use tidegate_core::time::{Millis, Moment};
use tidegate_store::{Store, StoreError};

use crate::audit::{Keeper, Standing};
use crate::clock::Clock;
use crate::engine::{Engine, EngineConfig, Reports, Time, World};
use crate::experiment;
use crate::seams::{Repositories, RouteSink, Workshop, Workspaces};

/// The longest sleep between two passes.
const PERIOD: Duration = Duration::from_secs(1);
/// How often the time line is kept and old output is removed.
const KEEP_HOUSE_MS: u64 = 60_000;
/// Output of units that are gone is kept this long, in milliseconds.
const OUTPUT_KEPT_MS: u64 = 7 * 86_400_000;
/// And at most this much of it, in bytes.
const OUTPUT_LARGEST: u64 = 1 << 30;

/// A request that runs between two passes.
pub type Ask = Box<dyn FnOnce(&mut World<'_>, Time) + Send>;

/// What wakes the loop.
pub enum Signal {
    /// Something was seen: look at once.
    Look,
    /// Do this, then look.
    Ask(Ask),
    /// End the loop.
    Stop,
}

/// What the loop works on. It owns all of it.
pub struct Parts {
    /// What is remembered.
    pub store: Store,
    /// What runs instances and jobs.
    pub backend: Box<dyn Backend>,
    /// The gateway.
    pub routes: Box<dyn RouteSink>,
    /// Where builds are made.
    pub workshop: Box<dyn Workshop>,
    /// Where steps of pipelines work.
    pub workspaces: Box<dyn Workspaces>,
    /// The apps' Git repositories, where there are any.
    pub repositories: Option<Arc<dyn Repositories>>,
    /// Output of instances and jobs, to be kept within bounds.
    pub logs: Arc<dyn Logs>,
    /// How to go about it.
    pub config: EngineConfig,
    /// The data directory: how far the audit log has come is kept there.
    pub data: PathBuf,
}

/// What others may know of the loop while it runs.
#[derive(Clone, Default)]
pub struct Published {
    inner: Arc<(Mutex<State>, Condvar)>,
    /// Why nothing more happens to each service.
    pub reports: Reports,
    /// Why so many instances of each service are wanted.
    pub scalings: Reports,
    /// What is known of the audit log.
    pub audit: Standing,
}

/// See [`Published`].
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The newest event's number.
    pub latest_event: u64,
    /// What the gateway last said.
    pub gateway: GatewayObservation,
    /// Whether it has a database of where clients are.
    pub has_places: bool,
    /// What it counted a while ago.
    pub earlier: Earlier,
    /// Why the last pass could not be done; `None` where it could.
    pub trouble: Option<String>,
    /// Now, as of the last pass.
    pub now: Moment,
}

/// Counts of half a minute ago, or a little more: with those of now they are those of the last minute.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    at: Moment,
    older: Option<Arc<CountsReport>>,
    newer: Option<Arc<CountsReport>>,
}

impl Earlier {
    /// Taken each half minute.
    const EVERY: Millis = Millis::seconds(30);

    /// The counts, where there are any.
    pub fn counts(&self) -> Option<&CountsReport> {
        self.older.as_deref().or(self.newer.as_deref())
    }

    fn and(self, counts: Option<&CountsReport>, now: Moment) -> Self {
        if self.newer.is_some() && now.since(self.at) < Self::EVERY {
            return self;
        }
        Earlier { at: now, older: self.newer, newer: counts.cloned().map(Arc::new) }
    }
}

impl Published {
    /// The state after the last pass.
    pub fn state(&self) -> State {
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an event with a higher number than `after`, at most `wait`; the newest number then.
    pub fn wait_for_event(&self, after: u64, wait: Duration) -> u64 {
        let (state, changed) = &*self.inner;
        let guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(guard, wait, |state| state.latest_event <= after);
        waited.unwrap_or_else(PoisonError::into_inner).0.latest_event
    }

    fn publish(&self, state: State) {
        *self.inner.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.inner.1.notify_all();
    }
}

/// The way to the loop, before it runs: its sender goes to everything that wakes it.
pub fn signals() -> (Sender<Signal>, Receiver<Signal>) {
    channel()
}

/// Runs until [`Signal::Stop`], then gives the parts back.
///
/// # Errors
/// The store's, where trying again cannot help. A full or failing disk is waited for: what runs goes on meanwhile.
pub fn run(mut parts: Parts, signals: &Receiver<Signal>, published: &Published) -> Result<Parts, StoreError> {
    let clock = Clock::open(&mut parts.store)?;
    let mut engine = Engine::new(parts.config.clone(), published.reports.clone())
        .with_scalings(published.scalings.clone());
    let mut keeper = Keeper::begin(&parts.data, &mut parts.store, clock.now(), published.audit.clone())?;
    let vault = parts.config.vault.clone();
    let mut kept_at = clock.now().now;
    let mut wake = Some(clock.now().now);
    loop {
        let asks = match wait(signals, sleep_of(wake, clock.now().now)) {
            Wakened::Stop => return Ok(parts),
            Wakened::Look(asks) => asks,
        };
        let Parts { store, backend, routes, workshop, workspaces, repositories, .. } = &mut parts;
        let mut world = World {
            store,
            backend: backend.as_mut(),
            routes: routes.as_mut(),
            workshop: workshop.as_mut(),
            workspaces: workspaces.as_mut(),
            repositories: repositories.clone(),
            vault: vault.clone(),
        };
        asks.into_iter().for_each(|ask| ask(&mut world, clock.now()));
        let passed = engine.pass(&mut world, clock.now());
        wake = passed.as_ref().ok().copied().flatten();
        unless_transient(experiment::count_due(world.store, clock.now()))?;
        unless_transient(experiment::forget(world.store))?;
        keeper.keep(world.store, clock.now().unix_ms);
        publish(published, &mut world, &clock, passed.as_ref().err());
        unless_transient(passed.map(drop))?;
        if clock.now().now.since(kept_at).0 >= KEEP_HOUSE_MS {
            kept_at = clock.now().now;
            unless_transient(keep_house(&mut parts, &clock))?;
            unless_transient(keeper.tell(&mut parts.store, clock.now().unix_ms))?;
        }
    }
}

/// A full or failing disk may recover: the next pass tries again.
fn unless_transient(result: Result<(), StoreError>) -> Result<(), StoreError> {
    result.or_else(|error| if error.is_transient() { Ok(()) } else { Err(error) })
}

fn keep_house(parts: &mut Parts, clock: &Clock) -> Result<(), StoreError> {
    clock.keep(&mut parts.store)?;
    experiment::keep_house(&mut parts.store, clock.now())?;
    let instances = parts.store.all_instances()?.into_values().flatten().map(|instance| instance.id);
    let jobs = parts.store.jobs()?.into_iter().map(|job| job.id);
    let keep: Vec<_> = instances.chain(jobs).collect();
    if let Err(error) = parts.logs.prune(&keep, OUTPUT_KEPT_MS, OUTPUT_LARGEST) {
        tracing::warn!(%error, "old output could not be removed");
    }
    Ok(())
}

enum Wakened {
    Look(Vec<Ask>),
    Stop,
}

fn sleep_of(wake: Option<Moment>, now: Moment) -> Duration {
    wake.map_or(PERIOD, |at| at.since(now).to_std().min(PERIOD))
}

/// Sleeps until something wakes the loop, then takes all that has come.
fn wait(signals: &Receiver<Signal>, most: Duration) -> Wakened {
    let mut asks = Vec::new();
    let mut next = match signals.recv_timeout(most) {
        Ok(signal) => Some(signal),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => return Wakened::Stop,
    };
    while let Some(signal) = next {
        match signal {
            Signal::Look => {}
            Signal::Ask(ask) => asks.push(ask),
            Signal::Stop => return Wakened::Stop,
        }
        next = signals.try_recv().ok();
    }
    Wakened::Look(asks)
}

fn publish(published: &Published, world: &mut World<'_>, clock: &Clock, trouble: Option<&StoreError>) {
    if let Some(error) = trouble {
        tracing::error!(%error, "a pass could not be done; what runs goes on");
    }
    let before = published.state();
    let (gateway, now) = (world.routes.observe(), clock.now().now);
    published.publish(State {
        latest_event: world.store.latest_seq().unwrap_or(before.latest_event),
        has_places: world.routes.has_places(),
        earlier: before.earlier.and(gateway.counts.as_ref(), now),
        gateway,
        trouble: trouble.map(ToString::to_string),
        now,
    });
}
