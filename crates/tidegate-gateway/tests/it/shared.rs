//! Connections to an app that carry many requests at a time: what one request does to the others, and what an app may say of
//! how many it takes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;

use crate::control::counts_when;
use crate::grpc::{answer, call, connect, grpc_table, on_runtime, unary};
use crate::stage::Stage;
use crate::stage::client::Client;

type Asked = (Request<RecvStream>, SendResponse<Bytes>);

/// An app: `serve` is called with the number of each request, over all connections. Gives the number of connections too.
async fn app(
    settings: server::Builder,
    serve: impl Fn(usize, Asked) + Clone + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (settings, serve, requests) = (settings.clone(), serve.clone(), requests.clone());
            tokio::spawn(async move {
                let mut connection = settings.handshake::<_, Bytes>(stream).await.unwrap();
                while let Some(Ok(asked)) = connection.accept().await {
                    serve(requests.fetch_add(1, Ordering::SeqCst) + 1, asked);
                }
            });
        }
    });
    (address, connections)
}

/// Answers with a mebibyte, in large pieces or in small ones, or with a word. Whether it was asked for to its end.
async fn large_or_small(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> bool {
    let (mut left, piece) = match request.uri().path() {
        "/large" => (1_048_576, 65_536),
        "/many" => (1_048_576, 20),
        _ => (4, 4),
    };
    let mut send = respond.send_response(Response::new(()), false).unwrap();
    while left > 0 {
        send.reserve_capacity(left.min(piece));
        let Some(Ok(room)) = std::future::poll_fn(|cx| send.poll_capacity(cx)).await else { return false };
        let room = room.min(left).min(piece);
        left -= room;
        send.send_data(Bytes::from(vec![b'x'; room]), left == 0).unwrap();
    }
    true
}

#[test]
fn clients_that_read_nothing_keep_nobody_elses_answer() {
    keep_nobody("/large", 120);
    keep_nobody("/many", 40);
}

fn keep_nobody(path: &'static str, readers: usize) {
    on_runtime(async {
        let stage = Stage::new();
        let broken = Arc::new(AtomicUsize::new(0));
        let count = broken.clone();
        let serve = move |_, (request, respond)| {
            let count = count.clone();
            tokio::spawn(async move {
                if !large_or_small(request, respond).await {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        };
        let (address, _) = app(server::Builder::new(), serve).await;
        stage.apply(&grpc_table(1, address));
        let gateway = stage.address;
        let read = tokio::task::spawn_blocking(move || {
            let stuck: Vec<StdStream> = (0..readers)
                .map(|_| {
                    let mut client = StdStream::connect(gateway).unwrap();
                    socket2::SockRef::from(&client).set_recv_buffer_size(4_096).unwrap();
                    write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                    // Its answer is under way.
                    client.read_exact(&mut [0; 12]).unwrap();
                    client
                })
                .collect();
            let texts: Vec<String> = (0..40).map(|_| Client::new(gateway).get("a", "/").text()).collect();
            let whole = Client::new(gateway).get("a", "/large").body.len();
            (texts, whole, stuck)
        });
        let (texts, whole, stuck) =
            tokio::time::timeout(Duration::from_secs(30), read).await.unwrap().unwrap();
        assert!(texts.iter().all(|text| text == "xxxx"), "{texts:?}");
        assert_eq!(whole, 1_048_576);
        assert_eq!(broken.load(Ordering::SeqCst), 0, "those that wait are not broken off");
        drop(stuck);
    });
}

#[test]
fn an_app_that_goes_away_while_it_answers_gets_the_next_request_on_another_connection() {
    on_runtime(async {
        let stage = Stage::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        stage.apply(&grpc_table(1, listener.local_addr().unwrap()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut connection = server::handshake(stream).await.unwrap();
                    // One request of each connection, which lasts; and it is said at once that no other is taken.
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        tokio::spawn(answer(request, respond));
                        connection.graceful_shutdown();
                    }
                });
            }
        });
        let mut calls = Vec::new();
        for _ in 0..10 {
            let mut sender = connect(stage.address).await.ready().await.unwrap();
            let (response, send) = sender.send_request(call("/echo"), false).unwrap();
            let response = response.await.unwrap();
            assert_eq!(response.headers().get("grpc-status"), None);
            calls.push((sender, send, response.into_body()));
        }
        for (_, send, body) in &mut calls {
            send.send_data(Bytes::from_static(b"still"), true).unwrap();
            assert_eq!(body.data().await.unwrap().unwrap(), "still");
        }
        counts_when(&stage, |counts| {
            let outcomes: Vec<_> = counts.iter().map(|row| row.outcomes).collect();
            assert!(outcomes.iter().all(|outcomes| outcomes.reset == 0), "{outcomes:?}");
            outcomes.iter().map(|outcomes| outcomes.good).sum::<u64>() == 10
        });
    });
}

#[test]
fn a_request_that_an_app_did_nothing_with_is_sent_again_whatever_it_is() {
    on_runtime(async {
        let stage = Stage::new();
        let serve = |number: usize, (_, mut respond): Asked| {
            if number % 2 == 1 {
                return respond.send_reset(Reason::REFUSED_STREAM);
            }
            respond.send_response(Response::new(()), true).unwrap();
        };
        let (address, _) = app(server::Builder::new(), serve).await;
        stage.apply(&grpc_table(1, address));
        let gateway = stage.address;
        let status = move |method| {
            Client::new(gateway).ask(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).status()
        };
        let statuses = tokio::task::spawn_blocking(move || ["GET", "POST", "DELETE"].map(status));
        assert_eq!(statuses.await.unwrap(), [200; 3]);
    });
}

#[test]
fn an_app_that_takes_few_requests_at_a_time_is_asked_on_more_connections() {
    on_runtime(async {
        let stage = Stage::new();
        let mut settings = server::Builder::new();
        settings.max_concurrent_streams(1);
        let serve = |_, (request, respond)| drop(tokio::spawn(answer(request, respond)));
        let (address, connections) = app(settings, serve).await;
        stage.apply(&grpc_table(1, address));
        let mut calls = Vec::new();
        for _ in 0..5 {
            let mut sender = connect(stage.address).await.ready().await.unwrap();
            let (response, send) = sender.send_request(call("/echo"), false).unwrap();
            let response = tokio::time::timeout(Duration::from_secs(5), response).await.unwrap().unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            calls.push((sender, send, response));
        }
        assert!(connections.load(Ordering::SeqCst) >= 5);
        let (_, body, _) = unary(&connect(stage.address).await, "/echo").await;
        assert_eq!(body, "question");
    });
}

#[test]
fn an_answer_with_a_status_that_is_none_is_no_answer() {
    on_runtime(async {
        let stage = Stage::new();
        let serve = |_, (_, mut respond): Asked| {
            let response = Response::builder().status(742).body(()).unwrap();
            respond.send_response(response, true).unwrap();
        };
        let (address, _) = app(server::Builder::new(), serve).await;
        stage.apply(&grpc_table(1, address));
        let gateway = stage.address;
        let status = tokio::task::spawn_blocking(move || Client::new(gateway).get("a", "/").status());
        assert_eq!(status.await.unwrap(), 502);
    });
}
