//! The apps behind the proxies: two listeners that keep connections and answer from memory.
//!
//! `GET …/bytes/N` is answered with N bytes; a request with a body, once that is read, with its length in 16 digits. The
//! connection is closed after the answer where the request says `Connection: close`.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::UPSTREAM;
use super::slots::Slots;

const LISTENERS: usize = 2;
const SCRATCH: usize = 64 * 1024;
/// The longest head of a request, the longest answer.
const HEAD_LIMIT: usize = 16 * 1024;
const BODY_LIMIT: usize = 1 << 30;

/// See the module.
#[derive(Debug)]
pub(super) struct Upstreams {
    listeners: Vec<TcpListener>,
    addresses: [SocketAddr; LISTENERS],
    conns: Slots<Conn>,
    scratch: Vec<u8>,
    shared: Shared,
}

/// What the connections share.
#[derive(Debug, Default)]
struct Shared {
    answers: HashMap<usize, Rc<[u8]>>,
    /// What a head that is to be kept contains.
    mark: Option<String>,
    head: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Conn {
    stream: TcpStream,
    /// What came of a head that is not complete.
    head: Vec<u8>,
    asked: Option<Asked>,
    answer: Rc<[u8]>,
    sent: usize,
}

/// A request whose head is read.
#[derive(Clone, Copy, Debug)]
struct Asked {
    answer_length: Option<usize>,
    body_length: usize,
    body_left: usize,
    close: bool,
}

/// The connection is over.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Over
    }
}

impl Upstreams {
    pub(super) fn listen(registry: &Registry) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for index in 0..LISTENERS {
            let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            registry.register(&mut listener, Token(UPSTREAM + index), Interest::READABLE)?;
            listeners.push(listener);
        }
        let addresses = [listeners[0].local_addr()?, listeners[1].local_addr()?];
        let (conns, shared) = (Slots::new(), Shared::default());
        Ok(Upstreams { listeners, addresses, conns, scratch: vec![0; SCRATCH], shared })
    }

    pub(super) fn addresses(&self) -> [SocketAddr; LISTENERS] {
        self.addresses
    }

    pub(super) fn keep_head_with(&mut self, mark: &str) {
        self.shared.mark = Some(mark.to_owned());
        self.shared.head = None;
    }

    pub(super) fn kept_head(&self) -> Option<&[u8]> {
        self.shared.head.as_deref()
    }

    pub(super) fn on_event(&mut self, registry: &Registry, token: usize, event: &Event) -> io::Result<()> {
        let Some(index) = token.checked_sub(LISTENERS) else { return self.accept(registry, token) };
        let Some(conn) = self.conns.get(index) else { return Ok(()) };
        if conn.on_event(event, &mut self.scratch, &mut self.shared).is_err() {
            self.conns.take(index);
        }
        Ok(())
    }

    fn accept(&mut self, registry: &Registry, listener: usize) -> io::Result<()> {
        loop {
            let mut stream = match self.listeners[listener].accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            if stream.set_nodelay(true).is_err() {
                continue; // It is gone already.
            }
            let token = Token(UPSTREAM + LISTENERS + self.conns.next());
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.conns.put(Conn::new(stream));
        }
    }
}

impl Shared {
    fn on_head(&mut self, head: &[u8]) {
        if self.mark.take_if(|mark| memchr::memmem::find(head, mark.as_bytes()).is_some()).is_some() {
            self.head = Some(head.to_vec());
        }
    }

    fn answer(&mut self, asked: Asked) -> Rc<[u8]> {
        match asked.answer_length {
            Some(length) => self.answers.entry(length).or_insert_with(|| bytes_answer(length)).clone(),
            None => counted_answer(asked.body_length),
        }
    }
}

impl Conn {
    fn new(stream: TcpStream) -> Self {
        Conn { stream, head: Vec::new(), asked: None, answer: Rc::new([]), sent: 0 }
    }

    fn on_event(&mut self, event: &Event, scratch: &mut [u8], shared: &mut Shared) -> Result<(), Over> {
        if event.is_writable() {
            self.send()?;
        }
        if event.is_readable() || event.is_read_closed() {
            self.receive(event.is_read_closed(), scratch, shared)?;
        }
        Ok(())
    }

    fn receive(&mut self, closing: bool, scratch: &mut [u8], shared: &mut Shared) -> Result<(), Over> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err(Over),
                Ok(length) => {
                    self.on_bytes(&scratch[..length], shared)?;
                    // A short read has emptied the socket: another one would only say so.
                    if length < scratch.len() && !closing {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Over),
            }
        }
    }

    /// One request at a time: no proxy here sends the next before it has the answer.
    fn on_bytes(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<(), Over> {
        let Some(asked) = &mut self.asked else { return self.on_head(bytes, shared) };
        asked.body_left = asked.body_left.checked_sub(bytes.len()).ok_or(Over)?;
        self.answer_if_read(shared)
    }

    fn on_head(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<(), Over> {
        let parsed = if self.head.is_empty() {
            parse(bytes)?
        } else {
            self.head.extend_from_slice(bytes);
            parse(&self.head)?
        };
        let Some((mut asked, length)) = parsed else {
            if self.head.is_empty() {
                self.head.extend_from_slice(bytes);
            }
            return if self.head.len() > HEAD_LIMIT { Err(Over) } else { Ok(()) };
        };
        let whole = if self.head.is_empty() { bytes } else { &self.head };
        shared.on_head(&whole[..length]);
        asked.body_left = asked.body_length.checked_sub(whole.len() - length).ok_or(Over)?;
        self.head.clear();
        self.asked = Some(asked);
        self.answer_if_read(shared)
    }

    fn answer_if_read(&mut self, shared: &mut Shared) -> Result<(), Over> {
        let Some(asked) = self.asked.filter(|asked| asked.body_left == 0) else { return Ok(()) };
        self.answer = shared.answer(asked);
        self.sent = 0;
        self.send()
    }

    fn send(&mut self) -> Result<(), Over> {
        while self.sent < self.answer.len() {
            match self.stream.write(&self.answer[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Over),
            }
        }
        match self.asked.take_if(|asked| asked.body_left == 0) {
            Some(asked) if asked.close => Err(Over),
            _ => Ok(()),
        }
    }
}

/// The request at the front of the bytes and the length of its head; `None` where that is not complete.
fn parse(bytes: &[u8]) -> Result<Option<(Asked, usize)>, Over> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| Over)? else { return Ok(None) };
    let mut asked = Asked { answer_length: None, body_length: 0, body_left: 0, close: false };
    for field in request.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            asked.body_length = number(field.value).ok_or(Over)?;
        } else if field.name.eq_ignore_ascii_case("connection") {
            asked.close = field.value.eq_ignore_ascii_case(b"close");
        }
    }
    if asked.body_length == 0 {
        let path = request.path.unwrap_or_default();
        let length = path.rsplit('/').next().and_then(|last| number(last.as_bytes()));
        asked.answer_length = Some(length.ok_or(Over)?);
    }
    Ok(Some((asked, length)))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number <= BODY_LIMIT)
}

fn bytes_answer(length: usize) -> Rc<[u8]> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    );
    head.into_bytes().into_iter().chain(super::answer::body(length)).collect()
}

fn counted_answer(counted: usize) -> Rc<[u8]> {
    let text =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\n{counted:016}");
    text.into_bytes().into()
}
