//! What lasts, many at once, while one server takes another's place: nothing is lost, and what is to go is told so.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::model::Protocol;

use super::python::Program;
use super::stage::Stage;
use crate::support::{figures, full};

const DRAIN: Duration = Duration::from_secs(10);

/// How much of each is open.
struct Size {
    changes: u32,
    sockets: u32,
    streams: u32,
    calls: u32,
    mebibytes: u32,
}

const QUICK: Size = Size { changes: 1, sockets: 150, streams: 60, calls: 20, mebibytes: 20 };
const FULL: Size = Size { changes: 10, sockets: 2_000, streams: 200, calls: 50, mebibytes: 1_024 };

#[test]
fn nothing_long_lived_is_lost_when_servers_change() {
    let size = if full() { FULL } else { QUICK };
    for change in 1..=size.changes {
        let figures = [web_sockets(size.sockets), event_streams(size.streams), calls(size.calls)];
        let transfers = transfers(size.mebibytes);
        figures::show(&[vec![change.to_string()], figures.to_vec(), vec![transfers]].concat());
    }
}

/// All are told to go, spread over the time until the server's end, and none before.
fn web_sockets(many: u32) -> String {
    let found = left_by(Protocol::Http1, "websocket_server.py", "websocket_open.py", many);
    assert_eq!(found["closed"], json!({ "1012 service restart": many }), "{found}");
    within_the_drain(&found, many, "WebSockets")
}

/// All end between two events and as HTTP has it.
fn event_streams(many: u32) -> String {
    let found = left_by(Protocol::Http1, "http_app.py", "sse_open.py", many);
    assert_eq!(found["closed"], json!({ "ended": many }), "{found}");
    within_the_drain(&found, many, "event streams")
}

fn within_the_drain(found: &Value, many: u32, what: &str) -> String {
    let seconds = found["seconds"].as_f64().unwrap();
    assert!(seconds < DRAIN.as_secs_f64(), "{what}: {found}");
    assert!(seconds > 1.0, "{what} were to go one after another: {found}");
    format!("{many} {what} told within {seconds:.1} s")
}

/// What a program holds open, and what it saw when its server was replaced.
fn left_by(protocol: Protocol, server: &str, client: &str, many: u32) -> Value {
    let (_old, old) = Program::serve(server, &[]);
    let (_new, new) = Program::serve(server, &[]);
    let mut stage = Stage::new(protocol, DRAIN);
    stage.lead_to(old);
    let mut open = Program::start(client, &[&stage.plain.to_string(), &many.to_string()]);
    assert_eq!(open.line(), "open");
    open.go_on();
    stage.lead_to(new);
    open.last_words()
}

/// Calls under way go on where they are.
fn calls(many: u32) -> String {
    let found = left_by(Protocol::H2c, "grpc_server.py", "grpc_open.py", many);
    let expected: Vec<Value> = (0..3).map(|_| json!({ "OK": many })).collect();
    assert_eq!(found, Value::from(expected));
    format!("{many} gRPC streams ended well")
}

/// An upload and a download, both slow enough to be under way during the change, arrive whole.
fn transfers(mebibytes: u32) -> String {
    let (_old, old) = Program::serve("http_app.py", &[]);
    let (_new, new) = Program::serve("http_app.py", &[]);
    let mut stage = Stage::new(Protocol::Http1, DRAIN);
    stage.lead_to(old);
    let bytes = u64::from(mebibytes) << 20;
    // Four seconds each.
    let rate = (bytes / 4).to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zeros");
    std::fs::File::create(&file).unwrap().set_len(bytes).unwrap();
    let blocks = bytes >> 16;
    let up = curl(&stage, "/sum", &rate, &["-T", file.to_str().unwrap()]);
    let down = curl(
        &stage,
        &format!("/blocks?many={blocks}"),
        &rate,
        &["-o", "/dev/null", "-w", "%{size_download}"],
    );
    stage.wait_for_requests(2);
    stage.lead_to(new);
    let mut children = [up, down];
    let under_way = children.iter_mut().all(|child| child.try_wait().unwrap().is_none());
    assert!(under_way, "one was over before the change");
    let said = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    assert!(said[0].starts_with(&format!("{bytes} ")), "{said:?}");
    assert_eq!(said[1], bytes.to_string());
    format!("{mebibytes} MiB up and down")
}

fn curl(stage: &Stage, path: &str, rate: &str, args: &[&str]) -> Child {
    Command::new("curl")
        .args(["-sS", "--max-time", "120", "--limit-rate", rate])
        .args(args)
        .arg(format!("http://{}{path}", stage.plain))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
