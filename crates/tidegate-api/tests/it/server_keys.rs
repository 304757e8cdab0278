//! Server keys of flags: they open the endpoints that apps send events to, for their own environment, and nothing else.

use tidegate_core::experiment::EventsTaken;

use crate::server::{Answer, Server};
use crate::stub::{Answers, Stub};

fn server() -> Server {
    Server::start(Stub::new(Answers { events_taken: Some(EventsTaken::default()), ..Answers::default() }))
}

fn post(server: &Server, line: &str, key: &str) -> Answer {
    let host = server.address;
    let kind = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n";
    server.raw(&format!("{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n{kind}\r\n{{}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_key_sends_events_of_its_own_environment() {
    let server = server();
    let key = "tidegate-server-of-staging";
    for query in ["", "?environment=staging", "?app=shop&environment=staging"] {
        assert_eq!(post(&server, &format!("POST /v1/exposures{query}"), key).status, 200, "{query}");
        assert_eq!(post(&server, &format!("POST /v1/logs{query}"), key).status, 200, "{query}");
    }
    assert_eq!(server.stub.called(), vec!["take_events 0 and 0 in staging"; 3], "logs that say nothing");
    for query in ["?environment=production", "?app=cart", "?app=cart&environment=staging"] {
        let answer = post(&server, &format!("POST /v1/exposures{query}"), key);
        assert_eq!((answer.status, answer.code().as_str()), (403, "api::other-environment"), "{query}");
    }
    for wrong in [
        "tidegate-server-",
        "tidegate-server-x",
        "tidegate-client-of-staging",
        &format!("tidegate-server-of-{}", "x".repeat(200)),
    ] {
        assert_eq!(post(&server, "POST /v1/exposures", wrong).status, 401, "{wrong}");
    }
    assert_eq!(server.stub.called().len(), 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_opens_with_a_server_key() {
    let server = server();
    let document = server.ask("GET /v1/openapi.json", "").json();
    let mut opened = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let real = path.replace("{action}", "retry").replace("{id}", "1").replace("{run}", "7");
        let real = real.replace("{service}", "web").replace("{flag}", "cart");
        for (method, operation) in operations.as_object().unwrap() {
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let line = format!("{} {real}", method.to_uppercase());
            if post(&server, &line, "tidegate-server-of-staging").status != 401 {
                opened.push(line);
            }
        }
    }
    opened.sort();
    assert_eq!(opened, ["POST /v1/exposures", "POST /v1/logs"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_more_than_is_taken_in_is_told_to_come_again() {
    let server = server();
    let stub = server.stub.clone();
    let (address, key) = (server.address, "tidegate-server-of-staging");
    let held = stub.held.write().unwrap();
    let line = format!(
        "POST /v1/exposures HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let line = line.clone();
            std::thread::spawn(move || {
                use std::io::Write;
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(line.as_bytes()).unwrap();
                crate::server::read_answer(&mut stream).status
            })
        })
        .collect();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while server.stub.called().len() < waiting.len() {
        assert!(std::time::Instant::now() < until, "they are on their way in");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let last = post(&server, "POST /v1/exposures", key);
    assert_eq!((last.status, last.code().as_str()), (429, "api::behind"), "{}", last.body);
    assert!(last.head.contains("retry-after: 2"), "{}", last.head);
    drop(held);
    assert!(waiting.into_iter().all(|thread| thread.join().unwrap() == 200));
    server.stop().await;
}
