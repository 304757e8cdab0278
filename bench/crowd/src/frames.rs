//! WebSocket frames over a pair of streams, as either side (RFC 6455, 5.2): enough of it to tell a polite end from a cut.

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest payload; nobody here says more.
const LONGEST: usize = 1 << 20;
/// Any key will do between programs of one machine.
const KEY: [u8; 4] = [0x17, 0x2a, 0x3b, 0x4c];

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole message.
    Text,
    /// The other side closes.
    Close,
    /// The other side wants an answer.
    Ping,
    /// The answer.
    Pong,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// What it carries, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A message.
    pub fn text(text: &str) -> Self {
        Frame { kind: Kind::Text, payload: text.as_bytes().to_vec() }
    }

    /// The same in words.
    pub fn words(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// A Close with a code.
    pub fn close(code: u16) -> Self {
        Frame { kind: Kind::Close, payload: code.to_be_bytes().to_vec() }
    }

    /// The code of a Close; 1005: it has none.
    pub fn code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }

    fn bytes(&self, masked: bool) -> Vec<u8> {
        let opcode = match self.kind {
            Kind::Text => 0x1,
            Kind::Close => 0x8,
            Kind::Ping => 0x9,
            Kind::Pong => 0xa,
        };
        let mask = if masked { 0x80 } else { 0 };
        let mut out = vec![0x80 | opcode];
        match u16::try_from(self.payload.len()) {
            Ok(short @ 0..=125) => out.put_u8(mask | short as u8),
            Ok(middle) => {
                out.put_u8(mask | 126);
                out.put_u16(middle);
            }
            Err(_) => {
                out.put_u8(mask | 127);
                out.put_u64(self.payload.len() as u64);
            }
        }
        if masked {
            out.extend_from_slice(&KEY);
            out.extend(self.payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            out.extend_from_slice(&self.payload);
        }
        out
    }
}

/// Writes a frame; clients mask theirs.
pub async fn write<W: AsyncWrite + Unpin>(sink: &mut W, frame: &Frame, masked: bool) -> io::Result<()> {
    sink.write_all(&frame.bytes(masked)).await
}

/// Reads frames. May be given up at any time between two of them without losing a byte.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Of a stream of which some was read already.
    pub fn new(source: R, begun: &[u8]) -> Self {
        Reader { source, buffer: BytesMut::from(begun) }
    }

    /// The next frame. `None`: the stream ended, and between two frames.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                let torn = !self.buffer.is_empty();
                return if torn { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            }
        }
    }

    fn take(&mut self) -> io::Result<Option<Frame>> {
        let Some(Shape { header, key, length }) = shape(&self.buffer)? else { return Ok(None) };
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        let kind = kind_of(self.buffer[0])?;
        let mut frame = self.buffer.split_to(header + length);
        frame.advance(header);
        let mut payload = frame.to_vec();
        if let Some(key) = key {
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        Ok(Some(Frame { kind, payload }))
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Its own length.
    header: usize,
    key: Option<[u8; 4]>,
    /// That of the payload.
    length: usize,
}

/// `None`: there is more to come.
fn shape(bytes: &[u8]) -> io::Result<Option<Shape>> {
    let [_, second, rest @ ..] = bytes else { return Ok(None) };
    let (extended, length) = match (second & 0x7f, rest) {
        (126, [high, low, ..]) => (2, usize::from(u16::from_be_bytes([*high, *low]))),
        (127, rest) if rest.len() >= 8 => {
            let length = rest[..8].iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
            (8, usize::try_from(length).unwrap_or(usize::MAX))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (0, usize::from(short)),
    };
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame of more than 1 MiB"));
    }
    if second & 0x80 == 0 {
        return Ok(Some(Shape { header: 2 + extended, key: None, length }));
    }
    let key = rest.get(extended..extended + 4).and_then(|key| <[u8; 4]>::try_from(key).ok());
    Ok(key.map(|key| Shape { header: 6 + extended, key: Some(key), length }))
}

/// All messages here are in one piece: any other opcode is a mistake of whoever stands between.
fn kind_of(first: u8) -> io::Result<Kind> {
    match first {
        0x81 => Ok(Kind::Text),
        0x88 => Ok(Kind::Close),
        0x89 => Ok(Kind::Ping),
        0x8a => Ok(Kind::Pong),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame begins with {other:#x}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_whatever_its_size_and_in_whatever_pieces() {
        for (length, masked) in [(0, true), (125, false), (126, true), (70_000, false), (70_000, true)] {
            let frame = Frame { kind: Kind::Text, payload: vec![7; length] };
            let bytes = [frame.bytes(masked), Frame::close(1012).bytes(masked)].concat();
            let (first, rest) = bytes.split_at(bytes.len() / 3);
            let mut reader = Reader::new(rest, first);
            assert_eq!(reader.next().await.unwrap(), Some(frame));
            assert_eq!(reader.next().await.unwrap().map(|close| close.code()), Some(1012));
            assert_eq!(reader.next().await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_is_no_end() {
        let bytes = Frame::text("hello").bytes(false);
        assert!(Reader::new(&bytes[..4], b"").next().await.is_err());
    }
}
