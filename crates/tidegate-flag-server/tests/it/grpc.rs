//! Calls over gRPC as no client of ours would make them: that do not read, do not end, and are too many.

use std::future::Future;
use std::time::Duration;

use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{SendStream, client};
use http::Request;
use tidegate_flag_server::Limits;
use tokio::net::TcpStream;

use super::stage::{Set, Stage};

type Bytes = std::io::Cursor<Vec<u8>>;

const ALL: &str = "/flagd.evaluation.v1.Service/ResolveAll";
const ONE: &str = "/flagd.evaluation.v1.Service/ResolveBoolean";
const DEADLINE_EXCEEDED: &str = "4";
const RESOURCE_EXHAUSTED: &str = "8";

/// A message without anything in it.
const EMPTY: [u8; 5] = [0; 5];

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await.expect("in time") });
}

fn stage(limits: Limits) -> Stage {
    Stage::of(Set { limits, ..Set::default() })
}

/// A connection of a client that lets each answer have so many bytes.
async fn connect(stage: &Stage, window: u32) -> (SendRequest<Bytes>, Connection<TcpStream, Bytes>) {
    let stream = TcpStream::connect(stage.grpc).await.unwrap();
    client::Builder::new().initial_window_size(window).handshake(stream).await.unwrap()
}

/// Begins a call with the beginning of its body.
async fn begin(
    send: &SendRequest<Bytes>,
    path: &str,
    body: &[u8],
    ends: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    let mut send = send.clone().ready().await.unwrap();
    let request = Request::post(format!("http://flags{path}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let (answer, mut stream) = send.send_request(request.body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::new(body.to_vec()), ends).unwrap();
    (answer, stream)
}

/// How a call was refused.
async fn refused(answer: ResponseFuture) -> String {
    let answer = answer.await.unwrap();
    answer.headers()["grpc-status"].to_str().unwrap().to_owned()
}

#[test]
fn answers_that_nobody_reads_end_with_their_connection() {
    let stage = stage(Limits { answer_within: Duration::from_millis(200), ..Limits::default() });
    run(async {
        let (send, connection) = connect(&stage, 0).await;
        let ended = tokio::spawn(connection);
        let mut calls = Vec::new();
        for _ in 0..50 {
            calls.push(begin(&send, ALL, &EMPTY, true).await);
        }
        // However it is closed, it is.
        let _ = ended.await.unwrap();
        drop(calls);
    });
}

#[test]
fn what_is_held_of_answers_that_nobody_reads_has_an_end() {
    let stage = stage(Limits { held: 20_000, ..Limits::default() });
    run(async {
        let (send, connection) = connect(&stage, 0).await;
        let connection = tokio::spawn(connection);
        let (mut calls, mut statuses) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (answer, stream) = begin(&send, ALL, &EMPTY, true).await;
            let answer = answer.await.unwrap();
            let status = answer.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
            statuses.push(status);
            calls.push((answer, stream));
        }
        assert_eq!(statuses[0], None);
        assert_eq!(statuses[19].as_deref(), Some(RESOURCE_EXHAUSTED));
        // What is given up is free again.
        drop(calls);
        let mut last = Some(String::new());
        while last.is_some() {
            let (answer, _stream) = begin(&send, ALL, &EMPTY, true).await;
            last = answer
                .await
                .unwrap()
                .headers()
                .get("grpc-status")
                .map(|code| code.to_str().unwrap().to_owned());
        }
        connection.abort();
    });
}

#[test]
fn a_body_that_stops_is_not_waited_for() {
    let stage = stage(Limits { body_within: Duration::from_millis(50), ..Limits::default() });
    run(async {
        let (send, connection) = connect(&stage, 1 << 16).await;
        let connection = tokio::spawn(connection);
        let (answer, _stream) = begin(&send, ONE, &[0, 0, 0, 4, 0, 1, 2, 3], false).await;
        assert_eq!(refused(answer).await, DEADLINE_EXCEEDED);
        connection.abort();
    });
}

#[test]
fn what_is_held_of_bodies_that_are_not_whole_has_an_end() {
    let stage = stage(Limits { held: 10_000, ..Limits::default() });
    run(async {
        let (send, connection) = connect(&stage, 1 << 16).await;
        let connection = tokio::spawn(connection);
        let beginning = [&[0, 0, 0, 255, 0][..], &[0; 4_000]].concat();
        let first = begin(&send, ONE, &beginning, false).await;
        let second = begin(&send, ONE, &beginning, false).await;
        let (third, _stream) = begin(&send, ONE, &beginning, false).await;
        assert_eq!(refused(third).await, RESOURCE_EXHAUSTED);
        drop((first, second));
        connection.abort();
    });
}

#[test]
fn calls_at_a_time_are_limited() {
    let stage = stage(Limits::default());
    run(async {
        let (send, connection) = connect(&stage, 1 << 16).await;
        let connection = tokio::spawn(connection);
        let (answer, _stream) = begin(&send, ALL, &EMPTY, true).await;
        answer.await.unwrap();
        assert_eq!(send.current_max_send_streams(), 100);
        connection.abort();
    });
}
