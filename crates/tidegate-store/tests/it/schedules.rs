//! Jobs on a schedule and their runs.

use std::collections::BTreeMap;

use tidegate_core::model::*;
use tidegate_store::Store;

use crate::fixtures::*;

fn spec() -> JobSpec {
    JobSpec {
        run: "true".to_owned(),
        schedule: "@daily".to_owned(),
        timezone: JobSpec::TIMEZONE.to_owned(),
        overlap: Overlap::Forbid,
        timeout: JobSpec::TIMEOUT,
        retries: 0,
        history: 2,
        catch_up: JobSpec::CATCH_UP,
        limits: Limits::default(),
        env: BTreeMap::new(),
    }
}

fn state(name: &str) -> JobState {
    JobState::new(key(name), RevisionNo(1), &spec(), 7)
}

fn run(name: &str, number: u64, phase: RunPhase) -> JobRun {
    JobRun { phase, ..JobRun::new(key(name), number, RunCause::Due, number * 1_000) }
}

#[test]
fn they_read_back_newest_first_and_open_ones_oldest_first() {
    let mut store = Store::in_memory().unwrap();
    store
        .transaction(|tx| {
            tx.put_job_run(&run("report", 2, RunPhase::Queued))?;
            tx.put_job_run(&run("report", 1, RunPhase::Running))?;
            tx.put_job_run(&run("sweep", 1, RunPhase::Succeeded))?;
            tx.put_job_state(&state("report"))?;
            tx.put_job_state(&state("sweep"))
        })
        .unwrap();
    let numbers = |runs: Vec<JobRun>| runs.iter().map(|run| run.number).collect::<Vec<_>>();
    assert_eq!(numbers(store.job_runs_of(&key("report"), 9).unwrap()), [2, 1]);
    assert_eq!(numbers(store.open_job_runs().unwrap()), [1, 2]);
    assert_eq!(store.job_state(&key("report")).unwrap(), Some(state("report")));
    let (app, environment) = (name("shop"), name("production"));
    assert_eq!(store.job_states_of(&app, &environment).unwrap(), store.job_states().unwrap());
    store.transaction(|tx| tx.put_job_run(&run("report", 1, RunPhase::Failed))).unwrap();
    assert_eq!(numbers(store.open_job_runs().unwrap()), [2]);
}

#[test]
fn runs_that_are_over_go_and_open_ones_stay() {
    let mut store = Store::in_memory().unwrap();
    let removed = store.transaction(|tx| {
        tx.put_job_state(&state("report"))?;
        tx.put_job_run(&run("report", 1, RunPhase::Running))?;
        for number in 2..=6 {
            tx.put_job_run(&run("report", number, RunPhase::Succeeded))?;
        }
        tx.prune_job_runs(&key("report"), 2)
    });
    assert_eq!(removed.unwrap(), 3);
    let left = store.job_runs_of(&key("report"), 9).unwrap();
    assert_eq!(left.iter().map(|run| run.number).collect::<Vec<_>>(), [6, 5, 1]);
    store.transaction(|tx| tx.remove_job_state(&key("report"))).unwrap();
    assert!(store.job_runs_of(&key("report"), 9).unwrap().is_empty(), "they go with their job");
}

#[test]
fn a_run_without_its_job_is_refused() {
    let mut store = Store::in_memory().unwrap();
    assert!(store.transaction(|tx| tx.put_job_run(&run("report", 1, RunPhase::Queued))).is_err());
}
