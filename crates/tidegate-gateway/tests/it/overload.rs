//! What keeps overload and failure from hurting: limits and queues, budgets of repeats, circuits, waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tidegate_core::model::{Breaker, Concurrency, Retries, Timeouts, TrafficPolicy};
use tidegate_core::time::Millis;

use crate::balance::with_policy;
use crate::stage::client::{Client, Message};
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Stage, until};

/// An instance that answers only as often as it is let, and counts what it got.
struct Gate {
    upstream: Upstream,
    asked: Arc<AtomicU64>,
    passes: Arc<(Mutex<u64>, Condvar)>,
}

impl Gate {
    fn new() -> Gate {
        let (asked, passes) = (Arc::new(AtomicU64::new(0)), Arc::new((Mutex::new(0), Condvar::new())));
        let (count, inner) = (asked.clone(), passes.clone());
        let upstream = Upstream::new(move |connection| {
            while connection.request().is_some() {
                count.fetch_add(1, Ordering::SeqCst);
                let mut left = inner.1.wait_while(inner.0.lock().unwrap(), |left| *left == 0).unwrap();
                *left -= 1;
                drop(left);
                connection.say(ok("passed"));
            }
        });
        Gate { upstream, asked, passes }
    }

    fn pass(&self, many: u64) {
        *self.passes.0.lock().unwrap() += many;
        self.passes.1.notify_all();
    }

    fn asked(&self, many: u64) {
        until("the instance is asked", || (self.asked.load(Ordering::SeqCst) >= many).then_some(()));
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.pass(1_000);
    }
}

fn limited(stage: &Stage, gate: &Gate, queue: u32, queue_timeout: u64) {
    let concurrency = Some(Concurrency { per_instance: 1, queue, queue_timeout: Millis(queue_timeout) });
    let policy = TrafficPolicy { concurrency, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", gate.upstream.address)]), &policy));
}

fn mark(answer: &Message) -> (u16, Option<&str>) {
    (answer.status(), answer.field("tidegate-gateway"))
}

#[test]
fn more_than_an_instance_takes_waits_and_more_than_waits_is_refused_at_once() {
    let (stage, gate) = (Stage::new(), Gate::new());
    limited(&stage, &gate, 1, 15_000);
    let asks: Vec<_> = (0..3)
        .map(|n| {
            let mut client = Client::new(stage.address);
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            if n == 0 {
                gate.asked(1);
            }
            std::thread::spawn(move || client.answer().unwrap())
        })
        .collect();
    // One is in, one waits, one is refused; which of the last two is the kernel's choice.
    until("one is refused", || asks.iter().any(std::thread::JoinHandle::is_finished).then_some(()));
    gate.pass(2);
    let answers: Vec<Message> = asks.into_iter().map(|ask| ask.join().unwrap()).collect();
    let refused: Vec<&Message> = answers.iter().filter(|answer| answer.status() == 503).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(mark(refused[0]), (503, Some("overloaded")));
    assert_eq!(refused[0].field("retry-after"), Some("15"));
    assert_eq!(answers.iter().filter(|answer| answer.text() == "passed").count(), 2);
    assert_eq!(gate.asked.load(Ordering::SeqCst), 2);
}

/// What makes a request one for the fast path, or for the general one.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];

/// An instance with its one request, and a queue for five more.
struct Busy {
    stage: Stage,
    gate: Gate,
    get: String,
    first: Client,
}

impl Busy {
    fn new(path: &str) -> Busy {
        let (stage, gate) = (Stage::new(), Gate::new());
        limited(&stage, &gate, 5, 15_000);
        let get = format!("GET / HTTP/1.1\r\nHost: a\r\n{path}\r\n");
        let mut first = Client::new(stage.address);
        first.send(&get);
        gate.asked(1);
        Busy { stage, gate, get, first }
    }
}

#[test]
fn who_leaves_the_queue_makes_room_and_is_not_sent() {
    for path in PATHS {
        let Busy { stage, gate, get, mut first } = Busy::new(path);
        for _ in 0..5 {
            Client::new(stage.address).send(&get);
        }
        let address = stage.address;
        let next = std::thread::spawn(move || {
            until("there is room", || {
                Some(Client::new(address).ask(&get)).filter(|answer| answer.status() == 200)
            })
        });
        std::thread::sleep(Duration::from_millis(300));
        gate.pass(1);
        assert_eq!(first.answer().unwrap().text(), "passed");
        gate.pass(1);
        assert_eq!(next.join().unwrap().text(), "passed");
        assert_eq!(gate.asked.load(Ordering::SeqCst), 2, "{path}");
    }
}

#[test]
fn who_sends_nothing_more_while_it_waits_is_told_that_it_is_overloaded() {
    for path in PATHS {
        let Busy { stage, get, .. } = &Busy::new(path);
        let mut ended = Client::new(stage.address);
        ended.send(get);
        ended.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(mark(&ended.answer().unwrap()), (503, Some("overloaded")), "{path}");
        assert!(ended.is_closed());
    }
}

#[test]
fn who_waits_too_long_is_told_so_and_is_not_sent_later() {
    let (stage, gate) = (Stage::new(), Gate::new());
    limited(&stage, &gate, 10, 150);
    let mut first = Client::new(stage.address);
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    gate.asked(1);
    let began = Instant::now();
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!(mark(&answer), (503, Some("overloaded")));
    assert!((150..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    gate.pass(1);
    assert_eq!(first.answer().unwrap().text(), "passed");
    gate.pass(1);
    assert_eq!(first.get("a", "/").text(), "passed");
    assert_eq!(gate.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn many_clients_get_their_turn_through_a_narrow_place() {
    let stage = Stage::new();
    let inflight = Arc::new(AtomicU64::new(0));
    let (now, most) = (inflight.clone(), Arc::new(AtomicU64::new(0)));
    let peak = most.clone();
    let upstream = Upstream::new(move |connection| {
        while connection.request().is_some() {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            connection.say(ok("passed"));
        }
    });
    let concurrency = Some(Concurrency { per_instance: 2, queue: 100, queue_timeout: Millis(15_000) });
    let policy = TrafficPolicy { concurrency, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", upstream.address)]), &policy));
    let address = stage.address;
    let ask = move || {
        let mut client = Client::new(address);
        (0..100).filter(|_| client.get("a", "/").text() == "passed").count()
    };
    let threads: Vec<_> = (0..16).map(|_| std::thread::spawn(ask)).collect();
    let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(passed, 1_600);
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} at once");
}

#[test]
fn a_dead_service_is_not_asked_a_multiple() {
    let stage = Stage::new();
    let asked = Arc::new(AtomicU64::new(0));
    let dead = || {
        let count = asked.clone();
        Upstream::new(move |connection| {
            if connection.request().is_some() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let (a, b) = (dead(), dead());
    stage.apply(&table(1, &[("web-1", a.address), ("web-2", b.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..300 {
        assert_eq!(mark(&client.get("a", "/")), (502, Some("reset")));
    }
    // Fifty are free in ten seconds, and the rest is a fifth of the requests.
    let asked = asked.load(Ordering::SeqCst);
    assert!((320..=300 + 60 + 100).contains(&asked), "{asked} attempts for 300 requests");
}

#[test]
fn an_answer_of_a_sick_instance_is_repeated_elsewhere_where_that_is_safe() {
    let stage = Stage::new();
    let well = Upstream::saying("well");
    let sick = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(ok("sick").replace("200 OK", "503 No"));
        }
    });
    let retries = Some(Retries { attempts: 1, budget: 100, on_5xx: true });
    let policy = TrafficPolicy { retries, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", sick.address), ("web-2", well.address)]), &policy));
    let mut client = Client::new(stage.address);
    for _ in 0..20 {
        assert_eq!(client.get("a", "/").text(), "well");
    }
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    let sick = (0..20).filter(|_| client.ask(post).text() == "sick").count();
    assert!((5..=15).contains(&sick), "{sick} of 20 posts met the sick instance");
    // The first attempts count, though nobody saw them fail.
    let rows = crate::control::counts_when(&stage, |rows| {
        rows.iter().map(|row| row.outcomes.total()).sum::<u64>() == 40
    });
    let failed: u64 = rows.iter().map(|row| row.outcomes.server_error).sum();
    assert!(failed as usize > sick, "{rows:?}");
}

#[test]
fn a_circuit_opens_refuses_and_closes() {
    let stage = Stage::new();
    let (asked, broken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(1)));
    let (count, told) = (asked.clone(), broken.clone());
    let upstream = Upstream::new(move |connection| {
        while connection.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            let broken = told.load(Ordering::SeqCst) == 1;
            connection.say(if broken { ok("").replace("200 OK", "500 No") } else { ok("well") });
        }
    });
    let breaker = Breaker { failures: 50, min_requests: 5, window: Millis(10_000), open: Millis(300) };
    let policy = TrafficPolicy { breaker: Some(breaker), ..TrafficPolicy::default() };
    let one = |epoch| with_policy(table(epoch, &[("web-1", upstream.address)]), &policy);
    stage.apply(&one(1));
    let mut client = Client::new(stage.address);
    let statuses: Vec<u16> = (0..5).map(|_| client.get("a", "/").status()).collect();
    assert_eq!(statuses, [500; 5]);
    // Open, also through another table.
    stage.apply(&one(2));
    let refused = client.get("a", "/");
    assert_eq!(mark(&refused), (503, Some("circuit-open")));
    assert_eq!(refused.field("retry-after"), Some("1"));
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    broken.store(0, Ordering::SeqCst);
    until("the circuit closes", || (client.get("a", "/").text() == "well").then_some(()));
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    assert_eq!(client.get("a", "/").text(), "well");
}

#[test]
fn an_upstream_has_waits_of_its_own() {
    let (stage, gate) = (Stage::new(), Gate::new());
    let first_byte = Timeouts { first_byte: Some(Millis(100)), ..Timeouts::default() };
    let policy = |timeouts| TrafficPolicy { timeouts, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", gate.upstream.address)]), &policy(first_byte)));
    let began = Instant::now();
    assert_eq!(mark(&Client::new(stage.address).get("a", "/")), (504, Some("timeout")));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_goes_on_for_too_long_breaks_off() {
    let stage = Stage::new();
    let trickle = Upstream::new(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while connection.say("x") {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let timeouts = Timeouts { total: Some(Millis(250)), ..Timeouts::default() };
    let policy = TrafficPolicy { timeouts, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", trickle.address)]), &policy));
    let mut client = Client::new(stage.address);
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut client.reader, &mut rest).unwrap();
    assert!((200..10_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert!(!rest.is_empty() && rest.len() < 10_000, "{}", rest.len());
}

#[test]
fn a_tunnel_that_nobody_uses_ends_where_it_is_to() {
    let stage = Stage::new();
    let echo = Upstream::new(|connection| {
        connection.request();
        connection.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
        let mut byte = [0; 1];
        while std::io::Read::read_exact(&mut connection.reader, &mut byte).is_ok() && connection.say(byte) {}
    });
    let timeouts = Timeouts { idle: Some(Millis(200)), ..Timeouts::default() };
    let policy = TrafficPolicy { timeouts, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", echo.address)]), &policy));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 101);
    let began = Instant::now();
    let mut byte = [0; 1];
    while began.elapsed() < Duration::from_millis(500) {
        client.send("x");
        std::io::Read::read_exact(&mut client.reader, &mut byte).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(client.is_closed(), "silence ends it");
}
