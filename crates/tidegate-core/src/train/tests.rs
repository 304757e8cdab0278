//! Several services in virtual time, each planned by the real planner, each seeing the others only as they are stored.

use super::*;
use crate::model::{
    Judged, Name, Request, RevisionNo, RolloutKind, ServiceSpec, Step, StrategyKind, Verdict,
};
use crate::rollout::Begun;
use crate::rollout::tests::world::{Behaviour, GOOD, World, name, spec};
use crate::time::Millis;

/// Services in the order of their train.
struct Town {
    worlds: Vec<World>,
}

const WEB: usize = 0;
const API: usize = 1;

impl Town {
    /// `web`, which calls `api`: both serve their first revision.
    fn serving(web: StrategyKind, api: StrategyKind) -> Self {
        let mut worlds = vec![World::serving_as("web", web, 2), World::serving_as("api", api, 2)];
        for (n, world) in worlds.iter_mut().enumerate() {
            world.ids_from = 100 * (n as u64 + 1);
        }
        Town { worlds }
    }

    /// Both get their second revision as one.
    fn deploy(&mut self, specs: [ServiceSpec; 2], behaviours: [Behaviour; 2]) {
        let mut begun = Vec::new();
        for ((world, spec), behaviour) in self.worlds.iter_mut().zip(specs).zip(behaviours) {
            world.deploy(2, spec, behaviour);
            begun.push(Begun { state: world.state.clone(), superseded: None, rollout: world.last().clone() });
        }
        let trains = BTreeMap::from([(name("all"), vec![name("web"), name("api")])]);
        assert_eq!(couple(&mut begun, &trains).len(), 1);
        for (world, one) in self.worlds.iter_mut().zip(begun) {
            *world.rollouts.last_mut().unwrap() = one.rollout;
        }
    }

    fn members(&self) -> Vec<Member> {
        let of = |world: &World| {
            let rollout = world.last().clone();
            let sends = still_sends(&rollout, &world.instances, Some(&world.inflight));
            Member { rollout, sends }
        };
        self.worlds.iter().map(of).collect()
    }

    /// One after the other, as the reconciler does it; `first` says who begins.
    fn step(&mut self, first: usize) {
        for n in [first, 1 - first] {
            let members = self.members();
            self.worlds[n].train = Some(signal(&members, members[n].rollout.id));
            self.worlds[n].step();
            self.check();
        }
    }

    fn run_until(&mut self, most: u64, done: impl Fn(&Town) -> bool) {
        for n in 0..most / 50 {
            if done(self) {
                return;
            }
            self.step((n % 2) as usize);
        }
        panic!("not done: {:#?}\n{:#?}", self.worlds[WEB].story(), self.worlds[API].story());
    }

    fn phases(&self) -> [Phase; 2] {
        [self.worlds[WEB].last().phase, self.worlds[API].last().phase]
    }

    fn ends(&mut self, phase: Phase) {
        self.run_until(300_000, |town| town.worlds.iter().all(|world| world.state.rollout.is_none()));
        assert_eq!(self.phases(), [phase; 2], "{:#?}", self.worlds[API].story());
    }

    /// Never one promoted and one taken back; whoever is called can be reached on every side that calls.
    fn check(&self) {
        let phases = self.phases();
        let back = phases.iter().any(|phase| is_lost(*phase));
        assert!(!(back && phases.contains(&Phase::Succeeded)), "{phases:?}");
        let [web, api] = [&self.worlds[WEB], &self.worlds[API]];
        let calls = web.state.routing.lane.is_some() && web.state.routing.has_candidate();
        let alive = api.instances.iter().any(|i| i.revision == RevisionNo(2) && i.is_ready());
        if calls && web.state.routing.candidate_weight() > 0 && alive {
            assert!(api.state.routing.has_candidate(), "candidate callers have nobody to call: {phases:?}");
        }
    }
}

fn steps(steps: Vec<Step>) -> ServiceSpec {
    let mut spec = spec(StrategyKind::Canary, 2);
    spec.strategy.steps = steps;
    spec
}

fn weight(percent: u32, seconds: u64) -> Step {
    Step::Weight { percent, hold: Millis::seconds(seconds) }
}

fn plain() -> ServiceSpec {
    spec(StrategyKind::BlueGreen, 2)
}

fn leg(town: &Town, n: usize) -> Leg {
    town.worlds[n].last().train.as_ref().unwrap().leg
}

/// A canary of `web` in front of a blue-green `api`, at its first step.
fn at_the_first_step() -> Town {
    let mut town = Town::serving(StrategyKind::Canary, StrategyKind::BlueGreen);
    town.deploy([steps(vec![weight(10, 600)]), plain()], [GOOD, GOOD]);
    town.run_until(60_000, |town| town.worlds[WEB].last().position.since.is_some());
    town
}

fn bad() -> Judged {
    Judged {
        verdict: Verdict::Abort,
        code: "error-rate".to_owned(),
        message: "it errs".to_owned(),
        instance: None,
    }
}

#[test]
fn nobody_has_users_before_all_can_be_reached() {
    let mut town = Town::serving(StrategyKind::Canary, StrategyKind::BlueGreen);
    let slow = Behaviour { ready_after: Some(9_000), ..GOOD };
    town.deploy([steps(vec![weight(50, 2)]), plain()], [GOOD, slow]);
    town.run_until(60_000, |town| leg(town, WEB) == Leg::Waiting);
    while leg(&town, API) == Leg::Assembling {
        assert_eq!(town.worlds[WEB].state.routing.candidate_weight(), 0);
        town.step(WEB);
    }
    let lane = |n: usize| town.worlds[n].state.routing.lane.clone().unwrap();
    assert_eq!((lane(WEB), lane(WEB).train.as_str()), (lane(API), "shop/production/all"));
    town.ends(Phase::Succeeded);
    assert!(town.worlds.iter().all(|world| world.state.stable == Some(RevisionNo(2))));
    assert!(town.worlds.iter().all(|world| world.state.routing.lane.is_none()));
}

#[test]
fn requests_that_are_on_no_lane_end_before_anybody_moves() {
    let mut town = Town::serving(StrategyKind::BlueGreen, StrategyKind::BlueGreen);
    town.deploy([plain(), plain()], [GOOD, GOOD]);
    town.run_until(60_000, |town| leg(town, WEB) == Leg::Waiting);
    let since = town.worlds[WEB].last().progress_at;
    town.run_until(60_000, |town| leg(town, WEB) > Leg::Waiting);
    let waited = town.worlds[WEB].now.since(since);
    assert!(waited >= Millis::seconds(1), "{waited}");
    town.ends(Phase::Succeeded);
}

#[test]
fn the_first_goes_by_its_steps_while_the_other_keeps_its_own_users_with_stable() {
    let mut town = at_the_first_step();
    for _ in 0..100 {
        town.step(API);
        let weights = [WEB, API].map(|n| town.worlds[n].state.routing.candidate_weight());
        assert_eq!(weights, [10, 0]);
    }
    assert_eq!((leg(&town, WEB), leg(&town, API)), (Leg::Going, Leg::Waiting));
    // A wait that others make has no deadline of its own.
    town.worlds[API].now = town.worlds[API].now + Millis::seconds(3_600);
    town.step(WEB);
    assert_eq!(town.worlds[API].last().phase, Phase::Progressing);
}

#[test]
fn each_goes_by_its_own_steps_in_turn_and_all_get_everything_together() {
    let mut town = Town::serving(StrategyKind::Canary, StrategyKind::Canary);
    town.deploy([steps(vec![weight(10, 5)]), steps(vec![weight(40, 5)])], [GOOD, GOOD]);
    town.run_until(60_000, |town| town.worlds[API].state.routing.candidate_weight() == 40);
    assert_eq!((leg(&town, WEB), town.worlds[WEB].state.routing.candidate_weight()), (Leg::Arrived, 10));
    town.run_until(60_000, |town| town.phases().contains(&Phase::Promoting));
    town.step(WEB);
    assert_eq!(town.phases(), [Phase::Promoting; 2]);
    town.ends(Phase::Succeeded);
}

#[test]
fn a_bad_verdict_on_whoever_is_called_takes_all_back() {
    let mut town = at_the_first_step();
    town.worlds[API].judged = Some(bad());
    town.ends(Phase::Aborted);
    let [web, api] = [WEB, API].map(|n| town.worlds[n].last().cause.clone().unwrap());
    assert_eq!((web.code.as_str(), api.code.as_str()), (CODE, "error-rate"));
    assert_eq!(web.message, "api, of the same train, was taken back: it errs");
    assert!(town.worlds.iter().all(|world| world.state.stable == Some(RevisionNo(1))));
}

#[test]
fn whoever_is_called_stays_until_the_last_request_of_its_callers() {
    let mut town = at_the_first_step();
    let busy = town.worlds[WEB].instances.iter().find(|i| i.revision == RevisionNo(2)).unwrap().id.clone();
    town.worlds[WEB].inflight.insert(busy, 1);
    town.worlds[WEB].judged = Some(bad());
    town.run_until(20_000, |town| town.phases()[WEB] == Phase::Aborted);
    let api = &town.worlds[API];
    assert_eq!(api.last().phase, Phase::Aborting);
    assert!(api.state.routing.has_candidate() && api.state.routing.candidate_weight() == 0);
    assert!(town.members()[WEB].sends);
    town.worlds[WEB].inflight.clear();
    town.ends(Phase::Aborted);
    assert!(!town.worlds[API].state.routing.has_candidate());
}

#[test]
fn where_stable_of_whoever_is_called_is_dead_its_candidate_serves() {
    let mut town = at_the_first_step();
    town.worlds[API].never_ready(1);
    town.step(API);
    let routing = |town: &Town| town.worlds[API].state.routing.clone();
    assert_eq!((leg(&town, API), routing(&town).candidate_weight()), (Leg::Waiting, 100));
    assert!(routing(&town).lane.is_some());
    town.worlds[API].ready_again(1);
    town.run_until(60_000, |town| routing(town).candidate_weight() == 0);
    assert!(routing(&town).has_candidate() && !routing(&town).arms.is_empty());
}

#[test]
fn where_stable_of_whoever_is_called_dies_on_the_way_back_its_candidate_serves() {
    let mut town = at_the_first_step();
    let busy = town.worlds[WEB].instances.iter().find(|i| i.revision == RevisionNo(2)).unwrap().id.clone();
    town.worlds[WEB].inflight.insert(busy, 1);
    town.worlds[WEB].judged = Some(bad());
    town.run_until(20_000, |town| town.phases()[WEB] == Phase::Aborted);
    town.worlds[API].never_ready(1);
    town.step(API);
    assert_eq!(town.worlds[API].last().phase, Phase::Aborting);
    assert!(town.worlds[API].state.routing.has_candidate());
}

#[test]
fn whoever_nobody_calls_has_no_users_before_its_turn_though_its_stable_is_dead() {
    let mut town = Town::serving(StrategyKind::Canary, StrategyKind::BlueGreen);
    let slow = Behaviour { ready_after: Some(9_000), ..GOOD };
    town.deploy([steps(vec![weight(50, 2)]), plain()], [GOOD, slow]);
    town.run_until(60_000, |town| leg(town, WEB) == Leg::Waiting);
    town.worlds[WEB].never_ready(1);
    town.step(WEB);
    assert_eq!(leg(&town, API), Leg::Assembling);
    assert!(!town.worlds[WEB].state.routing.has_candidate());
}

#[test]
fn stable_of_whoever_is_called_stays_until_the_last_request_of_its_callers() {
    let mut town = Town::serving(StrategyKind::BlueGreen, StrategyKind::BlueGreen);
    let busy: Vec<InstanceId> = town.worlds[WEB].instances.iter().map(|i| i.id.clone()).collect();
    town.worlds[WEB].inflight.extend(busy.into_iter().map(|id| (id, 1)));
    town.deploy([plain(), plain()], [GOOD, GOOD]);
    town.run_until(120_000, |town| town.phases()[WEB] == Phase::Succeeded);
    let api = &town.worlds[API];
    assert_eq!((api.last().phase, leg(&town, API)), (Phase::Promoting, Leg::Passed));
    assert!(api.state.routing.spare.iter().any(|arm| arm.revision == RevisionNo(1)));
    // Neither a verdict nor a person takes back what is promoted in part.
    town.worlds[API].judged = Some(bad());
    town.worlds[API].ask(Request::Abort);
    town.step(API);
    town.worlds[WEB].inflight.clear();
    town.ends(Phase::Succeeded);
}

#[test]
fn one_that_never_gets_ready_takes_the_other_along() {
    let mut town = Town::serving(StrategyKind::Canary, StrategyKind::BlueGreen);
    let never = Behaviour { ready_after: None, ..GOOD };
    town.deploy([steps(vec![weight(10, 1)]), plain()], [GOOD, never]);
    town.ends(Phase::Aborted);
    assert_eq!(town.worlds[API].last().cause.as_ref().unwrap().code, "start-deadline");
    assert_eq!(town.worlds[WEB].last().cause.as_ref().unwrap().code, CODE);
}

#[test]
fn a_bad_end_of_the_bake_time_takes_back_who_had_passed_already() {
    let mut town = Town::serving(StrategyKind::BlueGreen, StrategyKind::BlueGreen);
    let mut long = plain();
    long.strategy.bake = Millis::seconds(60);
    town.deploy([plain(), long], [GOOD, GOOD]);
    town.run_until(60_000, |town| leg(town, WEB) == Leg::Passed);
    assert_eq!(town.phases(), [Phase::Promoting; 2]);
    town.worlds[API].judged = Some(bad());
    town.ends(Phase::Aborted);
}

#[test]
fn people_pause_go_on_and_leave_out_the_rest_for_all() {
    let mut town = at_the_first_step();
    let ask = |town: &mut Town, request| town.worlds.iter_mut().for_each(|world| world.ask(request));
    ask(&mut town, Request::Pause);
    town.step(WEB);
    assert_eq!(town.phases(), [Phase::Paused; 2]);
    let before: Vec<_> = town.worlds.iter().map(|world| world.state.routing.clone()).collect();
    (0..100).for_each(|_| town.step(API));
    assert_eq!(before, town.worlds.iter().map(|world| world.state.routing.clone()).collect::<Vec<_>>());
    ask(&mut town, Request::Resume);
    town.run_until(10_000, |town| town.worlds[WEB].last().position.since.is_some());
    ask(&mut town, Request::Promote);
    town.ends(Phase::Succeeded);
}

#[test]
fn a_rollback_goes_back_together() {
    let mut town = Town::serving(StrategyKind::BlueGreen, StrategyKind::BlueGreen);
    town.deploy([plain(), plain()], [GOOD, GOOD]);
    town.ends(Phase::Succeeded);
    let mut begun = Vec::new();
    for world in &mut town.worlds {
        world.roll_out(1, RolloutKind::Rollback);
        begun.push(Begun { state: world.state.clone(), superseded: None, rollout: world.last().clone() });
    }
    couple(&mut begun, &BTreeMap::from([(name("all"), vec![name("web"), name("api")])]));
    for (world, one) in town.worlds.iter_mut().zip(begun) {
        *world.rollouts.last_mut().unwrap() = one.rollout;
    }
    town.ends(Phase::Succeeded);
    assert!(town.worlds.iter().all(|world| world.state.stable == Some(RevisionNo(1))));
}

#[test]
fn the_first_deploy_of_all_is_one_verdict_too() {
    let mut worlds = vec![World::nothing("web"), World::nothing("api")];
    worlds[API].ids_from = 50;
    let mut town = Town { worlds };
    let never = Behaviour { ready_after: None, ..GOOD };
    town.deploy([plain(), plain()], [GOOD, never]);
    town.ends(Phase::Failed);
}

#[test]
fn of_one_alone_no_train_is_made() {
    let world = World::serving_as("web", StrategyKind::BlueGreen, 1);
    let begun = Begun { state: world.state.clone(), superseded: None, rollout: world.last().clone() };
    let trains: BTreeMap<Name, Vec<Name>> = BTreeMap::from([(name("all"), vec![name("web"), name("api")])]);
    let mut begun = [begun];
    assert!(couple(&mut begun, &trains).is_empty());
    assert_eq!(begun[0].rollout.train, None);
}
