//! One request through the gateway, and its answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// The first cookie it sets, as a client sends it back.
    pub cookie: Option<String>,
}

/// Asks for a path of a host, on a connection of its own.
pub fn get(gateway: SocketAddr, host: &str, path: &str) -> io::Result<Answer> {
    get_with(gateway, host, path, "")
}

/// The same with further fields, each line ended.
pub fn get_with(gateway: SocketAddr, host: &str, path: &str, fields: &str) -> io::Result<Answer> {
    let mut connection = TcpStream::connect_timeout(&gateway, Duration::from_secs(5))?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n")?;
    let mut text = String::new();
    connection.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status =
        head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let set = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap_or(value).to_owned())
    });
    Ok(Answer { status, body: body.to_owned(), cookie: set })
}
