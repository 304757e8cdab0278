//! Whose fault it is when time is over: a client's slowness is not held against an instance.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tidegate_core::model::{Breaker, Protocol, Timeouts, TrafficPolicy};
use tidegate_core::time::Millis;

use crate::balance::with_policy;
use crate::control::counts_when;
use crate::stage::Stage;
use crate::stage::client::{Client, Message};
use crate::stage::h2::{app, connect, on_runtime};
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};

/// What makes a request one for the fast path, or for the general one.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];
const FIRST_BYTE: u64 = 300;
const IDLE: u64 = 1_000;
const MANY: u64 = 6;
const LARGE: usize = 24 << 20;

/// A breaker that five of six failures open, and short waits.
fn touchy(total: Option<u64>) -> TrafficPolicy {
    let breaker = Breaker { failures: 50, min_requests: 5, window: Millis(10_000), open: Millis(5_000) };
    let timeouts = Timeouts {
        first_byte: Some(Millis(FIRST_BYTE)),
        idle: Some(Millis(IDLE)),
        total: total.map(Millis),
        ..Timeouts::default()
    };
    TrafficPolicy { breaker: Some(breaker), timeouts, ..TrafficPolicy::default() }
}

fn stage(upstream: &Upstream, policy: &TrafficPolicy) -> Stage {
    let stage = Stage::new();
    stage.apply(&with_policy(table(1, &[("web-1", upstream.address)]), policy));
    stage
}

fn mark(answer: &Message) -> (u16, Option<&str>) {
    (answer.status(), answer.field("tidegate-gateway"))
}

/// Waits until so many requests were given up through nobody's fault but their clients'.
fn nobody_is_blamed(stage: &Stage, cancelled: u64) {
    let rows =
        counts_when(stage, |rows| rows.iter().map(|row| row.outcomes.cancelled).sum::<u64>() >= cancelled);
    assert!(rows.iter().all(|row| row.outcomes.timeout + row.outcomes.reset == 0), "{rows:?}");
    assert_eq!(Client::new(stage.address).get("a", "/").status(), 200, "the circuit is closed");
}

#[test]
fn a_client_that_sends_no_more_of_its_body_is_told_and_the_instance_is_not_blamed() {
    for path in PATHS {
        let upstream = Upstream::saying("well");
        let stage = stage(&upstream, &touchy(None));
        let began = Instant::now();
        let mut slow: Vec<Client> = (0..MANY).map(|_| Client::new(stage.address)).collect();
        for client in &mut slow {
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 50\r\n\r\nx"));
        }
        for client in &mut slow {
            assert_eq!(mark(&client.answer().unwrap()), (408, Some("timeout")), "{path}");
        }
        assert!(began.elapsed() >= Duration::from_millis(IDLE), "{path}{:?}", began.elapsed());
        nobody_is_blamed(&stage, MANY);
    }
}

/// Begins `many` uploads on one connection and sends one byte of each.
async fn slow_uploads(stage: &Stage, many: u64) -> Vec<u16> {
    let mut sender = connect(stage.address).await;
    let mut asked = Vec::new();
    for _ in 0..many {
        sender = sender.ready().await.unwrap();
        let request = Request::post("http://a.test/").header("content-length", "50").body(()).unwrap();
        let (response, mut send) = sender.send_request(request, false).unwrap();
        send.send_data(Bytes::from_static(b"x"), false).unwrap();
        asked.push((response, send));
    }
    let mut statuses = Vec::new();
    for (response, _send) in asked {
        statuses.push(response.await.unwrap().status().as_u16());
    }
    statuses
}

#[test]
fn the_same_of_http_2_on_the_clients_side() {
    on_runtime(async {
        let upstream = Upstream::saying("well");
        let stage = stage(&upstream, &touchy(None));
        assert_eq!(slow_uploads(&stage, MANY).await, [408; MANY as usize]);
        nobody_is_blamed(&stage, MANY);
    });
}

#[test]
fn the_same_of_http_2_on_the_instances_side() {
    on_runtime(async {
        let address = app(|request, mut respond| async move {
            let mut body = request.into_body();
            while let Some(Ok(piece)) = body.data().await {
                let _ = body.flow_control().release_capacity(piece.len());
            }
            let _ = respond.send_response(Response::new(()), true);
        })
        .await;
        let stage = Stage::new();
        let policy = TrafficPolicy { protocol: Protocol::H2c, ..touchy(None) };
        stage.apply(&with_policy(table(1, &[("web-1", address)]), &policy));
        assert_eq!(slow_uploads(&stage, MANY).await, [408; MANY as usize]);
        nobody_is_blamed(&stage, MANY);
    });
}

#[test]
fn an_instance_of_http_2_that_says_nothing_is_blamed() {
    on_runtime(async {
        let address = app(|request, respond| async move {
            let mut body = request.into_body();
            while let Some(Ok(piece)) = body.data().await {
                let _ = body.flow_control().release_capacity(piece.len());
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
            drop(respond);
        })
        .await;
        let stage = Stage::new();
        let mut policy = TrafficPolicy { protocol: Protocol::H2c, ..touchy(None) };
        policy.timeouts.idle = Some(Millis(15_000));
        stage.apply(&with_policy(table(1, &[("web-1", address)]), &policy));
        let mut client = Client::new(stage.address);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
        std::thread::sleep(Duration::from_millis(FIRST_BYTE));
        let sent = Instant::now();
        let answer = client.ask("y");
        assert_eq!(mark(&answer), (504, Some("timeout")));
        assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
    });
}

#[test]
fn the_wait_for_an_answer_begins_when_the_request_is_sent() {
    for path in PATHS {
        let upstream = Upstream::saying("well");
        let stage = stage(&upstream, &touchy(None));
        let mut client = Client::new(stage.address);
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 2\r\n\r\nx"));
        std::thread::sleep(Duration::from_millis(2 * FIRST_BYTE));
        client.send("y");
        assert_eq!(client.answer().unwrap().text(), "well", "{path}");
    }
}

#[test]
fn an_instance_that_has_all_of_a_request_and_says_nothing_is_blamed() {
    for path in PATHS {
        let upstream = Upstream::new(|connection| {
            let _ = connection.request();
            let _ = connection.request(); // until the gateway gives up
        });
        let stage = stage(&upstream, &touchy(None));
        let mut client = Client::new(stage.address);
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 2\r\n\r\nx"));
        std::thread::sleep(Duration::from_millis(FIRST_BYTE / 2));
        let sent = Instant::now();
        let answer = client.ask("y");
        assert_eq!(mark(&answer), (504, Some("timeout")), "{path}");
        assert!(sent.elapsed() < Duration::from_millis(IDLE));
        counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.timeout == 1));
    }
}

/// Answers `/large` with a large body as fast as it is taken.
fn generous() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            if !request.line.contains("/large") {
                connection.say(ok("well"));
                continue;
            }
            connection.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"));
            if connection.stream.write_all(&vec![1; LARGE]).is_err() {
                return;
            }
        }
    })
}

#[test]
fn a_client_that_takes_too_long_over_an_answer_is_cut_off_and_the_instance_is_not_blamed() {
    for path in PATHS {
        let upstream = generous();
        let stage = stage(&upstream, &touchy(Some(700)));
        let mut slow: Vec<Client> = (0..MANY).map(|_| Client::new(stage.address)).collect();
        for client in &mut slow {
            client.send(format!("GET /large HTTP/1.1\r\nHost: a\r\n{path}\r\n"));
            assert_eq!(client.head().unwrap().status(), 200);
        }
        std::thread::sleep(Duration::from_millis(900));
        for client in &mut slow {
            let mut rest = Vec::new();
            let _ = client.reader.read_to_end(&mut rest);
            assert!(rest.len() < LARGE, "{path}");
        }
        nobody_is_blamed(&stage, MANY);
    }
}

#[test]
fn the_same_of_a_client_of_http_2() {
    on_runtime(async {
        let upstream = generous();
        let stage = stage(&upstream, &touchy(Some(700)));
        let (mut senders, mut bodies) = (Vec::new(), Vec::new());
        // A connection for each: one that is not read holds up the others of its own.
        for _ in 0..MANY {
            let mut sender = connect(stage.address).await.ready().await.unwrap();
            let request = Request::get("http://a.test/large").body(()).unwrap();
            let (response, _) = sender.send_request(request, true).unwrap();
            bodies.push(response.await.unwrap().into_body());
            senders.push(sender);
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
        for mut body in bodies {
            let mut length = 0;
            while let Some(Ok(piece)) = body.data().await {
                length += piece.len();
                let _ = body.flow_control().release_capacity(piece.len());
            }
            assert!(length < LARGE);
        }
        nobody_is_blamed(&stage, MANY);
    });
}

/// The instance answers while it is asked, and then waits for the rest of the question.
#[test]
fn an_answer_that_waits_for_the_rest_of_its_request_is_not_the_instances_fault() {
    for path in PATHS {
        let upstream = Upstream::new(|connection| {
            while let Some(head) = connection.head() {
                if head.line.starts_with("GET") {
                    connection.say(ok("well"));
                    continue;
                }
                connection.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbe");
                if connection.body(head).is_none() {
                    return;
                }
            }
        });
        let stage = stage(&upstream, &touchy(None));
        let mut slow: Vec<Client> = (0..MANY).map(|_| Client::new(stage.address)).collect();
        for client in &mut slow {
            client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 50\r\n\r\nx"));
            assert_eq!(client.head().unwrap().status(), 200);
        }
        for client in &mut slow {
            let mut rest = Vec::new();
            let _ = client.reader.read_to_end(&mut rest);
            assert_eq!(rest, b"be", "{path}");
        }
        nobody_is_blamed(&stage, MANY);
    }
}
