//! No request that changes something is without an entry, and whoever is turned away is counted.

use tidegate_core::access::{Origin, Who};
use tidegate_core::audit::{Deed, Outcome};

use crate::server::{Server, eventually};
use crate::stub::{Answers, Stub};

/// What takes something and is in no entry, each with its reason in `server/audit/commands.rs`.
const UNTOLD: [&str; 8] = [
    "plan",
    "exposures",
    "otlp_logs",
    "git_hook",
    "advisories",
    "login",
    "login_device",
    "login_device_poll",
];

fn noted(server: &Server) -> Vec<Deed> {
    std::mem::take(&mut *server.stub.noted.lock().unwrap())
}

/// This is the test that keeps it true: an endpoint that is added to the table leaves an entry, or is named above.
#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_takes_something_leaves_an_entry() {
    let server = Server::start(Stub::default());
    let document = server.ask("GET /v1/openapi.json", "").json();
    noted(&server);
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let real = path
            .replace("{service}", "web")
            .replace("{action}", "abort")
            .replace("{run}", "7")
            .replace("{flag}", "new-cart")
            .replace("{environment}", "qa");
        let real = real.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let real = real.collect::<Vec<_>>().join("/");
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            if method == "get" {
                continue;
            }
            tried += 1;
            // A body that is no JSON, one that is, and what is not read at all.
            for body in ["{", "{}"] {
                let answer = server.ask_with_token(&format!("{} {real}", method.to_uppercase()), body);
                let told = noted(&server);
                if UNTOLD.contains(&id) || (id == "git_push" && answer.status == 200) {
                    assert!(told.is_empty() || id == "git_hook", "{id}: {told:?}");
                    continue;
                }
                assert_eq!(told.len(), 1, "{id} with {body}: {} {}", answer.status, answer.body);
                let deed = &told[0];
                assert_eq!(deed.who, Some(Who::Owner), "{id}");
                assert!(matches!(deed.from, Origin::Address(_)), "{id}");
                assert_eq!(answer.status < 300, !deed.outcome.is_refusal(), "{id}: {:?}", deed.outcome);
            }
        }
    }
    assert!(tried > 20, "{tried}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_what_was_refused_and_no_more_than_it_may() {
    let server = Server::start(Stub::default());
    let line = "POST /v1/services/web/rollout/abort?app=shop&by=ann&break_glass=fire";
    assert_eq!(server.ask_with_token(line, "").code(), "stub::unset");
    let told = noted(&server);
    let deed = &told[0];
    assert_eq!((deed.command.as_str(), deed.why.as_deref()), ("rollout", Some("fire")));
    assert_eq!((deed.with["service"].as_str(), deed.with["action"].as_str()), ("web", "abort"));
    assert_eq!(deed.outcome, Outcome::Refused { code: "stub::unset".to_owned(), rule: None });
    server.ask_with_token("POST /v1/flag-keys/tidegate-server-of-shop/revoke", "");
    let told = serde_json::to_string(&noted(&server)).unwrap();
    assert!(told.contains("flag key revoke") && !told.contains("tidegate-server-of"), "{told}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_and_a_broken_machine_are_failures_and_not_refusals() {
    let server = Server::start(Stub::new(Answers { panic: true, ..Answers::default() }));
    assert_eq!(server.ask_with_token("POST /v1/upgrade", "").status, 500);
    assert_eq!(noted(&server)[0].outcome, Outcome::Failed { code: "bug".to_owned() });
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_at_once_and_counted_from_then_on() {
    let server = Server::start(Stub::default());
    // As many as may be wrong in a minute, before they are not listened to any more.
    for n in 0..10 {
        let wrong = format!("Authorization: Bearer {n}\r\n");
        assert_eq!(server.ask("POST /v1/down", &wrong).status, 401);
    }
    assert!(eventually(|| server.stub.noted.lock().unwrap().len() == 1).await);
    let first = noted(&server).remove(0);
    assert_eq!((&first.who, first.command.as_str()), (&Some(Who::Stranger), "knock"));
    assert_eq!(first.from, Origin::Address("127.0.0.1".parse().unwrap()));
    assert_eq!(first.outcome, Outcome::Refused { code: "api::unauthorized".to_owned(), rule: None });
    let stub = server.stub.clone();
    server.stop().await;
    let rest = stub.noted.lock().unwrap();
    assert_eq!(rest.len(), 1, "the rest is told when the server ends: {rest:?}");
    assert_eq!(rest[0].with["again"], "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_leaves_nothing() {
    let server = Server::start(Stub::default());
    server.ask_with_token("GET /v1/status", "");
    server.ask_with_token("GET /v1/audit", "");
    assert!(noted(&server).is_empty());
    server.stop().await;
}
