//! Long-lived connections to an endpoint that leaves, and in a gateway that ends.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::model::RouteTable;
use tidegate_core::time::Millis;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Connection, Upstream, ok};
use crate::stage::{Stage, until};

const WEBSOCKET: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
/// Of an unmasked Close that says 1012.
const CLOSE: [u8; 4] = [0x88, 17, 0x03, 0xf4];

/// Says `hi` and then reads until the other end has said its Close.
fn websockets() -> (Upstream, Arc<AtomicBool>) {
    let closed = Arc::new(AtomicBool::new(false));
    let tell = closed.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request().unwrap();
        connection
            .say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        connection.say(b"\x81\x02hi");
        let mut bytes = Vec::new();
        connection.reader.read_to_end(&mut bytes).unwrap();
        tell.store(bytes.starts_with(&[0x88, 0x82]), Ordering::SeqCst);
    });
    (upstream, closed)
}

fn streaming(connection: &mut Connection, go: &AtomicBool) {
    connection.request().unwrap();
    // At once: whoever has the head knows that the second event has begun.
    connection.say(concat!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        "9\r\ndata: a\n\n\r\n",
        "6\r\ndata: \r\n",
    ));
    until("the test lets go", || go.load(Ordering::SeqCst).then_some(()));
    connection.say("c\r\nb\n\ndata: c\n\n\r\n");
}

fn drained(mut table: RouteTable, drain_ms: u64) -> RouteTable {
    table.upstreams.values_mut().for_each(|upstream| upstream.drain = Some(Millis(drain_ms)));
    table
}

fn open_websocket(stage: &Stage) -> Client {
    let mut client = Client::new(stage.address);
    assert_eq!(client.ask(WEBSOCKET).status(), 101);
    let mut hi = [0; 4];
    client.reader.read_exact(&mut hi).unwrap();
    assert_eq!(&hi, b"\x81\x02hi");
    client
}

fn expect_close(client: &mut Client) -> Instant {
    let mut close = [0; 19];
    client.reader.read_exact(&mut close).unwrap();
    assert_eq!(close[..4], CLOSE);
    let told = Instant::now();
    client.send(b"\x88\x82\0\0\0\0\x03\xf4");
    assert!(client.is_closed());
    told
}

#[test]
fn websockets_are_closed_with_1012_within_the_drain_of_their_endpoint() {
    let stage = Stage::new();
    let (old, closed) = websockets();
    let new = Upstream::saying("new");
    stage.apply(&drained(table(1, &[("web-1", old.address)]), 500));
    let mut client = open_websocket(&stage);
    let begun = Instant::now();
    stage.apply(&drained(table(2, &[("web-2", new.address)]), 500));
    expect_close(&mut client);
    assert!(begun.elapsed() < Duration::from_secs(2));
    until("the instance has the client's answer", || closed.load(Ordering::SeqCst).then_some(()));
    until("its end is told", || stage.link.observe().inflight.is_empty().then_some(()));
}

#[test]
fn websockets_of_endpoints_that_stay_stay() {
    let stage = Stage::new();
    let (one, other) = (websockets().0, Upstream::saying("other"));
    stage.apply(&drained(table(1, &[("web-1", one.address)]), 0));
    let mut client = open_websocket(&stage);
    let both = [("web-1", one.address), ("web-2", other.address)];
    stage.apply(&drained(table(2, &both), 0));
    client.stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = client.reader.read_exact(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn an_event_stream_ends_between_two_events() {
    let stage = Stage::new();
    let go = Arc::new(AtomicBool::new(false));
    let wait = go.clone();
    let upstream = Upstream::new(move |connection| streaming(connection, &wait));
    stage.apply(&drained(table(1, &[("web-1", upstream.address)]), 0));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().unwrap();
    stage.apply(&table(2, &[]));
    go.store(true, Ordering::SeqCst);
    // The event under way is finished, the next not begun, and the answer is whole by the rules of HTTP.
    assert_eq!(client.body(head).text(), "data: a\n\ndata: b\n\n");
    until("its end is told", || stage.link.observe().inflight.is_empty().then_some(()));
}

#[test]
fn a_gateway_that_ends_closes_them_spread_over_its_drain() {
    let mut stage = Stage::new();
    let (upstream, _) = websockets();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let clients: Vec<Client> = (0..20).map(|_| open_websocket(&stage)).collect();
    let begun = Instant::now();
    let closing: Vec<_> = clients
        .into_iter()
        .map(|mut client| std::thread::spawn(move || expect_close(&mut client) - begun))
        .collect();
    stage.end(Duration::from_secs(3)).unwrap();
    let mut after: Vec<Duration> = closing.into_iter().map(|thread| thread.join().unwrap()).collect();
    after.sort();
    assert!(after[19] < Duration::from_millis(2_600), "{after:?}");
    assert!(after[15] - after[4] > Duration::from_millis(600), "all at once: {after:?}");
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("http://a.test{path}")).body(()).unwrap()
}

/// Opens a connection of HTTP/2 with a request under way on it, and asks for others until it is told to go. Says when that was,
/// and what the first was answered.
async fn told_to_go(address: SocketAddr, told: &AtomicU64) -> (Instant, String) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let (held, _) = sender.send_request(get("/held"), true).unwrap();
    while let Ok(mut ready) = sender.clone().ready().await {
        let Ok((response, _)) = ready.send_request(get("/"), true) else { break };
        if response.await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let at = Instant::now();
    told.fetch_add(1, Ordering::SeqCst);
    let mut body = held.await.unwrap().into_body();
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        all.extend_from_slice(&piece.unwrap());
    }
    (at, String::from_utf8(all).unwrap())
}

#[test]
fn connections_of_http_2_are_told_to_go_one_after_another_and_their_requests_finish() {
    const MANY: u64 = 20;
    let mut stage = Stage::new();
    let (told, held) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (all_told, holding) = (told.clone(), held.clone());
    let upstream = Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            if request.line.starts_with("GET /held ") {
                holding.fetch_add(1, Ordering::SeqCst);
                until("all are told", || (all_told.load(Ordering::SeqCst) == MANY).then_some(()));
            }
            connection.say(ok("finished"));
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let address = stage.address;
    let clients = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..MANY {
                let told = told.clone();
                all.spawn(async move { told_to_go(address, &told).await });
            }
            all.join_all().await
        })
    });
    until("all are at the instance", || (held.load(Ordering::SeqCst) == MANY).then_some(()));
    let begun = Instant::now();
    stage.end(Duration::from_secs(5)).unwrap();
    let found = clients.join().unwrap();
    assert!(found.iter().all(|(_, answer)| answer == "finished"));
    let mut after: Vec<Duration> = found.into_iter().map(|(at, _)| at - begun).collect();
    after.sort();
    assert!(after[19] < Duration::from_millis(4_500), "{after:?}");
    assert!(after[15] - after[4] > Duration::from_secs(1), "all at once: {after:?}");
}
