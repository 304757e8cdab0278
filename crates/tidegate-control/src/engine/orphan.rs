//! The orphan reconciler: what runs and is in no table is ended.

use std::collections::BTreeSet;

use tidegate_core::model::JobPhase;
use tidegate_store::StoreError;

use super::{Effect, Engine, Outcome, Sight, World};

impl Engine {
    /// Removes units that neither an instance nor a job stands for: the row always comes before the process. A job that
    /// ended stands for none: its start may have failed after the process was there. A question's command is
    /// ours.
    pub(super) fn orphans(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        if sight.seeing.is_empty() {
            return Ok(Outcome::default());
        }
        let instances = world.store.all_instances()?;
        let jobs = world.store.jobs()?;
        let known: BTreeSet<_> = instances
            .values()
            .flatten()
            .map(|instance| &instance.id)
            .chain(jobs.iter().filter(|job| !matches!(job.phase, JobPhase::Ended(_))).map(|job| &job.id))
            .collect();
        let effects: Vec<Effect> = sight
            .seeing
            .keys()
            .filter(|id| !known.contains(id) && !self.queues.has(id) && !self.checks.has(id))
            .cloned()
            .map(Effect::Remove)
            .collect();
        if !effects.is_empty() {
            self.decide(world, sight.time, &[], &effects, |_| Ok(()))?;
        }
        Ok(Outcome::default())
    }
}
