//! A small world in which runs are played to their end: processes take what the test says, everything else a moment.

use std::collections::BTreeMap;

use super::super::*;
use crate::model::{
    BuildId, BuildPhase, BuildSource, EnvironmentPolicy, Exit, InstanceId, Limits, Name, PipelineRun,
    PipelineSpec, PushedRef, RevisionSpec, RunEnding, RunFilter, RunInput, RunNo, RunSource, RunState,
    StageSpec, StageState, StageWork, StepSpec,
};
use crate::time::{Millis, Moment};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn step(text: &str) -> StepSpec {
    StepSpec {
        name: text.to_owned(),
        run: text.to_owned(),
        env: BTreeMap::new(),
        secrets: Vec::new(),
        timeout: Millis::seconds(60),
        retries: 0,
        cache: Vec::new(),
        artifacts: Vec::new(),
        reports: Vec::new(),
        beside: BTreeMap::new(),
        limits: Limits::default(),
        offline: false,
    }
}

fn stage(text: &str, work: StageWork, needs: &[&str]) -> StageSpec {
    StageSpec {
        name: name(text),
        work,
        needs: needs.iter().map(|needed| name(needed)).collect(),
        when: RunFilter::default(),
        parallel: false,
        timeout: Millis::seconds(600),
    }
}

/// build, two steps of tests, deploy.
fn usual() -> Vec<StageSpec> {
    vec![
        stage("build", StageWork::Build, &[]),
        stage("test", StageWork::Steps(vec![step("lint"), step("unit")]), &["build"]),
        stage("deploy", StageWork::Deploy, &["test"]),
    ]
}

fn run_of(stages: Vec<StageSpec>) -> PipelineRun {
    let new = NewRun {
        number: RunNo(1),
        environment: name("staging"),
        source: RunSource {
            commit: Some("a".repeat(40)),
            branch: Some("main".to_owned()),
            ..RunSource::default()
        },
        push: Some(PushedRef { name: "refs/heads/main".into(), before: "0".repeat(40), moved: false }),
        now: Moment(0),
        unix_ms: 0,
    };
    let input = RunInput {
        snapshot: "s".into(),
        build: BuildId("b".into()),
        build_run: None,
        build_within_ms: 1_000,
        revision: RevisionSpec { build: BuildId("b".into()), ..empty() },
        flags: None,
        mentioned: Default::default(),
        source: BuildSource::default(),
        manifest: (String::new(), String::new()),
    };
    begin(name("shop"), new, input, PipelineSpec { stages }, EnvironmentPolicy::default())
}

fn empty() -> RevisionSpec {
    RevisionSpec {
        build: BuildId("b".into()),
        services: BTreeMap::new(),
        routes: Vec::new(),
        migrate: None,
        jobs: BTreeMap::new(),
        trains: BTreeMap::new(),
        settings: Default::default(),
    }
}

/// What the shell would have around a run.
struct World {
    run: PipelineRun,
    now: Moment,
    build: Option<BuildPhase>,
    deploys: BTreeMap<u64, DeploySight>,
    processes: BTreeMap<InstanceId, ProcessSight>,
    workspaces: BTreeMap<InstanceId, WorkspaceSight>,
    gate: Gate,
    free: usize,
    next: (u64, u64),
    /// What commands end with; 0 where nothing is said. The first is taken first.
    codes: BTreeMap<String, Vec<i32>>,
    /// What was started, in order.
    started: Vec<String>,
    /// The control plane forgets what it had in memory before each look.
    forgetful: bool,
}

impl World {
    fn new(stages: Vec<StageSpec>) -> World {
        World {
            run: run_of(stages),
            now: Moment(0),
            build: Some(BuildPhase::Waiting),
            deploys: BTreeMap::new(),
            processes: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            gate: Gate::Open,
            free: 2,
            next: (1, 1),
            codes: BTreeMap::new(),
            started: Vec::new(),
            forgetful: false,
        }
    }

    /// One look and what follows from it; whether anything did.
    fn look(&mut self) -> bool {
        let busy = self.run.stages.iter().flat_map(|stage| &stage.steps);
        let busy = busy.filter(|step| step.state == StageState::Running).count();
        let plan = plan(&Input {
            run: &self.run,
            now: self.now,
            build: self.build.as_ref(),
            deploys: &self.deploys,
            processes: &self.processes,
            workspaces: &self.workspaces,
            gate: &self.gate,
            candidate: &BTreeMap::new(),
            free: self.free.saturating_sub(busy),
            next_unit: self.next.0,
            next_deploy: self.next.1,
        });
        let changed = plan.run != self.run || !plan.acts.is_empty();
        self.next = (plan.next_unit, plan.next_deploy);
        self.run = plan.run;
        plan.acts.into_iter().for_each(|act| self.act(act));
        changed
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::MakeBuild => {
                self.started.push("the build".to_owned());
                self.build = Some(BuildPhase::Ready);
            }
            Act::MoveBranch => self.run.on_moved(Ok(())),
            Act::Lay { unit, .. } => drop(self.workspaces.insert(unit, WorkspaceSight::Ready)),
            Act::Start(job) => {
                self.started.push(job.command.clone());
                let codes = self.codes.get_mut(&job.command).filter(|codes| !codes.is_empty());
                let code = codes.map_or(0, |codes| codes.remove(0));
                let exit = Exit { code: Some(code), ..Exit::default() };
                self.processes.insert(job.id, ProcessSight::Ended(exit));
            }
            Act::Stop { unit, why } => {
                self.processes.insert(unit, ProcessSight::Ended(Exit::trouble(why)));
            }
            Act::Gather { unit, .. } => {
                self.workspaces.insert(unit, WorkspaceSight::Gathered { tests: None });
            }
            Act::Clear(unit) => drop(self.workspaces.remove(&unit)),
            Act::Enter { deploy, .. } => {
                self.started.push("a deploy".to_owned());
                self.deploys.insert(deploy, DeploySight::Succeeded);
            }
            Act::GoOn(deploy) => drop(self.deploys.insert(deploy, DeploySight::Succeeded)),
            Act::Abort { deploy, why } => drop(self.deploys.insert(deploy, DeploySight::Failed(why))),
            Act::Release { stage, .. } => self.run.on_released(stage, Ok(()), self.now),
        }
    }

    fn play(&mut self) -> RunState {
        for _ in 0..100 {
            if self.run.state.is_over() {
                break;
            }
            if self.forgetful {
                self.workspaces.clear();
            }
            self.look();
            self.now = self.now + Millis(10);
        }
        self.run.state
    }

    fn states(&self) -> Vec<StageState> {
        self.run.stages.iter().map(|stage| stage.state).collect()
    }
}

#[test]
fn a_run_goes_through_its_stages_in_order_and_does_each_thing_once() {
    let mut world = World::new(usual());
    assert_eq!(world.play(), RunState::Succeeded);
    assert_eq!(world.started, ["the build", "lint", "unit", "a deploy"]);
    assert!(world.run.push.as_ref().unwrap().moved, "its branch moved");
    assert!(world.run.stages.iter().all(|stage| stage.ended_at.is_some()));
}

#[test]
fn what_fails_is_the_last_that_is_done_and_the_branch_stays() {
    let mut world = World::new(usual());
    world.codes.insert("lint".to_owned(), vec![3]);
    assert_eq!(world.play(), RunState::Failed);
    assert_eq!(world.started, ["the build", "lint"]);
    assert_eq!(world.states(), [StageState::Succeeded, StageState::Failed, StageState::Cancelled]);
    assert!(!world.run.push.as_ref().unwrap().moved);
    assert_eq!(world.run.why.as_deref(), Some("`test` failed: lint: exit code 3"));
}

#[test]
fn a_step_is_tried_again_as_often_as_it_says() {
    let mut stages = usual();
    stages[1].work = StageWork::Steps(vec![StepSpec { retries: 2, ..step("unit") }]);
    let mut world = World::new(stages.clone());
    world.codes.insert("unit".to_owned(), vec![1, 1, 0]);
    assert_eq!(world.play(), RunState::Succeeded);
    assert_eq!(world.run.stages[1].steps[0].attempts.len(), 3);
    let mut world = World::new(stages);
    world.codes.insert("unit".to_owned(), vec![1, 1, 1, 0]);
    assert_eq!(world.play(), RunState::Failed);
}

#[test]
fn a_step_whose_machine_goes_away_is_begun_again_without_a_retry() {
    let mut world = World::new(usual());
    while !world.started.contains(&"lint".to_owned()) {
        world.look();
    }
    world.processes.clear();
    assert_eq!(world.play(), RunState::Succeeded);
    assert_eq!(world.started, ["the build", "lint", "lint", "unit", "a deploy"]);
    assert_eq!(world.run.stages[1].steps[0].lost, 1);
}

#[test]
fn nothing_is_done_twice_by_a_control_plane_that_forgets_everything_between_two_looks() {
    let mut world = World::new(usual());
    world.forgetful = true;
    // A workspace that is laid out is seen within the same look here only: the shell keeps it as long as it lives.
    for _ in 0..40 {
        world.look();
        if world.run.state.is_over() {
            break;
        }
    }
    assert_eq!(world.run.state, RunState::Succeeded);
    assert_eq!(world.started, ["the build", "lint", "unit", "a deploy"]);
}

#[test]
fn only_as_many_steps_run_as_there_is_room_for() {
    let mut stages = usual();
    stages[1].parallel = true;
    let mut world = World::new(stages);
    world.free = 0;
    assert!(!world.run.is_in_the_queue(), "nobody has looked at it yet");
    assert_eq!(world.play(), RunState::Queued);
    assert!(world.started.is_empty() && world.run.is_in_the_queue());
    world.free = 1;
    for _ in 0..20 {
        world.look();
        let steps = world.run.stages.iter().flat_map(|stage| &stage.steps);
        assert!(steps.filter(|step| step.state == StageState::Running).count() <= 1);
    }
    assert!(world.run.state == RunState::Succeeded && !world.run.is_in_the_queue());
}

#[test]
fn a_deploy_waits_for_consent_and_for_its_environment() {
    let mut world = World::new(usual());
    world.run.policy.approvals = 1;
    assert_eq!(world.play(), RunState::Waiting);
    assert_eq!(world.run.why.as_deref(), Some("it needs 1 approval"));
    assert!(world.run.push.as_ref().unwrap().moved, "its tests succeeded");
    world.run.approvals.push(crate::model::Approval { by: "bob".into(), at_unix_ms: 1, why: None });
    world.gate = Gate::Closed { why: "it is frozen".into(), until: Some(Moment(1)) };
    assert_eq!(world.play(), RunState::Waiting);
    assert!(!world.started.contains(&"a deploy".to_owned()));
    world.gate = Gate::Open;
    assert_eq!(world.play(), RunState::Succeeded);
}

#[test]
fn a_smoke_stage_has_the_candidates_before_any_user_and_takes_them_back_where_it_fails() {
    let smoke = |code: i32| {
        let mut stages = usual();
        stages.push(stage("smoke", StageWork::Smoke(vec![step("ask")]), &["deploy"]));
        stages.push(stage("verify", StageWork::Verify, &["smoke"]));
        let mut world = World::new(stages);
        world.codes.insert("ask".to_owned(), vec![code]);
        while world.deploys.is_empty() {
            world.look();
        }
        world.deploys.insert(1, DeploySight::Held);
        world.play();
        world
    };
    let good = smoke(0);
    assert_eq!((good.run.state, good.deploys.get(&1)), (RunState::Succeeded, Some(&DeploySight::Succeeded)));
    let bad = smoke(1);
    assert_eq!(bad.run.state, RunState::Failed);
    assert!(matches!(bad.deploys.get(&1), Some(DeploySight::Failed(_))), "{:?}", bad.deploys);
}

#[test]
fn a_run_that_is_told_to_end_stops_what_runs_and_begins_nothing() {
    let mut world = World::new(usual());
    while !world.started.contains(&"lint".to_owned()) {
        world.look();
    }
    let unit = world.run.stages[1].steps[0].attempts[0].clone();
    let running = ProcessSight::Running { port: None, ready: false, since: world.now };
    world.processes.insert(unit, running);
    world.run.ending = Some(RunEnding { state: RunState::Cancelled, why: "ann cancelled it".into() });
    assert_eq!(world.play(), RunState::Cancelled);
    assert_eq!(world.started, ["the build", "lint"]);
    assert!(world.run.stages.iter().all(|stage| stage.state.is_over()));
}

#[test]
fn what_is_run_again_is_only_what_did_not_succeed() {
    let mut world = World::new(usual());
    world.codes.insert("unit".to_owned(), vec![1]);
    assert_eq!(world.play(), RunState::Failed);
    let new = NewRun {
        number: RunNo(2),
        environment: world.run.environment.clone(),
        source: world.run.source.clone(),
        push: world.run.push.clone(),
        now: world.now,
        unix_ms: 1,
    };
    // Whoever lets one run pass by the rules does so for that one alone.
    let mut passed = world.run.clone();
    passed.brings = Some(passed.policy.clone());
    passed.brings.iter_mut().for_each(|own| own.approvals = 2);
    assert_eq!(again(&passed, new.clone()).policy.approvals, 2);
    let mut next = World::new(usual());
    next.run = again(&world.run, new);
    next.next = world.next;
    assert_eq!(next.play(), RunState::Succeeded);
    assert_eq!(next.started, ["unit", "a deploy"]);
    assert_eq!(next.run.artifacts_of, [RunNo(1)]);
}

#[test]
fn a_stage_that_takes_too_long_fails() {
    let mut world = World::new(usual());
    world.look();
    world.look();
    while !world.started.contains(&"lint".to_owned()) {
        world.look();
    }
    let unit = world.run.stages[1].steps[0].attempts[0].clone();
    world.processes.insert(unit, ProcessSight::Running { port: None, ready: false, since: world.now });
    world.now = world.now + Millis::seconds(601);
    assert_eq!(world.play(), RunState::Failed);
    assert_eq!(world.started, ["the build", "lint"]);
}

#[test]
fn a_stage_for_other_branches_is_left_out_and_others_do_not_wait_for_it() {
    let mut stages = usual();
    stages[1].when.branches = vec!["release/*".to_owned()];
    let mut world = World::new(stages);
    assert_eq!(world.play(), RunState::Succeeded);
    assert_eq!(world.states()[1], StageState::Skipped);
    assert_eq!(world.started, ["the build", "a deploy"]);
}
