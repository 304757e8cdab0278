//! What is too much.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tidegate_flag_server::Limits;

use super::http::{Events, get, post, send};
use super::stage::{Set, Stage, eventually};

const ONE: &str = "/ofrep/v1/evaluate/flags/banner";

#[test]
fn a_context_of_a_mebibyte_is_too_large() {
    let stage = Stage::new();
    let context = |bytes: usize| format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(bytes));
    assert_eq!(post(stage.ofrep, ONE, &context((1 << 20) - 30)).status, 200);
    for bytes in [1 << 20, 3 << 20] {
        let answer = post(stage.ofrep, ONE, &context(bytes));
        assert_eq!(answer.status, 413);
        assert!(answer.json()["errorDetails"].as_str().unwrap().contains("1048576"));
    }
}

#[test]
fn a_body_in_chunks_is_measured_too() {
    let stage = Stage::of(Set { limits: Limits { body: 100, ..Limits::default() }, ..Set::default() });
    let mut connection = TcpStream::connect(stage.ofrep).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(connection, "POST {ONE} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..3 {
        write!(connection, "32\r\n{}\r\n", "x".repeat(50)).unwrap();
    }
    write!(connection, "0\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[test]
fn heads_are_limited() {
    let stage = Stage::new();
    let long = "x".repeat(100 << 10);
    assert_eq!(send(stage.ofrep, "POST", ONE, &[("x-long", &long)], "").status, 431);
    let many: Vec<(&str, &str)> = (0..120).map(|_| ("x-many", "1")).collect();
    assert_eq!(send(stage.ofrep, "POST", ONE, &many, "").status, 431);
}

#[test]
fn one_stream_too_many_is_told_to_come_back() {
    let stage = Stage::of(Set { limits: Limits { streams: 1, ..Limits::default() }, ..Set::default() });
    let path = stage.stream();
    let first = Events::open(stage.ofrep, &path, None);
    let second = get(stage.ofrep, &path);
    assert_eq!((second.status, second.field("retry-after")), (429, Some("5")));
    drop(first);
    let open = || Events::try_open(stage.ofrep, &path);
    eventually("a place is free again", open);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let limits = Limits { body_within: Duration::from_millis(50), ..Limits::default() };
    let stage = Stage::of(Set { limits, ..Set::default() });
    let mut connection = TcpStream::connect(stage.ofrep).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(connection, "POST {ONE} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}
