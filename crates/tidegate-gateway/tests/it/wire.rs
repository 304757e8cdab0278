//! What is said on either side of the gateway, the same on both paths through it, where a message of the corpus cannot tell.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::grpc::on_runtime;
use crate::stage::Stage;
use crate::stage::client::{Client, Message};
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, nobody, ok};

fn stage(upstream: &Upstream) -> Stage {
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    stage
}

/// What a request says to go by the one path or the other.
const PATHS: [&str; 2] = ["", "TE: trailers\r\n"];

#[test]
fn an_empty_chain_of_forwarders_is_none() {
    let upstream = Upstream::echoing_heads();
    let stage = stage(&upstream);
    for path in PATHS {
        let fields = format!("{path}X-Forwarded-For:\r\n");
        let text =
            Client::new(stage.address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text();
        assert!(text.contains("\nx-forwarded-for: 127.0.0.1\n"), "{text}");
    }
    let mut client = Client::new(stage.address);
    let text = client
        .ask("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \r\nX-Forwarded-For: 1.1.1.1\r\n\r\n")
        .text();
    assert!(text.contains("\nx-forwarded-for: 1.1.1.1, 127.0.0.1\n"), "{text}");
}

#[test]
fn a_target_is_spelled_anew_however_its_bytes_come() {
    let upstream = Upstream::echoing_heads();
    let stage = stage(&upstream);
    let mut client = Client::new(stage.address);
    client.ask("GET /1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
    for byte in b"\r\nGET /<a>?\"`\" HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"
    {
        client.stream.write_all(&[*byte]).unwrap();
    }
    let first_line = |answer: Message| answer.text().lines().next().unwrap_or_default().to_owned();
    assert_eq!(first_line(client.answer().unwrap()), "GET /%3Ca%3E?%22%60%22 HTTP/1.1");
    assert_eq!(first_line(client.answer().unwrap()), "OPTIONS * HTTP/1.1");
    client.send("GET /<2> HTTP/1.1\r\nHost: a\r\n\r\nGET /<3 HTTP/1.1\r\nHost: a\r\n\r\nGET /<4#> HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(first_line(client.answer().unwrap()), "GET /%3C2%3E HTTP/1.1");
    assert_eq!(first_line(client.answer().unwrap()), "GET /%3C3 HTTP/1.1");
    assert_eq!(client.answer().unwrap().status(), 400);
    assert!(client.is_closed());
}

#[test]
fn an_early_answer_says_that_the_connection_ends() {
    let upstream = Upstream::new(|connection| {
        let head = connection.head().unwrap();
        connection.say("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nearly");
        let _ = connection.body(head);
    });
    let stage = stage(&upstream);
    for path in PATHS {
        let mut client = Client::new(stage.address);
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{path}Content-Length: 1000000\r\n\r\nbegun"));
        let answer = client.answer().unwrap();
        assert_eq!((answer.status(), answer.field("connection")), (413, Some("close")), "{path}");
    }
}

#[test]
fn a_client_of_http_1_0_is_told_that_its_connection_ends() {
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            connection.say(if request.line.starts_with("GET /chunks ") {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned()
            } else {
                ok("abc")
            });
        }
    });
    let stage = stage(&upstream);
    let mut client = Client::new(stage.address);
    let ask = |path: &str| format!("GET {path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    let sized = client.ask(ask("/"));
    assert_eq!((sized.field("connection"), sized.text().as_str()), (Some("keep-alive"), "abc"));
    let chunked = client.ask(ask("/chunks"));
    assert_eq!((chunked.field("connection"), chunked.text().as_str()), (None, "abc"));
    assert!(client.is_closed());
}

#[test]
fn a_change_to_another_protocol_than_was_asked_for_is_no_answer() {
    for (said, status) in [
        ("Upgrade: websocket\r\n", 101),
        ("Upgrade: WebSocket\r\n", 101),
        ("Upgrade: h2c\r\n", 502),
        ("Upgrade: websocket, h2c\r\n", 502),
        ("Upgrade: websocket\r\nUpgrade: h2c\r\n", 502),
        ("Upgrade:\r\n", 502),
        ("", 502),
    ] {
        let upstream = Upstream::new(move |connection| {
            let _ = connection.request();
            connection.say(format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{said}\r\n"));
            let _ = connection.request();
        });
        let stage = stage(&upstream);
        let answer = Client::new(stage.address)
            .ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other, websocket\r\n\r\n");
        assert_eq!(answer.status(), status, "{said}");
        assert_eq!(answer.field("tidegate-gateway"), (status == 502).then_some("reset"), "{said}");
    }
}

#[test]
fn what_the_gateway_says_itself_is_dated() {
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", nobody())]));
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /# HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = Client::new(stage.address).ask(request);
        assert!(answer.field("tidegate-gateway").is_some(), "{request}");
        let dates: Vec<&str> =
            answer.fields.iter().filter(|(name, _)| name == "date").map(|(_, date)| date.as_str()).collect();
        let [date] = dates[..] else { panic!("{request}: {dates:?}") };
        let said = httpdate::parse_http_date(date).unwrap();
        assert!(said.elapsed().unwrap() < Duration::from_secs(60), "{date}");
    }
}

/// Sends chunks and trailers, and says what came of it.
async fn upload(sender: &SendRequest<Bytes>, trailers: &[(&'static str, &'static str)]) -> (u16, String) {
    let mut sender = sender.clone().ready().await.unwrap();
    let request = Request::post("http://a.test/").body(()).unwrap();
    let (response, mut send) = sender.send_request(request, false).unwrap();
    send.send_data(Bytes::from_static(b"abc"), false).unwrap();
    let mut fields = HeaderMap::new();
    for (name, value) in trailers {
        fields.append(*name, value.parse().unwrap());
    }
    // An answer may be here by now that ends the stream.
    let _ = send.send_trailers(fields);
    let (parts, mut body) = response.await.unwrap().into_parts();
    let mut all = Vec::new();
    while let Some(Ok(piece)) = body.data().await {
        all.extend_from_slice(&piece);
    }
    (parts.status.as_u16(), String::from_utf8(all).unwrap())
}

#[test]
fn trailers_of_http_2_are_held_to_the_same_rule() {
    // Says what stands behind the last chunk.
    let upstream = Upstream::new(|connection| {
        while connection.head().is_some() {
            let mut lines: Vec<String> = Vec::new();
            while lines.last().is_none_or(|line| line != "\r\n") {
                let mut line = String::new();
                if std::io::BufRead::read_line(&mut connection.reader, &mut line).unwrap_or(0) == 0 {
                    return;
                }
                lines.push(line);
            }
            connection.say(ok(&lines[3..].concat()));
        }
    });
    let stage = stage(&upstream);
    on_runtime(async {
        let stream = TcpStream::connect(stage.address).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(upload(&sender, &[("x-sum", "1")]).await, (200, "x-sum: 1\r\n\r\n".to_owned()));
        for name in ["tidegate-arm", "x-forwarded-for", "authorization", "content-length", "x_real_ip"] {
            let (status, said) = upload(&sender, &[("x-sum", "1"), (name, "1")]).await;
            assert_eq!(status, 400, "{name}: {said}");
        }
        assert_eq!(upload(&sender, &[("x-sum", "2")]).await.0, 200);
    });
}
