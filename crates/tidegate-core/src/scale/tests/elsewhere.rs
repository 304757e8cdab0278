//! What went wrong where an autoscaler and a rollout worked against each other, by the numbers of Argo Rollouts' reports.

use super::town::{Town, by_cpu, by_rate, scaled};
use crate::model::{ArmRole, RevisionNo, ServiceSpec, ServiceState, StrategyKind};
use crate::rollout::tests::world::name;
use crate::scale::{Autoscaled, Bounds, Input, Load, Measured, Part, decide, wanted};
use crate::time::{Millis, Moment};

fn spec(min: u32) -> ServiceSpec {
    scaled(StrategyKind::BlueGreen, (min, 20), by_cpu(70))
}

/// Decides once a second under the same load for a while.
fn under(state: &mut ServiceState, spec: &ServiceSpec, measured: &Measured, seconds: u64) -> Autoscaled {
    let bounds = Bounds { min: spec.scale.min, max: spec.scale.max };
    let part = |revision| Part { revision, spec, bounds };
    for second in 1..=seconds {
        let now = Moment(second * 1_000);
        let (stable, candidate) = (Some(part(RevisionNo(1))), Some(part(RevisionNo(2))));
        let input = Input { state, stable, candidate, measured, now };
        state.autoscaled = decide(&input).autoscaled;
    }
    state.autoscaled.clone().unwrap()
}

fn load(ready: u32, rate: f64, cpu: f64) -> Load {
    Load { ready, rate: Some(rate), inflight: Some(rate / 20.0), cpu: Some(cpu), p95: None }
}

fn state() -> ServiceState {
    let key =
        crate::model::ServiceKey { app: name("shop"), environment: name("production"), service: name("web") };
    ServiceState { stable: Some(RevisionNo(1)), ..ServiceState::new(key) }
}

/// #4607: the candidate at 109 % CPU, stable at 32 %: their mean is no reason for more, and the candidate drowned.
#[test]
fn argo_4607_a_candidate_that_drowns_gets_instances_of_its_own() {
    let spec = spec(1);
    let measured = Measured {
        stable: load(4, 950.0, 4.0 * 32.0),
        candidate: load(1, 50.0, 109.0),
        ..Measured::default()
    };
    let decided = under(&mut state(), &spec, &measured, 400);
    let candidate = decided.candidate.unwrap();
    assert_eq!(candidate.share.wanted, 2);
    assert!(candidate.at_weight(5) >= 2);
    assert_eq!(decided.stable.unwrap().wanted, 2, "stable by what it uses itself");
}

/// #4347: the number was reduced while the routing change was not yet in force. The number does not follow the weight at all.
#[test]
fn argo_4347_stable_keeps_its_number_whatever_the_weight_is() {
    for share in [0.0, 0.05, 0.5, 0.9, 1.0] {
        let (rate, cost) = (1_000.0, 0.21);
        let arm = |share: f64| load(3, rate * share, rate * share * cost);
        let measured = Measured { stable: arm(1.0 - share), candidate: arm(share), ..Measured::default() };
        let decided = under(&mut state(), &spec(1), &measured, 900);
        let stable = decided.stable.unwrap().wanted;
        assert_eq!(stable, 3, "at {share}");
        assert_eq!(decided.candidate.unwrap().whole.wanted, 3, "at {share}");
    }
}

/// #3849: at promotion the new revision fell back to its lower bound, under full load.
#[test]
fn argo_3849_after_the_promotion_the_number_goes_on_from_what_the_load_needs() {
    let spec = || {
        let mut spec = scaled(StrategyKind::BlueGreen, (1, 20), by_rate(50));
        spec.strategy.bake = Millis::seconds(30);
        spec
    };
    let mut town = Town::of(spec());
    town.run(500.0, 60);
    assert_eq!(town.wanted(), 10);
    town.lost = 0.0;
    town.deploy(2, spec());
    town.run_until(90, |town| town.world.state.rollout.is_none());
    for _ in 0..400 {
        town.step();
        assert_eq!((town.running(2), town.wanted()), (10, 10));
        assert!(town.world.in_rotation().len() >= 10);
    }
    assert_eq!(town.lost, 0.0);
}

/// #2857: a rollout began with the number of the manifest, not with the number that served.
#[test]
fn argo_2857_the_candidate_begins_with_what_stable_has() {
    let spec = || scaled(StrategyKind::BlueGreen, (1, 20), by_rate(50));
    let mut town = Town::of(spec());
    town.run(400.0, 60);
    town.deploy(2, spec());
    town.run(400.0, 3);
    assert_eq!((town.wanted_of_candidate(), town.running(2)), (8, 8));
    let state = &town.world.state;
    assert_eq!(wanted(state, &spec(), RevisionNo(2)), 8);
    assert_eq!(wanted(state, &spec(), RevisionNo(1)), 8);
}

/// #1415: without traffic of its own, stable was scaled to 0 while it might have been needed at once.
#[test]
fn argo_1415_stable_without_traffic_is_not_scaled_to_nothing() {
    let mut spec = scaled(StrategyKind::BlueGreen, (0, 20), by_cpu(70));
    spec.autoscale.as_mut().unwrap().idle = Some(Millis::seconds(10));
    spec.strategy.bake = Millis::seconds(600);
    let mut town = Town::of(spec.clone());
    town.cost = |_| 0.7;
    town.run(300.0, 60);
    let before = town.wanted();
    assert_eq!(before, 3);
    town.deploy(2, spec);
    town.run_until(30, |town| town.world.state.routing.candidate_weight() == 100);
    for _ in 0..400 * 20 {
        town.step();
        assert!(town.running(1) >= before, "{:#?}", town.world.story());
    }
    assert!(town.world.state.routing.arms.iter().all(|arm| arm.role == ArmRole::Candidate));
}
