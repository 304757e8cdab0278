//! More clients than the process has descriptors for.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use h2::client::SendRequest;
use tidegate_core::model::{ArmRole, Breaker, Protocol, RouteTable, TrafficPolicy, Upstream as Service};
use tidegate_core::time::Millis;
use tidegate_gateway::control::GatewayLink;
use tokio::sync::mpsc;

use crate::balance::with_policy;
use crate::stage::client::Client;
use crate::stage::h2::{app, connect, on_runtime};
use crate::stage::table::{arm, route, table};
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, connected, link, until};

/// Of HTTP/2, on one connection.
const STREAMS: usize = 128;

/// What the gateway may have open, and how many clients it then takes.
const FILES: u32 = 256;
const SEATS: usize = 96;
const CROWD: usize = 300;

/// Whether the gateway has closed it.
fn is_refused(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 1]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// Ticks of the processor that a process has used.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn crowd(address: SocketAddr) -> Vec<TcpStream> {
    (0..CROWD).map(|_| TcpStream::connect(address).unwrap()).collect()
}

#[test]
fn the_newest_give_way_and_the_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::saying("served");
    let process = Process::start_with_files(dir.path(), "127.0.0.1:0".parse().unwrap(), FILES);
    let (control, _) = link(dir.path());
    let address = connected(&control);
    control.push(&table(1, &[("web-1", upstream.address)]));
    until("the table is used", || (control.observe().acked == 1).then_some(()));
    let mut early: Vec<Client> = (0..20).map(|_| Client::new(address)).collect();
    early.iter_mut().for_each(|client| assert_eq!(client.get("a", "/").text(), "served"));

    let mut late = crowd(address);
    let most = SEATS - early.len();
    until("all but as many as fit are closed", || {
        late.retain_mut(|stream| !is_refused(stream));
        (late.len() == most).then_some(())
    });
    early.iter_mut().for_each(|client| assert_eq!(client.get("a", "/").text(), "served"));
    let counted = until("the refused are counted", || {
        let front = control.observe().counts?.front;
        (front.connections_refused as usize == CROWD - most).then_some(front)
    });
    assert_eq!(counted.connections_open as usize, SEATS);
    // With the crowd still there.
    let before = ticks(process.0.id());
    let start = Instant::now();
    until("time passes", || (start.elapsed() > Duration::from_secs(1)).then_some(()));
    assert!(ticks(process.0.id()) - before < 50, "it waits, it does not spin");

    drop((early, late));
    until("there is room again", || {
        let mut client = Client::new(address);
        let asked = std::io::Write::write_all(&mut client.stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        asked.ok().and_then(|()| client.head()).filter(|head| head.status() == 200)
    });
}

/// A gateway with few descriptors, a breaker that is quick to open, and clients that it served already.
struct House {
    process: Process,
    control: GatewayLink,
    early: Vec<Client>,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl House {
    fn new(upstream: &Upstream) -> House {
        let dir = tempfile::tempdir().unwrap();
        let process = Process::start_with_files(dir.path(), "127.0.0.1:0".parse().unwrap(), FILES);
        let (control, _) = link(dir.path());
        let address = connected(&control);
        let breaker = Breaker { failures: 50, min_requests: 5, window: Millis(10_000), open: Millis(5_000) };
        let policy = TrafficPolicy { breaker: Some(breaker), ..TrafficPolicy::default() };
        control.push(&with_policy(table(1, &[("web-1", upstream.address)]), &policy));
        until("the table is used", || (control.observe().acked == 1).then_some(()));
        let early = (0..5).map(|_| Client::new(address)).collect();
        let mut house = House { process, control, early, address, _dir: dir };
        house.serves_the_early();
        house
    }

    fn open(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.0.id())).unwrap().count()
    }

    /// The number that the next file would have.
    fn first_free(&self) -> usize {
        let open = |number: &usize| {
            fs::symlink_metadata(format!("/proc/{}/fd/{number}", self.process.0.id())).is_ok()
        };
        (0..).find(|number| !open(number)).unwrap()
    }

    fn serves_the_early(&mut self) {
        for client in &mut self.early {
            let answer = client.get("a", "/");
            assert_eq!((answer.status(), answer.text().as_str()), (200, "served"), "{answer:?}");
        }
    }

    fn blames_nobody(&self) {
        let rows = self.control.observe().counts.unwrap().rows;
        assert!(rows.iter().all(|row| row.outcomes.reset == 0), "{rows:?}");
    }
}

/// Answers `/slow` once it is let, `/large` with much, joins `/tunnel`, and anything else at once.
fn instance() -> (Upstream, Arc<(Mutex<bool>, Condvar)>) {
    let let_go = Arc::new((Mutex::new(false), Condvar::new()));
    let gate = let_go.clone();
    let upstream = Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            if request.line.contains("/slow") {
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
            }
            if request.line.contains("/tunnel") {
                connection
                    .say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
                let _ = connection.reader.read(&mut [0; 1]);
                return;
            }
            if request.line.contains("/large") {
                connection.say("HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n");
                let piece = [0; 100_000];
                if !(0..300).all(|_| connection.say(piece)) {
                    return;
                }
                continue;
            }
            connection.say(ok("served"));
        }
    });
    (upstream, let_go)
}

/// Asks for `/slow` as often as one connection may; the statuses of the answers that come.
async fn greedy(address: SocketAddr, statuses: mpsc::UnboundedSender<u16>) -> SendRequest<bytes::Bytes> {
    let mut sender = connect(address).await;
    for _ in 0..STREAMS {
        sender = sender.ready().await.unwrap();
        let request = http::Request::get("http://a.test/slow").body(()).unwrap();
        let (response, _) = sender.send_request(request, true).unwrap();
        let statuses = statuses.clone();
        tokio::spawn(async move {
            let _ = statuses.send(response.await.map_or(0, |response| response.status().as_u16()));
        });
    }
    sender
}

#[test]
fn many_requests_on_few_connections_take_nothing_from_those_who_are_served() {
    on_runtime(async {
        let (upstream, let_go) = instance();
        let mut house = House::new(&upstream);
        let (tell, mut statuses) = mpsc::unbounded_channel();
        let greedy = [greedy(house.address, tell.clone()).await, greedy(house.address, tell).await];
        // Two by their own claims, and what is for extras.
        let most = 2 + SEATS * 3 / 4;
        for _ in 0..2 * STREAMS - most {
            assert_eq!(statuses.recv().await, Some(503));
        }
        assert!(house.open() < FILES as usize, "{}", house.open());
        house.serves_the_early();
        assert_eq!(Client::new(house.address).get("a", "/").text(), "served", "newcomers find room");
        *let_go.0.lock().unwrap() = true;
        let_go.1.notify_all();
        for _ in 0..most {
            assert_eq!(statuses.recv().await, Some(200));
        }
        drop(greedy);
        house.serves_the_early();
        house.blames_nobody();
    });
}

#[test]
fn downloads_that_nobody_reads_take_nothing_from_those_who_are_served() {
    let (upstream, _let_go) = instance();
    let mut house = House::new(&upstream);
    let mut downloads: Vec<Client> =
        (0..SEATS - house.early.len()).map(|_| Client::new(house.address)).collect();
    // Once the first download has its pipe, it may be that not all others get in.
    until("all are let in", || {
        let front = house.control.observe().counts?.front;
        (front.connections_open as usize == SEATS).then_some(())
    });
    for client in &mut downloads {
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for client in &mut downloads {
        assert_eq!(client.head().unwrap().status(), 200);
    }
    assert!(house.open() < FILES as usize, "{}", house.open());
    house.serves_the_early();
    house.blames_nobody();
    // And they do come, whichever way their bytes go.
    for mut client in downloads.drain(..) {
        let mut length = 0;
        let mut piece = vec![0; 1 << 20];
        while length < 30_000_000 {
            length += client.reader.read(&mut piece).unwrap();
        }
    }
    house.serves_the_early();
}

#[test]
fn a_tunnel_keeps_its_seat() {
    let (upstream, _let_go) = instance();
    let mut house = House::new(&upstream);
    let ask = "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n";
    let tunnels: Vec<Client> = (0..SEATS - house.early.len())
        .map(|_| {
            // One that becomes a tunnel has two seats for a moment.
            until("it is joined", || {
                let mut client = Client::new(house.address);
                let asked = std::io::Write::write_all(&mut client.stream, ask.as_bytes());
                let head = asked.ok().and_then(|()| client.head())?;
                assert_eq!(head.status(), 101);
                Some(client)
            })
        })
        .collect();
    let mut late = TcpStream::connect(house.address).unwrap();
    until("one more is refused", || is_refused(&mut late).then_some(()));
    assert!(house.open() < FILES as usize, "{}", house.open());
    house.serves_the_early();
    drop(tunnels);
    until("there is room again", || {
        let mut client = Client::new(house.address);
        let asked = std::io::Write::write_all(&mut client.stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        asked.ok().and_then(|()| client.head()).filter(|head| head.status() == 200)
    });
}

#[test]
fn who_finds_no_seat_costs_nobody_a_connection_that_is_kept() {
    on_runtime(async {
        let (upstream, let_go) = instance();
        let mut house = House::new(&upstream);
        // One request that goes beyond a claim, so that one seat less is given.
        let before = upstream.connections.load(Ordering::SeqCst);
        let mut sender = connect(house.address).await;
        let mut asked = Vec::new();
        for _ in 0..2 {
            sender = sender.ready().await.unwrap();
            let request = http::Request::get("http://a.test/slow").body(()).unwrap();
            asked.push(sender.send_request(request, true).unwrap().0);
        }
        until("both are at the instance", || {
            (upstream.connections.load(Ordering::SeqCst) > before).then_some(())
        });
        let crowd = crowd(house.address);
        house.serves_the_early();
        let (before, since) = (upstream.connections.load(Ordering::SeqCst), Instant::now());
        while since.elapsed() < Duration::from_secs(3) {
            let mut late = TcpStream::connect(house.address).unwrap();
            house.serves_the_early();
            until("it is refused", || is_refused(&mut late).then_some(()));
            std::thread::sleep(Duration::from_millis(20));
        }
        let more = upstream.connections.load(Ordering::SeqCst) - before;
        assert!(more < 5, "{more} connections to an instance that has them");
        drop(crowd);
        *let_go.0.lock().unwrap() = true;
        let_go.1.notify_all();
        for answer in asked {
            assert_eq!(answer.await.unwrap().status(), 200);
        }
    });
}

/// Services of HTTP/2, as many as one connection may ask at a time, that never answer; and one of HTTP/1.1.
async fn many_services(address: SocketAddr) -> RouteTable {
    let mut table = table(2, &[("web-1", address)]);
    for n in 0..STREAMS {
        let app = app(|_request, respond| async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            drop(respond);
        });
        let (name, id) = (format!("app/dev/{n}"), format!("grpc-{n}"));
        route(&mut table, "*", &format!("/{n}"), &name);
        let arms = vec![arm(ArmRole::Stable, 1, 100, &[(&id, app.await)])];
        let policy = TrafficPolicy { protocol: Protocol::H2c, ..TrafficPolicy::default() };
        table.upstreams.insert(name, Service { arms, policy, ..Service::default() }.into());
    }
    table
}

#[test]
fn one_client_of_many_instances_of_http_2_does_not_take_all_there_is() {
    on_runtime(async {
        let (upstream, _let_go) = instance();
        let mut house = House::new(&upstream);
        house.control.push(&many_services(upstream.address).await);
        until("the table is used", || (house.control.observe().acked == 2).then_some(()));
        let mut sender = connect(house.address).await;
        let (tell, mut statuses) = mpsc::unbounded_channel();
        for n in 0..STREAMS {
            sender = sender.ready().await.unwrap();
            let request = http::Request::get(format!("http://a.test/{n}")).body(()).unwrap();
            let (response, _) = sender.send_request(request, true).unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let _ = tell.send(response.await.map_or(0, |response| response.status().as_u16()));
            });
        }
        // Some are told at once that there is no room, and the others are with their instances.
        let refused = 20;
        for _ in 0..refused {
            assert_eq!(statuses.recv().await, Some(503));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(house.open() < FILES as usize, "{}", house.open());
        for _ in 0..3 {
            house.serves_the_early();
            assert_eq!(Client::new(house.address).get("a", "/").text(), "served", "newcomers find room");
        }
        house.blames_nobody();
    });
}

/// Sets how many files a process may have open.
fn limit(process: &Process, files: usize) {
    let pid = process.0.id().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={files}:{FILES}")]).status();
    assert!(set.unwrap().success());
}

/// Whatever was counted: the machine may have none all the same.
#[test]
fn a_connection_that_fails_for_want_of_descriptors_is_not_the_instances_fault() {
    let (upstream, _let_go) = instance();
    let mut house = House::new(&upstream);
    // What is kept is closed after a while.
    until("nothing is kept", || {
        let before = house.open();
        std::thread::sleep(Duration::from_millis(1_700));
        (house.open() == before).then_some(())
    });
    limit(&house.process, house.first_free());
    for path in ["", "TE: trailers\r\n"] {
        for _ in 0..6 {
            let answer = house.early[0].ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{path}\r\n"));
            assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("overloaded")));
            assert_eq!(answer.field("retry-after"), Some("1"));
        }
    }
    limit(&house.process, FILES as usize);
    house.serves_the_early();
    house.blames_nobody();
}
