//! Takes what the backend sees into the instances: levels in, facts out.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::health::backoff;
use crate::model::{
    Exit, Health, Instance, InstanceId, Intent, Seen, ServiceKey, UnitObservation, UnitState,
};
use crate::time::{Millis, Moment};

/// An instance the backend has not known for this long is taken as gone (the machine was restarted).
pub const MISSING_FOR: Millis = Millis(500);
/// Ready this long without a break: earlier crashes are forgotten.
const FORGIVE_AFTER: Millis = Millis::seconds(60);

/// What ends an instance that does not end when told to.
const SIGKILL: i32 = 9;

/// What the backend sees, by unit.
pub type Seeing = BTreeMap<InstanceId, UnitObservation>;

/// Takes an observation into the instances of a service; returns what users are told.
pub fn observe(key: &ServiceKey, instances: &mut [Instance], seeing: &Seeing, now: Moment) -> Vec<Event> {
    instances.iter_mut().filter_map(|instance| observe_one(key, instance, seeing, now)).collect()
}

fn observe_one(key: &ServiceKey, instance: &mut Instance, seeing: &Seeing, now: Moment) -> Option<Event> {
    // A sight of an earlier generation is a late one and says nothing about this one.
    let sight = seeing.get(&instance.id).filter(|sight| sight.generation == instance.generation);
    let Some(sight) = sight else {
        on_missing(instance, now);
        return None;
    };
    instance.missing_since = None;
    if instance.seen == Seen::Ended {
        return None;
    }
    instance.pid = sight.pid.or(instance.pid);
    instance.port = sight.port.or(instance.port);
    instance.flooding = sight.flooding;
    if sight.last_probe.is_some() {
        instance.last_probe.clone_from(&sight.last_probe);
    }
    match &sight.state {
        UnitState::Running(health) => on_running(key, instance, *health, now),
        UnitState::Exited(exit) => Some(on_exit(key, instance, exit, now)),
    }
}

fn on_missing(instance: &mut Instance, now: Moment) {
    if instance.seen == Seen::Ended {
        return;
    }
    let since = *instance.missing_since.get_or_insert(now);
    if now.since(since) < MISSING_FOR {
        return;
    }
    if instance.intent == Intent::Run {
        // Its start is asked for again (see `supervise`); the backend takes that as done where it does know it.
        instance.seen = Seen::Asked;
    } else {
        instance.seen = Seen::Ended;
    }
    instance.ready_since = None;
    instance.unready_since = None;
}

fn on_running(key: &ServiceKey, instance: &mut Instance, health: Health, now: Moment) -> Option<Event> {
    if health.ready {
        instance.unready_since = None;
        let since = *instance.ready_since.get_or_insert(now);
        if now.since(since) >= FORGIVE_AFTER {
            (instance.crashes, instance.flaps) = (0, 0);
        }
        let news = instance.seen != Seen::Ready && instance.seen != Seen::Failing;
        if news {
            instance.seen = Seen::Ready;
            instance.ever_ready = true;
        }
        return news.then(|| told(key, instance, "instance.ready", "is ready"));
    }
    instance.ready_since = None;
    match instance.seen {
        Seen::Asked => {
            instance.seen = Seen::Starting;
            None
        }
        Seen::Ready => {
            instance.seen = Seen::Unready;
            instance.flaps += u32::from(instance.is_wanted());
            instance.unready_since = Some(now);
            let answer =
                instance.last_probe.as_ref().map_or_else(String::new, |probe| format!(": {}", probe.answer));
            // One that was told to stop is not expected to answer.
            let news = !matches!(instance.intent, Intent::Stop { .. });
            news.then(|| told(key, instance, "instance.unready", &format!("is not ready any more{answer}")))
        }
        Seen::Starting | Seen::Unready | Seen::Failing | Seen::Ended => None,
    }
}

fn on_exit(key: &ServiceKey, instance: &mut Instance, exit: &Exit, now: Moment) -> Event {
    instance.seen = Seen::Ended;
    instance.ready_since = None;
    instance.unready_since = None;
    instance.pid = None;
    instance.last_exit = Some(exit.clone());
    if instance.intent == Intent::Run {
        instance.crashes += 1;
        let wait = backoff::delay(instance.crashes, backoff::seed_of(&instance.id.0));
        instance.next_start = Some(now + wait);
        return told(
            key,
            instance,
            "instance.ended",
            &format!("ended by itself: {exit}; started again in {wait}"),
        );
    }
    let killed = exit.signal == Some(SIGKILL) && !exit.out_of_memory;
    let how = if killed {
        "it did not end when told to and was killed after its grace".to_owned()
    } else {
        exit.to_string()
    };
    told(key, instance, "instance.stopped", &format!("stopped: {how}"))
}

fn told(key: &ServiceKey, instance: &Instance, kind: &str, what: &str) -> Event {
    Event::of(key, kind, Some(instance.revision), format!("{} {what}", instance.id)).on(&instance.id)
}
