//! A refusal keeps its words on the way, and its kind decides the status.

use tidegate_control::{Refusal, RefusalKind};

use crate::server::Server;
use crate::stub::{Answers, Stub};

fn refusing(kind: RefusalKind, code: &str) -> Stub {
    let refusal = Refusal::new(kind, code, "it is so").help("do this");
    Stub::new(Answers { refusal: Some(refusal), ..Answers::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_has_its_status() {
    for (kind, code, status) in [
        (RefusalKind::Invalid, "a::b", 400),
        (RefusalKind::NotFound, "a::b", 404),
        (RefusalKind::Conflict, "a::b", 409),
        (RefusalKind::Environment, "a::b", 503),
        (RefusalKind::Environment, "deploy::disk-full", 507),
        (RefusalKind::Bug, "a::b", 500),
    ] {
        let server = Server::start(refusing(kind, code));
        let answer = server.ask_with_token("GET /v1/doctor", "");
        let problem = answer.json();
        assert_eq!((answer.status, problem["status"].as_u64().unwrap()), (status, u64::from(status)));
        assert_eq!(problem["type"], format!("urn:tidegate:error:{code}"));
        assert_eq!(
            (problem["title"].as_str(), problem["help"].as_str()),
            (Some("it is so"), Some("do this"))
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_gets_the_refusal_as_it_was() {
    let mut refusal = Refusal::new(RefusalKind::Invalid, "deploy::manifest", "the manifest has a mistake");
    refusal.diagnostics.push(tidegate_config::Diagnostic {
        code: "manifest::unknown-key".to_owned(),
        severity: tidegate_config::Severity::Error,
        message: "there is no key `prot`".to_owned(),
        file: "tidegate.yaml".to_owned(),
        labels: vec![tidegate_config::Label { start: 4, end: 8, text: "here".to_owned() }],
        help: Some("`port`?".to_owned()),
    });
    let server = Server::start(Stub::new(Answers { refusal: Some(refusal.clone()), ..Answers::default() }));
    assert_eq!(server.http().doctor().await.unwrap_err().refusal(), Some(&refusal));
    assert_eq!(server.unix().doctor().await.unwrap_err().refusal(), Some(&refusal));
    server.stop().await;
}
