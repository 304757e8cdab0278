//! Questions to a gateway that serves flags, on connections of the test's own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const WITHIN: Duration = Duration::from_secs(10);

/// A connection that is kept, and opened again where it was closed.
pub struct Kept {
    to: SocketAddr,
    key: &'static str,
    open: Option<BufReader<TcpStream>>,
    /// How often it was opened.
    pub opened: usize,
}

impl Kept {
    pub fn new(to: SocketAddr, key: &'static str) -> Kept {
        Kept { to, key, open: None, opened: 0 }
    }

    /// Asks for one flag; a connection that was closed meanwhile costs another try.
    pub fn ask(&mut self, flag: &str) -> io::Result<(u16, Value)> {
        if let Some(mut open) = self.open.take()
            && let Ok(answer) = exchange(&mut open, self.key, flag)
        {
            self.open = Some(open);
            return Ok(answer);
        }
        self.opened += 1;
        let mut open = connect(self.to)?;
        let answer = exchange(&mut open, self.key, flag)?;
        self.open = Some(open);
        Ok(answer)
    }
}

/// Asks once: `/FLAG`, or nothing for all flags.
pub fn ask(to: SocketAddr, key: &str, flag: &str) -> io::Result<(u16, Value)> {
    exchange(&mut connect(to)?, key, flag)
}

/// What one flag is worth to whoever asks without a key.
pub fn ask_for(to: SocketAddr, flag: &str, question: &Value) -> io::Result<Value> {
    Ok(post(&mut connect(to)?, &format!("/{flag}"), "", &question.to_string())?.1)
}

fn exchange(open: &mut BufReader<TcpStream>, key: &str, flag: &str) -> io::Result<(u16, Value)> {
    post(open, flag, &format!("X-API-Key: {key}\r\n"), "{}")
}

fn post(open: &mut BufReader<TcpStream>, path: &str, fields: &str, body: &str) -> io::Result<(u16, Value)> {
    let head = format!("POST /ofrep/v1/evaluate/flags{path} HTTP/1.1\r\nHost: flags\r\n{fields}");
    open.get_mut().write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if open.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        match line.split_once(": ") {
            _ if line.is_empty() => break,
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap(),
        }
    }
    let mut body = vec![0; length];
    open.read_exact(&mut body)?;
    Ok((status, serde_json::from_slice(&body)?))
}

/// An event stream.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Follows what a key sees.
    pub fn open(to: SocketAddr, key: &str) -> Events {
        let (_, all) = ask(to, key, "").unwrap();
        let path = all["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap();
        let mut open = connect(to).unwrap();
        write!(open.get_mut(), "GET {path} HTTP/1.1\r\nHost: flags\r\n\r\n").unwrap();
        let mut events = Events(open);
        events.wait_for("retry: ");
        events
    }

    /// Waits for its end, which is to be one that the protocol knows.
    pub fn wait_for_the_end(mut self) {
        while self.line() != "0" {}
    }

    /// Waits for a line that begins so.
    pub fn wait_for(&mut self, beginning: &str) {
        while !self.line().starts_with(beginning) {}
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream broke off");
        line.trim_end().to_owned()
    }
}

fn connect(to: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let connection = TcpStream::connect_timeout(&to, WITHIN)?;
    connection.set_read_timeout(Some(WITHIN))?;
    connection.set_nodelay(true)?;
    Ok(BufReader::new(connection))
}
