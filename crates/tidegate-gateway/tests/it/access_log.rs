//! The access log: what a line says, which requests have one, and that no disk keeps a request waiting.

use std::path::Path;

use serde_json::Value;
use tidegate_core::model::{Concurrency, Site, Timeouts, TrafficPolicy};
use tidegate_core::time::Millis;
use tidegate_gateway::{AccessLog, Limits, LogTarget, Observe, Sample};

use crate::balance::with_policy;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, Stage, connected, link, until};

fn stage(log: AccessLog) -> Stage {
    Stage::observing(Limits::default(), Observe { access_log: Some(log), ..Observe::default() })
}

/// The lines of the log, once there are so many.
fn lines(path: &Path, wanted: usize) -> Vec<Value> {
    let text = until("the lines are written", || {
        let text = std::fs::read_to_string(path).ok()?;
        (text.lines().count() >= wanted && text.ends_with('\n')).then_some(text)
    });
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Answers with the status that the path names.
fn obedient() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let status = request.line.split(' ').nth(1).unwrap()[1..].to_owned();
            connection.say(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nhi"));
        }
    })
}

#[test]
fn a_line_says_who_asked_what_and_who_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let stage = stage(AccessLog::new(LogTarget::File(path.clone())));
    let upstream = Upstream::saying("hello");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST /a?secret HTTP/1.1\r\nHost: Shop:80\r\nContent-Length: 3\r\nX-Request-Id: mine\r\n");
    client.send("Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    client.send("User-Agent: q\"\tö\r\n\r\nabc");
    assert_eq!(client.answer().unwrap().text(), "hello");

    let line = &lines(&path, 1)[0];
    let peer = client.stream.local_addr().unwrap().to_string();
    for (name, wanted) in [
        ("id", "mine"),
        ("trace", "0af7651916cd43dd8448eb211c80319c"),
        ("client", &peer),
        ("protocol", "http/1"),
        ("method", "POST"),
        ("host", "Shop:80"),
        ("path", "/a"),
        ("agent", "q\"\tö"),
        ("ended", "complete"),
        ("route", "/"),
        ("upstream", "app/dev/web"),
        ("arm", "stable"),
        ("revision", "r1"),
        ("instance", "web-1"),
    ] {
        assert_eq!(line[name].as_str(), Some(wanted), "{name} in {line}");
    }
    for (name, wanted) in [("status", 200), ("received", 3), ("sent", 5), ("attempts", 1)] {
        assert_eq!(line[name].as_u64(), Some(wanted), "{name} in {line}");
    }
    let times = ["wait_ms", "first_byte_ms", "total_ms"].map(|name| line[name].as_f64().unwrap());
    assert!(times.is_sorted() && times[2] < 20_000.0, "{line}");
    assert_eq!(line.get("query"), None);
}

#[test]
fn a_page_has_its_mark_and_a_client_that_left_no_status() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let stage = stage(AccessLog { query: true, ..AccessLog::new(LogTarget::File(path.clone())) });
    let (asked, heard) = std::sync::mpsc::channel();
    let upstream = Upstream::new(move |connection| {
        let _ = (connection.request(), asked.send(()), connection.request());
    });
    assert_eq!(Client::new(stage.address).get("nobody", "/b?c").status(), 404);
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
    heard.recv().unwrap();
    drop(client);

    // Each worker writes its lines when it comes to it.
    let mut lines = lines(&path, 2);
    lines.sort_by_key(|line| line["path"].to_string());
    assert_eq!((lines[0]["ended"].as_str(), lines[0]["status"].as_u64()), (Some("no-route"), Some(404)));
    assert_eq!((lines[0]["query"].as_str(), lines[0].get("upstream")), (Some("c"), None));
    assert_eq!((lines[1]["ended"].as_str(), lines[1]["status"].as_u64()), (Some("cancelled"), Some(0)));
}

/// `arm`, `revision` and `instance` of a line.
fn whom(line: &Value) -> [Option<&str>; 3] {
    ["arm", "revision", "instance"].map(|name| line[name].as_str())
}

/// Requests of both paths: the general one has those with `TE`.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];

#[test]
fn a_request_that_got_no_answer_says_from_whom() {
    for fields in PATHS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let stage = stage(AccessLog::new(LogTarget::File(path.clone())));
        let (asked, heard) = std::sync::mpsc::channel();
        let upstream = Upstream::new(move |connection| {
            let _ = (connection.request(), asked.send(()), connection.request());
        });
        let ask = |client: &mut Client, path: &str| {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        };
        let serving = |epoch| table(epoch, &[("web-1", upstream.address)]);
        stage.apply(&serving(1));
        let mut gone = Client::new(stage.address);
        ask(&mut gone, "/gone");
        heard.recv().unwrap();
        drop(gone);
        lines(&path, 1);

        let timeouts = Timeouts { first_byte: Some(Millis(100)), ..Timeouts::default() };
        stage.apply(&with_policy(serving(2), &TrafficPolicy { timeouts, ..TrafficPolicy::default() }));
        let mut late = Client::new(stage.address);
        ask(&mut late, "/late");
        assert_eq!(late.answer().unwrap().status(), 504);
        heard.recv().unwrap();

        let concurrency = Some(Concurrency { per_instance: 1, queue: 0, queue_timeout: Millis(1_000) });
        stage.apply(&with_policy(serving(3), &TrafficPolicy { concurrency, ..TrafficPolicy::default() }));
        let (mut first, mut second) = (Client::new(stage.address), Client::new(stage.address));
        ask(&mut first, "/first");
        heard.recv().unwrap();
        ask(&mut second, "/full");
        assert_eq!(second.answer().unwrap().field("tidegate-gateway"), Some("overloaded"));

        for line in lines(&path, 3) {
            let instance = (line["path"] != "/full").then_some("web-1");
            assert_eq!(whom(&line), [Some("stable"), Some("r1"), instance], "{line}");
            assert_eq!(line["attempts"].as_u64(), Some(instance.map_or(0, |_| 1)), "{line}");
        }
    }
}

#[test]
fn a_file_is_answered_by_its_arm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let stage = stage(AccessLog::new(LogTarget::File(path.clone())));
    let mut table = table(1, &[]);
    let root = dir.path().to_owned();
    let site = Site { root, spa: false, not_found: None, others: Vec::new() };
    table.upstreams.get_mut("app/dev/web").unwrap().arms[0].site = Some(site);
    stage.apply(&table);
    assert_eq!(Client::new(stage.address).get("a", "/lost").status(), 404);
    assert_eq!(whom(&lines(&path, 1)[0]), [Some("stable"), Some("r1"), None]);
}

#[test]
fn failures_are_logged_whatever_the_sample() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let sample: Sample = "errors".parse().unwrap();
    let stage = stage(AccessLog { sample, ..AccessLog::new(LogTarget::File(path.clone())) });
    let upstream = obedient();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for status in ["200", "500", "404", "503"] {
        client.get("a", &format!("/{status}"));
    }
    let statuses: Vec<_> = lines(&path, 2).iter().map(|line| line["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(500), Some(503)]);
}

#[test]
fn a_full_disk_costs_lines_and_no_request() {
    let stage = stage(AccessLog::new(LogTarget::File("/dev/full".into())));
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..500 {
        assert_eq!(client.get("a", "/").text(), "here");
    }
    let front = until("every line is lost", || {
        stage.link.observe().counts.map(|counts| counts.front).filter(|front| front.log_lines_lost == 500)
    });
    assert_eq!(front.log_lines, 0);
}

#[test]
fn a_disk_that_has_room_again_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/access.log");
    let stage = stage(AccessLog::new(LogTarget::File(path.clone())));
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.get("a", "/lost");
    until("the line is lost", || {
        stage.link.observe().counts.filter(|counts| counts.front.log_lines_lost == 1)
    });
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    client.get("a", "/kept");
    assert_eq!(lines(&path, 1)[0]["path"], "/kept");
}

#[test]
fn sigusr1_opens_the_file_anew() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    let (link, _) = link(dir.path());
    let address = connected(&link);
    let path = dir.path().join("access.log");
    assert_eq!(Client::new(address).get("a", "/before").status(), 404);
    assert_eq!(lines(&path, 1)[0]["path"], "/before");
    std::fs::rename(&path, dir.path().join("access.log.moved")).unwrap();
    process.signal("USR1");
    until("the file is there again", || path.exists().then_some(()));
    assert_eq!(Client::new(address).get("a", "/after").status(), 404);
    assert_eq!(lines(&path, 1)[0]["path"], "/after");
}

#[test]
fn the_last_lines_are_written_before_the_gateway_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let mut stage = stage(AccessLog::new(LogTarget::File(path.clone())));
    let upstream = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(ok("x"));
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..50 {
        client.get("a", "/");
    }
    drop(client);
    stage.end(std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 50);
}
