//! Bodies: large, chunked, absent, early, late.

use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use tidegate_gateway::Limits;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};

const LARGE: usize = 10 * 1024 * 1024;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn mirror() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.body.len());
            connection.say(head);
            connection.say(&request.body);
        }
    })
}

fn post_large(stage: &Stage, head: &str, body: Vec<u8>) -> Vec<u8> {
    let mut client = Client::new(stage.address);
    let mut writer = client.stream.try_clone().unwrap();
    let head = head.to_owned();
    let sending = std::thread::spawn(move || {
        use std::io::Write;
        writer.write_all(head.as_bytes()).unwrap();
        writer.write_all(&body).unwrap();
    });
    let answer = client.answer().unwrap();
    sending.join().unwrap();
    answer.body
}

#[test]
fn ten_mebibytes_pass_both_ways() {
    let stage = Stage::new();
    let upstream = mirror();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
    assert!(post_large(&stage, &head, pattern(LARGE)) == pattern(LARGE));
}

#[test]
fn chunks_pass_both_ways() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            assert_eq!(request.field("transfer-encoding"), Some("chunked"));
            connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for chunk in request.body.chunks(100_000) {
                connection.say(format!("{:x}\r\n", chunk.len()));
                connection.say(chunk);
                connection.say("\r\n");
            }
            connection.say("0\r\n\r\n");
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut chunked = Vec::new();
    for chunk in pattern(LARGE).chunks(77_777) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(post_large(&stage, head, chunked) == pattern(LARGE));
}

#[test]
fn connections_are_kept_on_both_sides() {
    let stage = Stage::new();
    let upstream = Upstream::saying("kept");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..200 {
        assert_eq!(client.get("a", "/").text(), "kept");
    }
    assert!(upstream.connections.load(Ordering::SeqCst) <= 5);
}

#[test]
fn answers_without_a_body_end_where_they_should() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let answer = match request.line.split(' ').nth(1) {
                Some("/204") => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                Some("/304") => "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".to_owned(),
                _ if request.line.starts_with("HEAD") => {
                    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_owned()
                }
                _ => ok("body"),
            };
            connection.say(answer);
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..3 {
        assert_eq!(client.get("a", "/204").status(), 204);
        assert_eq!(client.get("a", "/304").status(), 304);
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = client.head().unwrap();
        assert_eq!((head.status(), head.field("content-length")), (200, Some("9")));
        assert_eq!(client.get("a", "/").text(), "body");
    }
}

#[test]
fn an_early_answer_arrives_while_the_body_is_still_sent() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        let head = connection.head().unwrap();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly");
        let _ = connection.body(head);
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegun");
    assert_eq!(client.answer().unwrap().text(), "early");
}

#[test]
fn both_directions_flow_at_once() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        let _ = connection.head().unwrap();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
        for _ in 0..3 {
            let mut byte = [0];
            connection.reader.read_exact(&mut byte).unwrap();
            connection.say(byte);
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    // Each byte is sent only after the one before came back.
    for byte in *b"abc" {
        client.send([byte]);
        let mut back = [0];
        client.reader.read_exact(&mut back).unwrap();
        assert_eq!(back, [byte]);
    }
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let stage = Stage::new();
    let upstream = mirror();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.answer().unwrap().status(), 100);
    client.send("body");
    assert_eq!(client.answer().unwrap().text(), "body");
}

#[test]
fn a_silent_instance_becomes_a_timeout_and_counts_as_one() {
    let stage = Stage::with(Limits { first_byte: Duration::from_millis(100), ..Limits::default() });
    let upstream = Upstream::new(|connection| {
        let _ = connection.request();
        let _ = connection.request(); // until the gateway gives up
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (504, Some("timeout")));
    crate::control::counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.timeout == 1));
}

#[test]
fn a_broken_answer_is_a_reset_and_a_lost_client_is_not() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let path = request.line.split(' ').nth(1).unwrap().to_owned();
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
            match path.as_str() {
                "/breaks" => return,
                _ => while connection.request().is_some() {},
            }
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    let mut rest = Vec::new();
    let _ = client.reader.read_to_end(&mut rest);
    assert_eq!(rest, b"begun");
    let mut leaver = Client::new(stage.address);
    leaver.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(leaver.head().unwrap().status(), 200);
    drop(leaver);
    crate::control::counts_when(&stage, |rows| {
        rows.iter().any(|row| row.outcomes.reset == 1 && row.outcomes.cancelled == 1)
    });
}

#[test]
fn a_client_that_breaks_off_its_upload_is_not_held_against_the_instance() {
    let stage = Stage::new();
    let begun = Arc::new(Barrier::new(2));
    let at_upstream = begun.clone();
    let upstream = Upstream::new(move |connection| {
        let head = connection.head().unwrap();
        at_upstream.wait();
        let _ = connection.body(head);
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegun");
    begun.wait();
    drop(client);
    let rows = crate::control::counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.cancelled == 1));
    assert_eq!(rows[0].outcomes.total(), 0);
}

#[test]
fn an_http_1_0_client_gets_what_it_understands() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
            );
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    let answer = client.ask("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!((answer.field("transfer-encoding"), answer.text().as_str()), (None, "abcdef"));
}

#[test]
fn an_answer_that_is_not_http_is_no_answer() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        let _ = connection.request();
        connection.say("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (502, Some("reset")));
}

#[test]
fn a_stalled_answer_is_cut_off_and_counts_as_a_timeout() {
    let stage = Stage::with(Limits { stall: Duration::from_millis(100), ..Limits::default() });
    let upstream = Upstream::new(|connection| {
        let _ = connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun");
        let _ = connection.request(); // until the gateway gives up
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().status(), 200);
    let mut rest = Vec::new();
    let _ = client.reader.read_to_end(&mut rest);
    assert_eq!(rest, b"begun");
    crate::control::counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.timeout == 1));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            connection.say(ok(request.line.split(' ').nth(1).unwrap()));
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send(
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxxGET /2 HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    for path in ["/1", "/2", "/3", "/4"] {
        assert_eq!(client.answer().unwrap().text(), path);
    }
}

#[test]
fn a_bad_chunk_in_an_upload_under_way_is_refused() {
    let stage = Stage::new();
    let begun = Arc::new(Barrier::new(2));
    let at_upstream = begun.clone();
    let upstream = Upstream::new(move |connection| {
        let head = connection.head().unwrap();
        at_upstream.wait();
        assert!(connection.body(head).is_none());
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    begun.wait();
    client.send("zz\r\n");
    assert_eq!(client.answer().unwrap().status(), 400);
    assert!(client.is_closed());
}

#[test]
fn declared_trailers_pass_both_ways() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        let head = connection.head().unwrap();
        assert_eq!((head.field("trailer"), head.field("te")), (Some("x-sum"), Some("trailers")));
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\nx-sum: up\r\n\r\n") {
            let mut byte = [0];
            connection.reader.read_exact(&mut byte).unwrap();
            body.push(byte[0]);
        }
        connection.say(
            "HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: down\r\n\r\n",
        );
        let _ = connection.request();
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTrailer: x-sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: up\r\n\r\n",
    );
    assert_eq!(client.head().unwrap().status(), 200);
    let mut body = Vec::new();
    while !body.ends_with(b"0\r\nx-sum: down\r\n\r\n") {
        let mut byte = [0];
        client.reader.read_exact(&mut byte).unwrap();
        body.push(byte[0]);
    }
}
