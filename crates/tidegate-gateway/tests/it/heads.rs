//! Heads on their way through, and what is refused before it gets anywhere.

use std::time::Duration;

use tidegate_gateway::Limits;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;

#[test]
fn hop_by_hop_ends_here_and_forwarding_is_told() {
    let stage = Stage::new();
    let upstream = Upstream::echoing_heads();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    let answer = client.ask(
        "GET /a?b=c HTTP/1.1\r\nHost: Shop:81\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
         Proxy-Connection: x\r\nTE: gzip\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\
         tidegate-arm: candidate\r\nX-Request-Id: id-1\r\nX-Own: stays\r\n\r\n",
    );
    assert_eq!(
        answer.text(),
        "GET /a?b=c HTTP/1.1\nhost: Shop:81\ntidegate-arm: stable\ntidegate-revision: r1\n\
         x-forwarded-for: 9.9.9.9, 127.0.0.1\nx-forwarded-host: Shop:81\nx-forwarded-proto: http\nx-own: stays\n\
         x-real-ip: 127.0.0.1\nx-request-id: id-1\n"
    );
}

#[test]
fn a_request_id_is_made_and_differs() {
    let stage = Stage::new();
    let upstream = Upstream::echoing_heads();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    let mut id = || {
        let text = client.get("a", "/").text();
        text.lines().find(|line| line.starts_with("x-request-id: ")).unwrap().to_owned()
    };
    let (one, two) = (id(), id());
    assert_ne!(one, two);
    assert_eq!(one.len(), "x-request-id: ".len() + 24);
}

#[test]
fn an_answers_hop_by_hop_fields_end_here() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(
                "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n\
                 X-Own: stays\r\nContent-Length: 2\r\n\r\nok",
            );
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).get("a", "/");
    for gone in ["keep-alive", "x-hop", "connection"] {
        assert_eq!(answer.field(gone), None, "{gone}");
    }
    assert_eq!((answer.field("x-own"), answer.text().as_str()), (Some("stays"), "ok"));
}

#[test]
fn ambiguous_requests_never_reach_an_instance() {
    let stage = Stage::new();
    let upstream = Upstream::saying("reached");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    for (request, status) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n Folded: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ] {
        let mut client = Client::new(stage.address);
        let answer = client.ask(request);
        assert_eq!(
            (answer.status(), answer.field("tidegate-gateway")),
            (status, Some("bad-request")),
            "{request:?}"
        );
        assert!(client.is_closed(), "{request:?}");
    }
    assert_eq!(upstream.connections.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn a_good_request_before_a_bad_one_is_answered() {
    let stage = Stage::new();
    let upstream = Upstream::saying("good");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let bad_head = "GET / HTTP/1.1\r\n\r\n";
    let bad_body = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    for bad in [bad_head, bad_body] {
        let mut client = Client::new(stage.address);
        let first = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{bad}"));
        assert_eq!(first.text(), "good");
        assert_eq!(client.answer().unwrap().status(), 400);
        assert!(client.is_closed());
    }
}

#[test]
fn too_large_heads_are_refused() {
    let stage = Stage::new();
    let large = "x".repeat(40_000);
    let target = Client::new(stage.address).ask(format!("GET /{large} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let field = Client::new(stage.address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX: {large}\r\n\r\n"));
    let many = "X: y\r\n".repeat(101);
    let fields = Client::new(stage.address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"));
    assert_eq!([target.status(), field.status(), fields.status()], [414, 431, 431]);
}

#[test]
fn a_client_that_dawdles_over_its_head_is_cut_off_and_a_quiet_one_is_not() {
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let stage = Stage::with(limits);
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut quiet = Client::new(stage.address);
    assert_eq!(quiet.get("a", "/").status(), 200);
    let mut slow = Client::new(stage.address);
    let mut drip = slow.stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        use std::io::Write;
        let mut sent = 0;
        // One byte at a time, each well within any wait for a byte: only a limit on the whole head ends it.
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
            if drip.write_all(&[*byte]).is_err() {
                break;
            }
            sent += 1;
            std::thread::sleep(Duration::from_millis(20));
        }
        sent
    });
    assert_eq!(slow.answer().unwrap().status(), 408);
    drop(slow);
    assert!(dripping.join().unwrap() < 200);
    assert_eq!(quiet.get("a", "/").status(), 200);
}

#[test]
fn a_client_that_does_not_begin_is_not_waited_for_as_long_as_one_that_is_quiet() {
    let limits = Limits { head: Duration::from_millis(500), ..Limits::default() };
    let stage = Stage::with(limits);
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let quiet = ["", "TE: trailers\r\n"].map(|path| {
        let mut client = Client::new(stage.address);
        let get = format!("GET / HTTP/1.1\r\nHost: a\r\n{path}\r\n");
        assert_eq!(client.ask(&get).text(), "here");
        (client, get)
    });
    // The last is the beginning of HTTP/2.
    for begun in ["", "\r\n", "PRI * HTTP/2.0\r\n\r\n"] {
        let began = std::time::Instant::now();
        let mut client = Client::new(stage.address);
        client.send(begun);
        let _ = client.head();
        let took = began.elapsed();
        assert!((400..10_000).contains(&took.as_millis()), "{begun:?} {took:?}");
    }
    for (mut client, get) in quiet {
        assert_eq!(client.ask(&get).text(), "here");
    }
}
