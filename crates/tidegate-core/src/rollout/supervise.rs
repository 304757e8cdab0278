//! Keeps wanted instances running: starts those that ended, after their wait, and stops those that fail their liveness probe.

use crate::event::Event;
use crate::model::{Instance, Intent, Seen, ServiceKey, ServiceSpec, StopSpec};
use crate::time::Moment;

use super::observe::{MISSING_FOR, Seeing};
use super::plan::Action;

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

/// Instances that the liveness probe gave up on: they are told to stop, and `restart` follows when they have ended.
pub fn stop_failing(
    key: &ServiceKey,
    instances: &mut [Instance],
    seeing: &Seeing,
    spec_of: impl Fn(&Instance) -> Option<ServiceSpec>,
) -> (Vec<Action>, Vec<Event>) {
    let mut actions = Vec::new();
    let mut events = Vec::new();
    for instance in instances.iter_mut().filter(|instance| instance.intent == Intent::Run) {
        let failing = seeing.get(&instance.id).is_some_and(|sight| {
            sight.generation == instance.generation
                && matches!(sight.state, crate::model::UnitState::Running(health) if !health.live)
        });
        let running = matches!(instance.seen, Seen::Starting | Seen::Ready | Seen::Unready);
        if failing && running {
            instance.seen = Seen::Failing;
            instance.ready_since = None;
            let stop = spec_of(instance).map_or_else(StopSpec::default, |spec| spec.stop);
            actions.push(Action::Stop { id: instance.id.clone(), generation: instance.generation, stop });
            let answer = instance.last_probe.as_ref().map_or("no answer", |probe| probe.answer.as_str());
            let message = format!("{} fails its liveness probe ({answer}) and is started again", instance.id);
            events
                .push(Event::of(key, "instance.not-live", Some(instance.revision), message).on(&instance.id));
        }
    }
    (actions, events)
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
    instance.missing_since = None;
    instance.port = None;
    instance.pid = None;
}

fn is_missing(instance: &Instance, now: Moment) -> bool {
    instance.missing_since.is_some_and(|since| now.since(since) >= MISSING_FOR)
}
