//! Clients that begin their next request before they have the answer to the one before, and those that read slowly: every
//! answer comes whole, and what is refused is refused behind it.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use tidegate_gateway::Limits;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};

/// What makes a request one for the fast path, or for the general one.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];
/// For the head of a request.
const HEAD_MS: u64 = 300;
/// Around what the two sockets between the gateway and a client that does not read take, by less than the general path holds.
const SIZES: std::ops::Range<usize> = 8..29;
const STEP: usize = 200_000;

/// Answers `/MS` after so many milliseconds with the target, `/drip` in pieces, and `/size/N` with so many bytes.
fn instance() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let target = request.line.split(' ').nth(1).unwrap().to_owned();
            if target == "/drip" {
                connection.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
                for piece in ["01", "23", "45", "67", "89"] {
                    std::thread::sleep(Duration::from_millis(HEAD_MS / 2));
                    connection.say(piece);
                }
            } else if let Some(size) = target.strip_prefix("/size/") {
                connection.say(ok(&"x".repeat(size.parse().unwrap())));
            } else {
                std::thread::sleep(Duration::from_millis(target[1..].parse().unwrap_or(0)));
                connection.say(ok(&target));
            }
        }
    })
}

fn stage(upstream: &Upstream) -> Stage {
    let stage = Stage::with(Limits {
        head: Duration::from_millis(HEAD_MS),
        client_idle: Duration::from_millis(2 * HEAD_MS),
        ..Limits::default()
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    stage
}

#[test]
fn the_beginning_of_another_request_does_not_end_the_answer_to_the_one_before() {
    let upstream = instance();
    let stage = stage(&upstream);
    for path in PATHS {
        for (target, text) in [("/900", "/900"), ("/drip", "0123456789")] {
            let mut client = Client::new(stage.address);
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{path}\r\nG"));
            let answer = client.answer().unwrap();
            assert_eq!((answer.status(), answer.text().as_str()), (200, text), "{path}");
            let since = Instant::now();
            // Its time begins with the end of that answer.
            let late = client.answer().unwrap();
            assert_eq!(late.status(), 408, "{path}{target}");
            assert!(since.elapsed() >= Duration::from_millis(HEAD_MS / 2), "{path}{target}");
            assert!(client.is_closed());
        }
    }
}

#[test]
fn a_request_that_was_begun_too_early_is_answered_as_well() {
    let upstream = instance();
    let stage = stage(&upstream);
    for path in PATHS {
        let mut client = Client::new(stage.address);
        client.send(format!("GET /900 HTTP/1.1\r\nHost: a\r\n{path}\r\nGET /1 HT"));
        assert_eq!(client.answer().unwrap().text(), "/900", "{path}");
        assert_eq!(client.ask(format!("TP/1.1\r\nHost: a\r\n{path}\r\n")).text(), "/1", "{path}");
    }
}

#[test]
fn a_client_that_is_quiet_after_a_slow_answer_is_not_kept_for_ever() {
    let upstream = instance();
    let stage = stage(&upstream);
    for path in PATHS {
        let mut client = Client::new(stage.address);
        assert_eq!(client.ask(format!("GET /900 HTTP/1.1\r\nHost: a\r\n{path}\r\n")).text(), "/900");
        let since = Instant::now();
        assert!(client.is_closed());
        assert!(since.elapsed() < Duration::from_secs(5), "{path}");
    }
}

/// Asks for answers of many sizes, does something while their ends wait to be written, and reads them.
fn read_late(stage: &Stage, behind: &str, meanwhile: impl Fn(&mut Client)) -> Vec<(usize, Client)> {
    let mut clients: Vec<(usize, Client)> = SIZES.map(|n| (n * STEP, Client::new(stage.address))).collect();
    for (size, client) in &mut clients {
        client.send(format!("GET /size/{size} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n{behind}"));
    }
    std::thread::sleep(Duration::from_millis(700));
    clients.iter_mut().for_each(|(_, client)| meanwhile(client));
    std::thread::sleep(Duration::from_millis(100));
    for (size, client) in &mut clients {
        let head = client.head().unwrap();
        assert_eq!(head.status(), 200);
        let mut rest = vec![0; *size];
        let read = std::io::Read::read_exact(&mut client.reader, &mut rest);
        assert!(read.is_ok() && rest.iter().all(|byte| *byte == b'x'), "{size}: {read:?}");
    }
    clients
}

#[test]
fn who_ends_its_side_while_an_answer_waits_to_be_read_gets_the_rest() {
    let upstream = instance();
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let clients = read_late(&stage, "", |client| client.stream.shutdown(Shutdown::Write).unwrap());
    for (size, mut client) in clients {
        let since = Instant::now();
        assert!(client.is_closed(), "{size}");
        assert!(since.elapsed() < Duration::from_secs(4), "{size}: told as soon as it is read");
    }
}

#[test]
fn a_refusal_waits_for_all_of_the_answer_before_it() {
    let upstream = instance();
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    for (size, mut client) in read_late(&stage, "GET / HTTP/1.1\r\n\r\n", |_| {}) {
        assert_eq!(client.answer().unwrap().status(), 400, "{size}");
        assert!(client.is_closed());
    }
}

#[test]
fn a_request_that_is_not_begun_in_time_is_told_so_behind_all_of_the_answer_before_it() {
    let upstream = instance();
    let stage = stage(&upstream);
    for (size, mut client) in read_late(&stage, "G", |_| {}) {
        assert_eq!(client.answer().unwrap().status(), 408, "{size}");
        assert!(client.is_closed());
    }
}
