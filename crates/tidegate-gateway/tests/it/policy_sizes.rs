//! How large bodies may be, on both ways.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tidegate_core::model::{RoutePolicy, SizeLimits};
use tidegate_core::units::ByteSize;

use crate::control::counts_when;
use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::with_policy;
use crate::stage::upstream::{Connection, Upstream, ok};

fn limited(app: SocketAddr, request: Option<u64>, response: Option<u64>) -> Stage {
    let limits = SizeLimits { request: request.map(ByteSize), response: response.map(ByteSize) };
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", app)], RoutePolicy { limits, ..RoutePolicy::default() }));
    stage
}

/// Says how much it got.
fn measuring() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            connection.say(ok(&request.body.len().to_string()));
        }
    })
}

#[test]
fn a_request_that_says_it_is_too_large_never_reaches_the_app() {
    let app = measuring();
    let stage = limited(app.address, Some(10), None);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    let answer = Client::new(stage.address).ask(head);
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (413, Some("too-large")));
    assert_eq!(app.connections.load(Ordering::SeqCst), 0);
    let mut client = Client::new(stage.address);
    assert_eq!(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789").text(), "10");
    assert_eq!(client.get("a", "/").text(), "0");
}

#[test]
fn a_request_that_becomes_too_large_is_cut() {
    let app = measuring();
    let stage = limited(app.address, Some(10), None);
    let chunked = |chunks: &str| {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        Client::new(stage.address).ask(format!("{head}{chunks}0\r\n\r\n"))
    };
    assert_eq!(chunked("5\r\n01234\r\n5\r\n56789\r\n").text(), "10");
    let answer = chunked("5\r\n01234\r\n6\r\n56789x\r\n");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (413, Some("too-large")));
}

#[test]
fn an_answer_that_says_it_is_too_large_is_refused_and_counted() {
    let app = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let head = request.line.starts_with("HEAD");
            let answer = ok("01234567890");
            connection.say(if head { &answer[..answer.len() - 11] } else { &answer });
        }
    });
    let stage = limited(app.address, None, Some(10));
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (502, Some("answer-too-large")));
    counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.server_error == 1));
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.field("content-length")), (200, Some("11")));
}

fn say_chunks(connection: &mut Connection, chunks: &[&str]) {
    connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in chunks {
        connection.say(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    connection.say("0\r\n\r\n");
}

#[test]
fn an_answer_that_becomes_too_large_breaks_off() {
    let app = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let chunks: &[&str] =
                if request.line.contains("fits") { &["01234", "56789"] } else { &["01234", "56789x"] };
            say_chunks(connection, chunks);
        }
    });
    let stage = limited(app.address, None, Some(10));
    assert_eq!(Client::new(stage.address).get("a", "/fits").text(), "0123456789");
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut rest = Vec::new();
    client.reader.read_to_end(&mut rest).unwrap();
    let text = String::from_utf8_lossy(&rest);
    assert!(!text.contains("x\r\n") && !text.ends_with("0\r\n\r\n"), "{text}");
}
