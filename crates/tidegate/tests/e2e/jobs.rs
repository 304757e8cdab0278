//! Jobs on a schedule with real processes: due once each, kept over kills, of the stable revision alone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tidegate_core::view::{JobRunView, JobView};

use crate::support::{App, LOOK, Tidegate};

/// How long anything here may take.
const LONG: Duration = Duration::from_secs(60);

/// Every two seconds, half a second each.
const TICK: &str = "tick: { run: \"echo ran; sleep 0.5\", schedule: \"*/2 * * * * *\", history: 200 }";
const BROKEN: &str = "broken: { run: \"echo no database >&2; exit 3\", schedule: \"@yearly\" }";

fn history(tidegate: &Tidegate, job: &str) -> Vec<JobRunView> {
    let output = tidegate.run(&["jobs", "history", job, "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn show(tidegate: &Tidegate, job: &str) -> Option<JobView> {
    serde_json::from_slice(&tidegate.run(&["jobs", "show", job, "--json"]).stdout).ok()
}

fn wait<T>(tidegate: &Tidegate, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + LONG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not within {LONG:?}: {what}\n{}", tidegate.story());
        std::thread::sleep(LOOK);
    }
}

fn succeeded(runs: &[JobRunView]) -> usize {
    runs.iter().filter(|run| run.phase == "succeeded").count()
}

/// Each slot has one run, and each attempt was one process.
fn nothing_ran_twice(tidegate: &Tidegate, runs: &[JobRunView]) {
    let slots: BTreeSet<&str> = runs.iter().map(|run| run.slot.as_str()).collect();
    assert_eq!(slots.len(), runs.len(), "{runs:#?}");
    for attempt in runs.iter().flat_map(|run| &run.attempts) {
        let lines = tidegate.logs(&["--unit", attempt]);
        assert!(lines.len() <= 1, "{attempt} ran more than once: {lines:?}");
    }
}

#[test]
fn a_job_runs_when_it_is_due_and_its_end_is_kept() {
    let mut app = App::new();
    app.jobs(&[TICK, BROKEN]);
    let tidegate = Tidegate::up();
    tidegate.deploy_well(&app);
    let runs = wait(&tidegate, "three runs", || {
        Some(history(&tidegate, "tick")).filter(|runs| succeeded(runs) >= 3)
    });
    nothing_ran_twice(&tidegate, &runs);
    let done = runs.iter().find(|run| run.phase == "succeeded").unwrap();
    assert_eq!(tidegate.logs(&["--unit", &done.attempts[0]])[0].line, "ran");
    let said = tidegate.run(&["jobs", "logs", "tick", "--run", &done.number.to_string()]);
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{} | ran\n", done.attempts[0]));

    let failed = tidegate.run(&["jobs", "run", "broken", "--wait", "--json"]);
    assert_eq!(failed.status.code(), Some(1));
    let run: JobRunView = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((run.cause.as_str(), run.reason.as_deref()), ("asked", Some("exit code 3")));
    assert_eq!(run.last_output, ["no database"]);
    let status = tidegate.status();
    assert_eq!(status.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["broken", "tick"]);
    assert!(status.jobs.iter().all(|job| job.next.is_some() && job.last.is_some()), "{:#?}", status.jobs);
}

#[test]
fn a_kill_at_any_moment_runs_no_slot_twice_and_loses_none_in_silence() {
    let mut app = App::new();
    app.jobs(&[TICK]);
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&app);
    wait(&tidegate, "a first run", || (succeeded(&history(&tidegate, "tick")) >= 1).then_some(()));
    for moment in 1..=14 {
        tidegate.kill9_control();
        if !tidegate.restart_to_be_killed(moment) || ends(&mut tidegate) {
            tidegate.restart();
        }
    }
    let before = succeeded(&history(&tidegate, "tick"));
    let runs = wait(&tidegate, "two more runs", || {
        Some(history(&tidegate, "tick")).filter(|runs| succeeded(runs) >= before + 2)
    });
    nothing_ran_twice(&tidegate, &runs);
    let over = runs.iter().filter(|run| run.ended.is_some());
    assert!(over.clone().all(|run| run.phase == "succeeded"), "shims outlive the control plane: {runs:#?}");
    // Slots go by two seconds. Where one has no run, an event says so.
    let accounted: usize = runs.len();
    let numbers: BTreeSet<u64> = runs.iter().map(|run| run.number).collect();
    assert_eq!(numbers.len(), accounted, "numbers are given once");
    assert_eq!(*numbers.last().unwrap() as usize, accounted, "no run is forgotten");
    let gaps = runs.windows(2).filter(|pair| millis(&pair[0].slot) - millis(&pair[1].slot) > 2_000).count();
    let spoken_of = ["job.missed", "job.skipped"];
    let told = tidegate.events().iter().filter(|event| spoken_of.contains(&event.kind.as_str())).count();
    assert!(told >= gaps, "{gaps} gaps and {told} lines about them\n{}", tidegate.story());
}

/// Whether the control plane gets to the moment at which it is killed.
fn ends(tidegate: &mut Tidegate) -> bool {
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        if tidegate.control_ended() {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    false
}

/// Milliseconds within the day: the test does not run over midnight for long.
fn millis(at: &str) -> i64 {
    let (clock, part) = at.split_once('T').unwrap().1.trim_end_matches('Z').split_once('.').unwrap();
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1_000 + part.parse::<i64>().unwrap()
}

#[test]
fn a_candidate_that_is_taken_back_never_ran_its_jobs() {
    let mut app = App::new();
    app.jobs(&[TICK]);
    let tidegate = Tidegate::up();
    tidegate.deploy_well(&app);
    app.next_version().behave("never-ready").set("startup", "{ http: /up, every: 100ms, within: 3s }");
    assert_eq!(tidegate.deploy(&app).exit, 1);
    let number = history(&tidegate, "tick")[0].number;
    let later = wait(&tidegate, "a run after the abort", || {
        history(&tidegate, "tick").into_iter().find(|run| run.number > number + 1)
    });
    assert_eq!(later.revision.unwrap().to_string(), "r1");
    assert_eq!(show(&tidegate, "tick").unwrap().revision.to_string(), "r1");
    app.next_version().behave("good");
    tidegate.deploy_well(&app);
    wait(&tidegate, "jobs follow", || show(&tidegate, "tick").filter(|job| job.revision.to_string() != "r1"));
}
