//! A client that writes bytes and reads messages.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Message {
    /// First line.
    pub line: String,
    /// Names in lower case.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub struct Client {
    pub stream: TcpStream,
    pub reader: BufReader<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).unwrap())
    }

    /// A client that comes from this address of the loopback interface.
    pub fn from(source: [u8; 4], address: SocketAddr) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Client { stream, reader }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads an answer with its body, chunks joined. `None`: the connection ended before it.
    pub fn answer(&mut self) -> Option<Message> {
        let head = self.head()?;
        let bodiless = matches!(head.status(), 100..=199 | 204 | 304);
        Some(if bodiless { head } else { self.body(head) })
    }

    /// Reads an answer's head.
    pub fn head(&mut self) -> Option<Message> {
        read_head(&mut self.reader).ok().flatten()
    }

    pub fn body(&mut self, head: Message) -> Message {
        read_body(&mut self.reader, head).unwrap()
    }

    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Message {
        self.send(request);
        self.answer().expect("an answer")
    }

    pub fn get(&mut self, host: &str, path: &str) -> Message {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// Whether the other end closed without another byte.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.reader.read(&mut [0; 1]), Ok(0))
    }
}

pub fn read_head(reader: &mut impl BufRead) -> std::io::Result<Option<Message>> {
    let mut message = Message::default();
    if read_line(reader, &mut message.line)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        if read_line(reader, &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.is_empty() {
            return Ok(Some(message));
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        message.fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

pub fn read_body(reader: &mut impl BufRead, mut head: Message) -> std::io::Result<Message> {
    if head.field("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            read_line(reader, &mut size)?;
            let size = usize::from_str_radix(&size, 16).map_err(std::io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            if size == 0 {
                while read_line(reader, &mut String::new())? > 2 {}
                return Ok(head);
            }
            reader.read_exact(&mut chunk)?;
            head.body.extend_from_slice(&chunk[..size]);
        }
    }
    let length = head.field("content-length").map(|length| length.parse().unwrap());
    match length {
        Some(length) => {
            head.body = vec![0; length];
            reader.read_exact(&mut head.body)?;
        }
        None if head.line.starts_with("HTTP/") => {
            reader.read_to_end(&mut head.body)?;
        }
        None => {}
    }
    Ok(head)
}

fn read_line(reader: &mut impl BufRead, line: &mut String) -> std::io::Result<usize> {
    let read = reader.read_line(line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(read)
}
