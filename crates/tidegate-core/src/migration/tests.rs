use std::collections::BTreeMap;

use super::*;
use crate::time::Millis;

const WINDOW: Millis = Millis::seconds(60);

fn spec(one_way: bool) -> MigrateSpec {
    MigrateSpec {
        run: "expand".to_owned(),
        within: Millis::seconds(1),
        env: BTreeMap::new(),
        one_way: false,
        contract: Some(ContractSpec {
            run: "contract".to_owned(),
            after: WINDOW,
            within: Millis::seconds(1),
            one_way,
        }),
    }
}

/// An environment in a time that tests move.
struct World {
    state: MigrationState,
    process: Option<JobPhase>,
    now: Moment,
    told: Vec<String>,
}

impl World {
    fn new() -> Self {
        let state = MigrationState::new("shop".parse().unwrap(), "production".parse().unwrap());
        World { state, process: None, now: Moment(1_000), told: Vec::new() }
    }

    /// Looks while this revision is stable.
    fn look(&mut self, number: u32, migrate: Option<&MigrateSpec>) -> Option<InstanceId> {
        let digest = format!("digest-{number}");
        self.look_as(Some(Stable { revision: RevisionNo(number), migrate, digest: &digest }))
    }

    fn look_as(&mut self, stable: Option<Stable<'_>>) -> Option<InstanceId> {
        let input = Input { state: &self.state, stable, process: self.process.as_ref(), next_id: 7 };
        let planned = plan(&input, self.now);
        assert_eq!(planned, plan(&input, self.now));
        self.state = planned.state;
        self.told.extend(planned.events.into_iter().map(|event| event.kind));
        if planned.start.is_some() {
            self.process = Some(JobPhase::Running);
        }
        planned.start
    }

    fn pass(&mut self, span: Millis) {
        self.now = self.now + span;
    }

    fn end(&mut self, code: i32) {
        self.process = Some(JobPhase::Ended(Exit { code: Some(code), ..Exit::default() }));
    }
}

#[test]
fn the_contract_runs_once_when_the_window_is_closed() {
    let (mut world, spec) = (World::new(), spec(true));
    assert_eq!(world.look(2, Some(&spec)), None);
    assert_eq!(way_back(&world.state, RevisionNo(1)), None);
    world.pass(Millis(WINDOW.0 - 1));
    assert_eq!(world.look(2, Some(&spec)), None);
    world.pass(Millis(1));
    // A rollout is in progress: it waits on.
    assert_eq!(world.look_as(None), None);
    assert_eq!(world.look(2, Some(&spec)), Some(InstanceId("contract-7".to_owned())));
    assert_eq!(world.look(2, Some(&spec)), None);
    assert!(way_back(&world.state, RevisionNo(1)).unwrap().contains("right now"));
    world.end(0);
    assert_eq!(world.look(2, Some(&spec)), None);
    world.process = None;
    world.pass(WINDOW);
    assert_eq!(world.look(2, Some(&spec)), None);
    assert!(way_back(&world.state, RevisionNo(1)).unwrap().contains("contract step of r2 has run"));
    assert_eq!(way_back(&world.state, RevisionNo(2)), None);
    assert_eq!(
        world.told,
        ["migration.contract_waits", "migration.contract_started", "migration.contracted"]
    );
}

#[test]
fn a_contract_that_failed_or_was_lost_is_not_run_again_and_counts_as_passed() {
    for end in [Some(3), None] {
        let (mut world, spec) = (World::new(), spec(true));
        world.look(2, Some(&spec));
        world.pass(WINDOW);
        assert!(world.look(2, Some(&spec)).is_some());
        match end {
            Some(code) => world.end(code),
            None => world.process = None,
        }
        world.look(2, Some(&spec));
        world.process = None;
        for _ in 0..3 {
            world.pass(WINDOW);
            assert_eq!(world.look(2, Some(&spec)), None);
        }
        assert_eq!(world.told.last().unwrap(), "migration.contract_failed");
        assert!(way_back(&world.state, RevisionNo(1)).unwrap().contains("failed"));
    }
}

#[test]
fn going_back_within_the_window_drops_the_contract_and_forward_again_waits_anew() {
    let (mut world, spec) = (World::new(), spec(true));
    world.look(2, Some(&spec));
    world.pass(Millis(WINDOW.0 / 2));
    world.look(1, None);
    assert_eq!((world.state.contract.clone(), world.told.len()), (None, 2));
    world.pass(WINDOW);
    assert_eq!(world.look(2, Some(&spec)), None);
    world.pass(WINDOW);
    assert!(world.look(2, Some(&spec)).is_some());
    world.end(0);
    world.look(2, Some(&spec));
    // A contract step that was begun once is not begun again when its revision comes back.
    world.look(3, None);
    world.pass(WINDOW);
    world.look(2, Some(&spec));
    world.pass(WINDOW);
    assert_eq!(world.look(2, Some(&spec)), None);
}

#[test]
fn a_reversible_contract_closes_no_door() {
    let (mut world, spec) = (World::new(), spec(false));
    world.look(2, Some(&spec));
    world.pass(WINDOW);
    world.look(2, Some(&spec));
    world.end(0);
    world.look(2, Some(&spec));
    assert_eq!(way_back(&world.state, RevisionNo(1)), None);
}

#[test]
fn an_expand_step_runs_once_for_the_same_digest_and_one_that_is_one_way_closes_a_door() {
    let mut world = World::new();
    let spec = spec(true);
    let expanded = after_expand(&world.state, &spec, RevisionNo(2), "a".to_owned(), true);
    assert_eq!(may_be_left_out(&expanded, "a"), Some(RevisionNo(2)));
    assert_eq!((may_be_left_out(&expanded, "b"), expanded.door.clone()), (None, None));
    let failed = after_expand(&world.state, &spec, RevisionNo(2), "a".to_owned(), false);
    assert_eq!(may_be_left_out(&failed, "a"), None);
    let one_way = MigrateSpec { one_way: true, ..spec.clone() };
    for well in [true, false] {
        let passed = after_expand(&world.state, &one_way, RevisionNo(2), "a".to_owned(), well);
        assert!(way_back(&passed, RevisionNo(1)).unwrap().contains("one-way"));
    }
    // Gone on from: nothing to say. Taken back: said once that it stays.
    world.state = expanded;
    world.look(3, None);
    assert!(world.told.is_empty());
    world.look(1, None);
    world.look(1, None);
    assert_eq!(world.told, ["migration.stays"]);
}
