//! Clients that send nothing more but still want their answers (`nc -N`), and those that are gone, which look the same.

use std::net::Shutdown;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};

/// What makes a request one for the fast path, or for the general one.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];

/// Answers `/MS` after so many milliseconds, with the target and the body.
fn slow() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let target = request.line.split(' ').nth(1).unwrap().to_owned();
            let wait = target[1..].parse().unwrap_or(0);
            std::thread::sleep(Duration::from_millis(wait));
            connection.say(ok(&format!("{target}{}", request.text())));
        }
    })
}

fn stage(upstream: &Upstream) -> Stage {
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    stage
}

/// What is answered to these bytes, with the end of the client's side so long after them.
fn answers(stage: &Stage, bytes: &str, after_ms: u64) -> Vec<String> {
    let mut client = Client::new(stage.address);
    client.send(bytes);
    std::thread::sleep(Duration::from_millis(after_ms));
    client.stream.shutdown(Shutdown::Write).unwrap();
    let answers = std::iter::from_fn(|| client.answer()).map(|answer| answer.text()).collect();
    assert!(client.is_closed());
    answers
}

#[test]
fn who_sends_nothing_more_gets_its_answer() {
    let upstream = slow();
    let stage = stage(&upstream);
    for path in PATHS {
        let get = |wait: u64| format!("GET /{wait} HTTP/1.1\r\nHost: a\r\n{path}\r\n");
        assert_eq!(answers(&stage, &get(0), 0), ["/0"], "{path}");
        assert_eq!(answers(&stage, &get(400), 0), ["/400"], "{path}");
        // The end comes while the instance thinks.
        assert_eq!(answers(&stage, &get(1_000), 300), ["/1000"], "{path}");
        let post = format!("POST /50 HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 3\r\n\r\nabc");
        assert_eq!(answers(&stage, &post, 0), ["/50abc"], "{path}");
    }
}

#[test]
fn every_request_before_the_end_is_answered() {
    let upstream = slow();
    let stage = stage(&upstream);
    for path in PATHS {
        for wait in [0, 60] {
            let one = format!("GET /{wait} HTTP/1.1\r\nHost: a\r\n{path}\r\n");
            let all = answers(&stage, &one.repeat(3), 0);
            assert_eq!(all, [(); 3].map(|()| format!("/{wait}")), "{path}");
        }
    }
}

/// Tells of each request, and when the gateway gives it up.
fn silent() -> (Upstream, mpsc::Receiver<Instant>) {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |connection| {
        if connection.request().is_some() {
            let _ = tell.send(Instant::now());
            let _ = connection.request();
            let _ = tell.send(Instant::now());
        }
    });
    (upstream, told)
}

#[test]
fn who_is_gone_is_given_up_in_time() {
    for path in PATHS {
        let (upstream, told) = silent();
        let stage = stage(&upstream);
        for reset in [true, false] {
            let mut client = Client::new(stage.address);
            client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{path}\r\n"));
            told.recv_timeout(Duration::from_secs(15)).expect("the instance is asked");
            if reset {
                SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            let left = Instant::now();
            drop(client);
            let noticed = told.recv_timeout(Duration::from_secs(15)).expect("it is given up");
            let took = noticed.saturating_duration_since(left);
            let most = Duration::from_secs(if reset { 2 } else { 8 });
            assert!(took < most, "{path}{reset} {took:?}");
        }
        crate::control::counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.cancelled == 2));
    }
}
