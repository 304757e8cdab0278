//! Which rollouts that begin together make a train.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::model::{Carriage, Leg, Name, RolloutId};
use crate::rollout::Begun;

/// Couples rollouts that begin together into these trains, and tells of each. A member that has nothing to do stays behind;
/// of one alone no train is made.
pub fn couple(begun: &mut [Begun], trains: &BTreeMap<Name, Vec<Name>>) -> Vec<Event> {
    trains.iter().filter_map(|(train, order)| couple_one(begun, train, order)).collect()
}

fn couple_one(begun: &mut [Begun], train: &Name, order: &[Name]) -> Option<Event> {
    let place = |service: &Name| begun.iter().position(|one| one.rollout.key.service == *service);
    let places: Vec<usize> = order.iter().filter_map(place).collect();
    let rollouts: Vec<RolloutId> = places.iter().map(|place| begun[*place].rollout.id).collect();
    let first = places.first().filter(|_| places.len() > 1).map(|place| begun[*place].rollout.clone())?;
    for place in &places {
        let (train, rollouts) = (train.clone(), rollouts.clone());
        begun[*place].rollout.train = Some(Carriage { train, rollouts, leg: Leg::Assembling });
    }
    let services: Vec<&str> = places.iter().map(|place| begun[*place].rollout.key.service.as_str()).collect();
    let (key, to) = (&first.key, first.to);
    let message = format!("train {train} to {to} is rolled out as one: {}", services.join(", "));
    let event = Event::about(key.app.as_str(), key.environment.as_str(), "train.started", message);
    Some(Event { revision: Some(to), ..event })
}
