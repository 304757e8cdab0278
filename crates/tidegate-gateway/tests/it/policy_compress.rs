//! Answers made smaller: which, how, and that nothing waits for it.

use std::io::Read;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use async_compression::tokio::write::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use tidegate_core::model::{Compress, Compression, RoutePolicy};
use tidegate_core::units::ByteSize;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::stage::Stage;
use crate::stage::client::{Client, Message};
use crate::stage::table::with_policy;
use crate::stage::upstream::Upstream;

fn compressing(app: &Upstream, algorithms: &[Compression]) -> Stage {
    let compress = Some(Compress { algorithms: algorithms.to_vec(), min_size: ByteSize(100) });
    let stage = Stage::new();
    stage.apply(&with_policy(
        1,
        &[("web-1", app.address)],
        RoutePolicy { compress, ..RoutePolicy::default() },
    ));
    stage
}

const ALL: [Compression; 3] = [Compression::Zstd, Compression::Brotli, Compression::Gzip];

/// Text that gets smaller, but not by everything.
fn text(length: usize) -> String {
    (0..length).map(|at| char::from(b'a' + (at * at % 23) as u8)).collect()
}

fn plain(answer: &Message) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.field("content-encoding") {
        Some("zstd") => decode(ZstdDecoder::new(&mut plain), &answer.body),
        Some("br") => decode(BrotliDecoder::new(&mut plain), &answer.body),
        Some("gzip") => decode(GzipDecoder::new(&mut plain), &answer.body),
        other => panic!("{other:?}"),
    }
    plain
}

fn decode(mut decoder: impl AsyncWrite + Unpin, body: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        decoder.write_all(body).await.unwrap();
        decoder.shutdown().await.unwrap();
    });
}

/// Answers with fields and a text of the length that the path names: `/<length>`.
fn app(fields: &'static str) -> Upstream {
    Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            let length: usize = request.line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            let body = if request.line.starts_with("HEAD") { String::new() } else { text(length) };
            connection.say(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {length}\r\n\r\n{body}"));
        }
    })
}

fn get(client: &mut Client, length: usize, accepted: &str) -> Message {
    client.ask(format!("GET /{length} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepted}\r\n\r\n"))
}

#[test]
fn text_goes_out_smaller_in_each_coding() {
    let app = app("Content-Type: text/html\r\nETag: \"x\"\r\nAccept-Ranges: bytes\r\n");
    let stage = compressing(&app, &ALL);
    let mut client = Client::new(stage.address);
    for (accepted, coding) in [("gzip, br, zstd", "zstd"), ("gzip, br", "br"), ("br;q=0.5, gzip", "gzip")] {
        for length in [100, 5_000, 700_000] {
            let answer = get(&mut client, length, accepted);
            assert_eq!(answer.field("content-encoding"), Some(coding));
            assert_eq!(
                (answer.field("etag"), answer.field("vary")),
                (Some("W/\"x\""), Some("accept-encoding"))
            );
            assert_eq!((answer.field("content-length"), answer.field("accept-ranges")), (None, None));
            assert!(plain(&answer) == text(length).as_bytes(), "{coding} of {length}");
            assert!(answer.body.len() < length);
        }
    }
}

#[test]
fn what_is_not_worth_it_or_not_wanted_stays() {
    const HTML: &str = "Content-Type: text/html\r\n";
    for (fields, length, accepted) in [
        (HTML, 99, "gzip"),
        (HTML, 500, "gzip;q=0"),
        (HTML, 500, "deflate"),
        ("Content-Type: image/png\r\n", 500, "gzip"),
        ("Content-Type: text/event-stream\r\n", 500, "gzip"),
        ("Content-Type: text/html\r\nContent-Encoding: br\r\n", 500, "gzip"),
        ("Content-Type: text/html\r\nCache-Control: public, no-transform\r\n", 500, "gzip"),
        ("", 500, "gzip"),
    ] {
        let app = app(fields);
        let stage = compressing(&app, &ALL);
        let answer = get(&mut Client::new(stage.address), length, accepted);
        assert!(answer.body == text(length).as_bytes(), "{fields} {length} {accepted}");
        assert_eq!(answer.field("content-length"), Some(&*length.to_string()));
    }
}

#[test]
fn answers_without_a_body_stay_and_say_what_they_depend_on() {
    let app = app("Content-Type: text/html\r\n");
    let stage = compressing(&app, &ALL);
    let mut client = Client::new(stage.address);
    client.send("HEAD /500 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!((head.field("content-length"), head.field("content-encoding")), (Some("500"), None));
    assert_eq!(head.field("vary"), Some("accept-encoding"));
    assert_eq!(get(&mut client, 500, "").field("vary"), Some("accept-encoding"));
}

#[test]
fn a_pause_of_the_app_holds_nothing_back() {
    let (go, wait) = channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let app = Upstream::new(move |connection| {
        while connection.request().is_some() {
            connection
                .say("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
            connection.say("5\r\nfirst\r\n");
            let _ = wait.lock().unwrap().recv();
            connection.say("6\r\nsecond\r\n0\r\n\r\n");
        }
    });
    for coding in ALL {
        let stage = compressing(&app, &[coding]);
        let mut client = Client::new(stage.address);
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n");
        let head = client.head().unwrap();
        // A whole chunk, and with it the first word, is here before the app says the second.
        let mut size = String::new();
        std::io::BufRead::read_line(&mut client.reader, &mut size).unwrap();
        let mut first = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        client.reader.read_exact(&mut first).unwrap();
        first.truncate(first.len() - 2);
        go.send(()).unwrap();
        let rest = client.body(Message::clone(&head));
        let answer = Message { body: [first, rest.body].concat(), ..head };
        assert_eq!(plain(&answer), b"firstsecond");
    }
}
