//! gRPC by `grpcio`: every kind of call, statuses, deadlines and what is sent beside messages.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::model::Protocol;

use super::python::Program;
use super::stage::Stage;

#[test]
fn every_kind_of_call_passes_whole() {
    let (_server, address) = Program::serve("grpc_server.py", &[]);
    let stage = Stage::before(Protocol::H2c, address);
    let found = Program::found("grpc_client.py", &[&stage.plain.to_string()]);
    let bytes: String = (0..=255).map(|byte| format!("{byte:02x}")).collect();
    let expected = json!({
        "metadata": ["HELLO", { "x-first": "tide" }, { "x-last": "tide", "x-raw-bin": bytes }],
        "client stream": "300 messages, 300000 bytes",
        "server stream": [true, { "x-last": "counted" }],
        "both streams": [20, "heard 0", "heard 19"],
        "large": 3 << 20,
        "error": ["FAILED_PRECONDITION", "not today: 100 % of Käse is gone", { "x-why": "as asked" }],
        "error after messages": ["so far so good", ["DATA_LOSS", "and then no more"]],
        "unknown method": "UNIMPLEMENTED",
        "deadline": ["DEADLINE_EXCEEDED", true],
        "deadline is told": true,
        "cancelled": 2,
    });
    assert_eq!(found, expected, "{found:#}");
}

/// Streams under way break, and what is asked for afterwards has nobody to answer it.
#[test]
fn a_server_that_is_gone_is_unavailable() {
    let (server, address) = Program::serve("grpc_server.py", &[]);
    let stage = Stage::before(Protocol::H2c, address);
    let at = stage.plain.to_string();
    let mut open = Program::start("grpc_open.py", &[&at, "3"]);
    assert_eq!(open.line(), "open");
    drop(server);
    open.go_on();
    let found = open.last_words();
    assert_eq!((&found[0], &found[1]), (&tally("OK", 3), &tally("UNAVAILABLE", 3)));
    let mut late = Program::start("grpc_open.py", &[&at, "2"]);
    assert_eq!(late.line(), "open");
    assert_eq!(late.last_words()[0], tally("UNAVAILABLE", 2));
}

/// A stream stays with the server it began on, while new calls go to the next one.
#[test]
fn streams_outlive_the_change_to_another_server() {
    let (_old, old) = Program::serve("grpc_server.py", &[]);
    let (_new, new) = Program::serve("grpc_server.py", &[]);
    let mut stage = Stage::new(Protocol::H2c, Duration::from_secs(10));
    stage.lead_to(old);
    let at = stage.plain.to_string();
    let mut open = Program::start("grpc_open.py", &[&at, "10"]);
    assert_eq!(open.line(), "open");
    stage.lead_to(new);
    open.go_on();
    let expected: Vec<Value> = (0..3).map(|_| tally("OK", 10)).collect();
    assert_eq!(open.last_words(), Value::from(expected));
}

fn tally(outcome: &str, many: u32) -> Value {
    json!({ outcome: many })
}
