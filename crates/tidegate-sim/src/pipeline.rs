//! Runs of pipelines in virtual time: a story of their own in which the control plane is killed between any two of its effects, and
//! what must hold of every run then.

use std::collections::BTreeMap;

use tidegate_core::model::{
    Build, BuildPhase, BuildSource, EnvironmentPolicy, Limits, Name, PipelineRun, PipelineSpec, PortSpec,
    PushedRef, RunFilter, RunInput, RunNo, RunSource, RunState, StageSpec, StageState, StageWork, StepRun,
    StepSpec, StrategyKind,
};
use tidegate_core::pipeline::{NewRun, begin};
use tidegate_core::time::Millis;
use tidegate_store::{Counter, StoreError};

use crate::ask::{self, DeployPlan};
use crate::invariants::{Held, Violation, ensure};
use crate::log::Log;
use crate::rng::Rng;
use crate::sim::Sim;
use crate::story::{Faults, service, strategy};

const APPS: [&str; 3] = ["shop", "blog", "mail"];
/// Every run of a story is over by then.
const ALL_OVER: Millis = Millis::seconds(900);

/// What a story came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipelineTally {
    /// Runs that succeeded.
    pub succeeded: usize,
    /// Runs that failed by a step of theirs.
    pub failed: usize,
    /// Crashes of the control plane.
    pub crashes: u64,
    /// Steps that were tried again.
    pub retried: usize,
}

/// Plays the story of a seed.
///
/// # Errors
/// The invariant that broke.
pub fn play(seed: u64, faults: Faults) -> Result<PipelineTally, Violation> {
    let mut rng = Rng::new(seed);
    let mut sim = Sim::new(seed, faults, Log::new(false)).map_err(broken)?;
    let mut begun = Vec::new();
    for app in APPS {
        for _ in 0..rng.within(1, 2) {
            begun.push(push(&mut sim, &mut rng, app).map_err(broken)?);
            let until = sim.now + Millis(rng.within(10, 4_000));
            while sim.now < until {
                sim.step(until)?;
            }
        }
    }
    let over =
        sim.run_until(ALL_OVER, |sim| sim.store.open_pipeline_runs().is_ok_and(|open| open.is_empty()))?;
    ensure("invariant_every_run_ends", over, || format!("{:#?}", sim.store.open_pipeline_runs()))?;
    sim.faults = Faults::None;
    // What a crash left behind goes with the next clearing up.
    sim.run_until(Millis::seconds(130), |_| false)?;
    check(&sim, &begun)
}

pub(crate) fn broken(error: StoreError) -> Violation {
    Violation { invariant: "invariant_the_store_takes_it", what: error.to_string() }
}

/// What the control loop enters for a push: the run and its build.
fn push(sim: &mut Sim, rng: &mut Rng, app: &str) -> Result<RunNo, StoreError> {
    let source = RunSource { branch: Some("main".to_owned()), ..RunSource::default() };
    let run = run_of(sim, rng, app, (ask::name(ask::ENVIRONMENT), source))?;
    enter(sim, &run)?;
    Ok(run.number)
}

/// A run of a commit that is like no other.
pub(crate) fn run_of(
    sim: &Sim,
    rng: &mut Rng,
    app: &str,
    (environment, source): (Name, RunSource),
) -> Result<PipelineRun, StoreError> {
    let time = sim.time();
    let number = sim.store.peek_id(Counter::Run)?;
    let name = format!("refs/heads/topic-{number}");
    let new = NewRun {
        number: RunNo(number),
        environment,
        source: RunSource { commit: Some(format!("{number:040x}")), ..source },
        push: Some(PushedRef { name, before: "0".repeat(40), moved: false }),
        now: time.now,
        unix_ms: time.unix_ms,
    };
    let spec = PipelineSpec { stages: stages(rng) };
    Ok(begin(ask::name(app), new, input(&plan_of(app, number)), spec, EnvironmentPolicy::default()))
}

/// Writes a run and its build as the control loop does.
pub(crate) fn enter(sim: &mut Sim, run: &PipelineRun) -> Result<(), StoreError> {
    let build = Build {
        id: run.input.build.clone(),
        app: run.app.clone(),
        snapshot: run.input.snapshot.clone(),
        run: run.input.build_run.clone(),
        within_ms: 10_000,
        phase: BuildPhase::Waiting,
        content: None,
        size: 0,
        source: BuildSource::default(),
        made_at_unix_ms: sim.time().unix_ms,
    };
    sim.store.transaction(|tx| {
        tx.use_ids_below(Counter::Run, run.number.0 + 1)?;
        tx.put_build(&build)?;
        tx.put_pipeline_run(run)
    })?;
    sim.nudge(Millis(0));
    Ok(())
}

fn plan_of(app: &str, number: u64) -> DeployPlan {
    let web = service(PortSpec::Auto, 1, strategy(StrategyKind::BlueGreen, 1), &format!("serve r{number}"));
    DeployPlan {
        app: app.to_owned(),
        snapshot: format!("commit-{number}"),
        build: Some("exits-after:300ms".to_owned()),
        migrate: None,
        services: BTreeMap::from([("web".to_owned(), web)]),
        jobs: BTreeMap::new(),
        trains: BTreeMap::new(),
    }
}

fn input(plan: &DeployPlan) -> RunInput {
    RunInput {
        snapshot: plan.snapshot.clone(),
        build: plan.build_id(),
        build_run: plan.build.clone(),
        build_within_ms: 10_000,
        revision: plan.revision(),
        flags: None,
        mentioned: Default::default(),
        source: BuildSource::default(),
        manifest: (String::new(), String::new()),
    }
}

/// Build, lint beside unit tests in two steps, deploy; one in four has a step that fails whatever is tried.
fn stages(rng: &mut Rng) -> Vec<StageSpec> {
    let fails = rng.percent(25);
    let unit = if fails { "exits-after:200ms code:1" } else { "exits-after:400ms" };
    let lint = vec![step("style", "exits-after:100ms", 0), step("types", "exits-after:150ms", 0)];
    vec![
        stage("build", StageWork::Build, &[], false),
        stage("lint", StageWork::Steps(lint), &["build"], true),
        stage(
            "test",
            StageWork::Steps(vec![step("unit", unit, 1), step("last", "exits-after:50ms", 0)]),
            &["build"],
            false,
        ),
        stage("deploy", StageWork::Deploy, &["lint", "test"], false),
    ]
}

fn stage(name: &str, work: StageWork, needs: &[&str], parallel: bool) -> StageSpec {
    StageSpec {
        name: ask::name(name),
        work,
        needs: needs.iter().map(|needed| ask::name(needed)).collect(),
        when: RunFilter::default(),
        parallel,
        timeout: Millis::seconds(600),
    }
}

fn step(name: &str, run: &str, retries: u32) -> StepSpec {
    StepSpec {
        name: name.to_owned(),
        run: run.to_owned(),
        env: BTreeMap::new(),
        secrets: Vec::new(),
        timeout: Millis::seconds(60),
        retries,
        cache: Vec::new(),
        artifacts: Vec::new(),
        reports: Vec::new(),
        beside: BTreeMap::new(),
        limits: Limits::default(),
        offline: false,
    }
}

fn check(sim: &Sim, begun: &[RunNo]) -> Result<PipelineTally, Violation> {
    let mut tally = PipelineTally { crashes: sim.tally.crashes, ..PipelineTally::default() };
    for number in begun {
        let Some(run) = sim.store.pipeline_run(*number).map_err(broken)? else {
            ensure("invariant_a_run_is_kept", false, || format!("run {number}"))?;
            continue;
        };
        tally.succeeded += usize::from(run.state == RunState::Succeeded);
        tally.failed += usize::from(run.state == RunState::Failed);
        tally.retried += steps(&run).filter(|step| step.attempts.len() > 1).count();
        invariant_nothing_is_skipped(&run)?;
        invariant_an_attempt_is_one_process(sim, &run)?;
        invariant_a_run_deploys_once(sim, &run)?;
        invariant_a_branch_moves_once_its_tests_succeeded(sim, &run)?;
    }
    ensure("invariant_workspaces_are_cleared", sim.workspaces.there().is_empty(), || {
        format!("{:?}", sim.workspaces.there())
    })?;
    Ok(tally)
}

fn steps(run: &PipelineRun) -> impl Iterator<Item = &StepRun> {
    run.stages.iter().flat_map(|stage| &stage.steps)
}

/// A run that succeeded has every stage done, each after those it needs.
pub fn invariant_nothing_is_skipped(run: &PipelineRun) -> Held {
    let ended = |name: &Name| {
        let needed = run.stages.iter().find(|stage| stage.name == *name);
        needed.and_then(|stage| stage.ended_at)
    };
    let in_order = run.stages.iter().zip(&run.spec.stages).all(|(stage, spec)| {
        stage
            .began_at
            .is_none_or(|began| spec.needs.iter().all(|name| ended(name).is_some_and(|at| at <= began)))
    });
    let all = run.stages.iter().all(|stage| stage.state == StageState::Succeeded);
    let each = steps(run).all(|step| step.state == StageState::Succeeded);
    let right = in_order && (run.state != RunState::Succeeded || (all && each));
    ensure("invariant_nothing_is_skipped", right, || format!("{run:#?}"))
}

/// The row comes first, and a process is started once; a failed one is followed by as many as its step may have.
pub fn invariant_an_attempt_is_one_process(sim: &Sim, run: &PipelineRun) -> Held {
    let once = steps(run).flat_map(|step| &step.attempts).all(|unit| sim.backend.spawned(unit) <= 1);
    let within = steps(run).all(|step| step.attempts.len() <= 2);
    ensure("invariant_an_attempt_is_one_process", once && within, || format!("{run:#?}"))
}

/// Exactly once where it succeeded, never where its tests failed.
pub fn invariant_a_run_deploys_once(sim: &Sim, run: &PipelineRun) -> Held {
    let by = format!("run {}", run.number);
    let deploys = sim.store.deploys_of(&run.app, &run.environment, 1_000).unwrap_or_default();
    let deploys = deploys.iter().filter(|deploy| deploy.by == by).count();
    let entered = run.stages.iter().filter(|stage| stage.deploy.is_some()).count();
    let right = deploys == entered && deploys <= 1 && (run.state != RunState::Succeeded || deploys == 1);
    ensure("invariant_a_run_deploys_once", right, || format!("{deploys} deploys: {run:#?}"))
}

/// And never where they did not.
pub fn invariant_a_branch_moves_once_its_tests_succeeded(sim: &Sim, run: &PipelineRun) -> Held {
    let Some(push) = &run.push else { return Ok(()) };
    let at = sim.repositories.at(&run.app, &push.name);
    let moved = at.is_some() && at == run.source.commit;
    let tested = run.stages[..run.first_deploy()].iter().all(|stage| stage.state == StageState::Succeeded);
    ensure("invariant_a_branch_moves_once_its_tests_succeeded", moved == tested, || {
        format!("{at:?}: {run:#?}")
    })
}
