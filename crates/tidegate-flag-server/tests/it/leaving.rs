//! Whoever keeps a connection when the server ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::stage::Stage;

const QUESTION: &[u8] =
    b"POST /ofrep/v1/evaluate/flags/banner HTTP/1.1\r\nhost: flags\r\ncontent-length: 2\r\n\r\n{}";

/// The head of one answer on a connection that stays; `None` where it was closed instead.
fn ask(connection: &mut BufReader<TcpStream>) -> Option<String> {
    connection.get_mut().write_all(QUESTION).ok()?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    connection.read_exact(&mut body).ok()?;
    Some(head)
}

#[test]
fn a_busy_one_learns_with_an_answer_that_it_closes() {
    let mut stage = Stage::new();
    let connection = TcpStream::connect(stage.ofrep).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut connection = BufReader::new(connection);
    assert!(ask(&mut connection).unwrap().starts_with("HTTP/1.1 200"));
    let ending = std::thread::spawn(move || stage.end());
    loop {
        let head = ask(&mut connection).expect("no question is cut off");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        if head.contains("connection: close") {
            break;
        }
    }
    ending.join().unwrap();
}
