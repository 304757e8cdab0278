//! Whatever was told to stop is told once more after a restart.
//!
//! A stop counts as done once the backend has taken it over; a control plane killed right then has perhaps not passed it on.
//! Nobody would tell again, and who was never asked to finish its work would be killed when its grace is over.

use tidegate_core::model::{Instance, InstanceId, Intent, JobPhase, Seen, ServiceKey, StopSpec};
use tidegate_store::StoreError;

use super::effect::JOB_STOP;
use super::{Engine, World};

impl Engine {
    /// Once per process, before its first look. Not in the outbox: the next process does it again.
    pub(super) fn stop_again(&mut self, world: &mut World<'_>) -> Result<(), StoreError> {
        for (key, instances) in world.store.all_instances()? {
            for instance in instances.iter().filter(|instance| was_told(instance)) {
                let stop = self.stop_of(world, &key, instance)?;
                tell(world, &instance.id, instance.generation, stop);
            }
        }
        let stopping = |phase: &JobPhase| matches!(phase, JobPhase::Stopping { .. });
        for job in world.store.jobs()?.iter().filter(|job| stopping(&job.phase)) {
            tell(world, &job.id, 1, JOB_STOP);
        }
        Ok(())
    }

    fn stop_of(
        &mut self,
        world: &World<'_>,
        key: &ServiceKey,
        instance: &Instance,
    ) -> Result<StopSpec, StoreError> {
        let revision = self.revisions.get(world.store, key, instance.revision)?;
        let service = revision.as_ref().and_then(|revision| revision.spec.services.get(&key.service));
        Ok(service.map_or_else(StopSpec::default, |service| service.stop))
    }
}

fn was_told(instance: &Instance) -> bool {
    let to_leave = matches!(instance.intent, Intent::Stop { .. });
    (to_leave && instance.seen != Seen::Ended) || instance.seen == Seen::Failing
}

/// Told twice is told once: the earlier end counts.
fn tell(world: &mut World<'_>, id: &InstanceId, generation: u64, stop: StopSpec) {
    if let Err(error) = world.backend.stop(id, generation, stop) {
        tracing::warn!(unit = %id, %error, "could not be told to stop again");
    }
}
