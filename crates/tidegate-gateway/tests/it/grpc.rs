//! gRPC through the gateway: HTTP/2 on both sides, spoken by the `h2` crate, with every kind of call and every way to end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client, server};
use http::{HeaderMap, Request, Response};
use tidegate_core::model::{Address, Protocol, RoutePolicy, RouteTable, SizeLimits};
use tidegate_core::units::ByteSize;
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::stage::Stage;
use crate::stage::program::curl;
use crate::stage::table::table;
use crate::stage::upstream::nobody;

pub fn grpc_table(epoch: u64, address: SocketAddr) -> RouteTable {
    let mut table = table(epoch, &[("web-1", address)]);
    table.upstreams.get_mut("app/dev/web").unwrap().policy.protocol = Protocol::H2c;
    table
}

/// What an app does with one request.
pub async fn answer(request: Request<RecvStream>, mut respond: server::SendResponse<Bytes>) {
    let ok = || Response::builder().header("content-type", "application/grpc");
    if request.uri().path() == "/only-trailers" {
        let response = ok().header("grpc-status", "7").body(()).unwrap();
        respond.send_response(response, true).unwrap();
        return;
    }
    // The head at once: calls of two streams are answered while they are asked.
    let deadline = request.headers().get("grpc-timeout").cloned();
    let te = request.headers().get("te").cloned();
    let mut response = ok().body(()).unwrap();
    response
        .headers_mut()
        .extend(deadline.map(|value| (http::header::HeaderName::from_static("x-deadline"), value)));
    response.headers_mut().extend(te.map(|value| (http::header::HeaderName::from_static("x-te"), value)));
    let mut send = respond.send_response(response, false).unwrap();
    let mut body = request.into_body();
    while let Some(Ok(piece)) = body.data().await {
        let _ = body.flow_control().release_capacity(piece.len());
        if send.send_data(piece, false).is_err() {
            return;
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let _ = send.send_trailers(trailers);
}

/// Serves connections of an app; each says that it goes away after `most` requests.
async fn serve<S>(stream: S, most: usize)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = server::handshake(stream).await.unwrap();
    let mut served = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond));
        served += 1;
        if served == most {
            connection.graceful_shutdown();
        }
    }
}

async fn app(most: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, most));
        }
    });
    address
}

pub async fn connect(address: SocketAddr) -> client::SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub fn call(path: &str) -> Request<()> {
    Request::post(format!("http://a.test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "5S")
        .body(())
        .unwrap()
}

pub async fn unary(
    sender: &client::SendRequest<Bytes>,
    path: &str,
) -> (Response<()>, Bytes, Option<HeaderMap>) {
    let mut sender = sender.clone().ready().await.unwrap();
    let (response, mut send) = sender.send_request(call(path), false).unwrap();
    // An answer that ends the call may come before the question could be sent.
    let _ = send.send_data(Bytes::from_static(b"question"), true);
    let (parts, mut body) = response.await.unwrap().into_parts();
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        all.extend_from_slice(&piece.unwrap());
    }
    let trailers = body.trailers().await.unwrap();
    (Response::from_parts(parts, ()), all.into(), trailers)
}

/// A call that an app answers message by message, for as long as it is asked.
async fn open_echo(stage: &Stage) -> (SendStream<Bytes>, RecvStream) {
    stage.apply(&grpc_table(1, app(usize::MAX).await));
    let mut sender = connect(stage.address).await.ready().await.unwrap();
    let (response, send) = sender.send_request(call("/echo"), false).unwrap();
    (send, response.await.unwrap().into_body())
}

pub fn on_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn calls_pass_with_deadlines_and_trailers() {
    // Whatever the route does to answers.
    let limits = SizeLimits { response: Some(ByteSize(1_000_000)), ..SizeLimits::default() };
    let limited = RoutePolicy { limits, ..RoutePolicy::default() };
    calls_pass(RoutePolicy::default());
    calls_pass(limited);
}

fn calls_pass(policy: RoutePolicy) {
    on_runtime(async {
        let stage = Stage::new();
        let mut table = grpc_table(1, app(usize::MAX).await);
        table.routes[0].policy = policy;
        stage.apply(&table);
        let sender = connect(stage.address).await;
        let (response, body, trailers) = unary(&sender, "/echo").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-deadline"], "5S");
        assert_eq!(response.headers()["x-te"], "trailers");
        assert_eq!(body, "question");
        assert_eq!(trailers.unwrap()["grpc-status"], "0");
        let (response, body, trailers) = unary(&sender, "/only-trailers").await;
        assert_eq!(response.headers()["grpc-status"], "7");
        assert_eq!((body.len(), trailers), (0, None));
    });
}

#[test]
fn both_sides_of_a_call_stream_at_once() {
    on_runtime(async {
        let stage = Stage::new();
        let (mut send, mut body) = open_echo(&stage).await;
        for message in ["one", "two", "three"] {
            send.send_data(Bytes::from_static(message.as_bytes()), false).unwrap();
            // The answer to each comes before the next is asked.
            assert_eq!(body.data().await.unwrap().unwrap(), message);
        }
        send.send_data(Bytes::new(), true).unwrap();
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    });
}

#[test]
fn an_app_that_says_it_goes_away_loses_no_call() {
    on_runtime(async {
        let stage = Stage::new();
        // Every connection takes three calls.
        stage.apply(&grpc_table(1, app(3).await));
        let sender = connect(stage.address).await;
        for _ in 0..20 {
            let (response, body, _) = unary(&sender, "/echo").await;
            assert_eq!((response.status().as_u16(), &body[..]), (200, &b"question"[..]));
        }
    });
}

#[test]
fn what_the_gateway_says_itself_is_an_answer_of_grpc() {
    on_runtime(async {
        let stage = Stage::new();
        stage.apply(&grpc_table(1, nobody()));
        let sender = connect(stage.address).await;
        let (response, body, trailers) = unary(&sender, "/echo").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], "14");
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert!(response.headers().contains_key("grpc-message"));
        assert_eq!((body.len(), trailers), (0, None));
    });
}

#[test]
fn an_app_on_a_unix_socket_is_reached_by_either_protocol() {
    on_runtime(async {
        let stage = Stage::new();
        let path = stage.dir.path().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, usize::MAX));
            }
        });
        let mut table = grpc_table(1, nobody());
        table.upstreams.get_mut("app/dev/web").unwrap().arms[0].endpoints[0].address = Address::Unix(path);
        stage.apply(&table);
        let url = "http://a.test/echo";
        let address = stage.address;
        // A client of HTTP/1.1 gets its answer from the same app.
        let args = ["--data", "question"];
        let said = tokio::task::spawn_blocking(move || curl(Path::new("/dev/null"), address, url, &args));
        let said = said.await.unwrap();
        assert!(said.out.ends_with("question\n1.1 200"), "{said:?}");
        let sender = connect(stage.address).await;
        assert_eq!(unary(&sender, "/echo").await.1, "question");
    });
}

/// An app that begins an answer and is gone.
async fn dying_app() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut connection = server::handshake(stream).await.unwrap();
            let Some(Ok((_request, mut respond))) = connection.accept().await else { continue };
            let response = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
            let mut send = respond.send_response(response, false).unwrap();
            send.send_data(Bytes::from_static(b"begun"), false).unwrap();
            // Carries the connection on until all of that is out.
            let _ = tokio::time::timeout(Duration::from_millis(200), connection.accept()).await;
        }
    });
    address
}

#[test]
fn a_call_whose_app_is_gone_in_the_middle_ends_as_unavailable() {
    on_runtime(async {
        let stage = Stage::new();
        stage.apply(&grpc_table(1, dying_app().await));
        let sender = connect(stage.address).await;
        let (response, body, trailers) = unary(&sender, "/dies").await;
        assert_eq!((response.status().as_u16(), &body[..]), (200, &b"begun"[..]));
        let trailers = trailers.unwrap();
        assert_eq!(
            (&trailers["grpc-status"], &trailers["grpc-message"]),
            (&"14".parse().unwrap(), &"reset".parse().unwrap())
        );
    });
}

/// The successor of a gateway that is replaced has nothing to do with a call that never ends: its client has to call again.
#[test]
fn a_call_without_an_end_is_told_that_its_gateway_goes() {
    on_runtime(async {
        let stage = Stage::new();
        let (mut send, mut body) = open_echo(&stage).await;
        stage.link.shutdown(Duration::from_secs(4));
        let begun = Instant::now();
        send.send_data(Bytes::from_static(b"still"), false).unwrap();
        assert_eq!(body.data().await.unwrap().unwrap(), "still");
        assert!(body.data().await.is_none());
        let trailers = body.trailers().await.unwrap().unwrap();
        assert_eq!(trailers["grpc-status"], "14");
        assert_eq!(trailers["grpc-message"], "leaving");
        assert!(
            begun.elapsed() >= Duration::from_secs(3),
            "{:?}: calls may end by themselves",
            begun.elapsed()
        );
    });
}
