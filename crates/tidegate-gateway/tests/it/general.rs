//! What the general path does with bodies, its own side to instances: requests that the fast path leaves to it.

use std::io::Write;
use std::path::Path;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::program::curl;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;

/// Answers with the body, and with how it came.
fn mirror() -> Upstream {
    Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let by = request.field("transfer-encoding").or(request.field("content-length"));
            let length = request.body.len();
            connection.say(format!("HTTP/1.1 200 OK\r\nx-by: {}\r\n", by.unwrap_or("none")));
            connection.say(format!("content-length: {length}\r\n\r\n"));
            connection.say(&request.body);
        }
    })
}

fn stage(upstream: &Upstream) -> Stage {
    let stage = Stage::new();
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    stage
}

#[test]
fn a_body_goes_with_any_method() {
    let upstream = mirror();
    let stage = stage(&upstream);
    let ask = |args: &[&str]| curl(Path::new("/dev/null"), stage.address, "http://a.test/", args).out;
    for method in ["GET", "DELETE", "POST"] {
        let chunked =
            ["-X", method, "-H", "transfer-encoding: chunked", "-H", "TE: trailers", "-d", "question"];
        assert_eq!(ask(&chunked), "question\n1.1 200", "{method}");
        assert_eq!(ask(&["--http2-prior-knowledge", "-X", method, "-d", "q"]), "q\n2 200", "{method}");
    }
}

#[test]
fn the_framing_says_what_is_known_of_a_body() {
    let upstream = mirror();
    let stage = stage(&upstream);
    let mut client = Client::new(stage.address);
    for (fields, body, by) in [
        ("", "", "none"),
        ("Content-Length: 0\r\n", "", "0"),
        ("Content-Length: 3\r\n", "abc", "3"),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "chunked"),
    ] {
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n{fields}\r\n{body}"));
        let answer = client.answer().unwrap();
        assert_eq!(answer.field("x-by"), Some(by), "{fields}");
        assert_eq!(answer.text(), if by == "3" || by == "chunked" { "abc" } else { "" });
    }
}

/// The answer is larger than what lies between, and nobody takes it before all of the request is sent.
#[test]
fn an_answer_that_nobody_takes_holds_up_no_request() {
    const LARGE: usize = 24 << 20;
    let upstream = Upstream::new(|connection| {
        let mut out = connection.stream.try_clone().unwrap();
        let answering = std::thread::spawn(move || {
            let _ = out.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
            let _ = out.write_all(&vec![7; LARGE]);
        });
        let read = connection.request().map(|request| request.body.len());
        assert_eq!(read, Some(LARGE));
        answering.join().unwrap();
    });
    let stage = stage(&upstream);
    let mut client = Client::new(stage.address);
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Length: {LARGE}\r\n\r\n"));
    client.stream.write_all(&vec![1; LARGE]).unwrap();
    assert_eq!(client.answer().unwrap().body.len(), LARGE);
}
