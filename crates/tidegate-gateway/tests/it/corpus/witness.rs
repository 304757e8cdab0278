//! An instance that writes down every byte that reaches it, and reads requests by rules of its own: none of the gateway's
//! code decides where one ends.

use std::io::{BufReader, Read};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use crate::stage::upstream::{Connection, Upstream, ok};

/// A message that arrived whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The request line.
    pub line: String,
    /// Fields as they are spelled, one a line, without those that the gateway adds.
    pub fields: Vec<String>,
    /// The body as it came, framing and all.
    pub raw: Vec<u8>,
    /// The body itself.
    pub body: Vec<u8>,
    /// What stands behind it, one field a line.
    pub trailers: Vec<String>,
}

/// Fields that the gateway puts on every request.
const ADDED: [&str; 7] = [
    "x-forwarded-for:",
    "x-forwarded-host:",
    "x-forwarded-proto:",
    "x-real-ip:",
    "x-request-id:",
    "tidegate-arm:",
    "tidegate-revision:",
];

impl Seen {
    /// Reads one message; `None` where there is no whole one. Strict: what it does not know is a fault of the corpus.
    pub fn read(reader: &mut impl Read) -> Option<Seen> {
        let head = until(reader, b"\r\n\r\n")?;
        let text: String = head[..head.len() - 4].iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.split("\r\n").map(str::to_owned);
        let mut seen = Seen { line: lines.next()?, ..Seen::default() };
        let added = |line: &String| ADDED.iter().any(|name| line.to_ascii_lowercase().starts_with(name));
        seen.fields = lines.filter(|line| !added(line)).collect();
        seen.read_body(reader)?;
        Some(seen)
    }

    fn read_body(&mut self, reader: &mut impl Read) -> Option<()> {
        if self.field("transfer-encoding").is_some() {
            return self.read_chunks(reader);
        }
        let length = self.field("content-length").map_or(0, |length| length.parse().unwrap());
        self.body = exactly(reader, length)?;
        self.raw = self.body.clone();
        Some(())
    }

    fn read_chunks(&mut self, reader: &mut impl Read) -> Option<()> {
        loop {
            let line = until(reader, b"\r\n")?;
            self.raw.extend_from_slice(&line);
            let digits: Vec<u8> = line.into_iter().take_while(u8::is_ascii_hexdigit).collect();
            let size = usize::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).ok()?;
            if size == 0 {
                break;
            }
            let data = exactly(reader, size + 2)?;
            self.body.extend_from_slice(&data[..size]);
            self.raw.extend_from_slice(&data);
        }
        loop {
            let line = until(reader, b"\r\n")?;
            self.raw.extend_from_slice(&line);
            if line == b"\r\n" {
                return Some(());
            }
            self.trailers.push(String::from_utf8(line).unwrap().trim().to_owned());
        }
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<String> {
        let pairs = self.fields.iter().filter_map(|line| line.split_once(':'));
        let mut values = pairs.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        values.next().map(|value| value.trim().to_owned())
    }

    /// With its transfer coding spelled as most write it.
    pub fn with_plain_encoding(mut self) -> Self {
        for field in &mut self.fields {
            if field.to_ascii_lowercase().starts_with("transfer-encoding:") {
                *field = "transfer-encoding: chunked".to_owned();
            }
        }
        self
    }

    /// Without what two right spellings of a message differ in.
    pub fn meaning(&self) -> (String, [Vec<String>; 2], Vec<u8>) {
        let spelled = |line: &String| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let name = name.to_ascii_lowercase();
            let value = value.trim_matches([' ', '\t']);
            if name == "transfer-encoding" {
                format!("{name}:{}", value.to_ascii_lowercase())
            } else {
                format!("{name}:{value}")
            }
        };
        let fields = [&self.fields, &self.trailers].map(|lines| {
            let mut fields: Vec<String> = lines.iter().map(spelled).collect();
            fields.sort();
            fields
        });
        (self.line.clone(), fields, self.body.clone())
    }
}

fn until(reader: &mut impl Read, end: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let mut byte = [0];
        reader.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    Some(bytes)
}

fn exactly(reader: &mut impl Read, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// What reached the instance.
#[derive(Clone, Debug, Default)]
pub struct Book(Arc<Mutex<Page>>);

#[derive(Debug, Default)]
struct Page {
    seen: Vec<Seen>,
    bytes: usize,
    open: usize,
}

impl Book {
    /// An instance that keeps this book and answers everything with `ok`.
    pub fn keeper(&self) -> Upstream {
        let book = self.clone();
        Upstream::new(move |connection| book.keep(connection))
    }

    /// Takes what is written down so far.
    pub fn take(&self) -> (Vec<Seen>, usize) {
        let mut page = self.0.lock().unwrap();
        (std::mem::take(&mut page.seen), std::mem::take(&mut page.bytes))
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.0.lock().unwrap().open
    }

    fn keep(&self, connection: &mut Connection) {
        self.0.lock().unwrap().open += 1;
        let stream = connection.stream.try_clone().unwrap();
        let mut reader = BufReader::new(Counted { stream, book: self.clone() });
        while let Some(seen) = Seen::read(&mut reader) {
            let is_head = seen.line.starts_with("HEAD ");
            self.0.lock().unwrap().seen.push(seen);
            let answer = ok("ok");
            let said = if is_head { &answer[..answer.len() - 2] } else { &answer };
            if !connection.say(said) {
                break;
            }
        }
        self.0.lock().unwrap().open -= 1;
    }
}

/// Counts what is read.
struct Counted {
    stream: TcpStream,
    book: Book,
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(room)?;
        self.book.0.lock().unwrap().bytes += count;
        Ok(count)
    }
}
