//! What OpenTelemetry's exporters send, over the real server.

use serde_json::json;
use tidegate_core::experiment::EventsTaken;

use crate::server::{Answer, Server};
use crate::stub::{Answers, Stub};

fn server() -> Server {
    Server::start(Stub::new(Answers { events_taken: Some(EventsTaken::default()), ..Answers::default() }))
}

fn post(server: &Server, headers: &str, body: &str) -> Answer {
    let bearer = format!("Authorization: Bearer {}\r\n", server.token.reveal());
    let length = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    let host = server.address;
    server.raw(&format!("POST /v1/logs HTTP/1.1\r\nHost: {host}\r\n{bearer}{headers}{length}\r\n{body}"))
}

fn record(attributes: &[(&str, &str)]) -> serde_json::Value {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(key, text)| json!({ "key": key, "value": { "stringValue": text } }))
        .collect();
    json!({ "timeUnixNano": "1772366400000000000", "eventName": "feature_flag.evaluation", "attributes": attributes })
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluations_reach_the_control_plane_and_broken_ones_are_told() {
    let server = server();
    let good = [
        ("feature_flag.key", "cart"),
        ("feature_flag.result.variant", "on"),
        ("feature_flag.context.id", "u1"),
    ];
    let records = json!([record(&good), record(&good[..2])]);
    let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] }).to_string();
    let answer = post(&server, "Content-Type: application/json; charset=utf-8\r\n", &body);
    assert_eq!((answer.status, &answer.json()["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    assert_eq!(server.stub.called(), ["take_events 1 and 0"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_about_nothing_else_are_passed_over() {
    let server = server();
    // One record with a body and nothing else: field 1 of the request, 2 of the resource, 2 of the scope.
    let message = "\n\u{4}\u{12}\u{2}\u{12}\0";
    let answer = post(&server, "Content-Type: application/x-protobuf\r\n", message);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(
        answer.head.to_ascii_lowercase().contains("content-type: application/x-protobuf"),
        "{}",
        answer.head
    );
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused() {
    let server = server();
    for (headers, body, status) in [
        ("Content-Type: application/json\r\n", "{", 400),
        ("Content-Type: application/x-protobuf\r\n", "\n\u{7f}", 400),
        ("Content-Type: text/plain\r\n", "", 415),
        ("", "", 415),
        ("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{}", 400),
        ("Content-Type: application/json\r\nContent-Encoding: br\r\n", "{}", 415),
    ] {
        assert_eq!(post(&server, headers, body).status, status, "{headers}{body}");
    }
    server.stop().await;
}
