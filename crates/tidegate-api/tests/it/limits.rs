//! What is too much, too odd, or a bug.

use std::time::Duration;

use crate::server::Server;
use crate::stub::{Answers, Stub};

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(Stub::default());
    let long = format!("X-Long: {}\r\n", "x".repeat(64 << 10));
    assert_eq!(server.ask("GET /v1/health", &long).status, 431);
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(server.ask("GET /v1/health", &many).status, 431);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_body_that_is_too_large_or_no_json_is_refused() {
    let server = Server::start(Stub::default());
    let large = format!("{{\"to\":\"{}\"}}", "x".repeat(3 << 20));
    let answer = server.ask_with_token("POST /v1/services/web/rollback", &large);
    assert_eq!((answer.status, answer.code().as_str()), (413, "api::too-large"));
    for bad in ["{", "7", "{\"too\":\"r1\"}", "{\"to\":\"1\"}"] {
        let answer = server.ask_with_token("POST /v1/services/web/rollback", bad);
        assert_eq!((answer.status, answer.code().as_str()), (400, "api::bad-request"), "{bad}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_parameters_are_checked() {
    let server = Server::start(Stub::default());
    for (line, status) in [
        ("GET /", 404),
        ("GET /v2/status", 404),
        ("DELETE /v1/status", 405),
        ("GET /v1/status?app=Not+A+Name", 400),
        ("GET /v1/status?enviroment=production", 400),
        ("GET /v1/deploys/seven", 400),
        ("POST /v1/services/web/rollout/explode", 400),
        ("GET /v1/services/..%2Fweb/rollout", 400),
    ] {
        let answer = server.ask_with_token(line, "");
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        assert!(answer.head.contains("application/problem+json"), "{line}: {}", answer.head);
    }
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_and_the_server_goes_on() {
    let server = Server::start(Stub::new(Answers { panic: true, ..Answers::default() }));
    let answer = server.ask_with_token("GET /v1/doctor", "");
    assert_eq!((answer.status, answer.code().as_str()), (500, "bug"));
    assert_eq!(server.ask("GET /v1/health", "").status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_wait_and_are_then_served() {
    let server = Server::start_with(Stub::default(), |config| config.most_connections = 1);
    let held = std::net::TcpStream::connect(server.address).unwrap();
    let client = server.http();
    let waiting = tokio::spawn(async move { client.health().await });
    // The waiting one is not answered while the first is open; a short look cannot prove more.
    let early = tokio::time::timeout(Duration::from_millis(100), async {
        while !waiting.is_finished() {
            tokio::task::yield_now().await;
        }
    });
    assert!(early.await.is_err(), "served beyond the limit");
    drop(held);
    assert!(waiting.await.unwrap().is_ok());
    server.stop().await;
}
