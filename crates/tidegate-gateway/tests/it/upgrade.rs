//! WebSocket and its like: after 101 the bytes are nobody's but the two ends'.

use std::io::Read;

use tidegate_core::model::InstanceId;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;
use crate::stage::{Stage, until};

fn echoing() -> Upstream {
    Upstream::new(|connection| {
        let request = connection.request().unwrap();
        if request.field("upgrade") != Some("websocket") {
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
            return;
        }
        connection.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello");
        let mut bytes = [0; 1024];
        while let Ok(read @ 1..) = connection.reader.read(&mut bytes) {
            connection.say(&bytes[..read]);
        }
    })
}

const REQUEST: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";

#[test]
fn a_websocket_passes_both_ways_and_is_in_flight_until_it_closes() {
    let stage = Stage::new();
    let upstream = echoing();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    let head = client.ask(REQUEST);
    assert_eq!(head.status(), 101);
    assert_eq!((head.field("upgrade"), head.field("connection")), (Some("websocket"), Some("upgrade")));
    assert_eq!(head.field("sec-websocket-accept"), Some("x"));
    let mut heard = [0; 5];
    client.reader.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello");
    // Nothing of HTTP's rules holds here.
    for frame in [b"\x81\x85\0\n\r" as &[u8], b"GET\n\n", b"\0\0\0\0"] {
        client.send(frame);
        let mut back = vec![0; frame.len()];
        client.reader.read_exact(&mut back).unwrap();
        assert_eq!(back, frame);
    }
    let id = InstanceId("web-1".to_owned());
    assert_eq!(stage.apply(&table(2, &[])).inflight.get(&id), Some(&1));
    client.send("after the swap");
    let mut back = [0; 14];
    client.reader.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"after the swap");
    drop(client);
    until("its end is told", || stage.link.observe().inflight.is_empty().then_some(()));
}

#[test]
fn what_is_sent_right_behind_the_request_passes_as_it_is() {
    let stage = Stage::new();
    let upstream = echoing();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    for behind in ["P /<\"`> ", "OPTIONS http://b <", "X"] {
        let mut client = Client::new(stage.address);
        // As if a head began.
        client.send(format!("{REQUEST}{behind}"));
        assert_eq!(client.head().unwrap().status(), 101);
        client.send("rest");
        let mut back = vec![0; 5 + behind.len() + 4];
        client.reader.read_exact(&mut back).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), format!("hello{behind}rest"));
    }
}

#[test]
fn http_2_is_not_smuggled_in() {
    let stage = Stage::new();
    let upstream = Upstream::echoing_heads();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).ask(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    );
    assert_eq!(answer.status(), 200);
    assert!(!answer.text().contains("upgrade") && !answer.text().contains("http2"), "{}", answer.text());
}

#[test]
fn an_upgrade_that_is_declined_is_an_ordinary_answer() {
    let stage = Stage::new();
    let upstream = echoing();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    let declined = client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
    assert_eq!((declined.status(), declined.text().as_str()), (200, "plain"));
    assert_eq!(client.get("a", "/").text(), "plain");
}
