//! Endpoints that leave and gateways that end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::model::InstanceId;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, Stage, connected, link, until};

/// Answers once it is let go.
fn held() -> (Upstream, Arc<AtomicBool>) {
    let go = Arc::new(AtomicBool::new(false));
    let wait = go.clone();
    let upstream = Upstream::new(move |connection| {
        while connection.request().is_some() {
            until("the test lets go", || wait.load(Ordering::SeqCst).then_some(()));
            connection.say(ok("finished"));
        }
    });
    (upstream, go)
}

#[test]
fn requests_finish_where_they_began_and_the_end_is_told_at_once() {
    let stage = Stage::new();
    let (old, go) = held();
    let new = Upstream::saying("new");
    stage.apply(&table(1, &[("web-1", old.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (old.connections.load(Ordering::SeqCst) == 1).then_some(()));
    let id = InstanceId("web-1".to_owned());
    let seen = stage.apply(&table(2, &[("web-2", new.address)]));
    assert_eq!(seen.inflight.get(&id), Some(&1));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "new");
    let wakes = stage.wakes.load(Ordering::SeqCst);
    let released = Instant::now();
    go.store(true, Ordering::SeqCst);
    until("its end is told", || stage.link.observe().inflight.is_empty().then_some(()));
    assert!(released.elapsed() < Duration::from_millis(700), "not with the next regular report");
    assert_eq!(client.answer().unwrap().text(), "finished");
    until("the control plane is woken", || (stage.wakes.load(Ordering::SeqCst) > wakes).then_some(()));
}

#[test]
fn kept_connections_of_an_endpoint_that_left_are_closed_at_once() {
    let stage = Stage::new();
    let closed = Arc::new(AtomicBool::new(false));
    let tell = closed.clone();
    let upstream = Upstream::new(move |connection| {
        while connection.request().is_some() {
            connection.say(ok("here"));
        }
        tell.store(true, Ordering::SeqCst);
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "here");
    let before = Instant::now();
    stage.apply(&table(2, &[]));
    until("it is closed", || closed.load(Ordering::SeqCst).then_some(()));
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_gateway_that_ends_lets_requests_finish() {
    let mut stage = Stage::new();
    let (upstream, go) = held();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
    let letting_go = std::thread::spawn({
        let address = stage.address;
        move || {
            until("nothing is accepted any more", || std::net::TcpStream::connect(address).err());
            go.store(true, Ordering::SeqCst);
        }
    });
    stage.end(Duration::from_secs(20)).unwrap();
    letting_go.join().unwrap();
    let answer = client.answer().unwrap();
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("finished", Some("close")));
    assert!(client.is_closed());
}

#[test]
fn sigterm_drains_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let (upstream, go) = held();
    let mut process = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    let (link, _) = link(dir.path());
    let address = connected(&link);
    link.push(&table(1, &[("web-1", upstream.address)]));
    until("the table is used", || (link.observe().acked == 1).then_some(()));
    let mut client = Client::new(address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
    process.signal("TERM");
    until("nothing is accepted any more", || std::net::TcpStream::connect(address).err());
    go.store(true, Ordering::SeqCst);
    assert_eq!(client.answer().unwrap().text(), "finished");
    let status = until("the process ends", || process.0.try_wait().unwrap());
    assert!(status.success());
    assert!(!until("the link notices", || Some(link.observe()).filter(|seen| !seen.alive)).alive);
}

/// An empty line before a request looks like the beginning of one.
#[test]
fn a_quiet_client_that_has_sent_an_empty_line_holds_up_nothing() {
    let mut stage = Stage::new();
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    assert_eq!(client.ask("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n").text(), "here");
    client.send("\r");
    std::thread::sleep(Duration::from_millis(100));
    stage.link.shutdown(Duration::from_secs(9));
    until("nothing is accepted any more", || std::net::TcpStream::connect(stage.address).err());
    std::thread::sleep(Duration::from_millis(100));
    let since = Instant::now();
    client.send("\n");
    assert!(client.is_closed());
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    stage.end(Duration::from_secs(9)).unwrap();
}

#[test]
fn what_is_kept_unused_is_closed_in_time_while_others_finish() {
    const WAIT: Duration = Duration::from_secs(5);
    let mut stage = Stage::new();
    let (tell, told) = std::sync::mpsc::channel();
    let upstream = Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            if request.line.contains("/slow") {
                std::thread::sleep(WAIT);
            }
            connection.say(ok("here"));
        }
        let _ = tell.send(Instant::now());
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut slow = Client::new(stage.address);
    slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
    // One that the same worker keeps, whichever that is.
    let mut others: Vec<Client> = (0..16).map(|_| Client::new(stage.address)).collect();
    others.iter_mut().for_each(|client| drop(client.get("a", "/")));
    drop(others);
    let since = Instant::now();
    stage.link.shutdown(Duration::from_secs(20));
    for _ in 1..upstream.connections.load(Ordering::SeqCst) {
        let closed = told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(closed - since < WAIT - Duration::from_secs(1));
    }
    assert_eq!(slow.answer().unwrap().text(), "here");
    stage.end(Duration::from_secs(20)).unwrap();
}
