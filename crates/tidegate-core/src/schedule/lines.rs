//! What is told of jobs in the timeline. No command is quoted: it may hold a secret.

use super::text::Zoned;
use crate::event::Event;
use crate::model::{Exit, JobRun, JobSpec, JobState, RevisionNo, RunCause, ServiceKey};
use crate::time::Millis;

pub(super) fn scheduled(key: &ServiceKey, number: RevisionNo, spec: &JobSpec) -> Event {
    let message = format!("job {} is due at `{}` ({})", key.service, spec.schedule, spec.timezone);
    Event::of(key, "job.scheduled", Some(number), message)
}

pub(super) fn removed(key: &ServiceKey, number: RevisionNo) -> Event {
    Event::of(key, "job.removed", Some(number), format!("{number} has no job {}", key.service))
}

pub(super) fn clock_set_back(state: &JobState) -> Event {
    let last = Zoned::new(state.decided_unix_ms, &state.timezone);
    let message = format!(
        "the clock is more than a day before {last}, up to which slots were decided: from now on they count anew"
    );
    Event::of(&state.key, "job.clock", Some(state.revision), message)
}

/// Slots that passed while nobody looked. `many`: there were more than were counted.
pub(super) fn missed(state: &JobState, count: u64, many: bool, last: u64, made_up: bool) -> Event {
    let slots = match (count, many) {
        (1, false) => "1 slot was".to_owned(),
        (count, many) => format!("{}{count} slots were", if many { "more than " } else { "" }),
    };
    let last = Zoned::new(last, &state.timezone);
    let then = if made_up { "; the one after it is run now" } else { "" };
    let message = format!("{slots} missed, the last one at {last}, and will not be run{then}");
    Event::of(&state.key, "job.missed", Some(state.revision), message)
}

pub(super) fn skipped(state: &JobState, slot: u64, why: &str) -> Event {
    let at = Zoned::new(slot, &state.timezone);
    Event::of(&state.key, "job.skipped", Some(state.revision), format!("the slot at {at} is left out: {why}"))
}

pub(super) fn skipped_in_all(state: &JobState) -> Event {
    let message = format!("{} slots were left out until the runs in progress were over", state.skipped);
    Event::of(&state.key, "job.skipped", Some(state.revision), message)
}

pub(super) fn queued(state: &JobState, run: &JobRun) -> Event {
    let at = Zoned::new(run.slot_unix_ms, &state.timezone);
    let message = format!("run {} for {at} waits until the one in progress is over", run.number);
    Event::of(&state.key, "job.queued", Some(state.revision), message)
}

pub(super) fn started(state: &JobState, run: &JobRun) -> Event {
    let at = Zoned::new(run.slot_unix_ms, &state.timezone);
    let what = match run.cause {
        RunCause::Due => format!("for {at}"),
        RunCause::CaughtUp => format!("for {at}, which was missed a short while ago"),
        RunCause::Asked => "as it was asked for".to_owned(),
    };
    let attempt = match run.attempts.len() {
        0 | 1 => String::new(),
        n => format!(", attempt {n}"),
    };
    on_last(
        run,
        Event::of(&state.key, "job.started", run.revision, format!("run {} {what}{attempt}", run.number)),
    )
}

pub(super) fn succeeded(run: &JobRun, exit: &Exit) -> Event {
    let message = format!("run {} succeeded after {}", run.number, Millis(exit.ran_ms));
    on_last(run, Event::of(&run.key, "job.succeeded", run.revision, message))
}

pub(super) fn tried_again(run: &JobRun, exit: &Exit, wait: Millis) -> Event {
    let message = format!(
        "attempt {} of run {} failed: {exit}; the next one in {wait}",
        run.attempts.len(),
        run.number
    );
    on_last(run, Event::of(&run.key, "job.attempt_failed", run.revision, message))
}

pub(super) fn failed(run: &JobRun, exit: &Exit) -> Event {
    let message = format!("run {} failed: {exit}", run.number);
    on_last(run, Event::of(&run.key, "job.failed", run.revision, message))
}

fn on_last(run: &JobRun, event: Event) -> Event {
    match run.attempts.last() {
        Some(process) => event.on(process),
        None => event,
    }
}
