//! Reading one answer: head, then a body by length, by chunks or to the end of the connection.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::outcome::Failure;
use crate::request::Expect;

const LARGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;
const LARGEST_BODY: usize = 16 << 20;
/// How much of a body is searched for a revision.
const REVISION_WITHIN: usize = 8 << 10;

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Whether the connection can carry another request.
    pub reusable: bool,
    /// The revision it names.
    pub revision: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer, and whether any byte of one had come.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub failure: Failure,
    /// Whether a byte of the answer had come.
    pub begun: bool,
}

struct Head {
    status: u16,
    framing: Framing,
    close: bool,
    revision: Option<String>,
    length: usize,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    ToEnd,
}

struct Reader<'a, R> {
    source: &'a mut R,
    buffer: Vec<u8>,
    begun: bool,
}

/// Reads one answer, interim answers (1xx) passed over. `revision_headers` are looked for in this order.
pub async fn read<R>(source: &mut R, revision_headers: &[String]) -> Result<Answer, Broken>
where
    R: AsyncRead + Unpin,
{
    let mut reader = Reader { source, buffer: Vec::with_capacity(4096), begun: false };
    let read = reader.answer(revision_headers).await;
    read.map_err(|failure| Broken { failure, begun: reader.begun })
}

impl<R: AsyncRead + Unpin> Reader<'_, R> {
    async fn answer(&mut self, names: &[String]) -> Result<Answer, Failure> {
        let head = loop {
            let head = self.head(names).await?;
            self.buffer.drain(..head.length);
            if head.status >= 200 {
                break head;
            }
        };
        let body = self.body(head.framing).await?;
        let reusable = !head.close && self.buffer.is_empty() && !matches!(head.framing, Framing::ToEnd);
        let revision = head.revision.or_else(|| revision_in(&body, names));
        Ok(Answer { status: head.status, reusable, revision, body })
    }

    async fn head(&mut self, names: &[String]) -> Result<Head, Failure> {
        loop {
            if let Some(head) = parse_head(&self.buffer, names)? {
                return Ok(head);
            }
            if self.buffer.len() > LARGEST_HEAD {
                return Err(Failure::BadAnswer);
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, framing: Framing) -> Result<Vec<u8>, Failure> {
        match framing {
            Framing::Length(length) => self.exactly(length).await,
            Framing::Chunked => self.chunks().await,
            Framing::ToEnd => self.until_closed().await,
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        if length > LARGEST_BODY {
            return Err(Failure::BadAnswer);
        }
        self.buffer.reserve(length.saturating_sub(self.buffer.len()));
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size().await?;
            if size == 0 {
                self.trailers().await?;
                return Ok(body);
            }
            if body.len() + size > LARGEST_BODY {
                return Err(Failure::BadAnswer);
            }
            body.append(&mut self.exactly(size).await?);
            if self.exactly(2).await? != b"\r\n" {
                return Err(Failure::BadAnswer);
            }
        }
    }

    async fn chunk_size(&mut self) -> Result<usize, Failure> {
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((used, size))) => {
                    self.buffer.drain(..used);
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    return if size > LARGEST_BODY { Err(Failure::BadAnswer) } else { Ok(size) };
                }
                Ok(httparse::Status::Partial) if self.buffer.len() < LARGEST_HEAD => self.more().await?,
                Ok(httparse::Status::Partial) | Err(_) => return Err(Failure::BadAnswer),
            }
        }
    }

    async fn trailers(&mut self) -> Result<(), Failure> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                self.buffer.drain(..end + 2);
                if end == 0 {
                    return Ok(());
                }
            }
            if self.buffer.len() > LARGEST_HEAD {
                return Err(Failure::BadAnswer);
            }
            self.more().await?;
        }
    }

    async fn until_closed(&mut self) -> Result<Vec<u8>, Failure> {
        while self.buffer.len() <= LARGEST_BODY {
            match self.more().await {
                Ok(()) => {}
                Err(Failure::ClosedEarly) => return Ok(std::mem::take(&mut self.buffer)),
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::BadAnswer)
    }

    /// Reads some more; the end of the connection is [`Failure::ClosedEarly`].
    async fn more(&mut self) -> Result<(), Failure> {
        self.buffer.reserve(4096);
        match self.source.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Failure::ClosedEarly),
            Ok(_) => {
                self.begun = true;
                Ok(())
            }
            Err(error) => Err(Failure::of_transfer(&error)),
        }
    }
}

fn parse_head(bytes: &[u8], names: &[String]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).map_err(|_| Failure::BadAnswer)? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(length) => length,
    };
    let status = response.code.ok_or(Failure::BadAnswer)?;
    let old = response.version == Some(0);
    let connection = value(response.headers, "connection").unwrap_or_default().to_ascii_lowercase();
    let close = if old { !connection.contains("keep-alive") } else { connection.contains("close") };
    let framing = framing(status, response.headers)?;
    let revision = names.iter().find_map(|name| value(response.headers, name)).map(shorten);
    Ok(Some(Head { status, framing, close, revision, length }))
}

fn framing(status: u16, headers: &[httparse::Header<'_>]) -> Result<Framing, Failure> {
    if status < 200 || status == 204 || status == 304 {
        return Ok(Framing::Length(0));
    }
    if value(headers, "transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
        return Ok(Framing::Chunked);
    }
    match value(headers, "content-length") {
        Some(text) => text.trim().parse().map(Framing::Length).map_err(|_| Failure::BadAnswer),
        None => Ok(Framing::ToEnd),
    }
}

fn value<'h>(headers: &[httparse::Header<'h>], name: &str) -> Option<&'h str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

/// Looks for `"Name": "value"` near the beginning: servers such as httpbin show the headers they got in JSON.
fn revision_in(body: &[u8], names: &[String]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(REVISION_WITHIN)]);
    let lower = text.to_ascii_lowercase();
    names.iter().find_map(|name| {
        let key = format!("\"{}\":", name.to_ascii_lowercase());
        let after = text.get(lower.find(&key)? + key.len()..)?;
        let (value, _) = after.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(shorten(value))
    })
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(64).collect()
}

impl Expect<'_> {
    /// Whether a body is what had to come back.
    pub fn accepts(&self, body: &[u8]) -> bool {
        match self {
            Expect::Anything => true,
            Expect::Length(length) => body.len() as u64 == *length,
            Expect::Exactly(sent) => body == *sent,
            Expect::Contains(sent) => match (std::str::from_utf8(body), std::str::from_utf8(sent)) {
                (Ok(body), Ok(sent)) => body.contains(sent),
                _ => false,
            },
        }
    }
}
