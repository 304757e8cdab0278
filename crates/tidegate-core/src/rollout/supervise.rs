//! Keeps wanted instances running: starts those that ended, after their wait, and stops those that fail their liveness probe.

use crate::event::Event;
use crate::model::{Instance, Intent, Seen, ServiceKey, StopSpec, UnitObservation, UnitState};
use crate::time::{Millis, Moment};

use super::observe::{MISSING_FOR, Seeing};
use super::plan::Action;

/// Running for longer than its grace by this, an instance that was told to stop has not heard it.
pub(super) const STOP_MARGIN: Millis = Millis::seconds(10);

/// Restarts what is due. `stop_of` gives how an instance of a revision is stopped.
pub fn restart(key: &ServiceKey, instances: &mut [Instance], now: Moment) -> (Vec<Action>, Vec<Event>) {
    let mut actions = Vec::new();
    let mut events = Vec::new();
    for instance in instances.iter_mut().filter(|instance| instance.intent == Intent::Run) {
        if instance.seen == Seen::Ended && instance.next_start.is_none_or(|at| at <= now) {
            begin_generation(instance, now);
            actions.push(start_of(instance));
            let message = format!("{} is started again (restart {})", instance.id, instance.restarts);
            events.push(
                Event::of(key, "instance.restarted", Some(instance.revision), message).on(&instance.id),
            );
        } else if instance.seen == Seen::Asked && is_missing(instance, now) {
            instance.missing_since = Some(now);
            actions.push(start_of(instance));
        }
    }
    (actions, events)
}

/// Instances that the liveness probe gave up on: they are told to stop, and `restart` follows when they have ended. Whatever
/// runs on all the same is told again: the first time may have been lost. `stop_of` gives how an instance is stopped.
pub fn stop_failing(
    key: &ServiceKey,
    instances: &mut [Instance],
    seeing: &Seeing,
    stop_of: impl Fn(&Instance) -> StopSpec,
    now: Moment,
) -> (Vec<Action>, Vec<Event>) {
    let mut actions = Vec::new();
    let mut events = Vec::new();
    for instance in instances.iter_mut().filter(|instance| instance.intent == Intent::Run) {
        let stop = stop_of(instance);
        let sight = seeing.get(&instance.id);
        let Some(why) = why_stop(instance, sight, stop, now) else { continue };
        instance.seen = Seen::Failing;
        instance.ready_since = None;
        instance.stop_told_at = Some(now);
        actions.push(Action::Stop { id: instance.id.clone(), generation: instance.generation, stop });
        let message = format!("{} {why}", instance.id);
        events.push(Event::of(key, "instance.not-live", Some(instance.revision), message).on(&instance.id));
    }
    (actions, events)
}

/// When an instance that was told to stop for its liveness is told again, should it still run then.
pub fn told_again_at(instance: &Instance, stop: StopSpec) -> Option<Moment> {
    let failing = instance.seen == Seen::Failing && instance.is_wanted();
    failing.then(|| instance.stop_told_at.unwrap_or(instance.started_at) + stop.grace + STOP_MARGIN)
}

/// Why an instance is told to stop now, in words.
fn why_stop(
    instance: &Instance,
    sight: Option<&UnitObservation>,
    stop: StopSpec,
    now: Moment,
) -> Option<String> {
    let sight = sight.filter(|sight| sight.generation == instance.generation)?;
    let UnitState::Running(health) = sight.state else { return None };
    if told_again_at(instance, stop).is_some_and(|at| at <= now) {
        return Some("still runs though it was told to stop, and is told again".to_owned());
    }
    let running = matches!(instance.seen, Seen::Starting | Seen::Ready | Seen::Unready);
    let answer = instance.last_probe.as_ref().map_or("no answer", |probe| probe.answer.as_str());
    (running && !health.live).then(|| format!("fails its liveness probe ({answer}) and is started again"))
}

/// The action that starts an instance's current generation.
pub fn start_of(instance: &Instance) -> Action {
    Action::Start { id: instance.id.clone(), generation: instance.generation }
}

fn begin_generation(instance: &mut Instance, now: Moment) {
    instance.generation += 1;
    instance.restarts += 1;
    instance.seen = Seen::Asked;
    instance.started_at = now;
    instance.next_start = None;
    instance.stop_told_at = None;
    instance.missing_since = None;
    instance.port = None;
    instance.pid = None;
}

fn is_missing(instance: &Instance, now: Moment) -> bool {
    instance.missing_since.is_some_and(|since| now.since(since) >= MISSING_FOR)
}
