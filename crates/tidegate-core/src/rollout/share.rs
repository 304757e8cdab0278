//! From ready instances to weights.

use crate::model::{ArmRole, Instance, RevisionNo, Routing, RoutingArm};

use super::groups::{Parts, Role};
use super::shape::Traffic;

/// Who gets requests: ready instances that are meant to run, by revision, weights by their number.
///
/// Where the side that should serve has no ready instance and the other has one, that one serves: a request is never refused
/// while something can answer it.
pub fn share(parts: Parts, traffic: Traffic, instances: &[Instance], before: &Routing) -> Routing {
    let stable = ready_of(instances, |i| serves_as_stable(parts, i, before));
    let candidate = ready_of(instances, |i| parts.role(i.revision) == Role::Candidate);
    // The candidate serves alone and is watched: where it can not be reached at all, the warm stable revision answers.
    let spare = if traffic == Traffic::Candidate && !candidate.is_empty() {
        arms_of(ArmRole::Stable, &stable)
    } else {
        Vec::new()
    };
    if let Traffic::Split { candidate: percent, aside, .. } = traffic
        && !stable.is_empty()
    {
        return split(parts, &stable, &candidate, percent, aside);
    }
    let (stable, candidate) = match traffic {
        // Nobody was meant to meet it yet.
        Traffic::Split { candidate: 0, called: false, .. } if before.candidate_weight() == 0 => {
            (Vec::new(), Vec::new())
        }
        Traffic::Stable if !stable.is_empty() || before.candidate_weight() == 0 => (stable, Vec::new()),
        Traffic::Candidate if !candidate.is_empty() => (Vec::new(), candidate),
        Traffic::Nobody => (Vec::new(), Vec::new()),
        Traffic::Stable | Traffic::Candidate | Traffic::Mixed | Traffic::Split { .. } => (stable, candidate),
    };
    let routes_of = match traffic {
        Traffic::Candidate | Traffic::Nobody => parts.candidate,
        Traffic::Stable | Traffic::Mixed | Traffic::Split { .. } => parts.stable.or(parts.candidate),
    };
    let mut arms = arms_of(ArmRole::Stable, &stable);
    arms.extend(arms_of(ArmRole::Candidate, &candidate));
    set_weights(&mut arms, 100);
    Routing { arms, spare, routes_of, ..Routing::default() }
}

/// The candidate's share is exactly what was asked, whatever the numbers of instances; of 0 it is only in the table, where
/// that is wanted.
fn split(parts: Parts, stable: &[&Instance], candidate: &[&Instance], percent: u32, aside: bool) -> Routing {
    let percent = if candidate.is_empty() { 0 } else { percent };
    let mut arms = arms_of(ArmRole::Stable, stable);
    set_weights(&mut arms, 100 - percent);
    arms.retain(|arm| arm.weight > 0);
    let mut spare = arms_of(ArmRole::Candidate, candidate);
    if percent > 0 {
        arms.extend(spare.drain(..).map(|arm| RoutingArm { weight: percent, ..arm }));
    }
    spare.retain(|_| aside);
    Routing { arms, spare, routes_of: parts.stable.or(parts.candidate), ..Routing::default() }
}

/// Stable instances, and others that are in rotation already and still needed.
fn serves_as_stable(parts: Parts, instance: &Instance, before: &Routing) -> bool {
    match parts.role(instance.revision) {
        Role::Stable => true,
        Role::Other => before.serves(&instance.id),
        Role::Candidate => false,
    }
}

fn ready_of(instances: &[Instance], belongs: impl Fn(&Instance) -> bool) -> Vec<&Instance> {
    instances.iter().filter(|i| i.is_ready() && i.is_reachable() && belongs(i)).collect()
}

fn arms_of(role: ArmRole, instances: &[&Instance]) -> Vec<RoutingArm> {
    let mut revisions: Vec<RevisionNo> = instances.iter().map(|i| i.revision).collect();
    revisions.sort_unstable();
    revisions.dedup();
    revisions
        .into_iter()
        .map(|revision| {
            let mut ids: Vec<_> =
                instances.iter().filter(|i| i.revision == revision).map(|i| i.id.clone()).collect();
            ids.sort();
            RoutingArm { role, revision, weight: 0, instances: ids }
        })
        .collect()
}

/// Weights by number of instances, summing to exactly `sum` (largest remainder).
fn set_weights(arms: &mut [RoutingArm], sum: u32) {
    let all: u32 = arms.iter().map(|arm| arm.instances.len() as u32).sum();
    if all == 0 {
        return;
    }
    let mut remainders = Vec::with_capacity(arms.len());
    let mut given = 0;
    for (index, arm) in arms.iter_mut().enumerate() {
        let exact = arm.instances.len() as u32 * sum;
        arm.weight = exact / all;
        given += arm.weight;
        remainders.push((exact % all, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders.into_iter().take((sum - given) as usize) {
        arms[index].weight += 1;
    }
}
