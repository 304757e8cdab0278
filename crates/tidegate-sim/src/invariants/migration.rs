//! Migrations: once, and before the candidate.

use tidegate_backend::fake::FakeBackend;
use tidegate_core::model::{Deploy, Phase};
use tidegate_store::Reader;

use super::{Held, ensure};

/// The migration of a deploy ran at most once, and exactly once where it counts as done.
pub fn invariant_a_migration_runs_once(deploy: &Deploy, backend: &FakeBackend) -> Held {
    let Some(job) = &deploy.migration else { return Ok(()) };
    let times = backend.spawned(job);
    let right = times == 1 || (times == 0 && deploy.error.is_some());
    ensure("invariant_a_migration_runs_once", right, || {
        format!("{job} of deploy {} ran {times} times, error {:?}", deploy.id, deploy.error)
    })
}

/// No rollout of a deploy whose migration failed got anywhere.
pub fn invariant_nothing_follows_a_failed_migration(deploy: &Deploy, store: &Reader) -> Held {
    if deploy.migration.is_none() || deploy.error.is_none() {
        return Ok(());
    }
    for id in &deploy.rollouts {
        let Ok(Some(rollout)) = store.rollout(*id) else { continue };
        let taken_back = matches!(rollout.phase, Phase::Aborted | Phase::Failed | Phase::Superseded);
        ensure("invariant_nothing_follows_a_failed_migration", taken_back && rollout.progress == 0, || {
            format!(
                "rollout {id} of deploy {} is {} with {} ready",
                deploy.id, rollout.phase, rollout.progress
            )
        })?;
    }
    Ok(())
}
