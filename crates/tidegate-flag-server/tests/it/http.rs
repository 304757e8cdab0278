//! A client that hides nothing: what is sent is sent, what comes is shown.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    /// A header field; `None` where there is none.
    pub fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends one request on a connection of its own.
pub fn send(to: SocketAddr, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
    let mut connection = connect(to);
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: flags\r\nconnection: close\r\n");
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    // A server that refuses may close before it has everything.
    let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body.as_bytes()));
    let mut text = Vec::new();
    let _ = connection.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub fn post(to: SocketAddr, path: &str, body: &str) -> Answer {
    send(to, "POST", path, &[("content-type", "application/json")], body)
}

pub fn get(to: SocketAddr, path: &str) -> Answer {
    send(to, "GET", path, &[], "")
}

/// An event stream that is open.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Opens one. With the last event that it says it has.
    pub fn open(to: SocketAddr, path: &str, last: Option<&str>) -> Events {
        let mut connection = connect(to);
        let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        write!(connection, "GET {path} HTTP/1.1\r\nhost: flags\r\n{last}\r\n").unwrap();
        let mut events = Events(BufReader::new(connection));
        assert!(events.line().contains(" 200 "));
        events.until("retry: 1000");
        events
    }

    /// Opens one, where it is let in.
    pub fn try_open(to: SocketAddr, path: &str) -> Option<Events> {
        let mut connection = connect(to);
        write!(connection, "GET {path} HTTP/1.1\r\nhost: flags\r\n\r\n").unwrap();
        let mut events = Events(BufReader::new(connection));
        events.line().contains(" 200 ").then_some(events)
    }

    /// The next event: its id and data.
    pub fn next(&mut self) -> (String, Value) {
        let id = self.until("id: ");
        assert_eq!(self.until("event: "), "message");
        (id, serde_json::from_str(&self.until("data: ")).unwrap())
    }

    /// Whether it ends.
    pub fn ends(mut self) -> bool {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).is_ok()
    }

    /// Waits for the end of the stream: of the answer, not of the connection.
    pub fn wait_for_the_end(mut self) {
        while self.line() != "0" {}
    }

    fn until(&mut self, beginning: &str) -> String {
        loop {
            if let Some(rest) = self.line().strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        line.trim_end().to_owned()
    }
}

fn connect(to: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(to).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    connection
}
