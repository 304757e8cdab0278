//! Who keeps a seat, and who does not: connections on which nobody asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tidegate_flag_server::Limits;

use super::stage::{Set, Stage, eventually};

const KEYS: &str = "0123456789abcdef\n";
const ONE: &str = "/ofrep/v1/evaluate/flags/banner";
/// The beginning of a connection of HTTP/2, with settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";

fn stage(limits: Limits) -> Stage {
    Stage::of(Set { keys: KEYS, limits, ..Set::default() })
}

fn connect(to: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(to).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    connection
}

/// Reads to the end, which is to come.
fn ends(mut connection: TcpStream) -> bool {
    let mut rest = Vec::new();
    match connection.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn who_says_nothing_over_grpc_is_shown_out() {
    let stage = stage(Limits { idle: Duration::from_millis(100), ..Limits::default() });
    let silent = connect(stage.grpc);
    let mut half = connect(stage.grpc);
    half.write_all(&PREFACE[..10]).unwrap();
    assert!(ends(silent) && ends(half));
}

#[test]
fn pings_are_no_calls() {
    let stage = stage(Limits { idle: Duration::from_millis(100), ..Limits::default() });
    let mut connection = connect(stage.grpc);
    connection.write_all(PREFACE).unwrap();
    eventually("it is closed", || connection.write_all(PING).is_err().then_some(()));
}

#[test]
fn who_may_not_ask_keeps_no_connection() {
    let stage = stage(Limits::default());
    let mut connection = connect(stage.ofrep);
    write!(connection, "POST {ONE} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
    assert!(ends(connection));
}

#[test]
fn one_address_gets_a_part_of_the_seats_until_it_shows_a_key() {
    let stage = stage(Limits { connections: 40, ..Limits::default() });
    let known = |_| {
        let mut connection = connect(stage.ofrep);
        let key = "x-api-key: 0123456789abcdef";
        write!(connection, "POST {ONE} HTTP/1.1\r\nhost: x\r\n{key}\r\ncontent-length: 2\r\n\r\n{{}}")
            .unwrap();
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        connection
    };
    let keyed: Vec<_> = (0..15).map(known).collect();
    let strangers: Vec<_> = (0..10).map(|_| connect(stage.ofrep)).collect();
    assert!(ends(connect(stage.ofrep)), "one too many");
    drop(strangers);
    eventually("there is room again", || {
        let mut connection = connect(stage.ofrep);
        write!(connection, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").ok()?;
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).ok()?;
        (&answer == b"HTTP/1.1 200").then_some(())
    });
    drop(keyed);
}

#[test]
fn who_reads_no_answers_is_shown_out() {
    let stage = stage(Limits { answer_within: Duration::from_millis(100), ..Limits::default() });
    let mut connection = connect(stage.ofrep);
    connection.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
    let all = "/ofrep/v1/evaluate/flags";
    let key = "x-api-key: 0123456789abcdef";
    let ask = format!("POST {all} HTTP/1.1\r\nhost: x\r\n{key}\r\ncontent-length: 2\r\n\r\n{{}}").repeat(100);
    // It takes no more questions while its answers wait, and then none at all.
    eventually("it is closed", || match connection.write_all(ask.as_bytes()) {
        Ok(()) => None,
        Err(error) => (error.kind() != std::io::ErrorKind::WouldBlock).then_some(()),
    });
}
