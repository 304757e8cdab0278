//! Requests for a service of which nothing runs: held, told, let go, and never for ever.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_core::model::{ArmRole, Hold, RouteTable};
use tidegate_core::time::Millis;

use crate::stage::client::{Client, Message};
use crate::stage::program::curl;
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, Stage, connected, link, until};

const UPSTREAM: &str = "app/dev/web";
const SOON: u64 = 20_000;

/// Nothing runs, or this instance.
fn table(epoch: u64, endpoint: Option<SocketAddr>, most: u32, within_ms: u64) -> RouteTable {
    let arms = endpoint.map(|address| arm(ArmRole::Stable, 1, 100, &[("web-1", address)]));
    let mut table = with_arms(epoch, arms.into_iter().collect());
    let hold = Some(Hold { most, within: Millis(within_ms) });
    table.upstreams.get_mut(UPSTREAM).unwrap().hold = hold;
    table
}

fn answering() -> Upstream {
    Upstream::new(|connection| while connection.request().is_some_and(|_| connection.say(ok("awake"))) {})
}

fn waiting(stage: &Stage) -> u32 {
    stage.link.observe().waiting.get(UPSTREAM).copied().unwrap_or(0)
}

fn wait_for(stage: &Stage, many: u32) {
    until("so many requests are held", || (waiting(stage) == many).then_some(()));
}

/// A request that is held in a thread of its own.
fn asking(address: SocketAddr, request: &'static str) -> JoinHandle<Option<Message>> {
    std::thread::spawn(move || {
        let mut client = Client::new(address);
        client.send(request);
        client.answer()
    })
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_request_is_held_until_an_instance_takes_requests() {
    let (stage, upstream) = (Stage::new(), answering());
    stage.apply(&table(1, None, 10, SOON));
    let held: Vec<_> = (0..5).map(|_| asking(stage.address, GET)).collect();
    let post = asking(stage.address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    wait_for(&stage, 6);
    // Another table that brings nothing lets nobody go.
    stage.apply(&table(2, None, 10, SOON));
    assert_eq!(waiting(&stage), 6);
    let begun = Instant::now();
    stage.apply(&table(3, Some(upstream.address), 10, SOON));
    for asked in held.into_iter().chain([post]) {
        let answer = asked.join().unwrap().unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "awake"));
    }
    println!("held requests were answered {:?} after the table was sent", begun.elapsed());
    wait_for(&stage, 0);
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "awake");
}

#[test]
fn the_first_one_is_told_at_once() {
    let stage = Stage::new();
    stage.apply(&table(1, None, 10, SOON));
    // Between the reports of each second.
    let mut shortest = Duration::MAX;
    for round in 2..7 {
        let begun = Instant::now();
        let asked = asking(stage.address, GET);
        wait_for(&stage, 1);
        shortest = shortest.min(begun.elapsed());
        let upstream = answering();
        stage.apply(&table(round * 2, Some(upstream.address), 10, SOON));
        assert_eq!(asked.join().unwrap().unwrap().status(), 200);
        stage.apply(&table(round * 2 + 1, None, 10, SOON));
        wait_for(&stage, 0);
    }
    println!("the control plane knew after {shortest:?}");
    assert!(shortest < Duration::from_millis(50), "{shortest:?}");
}

#[test]
fn nobody_is_held_for_ever() {
    let stage = Stage::new();
    stage.apply(&table(1, None, 10, 1_000));
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("cold-start")));
    assert_eq!(answer.field("retry-after"), Some("1"));
    wait_for(&stage, 0);
}

#[test]
fn no_more_are_held_than_may_be() {
    let (stage, upstream) = (Stage::new(), answering());
    stage.apply(&table(1, None, 3, SOON));
    let held: Vec<_> = (0..3).map(|_| asking(stage.address, GET)).collect();
    wait_for(&stage, 3);
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("many-held")));
    assert_eq!(answer.field("retry-after"), Some("10"));
    stage.apply(&table(2, Some(upstream.address), 3, SOON));
    assert!(held.into_iter().all(|asked| asked.join().unwrap().unwrap().status() == 200));
}

#[test]
fn a_client_that_goes_away_leaves_its_place() {
    let stage = Stage::new();
    stage.apply(&table(1, None, 3, SOON));
    let mut client = Client::new(stage.address);
    client.send(GET);
    wait_for(&stage, 1);
    drop(client);
    wait_for(&stage, 0);
}

#[test]
fn without_a_hold_it_is_said_at_once() {
    let stage = Stage::new();
    stage.apply(&with_arms(1, Vec::new()));
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("no-endpoint")));
}

#[test]
fn a_websocket_and_http_2_are_held_like_any_other_request() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        let request = connection.request().unwrap();
        match request.field("upgrade") {
            Some(_) => connection
                .say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
            None => connection.say(ok("awake")),
        };
    });
    stage.apply(&table(1, None, 10, SOON));
    let websocket = asking(
        stage.address,
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n",
    );
    let address = stage.address;
    let h2 = std::thread::spawn(move || {
        let said =
            curl(std::path::Path::new("/dev/null"), address, "http://a.test/", &["--http2-prior-knowledge"]);
        said.out
    });
    wait_for(&stage, 2);
    stage.apply(&table(2, Some(upstream.address), 10, SOON));
    assert_eq!(websocket.join().unwrap().unwrap().status(), 101);
    let out = h2.join().unwrap();
    assert!(out.contains("awake") && out.contains("2 200"), "{out}");
}

#[test]
fn a_gateway_that_starts_from_disk_holds_too() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let mut first = Process::start(dir.path(), any);
    let (control, _) = link(dir.path());
    let address = connected(&control);
    control.push(&table(1, None, 10, SOON));
    until("the table is acknowledged", || (control.observe().acked == 1).then_some(()));
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    drop(control);
    let _second = Process::start(dir.path(), address);
    let asked = asking_once_there(address);
    let (control, _) = link(dir.path());
    until("a request is held", || control.observe().waiting.get(UPSTREAM).copied());
    let upstream = answering();
    control.push(&table(2, Some(upstream.address), 10, SOON));
    assert_eq!(asked.join().unwrap().unwrap().text(), "awake");
}

fn asking_once_there(address: SocketAddr) -> JoinHandle<Option<Message>> {
    until("the gateway listens", || std::net::TcpStream::connect(address).ok());
    asking(address, GET)
}
