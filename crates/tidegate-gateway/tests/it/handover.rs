//! One gateway in another's place, and a kill of either at any step.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::model::{CountsReport, InstanceId};
use tidegate_core::time::Millis;
use tidegate_gateway::control::GatewayLink;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, connected, link, until};

const ANY: &str = "127.0.0.1:0";
const DRAIN: Duration = Duration::from_secs(5);
const BRIEF: Duration = Duration::from_millis(200);

struct House {
    dir: TempDir,
    link: GatewayLink,
    address: SocketAddr,
    first: Process,
}

impl House {
    fn new(upstream: &Upstream) -> House {
        House::with(upstream, |dir| Process::start(dir, ANY.parse().unwrap()))
    }

    fn with(upstream: &Upstream, start: impl FnOnce(&Path) -> Process) -> House {
        let dir = tempfile::tempdir().unwrap();
        let first = start(dir.path());
        let link = link(dir.path()).0;
        let address = connected(&link);
        link.push(&table(1, &[("web-1", upstream.address)]));
        until("the table is used", || (link.observe().acked == 1).then_some(()));
        House { dir, link, address, first }
    }

    /// Starts another in the place of the one that runs, perhaps to be killed.
    fn successor(&self, step: Option<&str>) -> Process {
        Process::take_over(self.dir.path(), self.address, DRAIN, step)
    }

    fn led_by(&self, process: &Process) {
        until("the control plane leads it", || {
            let seen = self.link.observe();
            (seen.alive && seen.pid == Some(process.0.id())).then_some(())
        });
    }

    fn serves(&self) -> bool {
        Client::new(self.address).get("a", "/").text() == "here"
    }
}

fn ended(process: &mut Process) -> bool {
    until("the process ends", || process.0.try_wait().unwrap()).success()
}

fn total(report: &CountsReport) -> u64 {
    report.rows.iter().map(|row| row.outcomes.total()).sum()
}

/// Asks without a pause until it is told to stop; returns how often. Whatever is not an answer fails.
fn asking(address: SocketAddr, keep_alive: bool, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let (mut asked, mut client) = (0, None);
        while !stop.load(Ordering::SeqCst) {
            let mut open: Client = client.take().unwrap_or_else(|| Client::new(address));
            let answer = open.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
            assert_eq!(answer.text(), "here");
            asked += 1;
            let closes = answer.field("connection") == Some("close");
            client = (keep_alive && !closes).then_some(open);
        }
        asked
    })
}

#[test]
fn requests_go_on_and_every_one_is_counted_once() {
    let upstream = Upstream::saying("here");
    let house = House::new(&upstream);
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = [true, true, false].map(|keep| asking(house.address, keep, &stop)).into();
    let second = house.successor(None);
    house.led_by(&second);
    let third = house.successor(None);
    house.led_by(&third);
    let mut processes = [house.first, second];
    processes.iter_mut().for_each(|process| assert!(ended(process)));
    stop.store(true, Ordering::SeqCst);
    let asked: u64 = asking.into_iter().map(|thread| thread.join().unwrap()).sum();
    let counted = AtomicU64::new(0);
    until("every request is counted", || {
        let seen = house.link.observe();
        let all = seen.earlier_counts.iter().chain(&seen.counts).map(total).sum();
        counted.store(all, Ordering::SeqCst);
        (all == asked).then_some(())
    });
    let seen = house.link.observe();
    assert_eq!(seen.earlier_counts.len(), 2);
    assert!(asked > 100, "{asked}");
}

#[test]
fn what_is_in_flight_on_the_old_one_counts_and_its_end_is_told() {
    let go = Arc::new(AtomicBool::new(false));
    let wait = go.clone();
    let old = Upstream::new(move |connection| {
        while connection.request().is_some() {
            until("the test lets go", || wait.load(Ordering::SeqCst).then_some(()));
            connection.say(ok("finished"));
        }
    });
    let new = Upstream::saying("new");
    let house = House::new(&old);
    let mut client = Client::new(house.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (old.connections.load(Ordering::SeqCst) == 1).then_some(()));
    let mut quiet = Client::new(house.address);
    let second = house.successor(None);
    house.led_by(&second);
    let id = InstanceId("web-1".to_owned());
    assert_eq!(house.link.observe().inflight.get(&id), Some(&1));
    house.link.push(&table(2, &[("web-2", new.address)]));
    until("the table is used", || (house.link.observe().acked == 2).then_some(()));
    assert_eq!(house.link.observe().inflight.get(&id), Some(&1));
    // The old one uses the new table as well, and says that it goes.
    let answer = quiet.get("a", "/");
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("new", Some("close")));
    go.store(true, Ordering::SeqCst);
    assert_eq!(client.answer().unwrap().text(), "finished");
    until("its end is told", || house.link.observe().inflight.is_empty().then_some(()));
    let mut first = house.first;
    assert!(ended(&mut first));
}

/// A gateway that gave its place away with a request on it that is not let finish yet.
fn draining_with_a_request(upstream: &Upstream, drain: Duration) -> (House, Client, Process) {
    let house = House::new(upstream);
    let mut table = table(2, &[("web-1", upstream.address)]);
    table.upstreams.values_mut().for_each(|upstream| upstream.drain = Some(Millis(drain.as_millis() as u64)));
    house.link.push(&table);
    until("the table is used", || (house.link.observe().acked == 2).then_some(()));
    let mut client = Client::new(house.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
    let second = Process::take_over(house.dir.path(), house.address, BRIEF, None);
    house.led_by(&second);
    (house, client, second)
}

#[test]
fn a_request_has_the_time_of_its_service_over_a_handover() {
    let go = Arc::new(AtomicBool::new(false));
    let wait = go.clone();
    let upstream = Upstream::new(move |connection| {
        connection.request();
        until("the test lets go", || wait.load(Ordering::SeqCst).then_some(()));
        connection.say(ok("finished"));
    });
    let (mut house, mut client, _second) = draining_with_a_request(&upstream, Duration::from_secs(60));
    let begun = Instant::now();
    until("well beyond the handover's own time", || (begun.elapsed() > BRIEF * 5).then_some(()));
    assert_eq!(house.first.0.try_wait().unwrap(), None, "it still has a request");
    go.store(true, Ordering::SeqCst);
    assert_eq!(client.answer().unwrap().text(), "finished");
    assert!(ended(&mut house.first));
}

#[test]
fn a_handover_does_not_wait_for_ever() {
    let upstream = Upstream::new(|connection| while connection.request().is_some() {});
    let (mut house, mut client, _second) = draining_with_a_request(&upstream, BRIEF * 3);
    assert!(ended(&mut house.first));
    assert!(client.answer().is_none(), "cut off with the gateway it was on");
}

#[test]
fn a_kill_of_the_old_one_at_any_step_leaves_the_new_one() {
    for step in ["asked", "offered", "given"] {
        let upstream = Upstream::saying("here");
        let start = |dir: &Path| Process::start_to_die(dir, ANY.parse().unwrap(), step);
        let mut house = House::with(&upstream, start);
        let second = house.successor(None);
        house.led_by(&second);
        assert!(house.serves(), "{step}");
        assert!(!ended(&mut house.first), "{step}");
    }
}

#[test]
fn a_kill_of_the_new_one_before_it_serves_leaves_the_old_one() {
    for step in ["taken", "ready"] {
        let upstream = Upstream::saying("here");
        let house = House::new(&upstream);
        let mut second = house.successor(Some(step));
        assert!(!ended(&mut second), "{step}");
        assert!(house.serves(), "{step}");
        house.led_by(&house.first);
        let third = house.successor(None);
        house.led_by(&third);
        assert!(house.serves(), "{step}");
    }
}

#[test]
fn a_kill_of_the_new_one_once_it_serves_is_a_kill_of_the_gateway() {
    for step in ["said", "confirmed", "bound"] {
        let go = Arc::new(AtomicBool::new(false));
        let wait = go.clone();
        let upstream = Upstream::new(move |connection| {
            while connection.request().is_some() {
                until("the test lets go", || wait.load(Ordering::SeqCst).then_some(()));
                connection.say(ok("here"));
            }
        });
        let mut house = House::new(&upstream);
        let mut client = Client::new(house.address);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
        let mut second = house.successor(Some(step));
        assert!(!ended(&mut second), "{step}");
        // As the keeper does it.
        let third = until("the lock is free", || {
            let mut third = Process::start(house.dir.path(), house.address);
            let seen = until("it is there or gone", || {
                let gone = third.0.try_wait().unwrap().is_some();
                let led = house.link.observe().pid == Some(third.0.id());
                (gone || led).then_some(led)
            });
            seen.then_some(third)
        });
        house.led_by(&third);
        // The first one drains and has found the third.
        let id = InstanceId("web-1".to_owned());
        until("what it still does is seen", || house.link.observe().inflight.get(&id).map(drop));
        go.store(true, Ordering::SeqCst);
        assert_eq!(client.answer().unwrap().text(), "here", "{step}");
        assert!(house.serves(), "{step}");
        assert!(ended(&mut house.first), "{step}");
    }
}

#[test]
fn the_end_of_the_new_one_waits_for_what_the_old_one_still_does() {
    let go = Arc::new(AtomicBool::new(false));
    let wait = go.clone();
    let upstream = Upstream::new(move |connection| {
        while connection.request().is_some() {
            until("the test lets go", || wait.load(Ordering::SeqCst).then_some(()));
            connection.say(ok("finished"));
        }
    });
    let house = House::new(&upstream);
    let mut client = Client::new(house.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("it is at the instance", || (upstream.connections.load(Ordering::SeqCst) == 1).then_some(()));
    let mut second = house.successor(None);
    house.led_by(&second);
    house.link.shutdown(Duration::from_secs(10));
    until("nothing is accepted any more", || std::net::TcpStream::connect(house.address).err());
    assert_eq!(second.0.try_wait().unwrap(), None);
    go.store(true, Ordering::SeqCst);
    assert_eq!(client.answer().unwrap().text(), "finished");
    let mut first = house.first;
    assert!(ended(&mut first) && ended(&mut second));
}
