//! Clients that wait for `100 Continue`, where the first instance that is tried takes nothing.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::SockRef;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;

/// Accepts every connection and breaks it at once.
fn brittle() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = SockRef::from(&stream.unwrap()).set_linger(Some(Duration::ZERO));
        }
    });
    address
}

/// Whether nothing of a request reaches an instance that breaks is a matter of microseconds: of so many, some do not.
#[test]
fn a_client_is_asked_for_its_body_by_whoever_takes_the_request() {
    let stage = Stage::new();
    let upstream = Upstream::saying("taken");
    stage.apply(&table(1, &[("web-1", brittle()), ("web-2", upstream.address)]));
    let mut taken = 0;
    for turn in 0..300 {
        let mut client = Client::new(stage.address);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        let said = client.head().unwrap();
        if said.status() == 502 {
            continue; // the instance may have seen it
        }
        assert_eq!(said.status(), 100, "{turn}");
        client.send("body");
        taken += u32::from(client.answer().is_some_and(|answer| answer.status() == 200));
    }
    assert!(taken > 100, "{taken}");
}
