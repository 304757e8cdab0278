//! `tidegate jobs`, over a control plane that answers from a script.

use serde_json::{Value, json};
use tidegate_core::view::{JobHistory, JobList, JobView};

use crate::served::{Served, view};
use crate::stub::Answers;

/// A job whose last run failed and of which another one waits for its next attempt.
pub fn job() -> Value {
    json!({
        "name": "report", "revision": "r1", "schedule": "30 6 * * *", "timezone": "Europe/Berlin", "overlap": "queue",
        "timeout": "20m", "retries": 2, "catch_up": "5m", "next": "2026-01-03T05:30:00.000Z",
        "next_local": "2026-01-03 06:30:00 +01:00", "last": failed(), "open": [waiting()], "skipped": 3,
    })
}

fn failed() -> Value {
    json!({
        "number": 11, "cause": "due", "slot": "2026-01-01T05:30:00.000Z", "phase": "failed", "revision": "r1",
        "attempts": ["report-7"], "started": "2026-01-01T05:30:00.100Z", "ended": "2026-01-01T05:30:02.350Z",
        "seconds": 2.25, "exit": { "code": 3, "signal": null, "out_of_memory": false, "trouble": null, "ran_ms": 2250 },
        "reason": "exit code 3", "last_output": ["no \u{1b}[31mdatabase"],
    })
}

fn waiting() -> Value {
    json!({
        "number": 12, "cause": "caught up", "slot": "2026-01-02T05:30:00.000Z", "phase": "waiting", "revision": "r1",
        "attempts": ["report-8", "report-9"], "started": "2026-01-02T05:30:00.100Z", "ended": null, "seconds": null,
        "exit": { "code": 1, "signal": null, "out_of_memory": false, "trouble": null, "ran_ms": 900 },
        "reason": null, "last_output": [],
    })
}

fn answers() -> Answers {
    Answers {
        jobs: Some(JobList { jobs: vec![view::<JobView>(job())] }),
        job_runs: Some(JobHistory { runs: vec![view(waiting()), view(failed())] }),
        ..Answers::default()
    }
}

#[test]
fn jobs_for_people() {
    let served = Served::new(answers());
    let typed = [["jobs", "list"].as_slice(), &["jobs", "show", "report"], &["jobs", "history", "report"]];
    let said: Vec<String> = typed.iter().map(|args| served.type_in(args)).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn jobs_for_programs() {
    let served = Served::new(answers());
    let printed = served.terminal.output(&["jobs", "list", "--json"]).stdout;
    let list: Vec<JobView> = serde_json::from_slice(&printed).unwrap();
    assert_eq!(list, answers().jobs.unwrap().jobs);
    let printed = served.terminal.output(&["jobs", "--json", "history", "report"]).stdout;
    let runs: Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!(runs[1]["reason"], "exit code 3");
}

#[test]
fn an_app_without_jobs_and_a_refusal() {
    let served = Served::new(Answers { jobs: Some(JobList { jobs: Vec::new() }), ..Answers::default() });
    let said = [served.type_in(&["jobs", "list"]), served.type_in(&["jobs", "run", "report"])];
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!(served.stub.called().last().unwrap(), "job_start report");
}
