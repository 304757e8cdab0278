//! What a run wrote, followed until it is over.

use serde_json::json;
use tidegate_api::wire::RunLogParams;
use tidegate_core::model::RunNo;
use tidegate_core::view::{LogLine, PipelineRunView};

use crate::server::Server;
use crate::stub::{Answers, Stub};

fn run(state: &str, over: bool) -> PipelineRunView {
    let run = json!({
        "run": 7, "app": "shop", "environment": "staging", "commit": null, "branch": "main", "author": "Ann",
        "subject": "Mend it", "by": "ann", "origin": "push", "state": state, "why": null, "help": null, "stages": [],
        "approvals_needed": 0, "approvals": [], "from": null, "next": null, "build": "0123456789ab",
        "at": "2026-01-02T03:04:05.000Z", "seconds": 1.5, "over": over,
    });
    serde_json::from_value(run).unwrap()
}

fn line(text: &str) -> LogLine {
    LogLine { at_unix_ms: 1, instance: "step-1".to_owned(), stream: "out".to_owned(), line: text.to_owned() }
}

fn followed() -> RunLogParams {
    RunLogParams { follow: true, most: 1, ..RunLogParams::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_output_ends_with_its_run_and_misses_no_line() {
    let server = Server::start(Stub::new(Answers {
        pipeline_runs: vec![run("running", false)],
        logs: vec![line("one"), line("two")],
        ..Answers::default()
    }));
    let mut pages = server.unix().pipeline_logs(RunNo(7), &followed()).await.unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap().lines, [line("one")]);
    assert_eq!(pages.next().await.unwrap().unwrap().lines, [line("two")]);
    {
        // What it wrote last, and that it is over, come at once.
        let mut answers = server.stub.answers.lock().unwrap();
        answers.logs.push(line("three"));
        answers.pipeline_runs = vec![run("succeeded", true)];
    }
    assert_eq!(pages.next().await.unwrap().unwrap().lines, [line("three")]);
    assert!(pages.next().await.unwrap().is_none());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_of_a_run_that_is_over_is_one_page_without_lines_at_the_least() {
    let server =
        Server::start(Stub::new(Answers { pipeline_runs: vec![run("failed", true)], ..Answers::default() }));
    let pages = server.http().pipeline_logs(RunNo(7), &followed()).await.unwrap().all().await.unwrap();
    assert_eq!(pages.len(), 1);
    assert!(pages[0].lines.is_empty());
    server.stop().await;
}
