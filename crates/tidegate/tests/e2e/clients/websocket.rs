//! WebSockets by `websockets`: messages of every kind, how they close, and how they are sent away.

use std::time::Duration;

use serde_json::json;
use tidegate_core::model::Protocol;

use super::python::Program;
use super::stage::Stage;

#[test]
fn messages_of_every_kind_come_back() {
    let (mut server, address) = Program::serve("websocket_server.py", &[]);
    let stage = Stage::before(Protocol::Http1, address);
    let found = Program::found("websocket_client.py", &[&stage.plain.to_string()]);
    let expected = json!({
        "text": true,
        "empty": true,
        "binary": true,
        "1 MiB of text": true,
        "1 MiB of bytes": true,
        "many": [true, "in three parts"],
        "ping": true,
        "closed by the server": [4001, "had enough"],
        "closed by the client": 4002,
    });
    assert_eq!(found, expected, "{found:#}");
    // The seven connections before ended normally.
    let heard: Vec<String> = (0..9).map(|_| server.line()).collect();
    assert_eq!(heard[7..], ["closed 4001 had enough", "closed 4002 so have I"], "{heard:?}");
}

/// Both ends are told to part, well before the server's time is up; who comes again meets the next one.
#[test]
fn both_ends_are_told_when_the_server_leaves() {
    let drain = Duration::from_secs(4);
    let (mut old, address) = Program::serve("websocket_server.py", &[]);
    let (_new, next) = Program::serve("websocket_server.py", &[]);
    let mut stage = Stage::new(Protocol::Http1, drain);
    stage.lead_to(address);
    let mut open = Program::start("websocket_open.py", &[&stage.plain.to_string(), "20"]);
    assert_eq!(open.line(), "open");
    open.go_on();
    stage.lead_to(next);
    let ends = open.last_words();
    assert_eq!(ends["closed"], json!({ "1012 service restart": 20 }), "{ends}");
    assert!(ends["seconds"].as_f64().unwrap() < drain.as_secs_f64(), "within {drain:?}: {ends}");
    for _ in 0..20 {
        assert_eq!(old.line(), "closed 1012 service restart");
    }
    let again = Program::found("websocket_client.py", &[&stage.plain.to_string()]);
    assert_eq!(again["text"], true);
}
