//! The control loop's body: one pass takes in what is seen, lets every reconciler decide, remembers, and acts.
//!
//! A pass takes no input but the store and the observation, so it may be cut off between any two lines and begun again: the
//! loop in [`crate::run`] does so with the real world, `tidegate-sim` with a fake one, crashes included. Reconcilers are one
//! file each; whatever they decide is in the store before anything is done about it.

mod admission;
mod app_user;
pub(crate) mod ask;
mod attest;
mod build;
mod carried;
mod checks;
mod deploy;
mod effect;
mod experiments;
mod flags;
mod guards;
mod job;
mod judging;
mod leaving;
mod meter;
mod migration;
mod orphan;
mod pipeline;
mod place;
mod prune;
mod queue;
mod revisions;
pub mod routes;
mod scale;
mod schedule;
mod service;
mod site;
mod stop;
mod traffic;
mod train;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidegate_backend::Backend;
use tidegate_core::event::Event;
use tidegate_core::model::{GatewayObservation, InstanceId, Judged, Limits, ServiceKey};
use tidegate_core::rollout::observe::Seeing;
use tidegate_core::time::Moment;
use tidegate_store::{Store, StoreError, Tx};

use crate::experiment::Pseudonyms;
use crate::provenance::Keys;
use crate::seams::{Repositories, RouteSink, Workshop, Workspaces};
use crate::vault::Vault;
pub(crate) use deploy::{effective_for, told};
pub use effect::Effect;
use meter::Meter;
pub(crate) use migration::expand_digest;
use queue::Queues;
use revisions::Revisions;
pub use site::site_in;
pub(crate) use train::{as_a_whole, members_of};

/// A pass comes to rest within this many rounds; more would be a bug, so the rest waits for the next pass.
const MOST_ROUNDS: usize = 24;

/// The world a pass works on.
pub struct World<'a> {
    /// What is remembered.
    pub store: &'a mut Store,
    /// What runs instances and jobs.
    pub backend: &'a mut dyn Backend,
    /// The gateway.
    pub routes: &'a mut dyn RouteSink,
    /// Where builds are made.
    pub workshop: &'a mut dyn Workshop,
    /// Where steps of pipelines work.
    pub workspaces: &'a mut dyn Workspaces,
    /// The apps' Git repositories; `None`: there are none, and nothing is pushed.
    pub repositories: Option<Arc<dyn Repositories>>,
    /// What opens secrets; `None`: nothing does, and whatever refers to one does not start.
    pub vault: Option<Arc<Vault>>,
}

/// The time of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// For decisions.
    pub now: Moment,
    /// For people: milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// What an engine is set up with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// What a build command and a migration may use.
    pub job_limits: Limits,
    /// Revisions kept per environment, besides those that are needed.
    pub keep_revisions: usize,
    /// Steps of pipelines that run at the same time.
    pub steps_at_once: usize,
    /// Bytes of builds kept, besides those that are needed.
    pub keep_build_bytes: u64,
    /// The flags of whoever has no key: `app/environment`; `None`: nobody gets any without one.
    pub flags_open: Option<String>,
    /// The key of users' digests; `None`: the gateway tells nothing of users.
    pub pseudonyms: Option<Arc<Pseudonyms>>,
    /// What signs attestations of builds; `None`: none are made, and none are asked for.
    pub keys: Option<Arc<Keys>>,
    /// What opens secrets; `None`: nothing does.
    pub vault: Option<Arc<Vault>>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig {
            job_limits: Limits::default(),
            keep_revisions: 20,
            steps_at_once: 2,
            keep_build_bytes: 10 << 30,
            flags_open: None,
            pseudonyms: None,
            keys: None,
            vault: None,
        }
    }
}

/// Why nothing more happens to each service, as last planned. Shared with whoever answers `status`.
pub type Reports = Arc<Mutex<BTreeMap<ServiceKey, Vec<String>>>>;

/// What is said now of the candidate of each service with a rollout; nobody judges one that is missing.
pub type Verdicts = BTreeMap<ServiceKey, Judged>;

/// The reconcilers and the little they keep between passes; all of it can be lost.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    revisions: Revisions,
    missing_jobs: BTreeMap<InstanceId, Moment>,
    schedules: schedule::Schedules,
    reports: Reports,
    verdicts: Verdicts,
    /// Why so many instances of each service are wanted.
    scalings: Reports,
    meters: BTreeMap<ServiceKey, Meter>,
    queues: Queues,
    checks: checks::Checks,
    flags: flags::Flags,
    experiments: experiments::Experiments,
    guards: guards::Guards,
    pruned_at: Option<Moment>,
    pushed: Option<u64>,
    stopped_again: bool,
    judgements: judging::Judgements,
    traffic: traffic::Traffic,
    admission: admission::Admission,
}

/// What a round saw.
struct Sight {
    seeing: Seeing,
    gateway: GatewayObservation,
    time: Time,
}

/// What a reconciler says of its round.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// It changed something: another round may find more to do.
    changed: bool,
    /// When it wants to look again.
    wake: Option<Moment>,
}

impl Outcome {
    fn changed() -> Self {
        Outcome { changed: true, wake: None }
    }

    fn wake_at(at: Moment) -> Self {
        Outcome { changed: false, wake: Some(at) }
    }

    fn and(self, other: Outcome) -> Outcome {
        let wake = [self.wake, other.wake].into_iter().flatten().min();
        Outcome { changed: self.changed || other.changed, wake }
    }
}

impl Engine {
    /// An engine that knows nothing yet; the store does.
    pub fn new(config: EngineConfig, reports: Reports) -> Self {
        Engine {
            config,
            revisions: Revisions::default(),
            missing_jobs: BTreeMap::new(),
            schedules: schedule::Schedules::new(),
            reports,
            verdicts: Verdicts::new(),
            scalings: Reports::default(),
            meters: BTreeMap::new(),
            queues: Queues::default(),
            checks: checks::Checks::default(),
            flags: flags::Flags::default(),
            experiments: experiments::Experiments::default(),
            guards: guards::Guards::default(),
            pruned_at: None,
            pushed: None,
            stopped_again: false,
            judgements: judging::Judgements::new(),
            traffic: traffic::Traffic::default(),
            admission: admission::Admission::default(),
        }
    }

    /// What is said of candidates of which the gateway counts nothing, from the next pass on. For those who have no gateway: the
    /// simulation. A new engine has heard nothing.
    pub fn hear(&mut self, verdicts: Verdicts) {
        self.verdicts = verdicts;
    }

    /// The same, telling there why so many instances of each service are wanted.
    pub fn with_scalings(self, scalings: Reports) -> Self {
        Engine { scalings, ..self }
    }

    /// Looks and acts until there is nothing more to do now. Returns when to look again even if nothing is heard.
    ///
    /// # Errors
    /// The store's. Nothing is half done: what was decided is in the store, and the next pass goes on from there.
    pub fn pass(&mut self, world: &mut World<'_>, time: Time) -> Result<Option<Moment>, StoreError> {
        // Left over from a pass that was cut off.
        effect::run_all(self, world, time)?;
        if !self.stopped_again {
            self.stop_again(world)?;
            self.stopped_again = true;
        }
        let mut outcome = Outcome::default();
        for _ in 0..MOST_ROUNDS {
            outcome = self.round(world, time)?;
            if !outcome.changed {
                break;
            }
        }
        Ok(if outcome.changed { Some(time.now) } else { outcome.wake })
    }

    fn round(&mut self, world: &mut World<'_>, time: Time) -> Result<Outcome, StoreError> {
        let sight = Sight {
            seeing: world.backend.observe().into_iter().map(|seen| (seen.id.clone(), seen)).collect(),
            gateway: world.routes.observe(),
            time,
        };
        let builds = self.builds(world, &sight)?;
        let jobs = self.jobs(world, &sight)?;
        let deploys = self.deploys(world, &sight)?;
        let guards = self.guards(world, &sight)?;
        // Before what a deploy brings gets a request.
        let flags = self.flags(world, &sight)?;
        let experiments = self.experiments(world, &sight)?;
        let scales = self.scales(world, &sight)?;
        let leaving = self.leaving(world, &sight)?;
        let services = self.services(world, &sight)?;
        let pipelines = self.pipelines(world, &sight)?;
        let migrations = self.migrations(world, &sight)?;
        let schedules = self.schedules(world, &sight)?;
        let routes = self.routes(world, &sight)?;
        let orphans = self.orphans(world, &sight)?;
        let recorded = self.record_traffic(world, &sight)?;
        let pruned = self.prune(world, &sight)?;
        Ok([
            jobs,
            deploys,
            guards,
            flags,
            scales,
            services,
            migrations,
            schedules,
            routes,
            orphans,
            recorded,
            pruned,
            pipelines,
            experiments,
            leaving,
        ]
        .into_iter()
        .fold(builds, Outcome::and))
    }

    /// Remembers what `work` writes, the events and the effects in one transaction, then acts.
    fn decide(
        &mut self,
        world: &mut World<'_>,
        time: Time,
        events: &[Event],
        effects: &[Effect],
        work: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        world.store.transaction(|tx| {
            work(tx)?;
            effects.iter().try_for_each(|effect| tx.push_action(effect).map(drop))?;
            events.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))
        })?;
        if effects.is_empty() { Ok(()) } else { effect::run_all(self, world, time) }
    }
}
