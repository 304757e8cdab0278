//! Jobs on a schedule in virtual time: a story of their own, with crashes, a clock that jumps and a control plane that is
//! away, and what must hold of every run then.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{
    InstanceId, JobRun, JobSpec, Limits, Overlap, PortSpec, RunCause, ServiceKey, StrategyKind,
};
use tidegate_core::time::Millis;

use crate::ask::{self, DeployPlan};
use crate::invariants::{Held, Violation, ensure};
use crate::log::Log;
use crate::rng::Rng;
use crate::sim::Sim;
use crate::story::{Act, Fault, Faults, service, strategy};

const APP: &str = "shop";
/// Spans of the story, each with something going wrong at its end.
const SPANS: u64 = 12;

/// What a story came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobTally {
    /// Runs of all jobs.
    pub runs: usize,
    /// Crashes of the control plane.
    pub crashes: u64,
    /// Runs made up for.
    pub caught_up: usize,
    /// Lines of the timeline about slots that were missed or left out.
    pub told: usize,
}

/// Plays the story of a seed.
///
/// # Errors
/// The invariant that broke.
pub fn play(seed: u64) -> Result<JobTally, Violation> {
    let mut rng = Rng::new(seed);
    let broken = |error: tidegate_store::StoreError| Violation {
        invariant: "invariant_the_store_takes_it",
        what: error.to_string(),
    };
    let mut sim = Sim::new(seed, Faults::Crash, Log::new(false)).map_err(broken)?;
    sim.act(&Act::Deploy(Box::new(deploy("one")))).map_err(broken)?;
    sim.run_until(Millis::seconds(60), |sim| sim.is_at_rest())?;
    for n in 0..SPANS {
        let span = Millis::seconds(rng.within(20, 240));
        let until = sim.now + span;
        while sim.now < until {
            sim.step(until)?;
            one_at_a_time(&sim)?;
        }
        match rng.within(0, 3) {
            0 => sim.suffer(Fault::JumpClock(rng.within(0, 7_200_000) as i64 - 3_600_000)),
            1 => sim.suffer(Fault::Stall(Millis::seconds(rng.within(1, 600)))),
            2 => kill_a_run(&mut sim, &mut rng),
            _ if n == SPANS / 2 => {
                sim.act(&Act::Deploy(Box::new(deploy("two")))).map(drop).map_err(broken)?
            }
            _ => {}
        }
    }
    // The last thing that went wrong is seen to before the end.
    sim.faults = Faults::None;
    sim.run_until(Millis::seconds(700), |_| false)?;
    check(&sim)
}

/// A service, and a job for each way to overlap.
fn deploy(snapshot: &str) -> DeployPlan {
    let web = service(PortSpec::Auto, 1, strategy(StrategyKind::BlueGreen, 1), snapshot);
    DeployPlan {
        app: APP.to_owned(),
        snapshot: snapshot.to_owned(),
        build: None,
        migrate: None,
        services: BTreeMap::from([("web".to_owned(), web)]),
        jobs: [
            ("quick", job("* * * * *", Overlap::Forbid, "exits-after:5s")),
            ("slow", job("*/20 * * * * *", Overlap::Queue, "exits-after:45s")),
            ("wide", job("*/30 * * * * *", Overlap::Allow, "exits-after:70s code:1")),
        ]
        .map(|(name, spec)| (name.to_owned(), spec))
        .into(),
        trains: BTreeMap::new(),
    }
}

fn job(schedule: &str, overlap: Overlap, run: &str) -> JobSpec {
    JobSpec {
        run: run.to_owned(),
        schedule: schedule.to_owned(),
        timezone: JobSpec::TIMEZONE.to_owned(),
        overlap,
        timeout: Millis::seconds(60),
        retries: 1,
        history: 100_000,
        catch_up: JobSpec::CATCH_UP,
        limits: Limits::default(),
        env: BTreeMap::new(),
    }
}

fn kill_a_run(sim: &mut Sim, rng: &mut Rng) {
    let of_jobs = |id: &&InstanceId| !id.0.starts_with("web-");
    let running: Vec<InstanceId> = sim.backend.units().keys().filter(of_jobs).cloned().collect();
    if !running.is_empty() {
        sim.kill(rng.pick(&running));
    }
}

/// Processes of jobs that must not overlap never run side by side.
fn one_at_a_time(sim: &Sim) -> Held {
    for name in ["quick-", "slow-"] {
        let units = sim.backend.units().values();
        let running = units.filter(|unit| unit.spec.id.0.starts_with(name) && unit.runs(sim.now)).count();
        ensure("invariant_runs_overlap_only_where_they_may", running <= 1, || {
            format!("{running} of {name}")
        })?;
    }
    Ok(())
}

fn check(sim: &Sim) -> Result<JobTally, Violation> {
    let mut tally = JobTally { crashes: sim.tally.crashes, ..JobTally::default() };
    for name in ["quick", "slow", "wide"] {
        let runs = sim.store.job_runs_of(&ask::key(APP, name), usize::MAX >> 1).unwrap_or_default();
        tally.runs += runs.len();
        tally.caught_up += runs.iter().filter(|run| run.cause == RunCause::CaughtUp).count();
        invariant_a_slot_has_one_run(&runs)?;
        for run in &runs {
            invariant_an_attempt_is_one_process(run, sim)?;
        }
        invariant_slots_are_decided_about(&ask::key(APP, name), sim)?;
    }
    let events = sim.store.last_events(&Default::default(), 10_000).unwrap_or_default();
    let about = ["job.missed", "job.skipped"];
    tally.told = events.iter().filter(|stored| about.contains(&stored.event.kind.as_str())).count();
    Ok(tally)
}

/// Whenever the control plane was killed and whatever its clock did.
pub fn invariant_a_slot_has_one_run(runs: &[JobRun]) -> Held {
    let slots: BTreeSet<u64> = runs.iter().map(|run| run.slot_unix_ms).collect();
    ensure("invariant_a_slot_has_one_run", slots.len() == runs.len(), || {
        format!("{} runs of {} slots: {runs:#?}", runs.len(), slots.len())
    })
}

/// Its row comes first and it is started once; an attempt is repeated only as another attempt, and only as often as allowed.
pub fn invariant_an_attempt_is_one_process(run: &JobRun, sim: &Sim) -> Held {
    let right =
        run.attempts.iter().all(|process| sim.backend.spawned(process) <= 1) && run.attempts.len() <= 2;
    ensure("invariant_an_attempt_is_one_process", right, || format!("{run:?}"))
}

/// Once the control plane is back no slot waits: the clock may only be behind the last one.
pub fn invariant_slots_are_decided_about(key: &ServiceKey, sim: &Sim) -> Held {
    let Ok(Some(state)) = sim.store.job_state(key) else {
        return ensure("invariant_slots_are_decided_about", false, || format!("{key} is gone"));
    };
    let now = sim.time().unix_ms;
    let late = now.saturating_sub(state.decided_unix_ms);
    ensure("invariant_slots_are_decided_about", late <= 61_000, || {
        format!("{key}: {late} ms since {}", state.decided_unix_ms)
    })
}
