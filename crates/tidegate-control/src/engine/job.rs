//! The job reconciler: build commands, migrations and one-off commands run to their end, once.

use tidegate_core::model::{Exit, Job, JobPhase, UnitState};
use tidegate_core::rollout::observe::MISSING_FOR;
use tidegate_core::time::{Millis, Moment};
use tidegate_store::StoreError;

use super::{Effect, Engine, Outcome, Sight, World};

/// How long an ended job can be asked about.
const KEEP_ENDED: Millis = Millis::seconds(3_600);
/// How long a job that was told to stop may take.
const STOP_WITHIN: Millis = Millis::seconds(20);

impl Engine {
    /// Reconciles every job.
    pub(super) fn jobs(&mut self, world: &mut World<'_>, sight: &Sight) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for job in world.store.jobs()? {
            outcome = outcome.and(self.job(world, sight, job)?);
        }
        Ok(outcome)
    }

    fn job(&mut self, world: &mut World<'_>, sight: &Sight, job: Job) -> Result<Outcome, StoreError> {
        if let JobPhase::Ended(_) = job.phase {
            return self.forget(world, sight, &job);
        }
        let now = sight.time.now;
        match sight.seeing.get(&job.id).map(|seen| &seen.state) {
            Some(UnitState::Exited(exit)) => self.end(world, sight, job, exit.clone()),
            Some(UnitState::Running(_)) => {
                self.missing_jobs.remove(&job.id);
                self.watch(world, sight, job)
            }
            None => {
                let since = *self.missing_jobs.entry(job.id.clone()).or_insert(now);
                if now.since(since) < MISSING_FOR {
                    return Ok(Outcome::wake_at(since + MISSING_FOR));
                }
                // Never started again: nobody knows how far it got.
                self.end(world, sight, job, Exit::trouble(Exit::INTERRUPTED))
            }
        }
    }

    /// Stops it once it takes too long.
    fn watch(&mut self, world: &mut World<'_>, sight: &Sight, mut job: Job) -> Result<Outcome, StoreError> {
        let due = job.created_at + Millis(job.within_ms);
        let now = sight.time.now;
        match &job.phase {
            JobPhase::Running if now < due => Ok(Outcome::wake_at(due)),
            JobPhase::Running => {
                job.phase =
                    JobPhase::Stopping { why: format!("it took longer than {}", Millis(job.within_ms)) };
                let effects = [Effect::StopJob(job.id.clone())];
                self.decide(world, sight.time, &[], &effects, |tx| tx.put_job(&job))?;
                Ok(Outcome::changed())
            }
            JobPhase::Stopping { .. } if now >= due + STOP_WITHIN => {
                self.end(world, sight, job, Exit::trouble("it did not end when told to"))
            }
            JobPhase::Stopping { .. } | JobPhase::Ended(_) => Ok(Outcome::wake_at(due + STOP_WITHIN)),
        }
    }

    fn end(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        mut job: Job,
        exit: Exit,
    ) -> Result<Outcome, StoreError> {
        self.missing_jobs.remove(&job.id);
        let exit = match job.phase {
            JobPhase::Stopping { why } => Exit { trouble: Some(why), ..exit },
            JobPhase::Running | JobPhase::Ended(_) => exit,
        };
        job.phase = JobPhase::Ended(exit);
        let effects = [Effect::Remove(job.id.clone())];
        self.decide(world, sight.time, &[], &effects, |tx| tx.put_job(&job))?;
        Ok(Outcome::changed())
    }

    /// Ended jobs stay for a while: for the reconciler that waits for them, and for whoever asks how they ended.
    fn forget(&mut self, world: &mut World<'_>, sight: &Sight, job: &Job) -> Result<Outcome, StoreError> {
        let keep_until: Moment = job.created_at + Millis(job.within_ms.min(KEEP_ENDED.0)) + KEEP_ENDED;
        if sight.time.now < keep_until {
            return Ok(Outcome::wake_at(keep_until));
        }
        world.store.transaction(|tx| tx.remove_job(&job.id))?;
        Ok(Outcome::changed())
    }
}
