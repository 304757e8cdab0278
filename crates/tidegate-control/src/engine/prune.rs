//! The prune reconciler: old history, revisions and builds go, never those a rollback needs.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{
    Build, BuildId, BuildPhase, DeployPhase, Name, PipelineRun, RevisionNo, RunNo, RunState,
};
use tidegate_core::time::Millis;
use tidegate_store::{Reader, StoreError};

use super::{Engine, Outcome, Sight, World};
use crate::setting;

const EVERY: Millis = Millis::seconds(60);
const KEEP_ROLLOUTS: usize = 100;
const KEEP_DEPLOYS: usize = 100;
const KEEP_RUNS: usize = 100;
/// Runs of an app that did not succeed and whose files are kept for another try.
const KEEP_FAILED: usize = 10;

impl Engine {
    /// Once a minute.
    pub(super) fn prune(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let now = sight.time.now;
        let due = *self.pruned_at.get_or_insert(now) + EVERY;
        if now < due {
            return Ok(Outcome::default());
        }
        self.pruned_at = Some(now);
        let keep = self.config.keep_revisions;
        let needed = needed_revisions(world.store)?;
        world.store.transaction(|tx| {
            tx.prune_rollouts(KEEP_ROLLOUTS)?;
            tx.prune_deploys(KEEP_DEPLOYS)?;
            tx.prune_pipeline_runs(KEEP_RUNS)?;
            needed
                .iter()
                .try_for_each(|((app, env), used)| tx.prune_revisions(app, env, keep, used).map(drop))
        })?;
        setting::prune(world.store)?;
        let runs = world.store.newest_pipeline_runs(None, None, usize::from(u16::MAX))?;
        self.prune_builds(world, &runs)?;
        let unfinished = world.store.builds()?.into_iter().filter(|build| build.phase.is_unfinished());
        let snapshots = unfinished.map(|build| build.snapshot).chain(snapshots_of(&runs));
        world.workshop.keep_snapshots(&snapshots.collect());
        keep_of_runs(world, &runs);
        world.store.checkpoint()?;
        Ok(Outcome::default())
    }

    /// Builds no revision uses any more, and the oldest over the size limit that only a past revision uses, or a run that may be
    /// tried again.
    fn prune_builds(&mut self, world: &mut World<'_>, runs: &[PipelineRun]) -> Result<(), StoreError> {
        let protected = builds_of(world.store, &needed_revisions(world.store)?)?;
        let mut used = builds_of_all(world.store)?;
        used.extend(may_be_tried_again(runs).map(|run| run.input.build.clone()));
        let snapshots: BTreeSet<String> = snapshots_of(runs).into_iter().collect();
        let mut builds = world.store.builds()?;
        builds.sort_by_key(|build| std::cmp::Reverse(build.made_at_unix_ms));
        let mut kept_bytes = 0_u64;
        for build in builds.into_iter().filter(|build| build.phase == BuildPhase::Ready) {
            let stays = protected.contains(&build.id)
                || (used.contains(&build.id) && kept_bytes + build.size <= self.config.keep_build_bytes);
            if stays {
                kept_bytes += build.size;
            } else {
                discard(world, build, &snapshots)?;
            }
        }
        Ok(())
    }
}

/// What open runs are made from, and the newest that failed, which may be tried again.
fn snapshots_of(runs: &[PipelineRun]) -> Vec<String> {
    let open = runs.iter().filter(|run| !run.state.is_over());
    open.chain(may_be_tried_again(runs)).map(|run| run.input.snapshot.clone()).collect()
}

/// Of each app the newest that did not succeed. One that was superseded is never tried again.
fn may_be_tried_again(runs: &[PipelineRun]) -> impl Iterator<Item = &PipelineRun> {
    let mut kept: BTreeMap<&Name, usize> = BTreeMap::new();
    let failed = runs.iter().filter(|run| matches!(run.state, RunState::Failed | RunState::Cancelled));
    failed.filter(move |run| {
        let kept = kept.entry(&run.app).or_default();
        *kept += 1;
        *kept <= KEEP_FAILED
    })
}

/// Workspaces of what runs, artifacts and commits of runs that are known.
fn keep_of_runs(world: &mut World<'_>, runs: &[PipelineRun]) {
    let open = runs.iter().filter(|run| !run.state.is_over());
    let steps = open.flat_map(|run| &run.stages).flat_map(|stage| &stage.steps);
    let units = steps.flat_map(|step| step.attempts.iter().cloned()).collect();
    let numbers: BTreeSet<RunNo> = runs.iter().map(|run| run.number).collect();
    world.workspaces.keep(&units, &numbers);
    if let Some(repositories) = &world.repositories {
        let apps: BTreeSet<&Name> = runs.iter().map(|run| &run.app).collect();
        for app in apps {
            if let Err(error) = repositories.keep_only(app, &numbers) {
                tracing::warn!(%app, %error, "commits of old runs could not be let go of");
            }
        }
    }
}

/// What it was made from goes with it, but for these.
fn discard(world: &mut World<'_>, mut build: Build, snapshots: &BTreeSet<String>) -> Result<(), StoreError> {
    build.phase = BuildPhase::Pruned;
    world.store.transaction(|tx| {
        tx.remove_flag_document(&build.id)?;
        tx.put_build(&build)
    })?;
    let snapshot = Some(build.snapshot.as_str()).filter(|snapshot| !snapshots.contains(*snapshot));
    world.workshop.discard(&build.id, snapshot);
    Ok(())
}

type Needed = BTreeMap<(Name, Name), BTreeSet<RevisionNo>>;

/// What serves, what a rollback goes to, what jobs run, what a rollout moves, what still runs.
fn needed_revisions(store: &Reader) -> Result<Needed, StoreError> {
    let mut needed = Needed::new();
    let instances = store.all_instances()?;
    for state in store.services()? {
        let place = needed.entry((state.key.app.clone(), state.key.environment.clone())).or_default();
        place.extend(state.stable.into_iter().chain(state.previous).chain(state.routing.routes_of));
        place.extend(instances.get(&state.key).into_iter().flatten().map(|instance| instance.revision));
    }
    for job in store.job_states()? {
        needed.entry((job.key.app, job.key.environment)).or_default().insert(job.revision);
    }
    for rollout in store.active_rollouts()? {
        let place = (rollout.key.app.clone(), rollout.key.environment.clone());
        needed.entry(place).or_default().extend(rollout.from.into_iter().chain([rollout.to]));
    }
    Ok(needed)
}

fn builds_of(store: &Reader, needed: &Needed) -> Result<BTreeSet<BuildId>, StoreError> {
    let mut builds = BTreeSet::new();
    for ((app, environment), numbers) in needed {
        for number in numbers {
            builds.extend(store.revision(app, environment, *number)?.map(|revision| revision.spec.build));
        }
    }
    let open = store.open_deploys()?;
    builds.extend(open.into_iter().filter(|d| d.phase != DeployPhase::Failed).map(|deploy| deploy.build));
    builds.extend(store.jobs()?.into_iter().map(|job| job.build));
    builds.extend(store.open_pipeline_runs()?.into_iter().map(|run| run.input.build));
    Ok(builds)
}

fn builds_of_all(store: &Reader) -> Result<BTreeSet<BuildId>, StoreError> {
    let mut builds = BTreeSet::new();
    for (app, environment) in store.apps()? {
        builds
            .extend(store.revisions_of(&app, &environment)?.into_iter().map(|revision| revision.spec.build));
    }
    Ok(builds)
}
