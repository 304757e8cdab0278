//! A run of a job that a person asks for: checked, then written; the next pass begins it.

use tidegate_core::event::Event;
use tidegate_core::model::{JobRun, JobSpec, Overlap, RunCause, RunPhase};

use crate::answer::{job_of, spec_of, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind, ServiceRef};

/// Runs of one job that may be open when another is asked for.
const MOST_OPEN: usize = 10;

/// Makes a run; its number.
pub fn start_job(world: &mut World<'_>, time: Time, job: &ServiceRef) -> Result<u64, Refusal> {
    let mut state = job_of(world.store, job)?;
    let Some(spec) = spec_of(world.store, &state)? else {
        let message = format!("{} has no job {} any more", state.revision, state.key.service);
        return Err(Refusal::new(RefusalKind::Conflict, "job::gone", message));
    };
    let open = world.store.open_job_runs().map_err(store_trouble)?;
    let open: Vec<JobRun> = open.into_iter().filter(|run| run.key == state.key).collect();
    possible(&spec, &open, job)?;
    state.runs += 1;
    let run = JobRun::new(state.key.clone(), state.runs, RunCause::Asked, time.unix_ms);
    let message = format!("run {} was asked for", run.number);
    let event = Event::of(&state.key, "job.asked", Some(state.revision), message);
    world
        .store
        .transaction(|tx| {
            tx.changes(None, Some(&format!("run {}", run.number)));
            tx.put_job_state(&state)?;
            tx.put_job_run(&run)?;
            tx.event(&event, time.unix_ms).map(drop)
        })
        .map_err(store_trouble)?;
    Ok(run.number)
}

fn possible(spec: &JobSpec, open: &[JobRun], job: &ServiceRef) -> Result<(), Refusal> {
    let Some(first) = open.first() else { return Ok(()) };
    let busy = |message: String| {
        Err(Refusal::new(RefusalKind::Conflict, "job::in-progress", message).help(format!(
            "wait for it, or let runs overlap: `overlap: queue` or `overlap: allow` of the job `{}`",
            job.service
        )))
    };
    match spec.overlap {
        Overlap::Forbid => {
            busy(format!("run {} of {} is {}", first.number, job.service, word_for(first.phase)))
        }
        Overlap::Queue | Overlap::Allow if open.len() >= MOST_OPEN => {
            busy(format!("{} runs of {} are open already", open.len(), job.service))
        }
        Overlap::Queue | Overlap::Allow => Ok(()),
    }
}

fn word_for(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Waiting { .. } => "waiting for its next attempt",
        phase => phase.as_str(),
    }
}
