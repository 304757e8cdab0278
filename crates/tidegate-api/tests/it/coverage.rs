//! The document and the router say the same, and the client reaches all of it.

use std::collections::BTreeSet;

use tidegate_api::Client;
use tidegate_api::wire::{
    ApproveBody, AuditParams, FlagKeyBody, RemoveBody, RollbackBody, RolloutAction, RunBody, RunLogParams,
    ScaleBody,
};
use tidegate_control::{
    BeginRun, BreakGlass, DeployRequest, EventQuery, FlagRef, LogQuery, PlanRequest, Scope, ServiceRef,
};
use tidegate_core::experiment::EventBatch;
use tidegate_core::model::{FlagAccessKind, InstanceId, RevisionNo, RunNo, RunSource};
use tidegate_core::release::{Asked, Order};

use crate::server::Server;
use crate::stub::Stub;

/// Every operation of the document is routed: nothing answers 404 or 405 by the API itself.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_document_is_routed_and_guarded() {
    let server = Server::start(Stub::default());
    let document = server.ask("GET /v1/openapi.json", "").json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15, "{}", paths.len());
    for (path, operations) in paths {
        let real = path
            .replace("{service}", "web")
            .replace("{action}", "retry")
            .replace("{id}", "1")
            .replace("{run}", "7")
            .replace("{flag}", "new-cart")
            .replace("{environment}", "qa");
        for (method, operation) in operations.as_object().unwrap() {
            let line = format!("{} {real}", method.to_uppercase());
            let open = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert_eq!(server.ask(&line, "").status == 401, !open, "{line}");
            let answer = server.ask_with_token(&line, "");
            assert!(!answer.body.contains("api::no-such"), "{line}: {}", answer.body);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_client_reaches_its_call_of_the_control_plane() {
    let server = Server::start(Stub::default());
    let client = server.unix();
    let scope = Scope { app: Some("shop".parse().unwrap()), environment: None };
    let web = ServiceRef { scope: scope.clone(), service: "web".parse().unwrap() };
    let plan = PlanRequest {
        deploy: DeployRequest::default(),
        manifest_file: "Procfile".to_owned(),
        manifest_text: String::new(),
        snapshot: String::new(),
        flags: None,
    };
    let id = InstanceId("run-1".to_owned());
    let run = RunBody { revision: Some(RevisionNo(3)), command: "echo 'a b'".to_owned(), break_glass: None };
    let _ = client.deploy(&DeployRequest::default(), |_| Ok(())).await;
    let _ = client.deploy_view(4).await;
    let _ = client.plan(&plan).await;
    let _ = client.status(&scope).await;
    let _ = client.rollout(&web).await;
    for action in [RolloutAction::Pause, RolloutAction::Resume, RolloutAction::Promote, RolloutAction::Abort]
    {
        let _ = client.act(&web, action, ("ann", None)).await;
    }
    let why = Some("the bank changed".to_owned());
    let _ = client.act(&web, RolloutAction::Promote, ("ann", why.clone())).await;
    let _ = client.act(&web, RolloutAction::Retry, ("ann", why)).await;
    let glass = BreakGlass { by: "ann".to_owned(), why: "the bank changed".to_owned() };
    let _ = client.rollback(&web, &RollbackBody::default()).await;
    let back = RollbackBody { to: Some(RevisionNo(3)), break_glass: Some(glass.clone()) };
    let _ = client.rollback(&web, &back).await;
    let _ = client.scale(&web, &ScaleBody { instances: Some(3), break_glass: None }).await;
    let _ = client.scale(&web, &ScaleBody { instances: None, break_glass: Some(glass.clone()) }).await;
    let _ = client.previews(&scope).await;
    let removal = RemoveBody { by: "ann".to_owned(), break_glass: Some(glass) };
    let _ = client.environment_remove(scope.app.clone(), &"qa".parse().unwrap(), &removal).await;
    let _ = client.run(&web, &run).await;
    let _ = client.run_view(&id).await;
    let _ = client.run_stop(&id).await;
    ask_of_runs(&client, &scope).await;
    let _ = client.jobs(&scope).await;
    let _ = client.job(&web).await;
    let _ = client.job_history(&web).await;
    let _ = client.job_start(&web).await;
    let cart = FlagRef { scope: scope.clone(), flag: "new-cart".parse().unwrap() };
    let _ = client.flags(&scope).await;
    let _ = client.flag(&cart).await;
    let _ = client.flag_history(&cart).await;
    let _ = client.flag_set(&scope).await;
    let _ = client.flag_debt(&scope, Some(14)).await;
    let asked = Asked { expect_version: Some(7), ..Asked::new(Order::Kill, "ann") };
    let _ = client.release(&cart, &asked).await;
    let _ = client.events(EventQuery { after: 9, ..EventQuery::default() }, false).await;
    let _ = client.logs(LogQuery { unit: Some(id), ..LogQuery::default() }, false).await;
    let _ = client.explain(&scope, Some(tidegate_core::model::RolloutId(5))).await;
    let _ = client.proof(&web, Some(tidegate_core::model::RolloutId(6))).await;
    let _ = client.traffic(&web).await;
    let cart = "cart".parse().unwrap();
    let _ = client.exposures(&scope, &EventBatch::default()).await;
    let _ = client.experiments(&scope).await;
    let _ = client.experiment(&scope, &cart).await;
    let _ = client.experiment_stop(&scope, &cart, "ann", Some("enough".to_owned())).await;
    let _ = client.flag_keys(&scope).await;
    let key = FlagKeyBody { name: "web pages".to_owned(), kind: FlagAccessKind::Client };
    let _ = client.flag_key_create(&scope, &key, "ann").await;
    let _ = client.flag_key_revoke(&scope, "web pages", "ann").await;
    // Git is not served here: what it does with the control plane is seen in `git.rs`.
    let _ = client.git_urls(&"shop".parse().unwrap(), "ann").await;
    let _ = client.doctor().await;
    let _ = client.audit_list(&AuditParams { who: Some("ann".to_owned()), ..AuditParams::default() }).await;
    let _ = client.audit_links(17).await;
    let _ = client.audit_head().await;
    let _ = client.upgrade().await;
    client.down().await.unwrap();
    let expected = [
        "deploy",
        "deploy_view 4",
        "plan Procfile",
        "status Scope { app: Some(Name(\"shop\")), environment: None }",
        "rollout web",
        "request web Pause by somebody",
        "request web Resume by somebody",
        "request web Promote by somebody",
        "request web Abort by somebody",
        "request web Promote by somebody because the bank changed",
        "retry web because the bank changed",
        "rollback web to the one before",
        "rollback web to r3 because the bank changed",
        "scale web to 3",
        "scale web to auto because the bank changed",
        "previews Scope { app: Some(Name(\"shop\")), environment: None }",
        "environment_remove Some(Name(\"qa\")) by ann because the bank changed",
        "run web at r3: echo 'a b'",
        "run_view run-1",
        "run_stop run-1",
        "run_begin shop to staging, 4 bytes",
        "pipeline_runs Scope { app: Some(Name(\"shop\")), environment: None } 20",
        "pipeline_runs Scope { app: Some(Name(\"shop\")), environment: None } 500",
        "pipeline_run 7",
        "pipeline_logs 7 Some(\"test\")",
        "run_cancel 7 by ann",
        "run_retry 7 by ann",
        "run_approve 7 by bob because Some(\"tried it\")",
        "promote from Some(Name(\"staging\")) to production by ann",
        "jobs Scope { app: Some(Name(\"shop\")), environment: None }",
        "job web",
        "job_history web",
        "job_start web",
        "flags Scope { app: Some(Name(\"shop\")), environment: None }",
        "flag new-cart",
        "flag_history new-cart",
        "flag_set Scope { app: Some(Name(\"shop\")), environment: None }",
        "flag_debt Scope { app: Some(Name(\"shop\")), environment: None } Some(14)",
        "release new-cart kill by ann after Some(7)",
        "events after 9",
        "logs Some(InstanceId(\"run-1\"))",
        "explain Some(RolloutId(5))",
        "proof web Some(RolloutId(6))",
        "traffic web",
        "take_events 0 and 0",
        "experiments Scope { app: Some(Name(\"shop\")), environment: None }",
        "experiment cart",
        "experiment_stop cart by ann because Some(\"enough\")",
        "flag_keys Scope { app: Some(Name(\"shop\")), environment: None }",
        "flag_key_create Client web pages by ann",
        "flag_key_revoke web pages by ann",
        "doctor",
        "audit_list Some(\"ann\") before None",
        "audit_links 17 0",
        "audit_standing",
        "upgrade",
        "down",
    ];
    assert_eq!(server.stub.called(), expected);
    server.stop().await;
}

async fn ask_of_runs(client: &Client, scope: &Scope) {
    let source = RunSource { by: "ann".to_owned(), ..RunSource::default() };
    let (app, environment) = ("shop".parse().unwrap(), "staging".parse().unwrap());
    let begin = BeginRun { app, environment, source, push: None };
    let run = RunNo(7);
    let _ = client.run_begin(&begin, |out| out.write_all(b"tree")).await;
    let _ = client.pipeline_runs(scope, 0).await;
    let _ = client.pipeline_runs(scope, 100_000).await;
    let _ = client.pipeline_run(run).await;
    let params = RunLogParams { stage: Some("test".to_owned()), ..RunLogParams::default() };
    let _ = client.pipeline_logs(run, &params).await;
    let _ = client.run_cancel(run, "ann").await;
    let _ = client.run_retry(run, "ann").await;
    let agreed = ApproveBody { by: "bob".to_owned(), why: Some("tried it".to_owned()), break_glass: None };
    let _ = client.run_approve(run, &agreed).await;
    let staging = Scope { environment: Some("staging".parse().unwrap()), ..scope.clone() };
    let _ = client.promote(&staging, &"production".parse().unwrap(), "ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operation_names_are_unique() {
    let server = Server::start(Stub::default());
    let document = server.ask("GET /v1/openapi.json", "").json();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> =
        operations.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    server.stop().await;
}
