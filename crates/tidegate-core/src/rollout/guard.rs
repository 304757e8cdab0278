//! Whether the candidate must be taken back: the hard guards, which need no statistics.

use crate::model::{Cause, Instance, Leg, Phase, Rollout, Seen, ServiceSpec};
use crate::time::{Millis, Moment};

use super::groups::Counts;

/// This many ends in a row before it was ever ready are a crash loop.
const ENDS_BEFORE_READY: u32 = 3;
/// This many ends of candidates that had been ready are a crash loop.
const ENDS_AFTER_READY: u32 = 2;
/// So many losses of readiness by one instance, each made good soon, are no accident.
const FLAPS: u32 = 3;
/// A candidate instance that lost readiness may take this long to find it again while others carry on.
pub const UNREADY_FOR: Millis = Millis::seconds(15);

/// What the guards look at.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The rollout.
    pub rollout: &'a Rollout,
    /// Its candidate instances that are meant to run.
    pub candidates: &'a [&'a Instance],
    /// The service as the candidate has it.
    pub spec: Option<&'a ServiceSpec>,
    /// All numbers.
    pub counts: Counts,
    /// Whether a stable instance floods its output too: then the reason is not the candidate's.
    pub stable_floods: bool,
    /// Whether a stable instance lost readiness of late too.
    pub stable_flaps: bool,
    /// Whether requests have reached the candidate alone, so that losing it loses them.
    pub alone: bool,
    /// Whether it is an answer that is waited for, not the candidate.
    pub awaits_answer: bool,
}

/// The first reason to take the candidate back, worst first.
pub fn verdict(watch: &Watch<'_>, now: Moment) -> Option<Cause> {
    crash_loop(watch)
        .or_else(|| lost_readiness(watch, now))
        .or_else(|| flapping(watch))
        .or_else(|| output_flood(watch))
        .or_else(|| start_deadline(watch, now))
        .or_else(|| again_deadline(watch, now))
        .or_else(|| progress_deadline(watch, now))
}

/// When the next guard could speak even if nothing is heard.
pub fn next_deadline(watch: &Watch<'_>) -> Option<Moment> {
    let starts = watch
        .candidates
        .iter()
        .filter(|i| !i.ever_ready)
        .filter_map(|i| Some(i.created_at + watch.spec?.probes.start_within));
    let again = watch.candidates.iter().filter(|i| is_starting_again(i));
    let again = again.filter_map(|i| Some(i.started_at + watch.spec?.probes.start_within));
    let unready = watch.candidates.iter().filter_map(|i| Some(i.unready_since? + UNREADY_FOR));
    let progress =
        waits(watch).then(|| watch.rollout.progress_at + watch.rollout.effective.strategy.deadline);
    starts.chain(again).chain(unready).chain(progress).min()
}

fn crash_loop(watch: &Watch<'_>) -> Option<Cause> {
    let never = watch.candidates.iter().find(|i| !i.ever_ready && i.crashes >= ENDS_BEFORE_READY);
    if let Some(instance) = never {
        let how = last_exit(instance);
        let message = format!(
            "{} of {} ended {} times before it was ready: {how}",
            instance.id, instance.revision, instance.crashes
        );
        return Some(cause("crash-loop", message, instance));
    }
    let fallen = watch.candidates.iter().filter(|i| i.ever_ready && i.crashes > 0);
    let ends: u32 = fallen.clone().map(|i| i.crashes).sum();
    let worst = fallen.max_by_key(|i| i.crashes)?;
    (ends >= ENDS_AFTER_READY).then(|| {
        let how = last_exit(worst);
        let message =
            format!("{} was ready and then ended by itself, {ends} times so far: {how}", worst.revision);
        cause("crash-loop", message, worst)
    })
}

fn lost_readiness(watch: &Watch<'_>, now: Moment) -> Option<Cause> {
    let dead = watch.alone && watch.counts.candidate.ready == 0 && watch.counts.stable.ready > 0;
    let lost = watch.candidates.iter().find(|i| {
        let long = i.unready_since.is_some_and(|since| now.since(since) >= UNREADY_FOR);
        i.ever_ready && !i.is_ready() && (dead || long)
    })?;
    let why = if lost.crashes > 0 { last_exit(lost) } else { last_probe(lost) };
    let message = if dead {
        format!("no instance of {} is ready any more: {why}", lost.revision)
    } else {
        format!("{} has not been ready for {UNREADY_FOR}: {why}", lost.id)
    };
    Some(cause("lost-readiness", message, lost))
}

/// Ready and not and ready: it would begin each step anew for ever.
fn flapping(watch: &Watch<'_>) -> Option<Cause> {
    let restless = watch.candidates.iter().find(|i| i.flaps >= FLAPS && !watch.stable_flaps)?;
    let message = format!(
        "{} was ready and then not, {} times so far: {}",
        restless.id,
        restless.flaps,
        last_probe(restless)
    );
    Some(cause("lost-readiness", message, restless))
}

fn output_flood(watch: &Watch<'_>) -> Option<Cause> {
    let loud = watch.candidates.iter().find(|i| i.flooding && !watch.stable_floods)?;
    let message =
        format!("{} writes output without end, more than 8MiB a second; no stable instance does", loud.id);
    Some(cause("output-flood", message, loud))
}

fn start_deadline(watch: &Watch<'_>, now: Moment) -> Option<Cause> {
    let within = watch.spec?.probes.start_within;
    let late = watch.candidates.iter().find(|i| !i.ever_ready && now.since(i.created_at) >= within)?;
    let why = if late.crashes > 0 { last_exit(late) } else { last_probe(late) };
    Some(cause("start-deadline", format!("{} was not ready within {within}: {why}", late.id), late))
}

/// It ended after it had been ready, and does not get ready again.
fn again_deadline(watch: &Watch<'_>, now: Moment) -> Option<Cause> {
    let within = watch.spec?.probes.start_within;
    let late = watch.candidates.iter().find(|i| is_starting_again(i) && now.since(i.started_at) >= within)?;
    let message = format!(
        "{} was ready, was started again and was not ready within {within}: {}",
        late.id,
        last_probe(late)
    );
    Some(cause("lost-readiness", message, late))
}

fn is_starting_again(instance: &Instance) -> bool {
    instance.ever_ready && instance.seen == Seen::Starting
}

fn progress_deadline(watch: &Watch<'_>, now: Moment) -> Option<Cause> {
    let deadline = watch.rollout.effective.strategy.deadline;
    let late = waits(watch) && now.since(watch.rollout.progress_at) >= deadline;
    late.then(|| Cause {
        code: "progress-deadline".to_owned(),
        message: format!("the rollout got nowhere for {deadline}"),
        instance: watch.candidates.iter().find(|i| !i.is_ready()).map(|i| i.id.clone()),
    })
}

/// Whether the rollout waits for something to happen: a step that is in force has a time of its own.
fn waits(watch: &Watch<'_>) -> bool {
    let rollout = watch.rollout;
    // Who waits for others of its train is held up by them: their clocks run.
    let by_others =
        rollout.train.as_ref().is_some_and(|carriage| !matches!(carriage.leg, Leg::Assembling | Leg::Going));
    let waits = rollout.phase == Phase::Progressing && rollout.position.since.is_none();
    waits && !watch.awaits_answer && !by_others
}

fn cause(code: &str, message: String, instance: &Instance) -> Cause {
    Cause { code: code.to_owned(), message, instance: Some(instance.id.clone()) }
}

fn last_exit(instance: &Instance) -> String {
    instance.last_exit.as_ref().map_or_else(|| "it ended".to_owned(), ToString::to_string)
}

fn last_probe(instance: &Instance) -> String {
    instance
        .last_probe
        .as_ref()
        .map_or_else(|| "no probe was answered".to_owned(), |probe| probe.answer.clone())
}
