//! Reads an answer of HTTP/1: its status and its body, both within bounds.

use std::io::{self, Read};

/// The longest head.
const LONGEST_HEAD: usize = 16 * 1024;
/// The longest body.
const LONGEST_BODY: usize = 256 * 1024;
/// The longest line before a chunk.
const LONGEST_LINE: usize = 1024;
/// Fields of a head, at most.
const MOST_FIELDS: usize = 100;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Its status.
    pub(crate) status: u16,
    /// Its body, as text.
    pub(crate) body: String,
}

/// How long a body is.
enum Length {
    Exactly(usize),
    Chunked,
    ToTheEnd,
}

struct Head {
    status: u16,
    length: Length,
}

/// Reads one answer to a `GET`; what follows it is not read.
pub(super) fn read(from: &mut dyn Read) -> io::Result<Fetched> {
    let mut input = Input { from, ahead: Vec::new() };
    loop {
        let head = input.head()?;
        if head.status < 200 {
            continue;
        }
        let body = match head.length {
            Length::Exactly(length) => input.exactly(length)?,
            Length::Chunked => input.chunks()?,
            Length::ToTheEnd => input.until_the_end()?,
        };
        return Ok(Fetched { status: head.status, body: String::from_utf8_lossy(&body).into_owned() });
    }
}

struct Input<'a> {
    from: &'a mut dyn Read,
    /// What was read and not yet taken.
    ahead: Vec<u8>,
}

impl Input<'_> {
    /// Reads some more; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut some = [0; 8 * 1024];
        let count = self.from.read(&mut some)?;
        self.ahead.extend_from_slice(&some[..count]);
        Ok(count > 0)
    }

    fn need_more(&mut self) -> io::Result<()> {
        if self.more()? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn head(&mut self) -> io::Result<Head> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
            let mut head = httparse::Response::new(&mut fields);
            let parsed = head.parse(&self.ahead).map_err(|_| bad("the answer is no HTTP"))?;
            if let httparse::Status::Complete(size) = parsed {
                let status = head.code.unwrap_or_default();
                let head = Head { status, length: length_of(status, head.headers)? };
                self.ahead.drain(..size);
                return Ok(head);
            }
            if self.ahead.len() > LONGEST_HEAD {
                return Err(bad("the head of the answer is longer than 16KiB"));
            }
            self.need_more()?;
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > LONGEST_BODY {
            return Err(too_long());
        }
        while self.ahead.len() < length {
            self.need_more()?;
        }
        Ok(self.ahead.drain(..length).collect())
    }

    fn until_the_end(&mut self) -> io::Result<Vec<u8>> {
        while self.more()? {
            if self.ahead.len() > LONGEST_BODY {
                return Err(too_long());
            }
        }
        Ok(std::mem::take(&mut self.ahead))
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| bad("the answer is no HTTP"))?;
            if size == 0 {
                return Ok(body);
            }
            if size > LONGEST_BODY || body.len() + size > LONGEST_BODY {
                return Err(too_long());
            }
            body.extend(self.exactly(size)?);
            if !self.line()?.is_empty() {
                return Err(bad("the answer is no HTTP"));
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.ahead.len() > LONGEST_LINE {
                return Err(bad("the answer is no HTTP"));
            }
            self.need_more()?;
        }
    }
}

fn length_of(status: u16, fields: &[httparse::Header<'_>]) -> io::Result<Length> {
    let of = |name: &'static str| fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    if status == 204 || status == 304 {
        return Ok(Length::Exactly(0));
    }
    if let Some(coding) = of("transfer-encoding").next_back() {
        let chunked = coding.value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return if chunked { Ok(Length::Chunked) } else { Err(bad("the answer is encoded")) };
    }
    let mut length = None;
    for field in of("content-length") {
        let said = std::str::from_utf8(field.value).ok().and_then(|text| text.trim().parse::<usize>().ok());
        let said = said.ok_or_else(|| bad("the answer does not say how long it is"))?;
        if *length.get_or_insert(said) != said {
            return Err(bad("the answer says two lengths"));
        }
    }
    Ok(length.map_or(Length::ToTheEnd, Length::Exactly))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn too_long() -> io::Error {
    bad("the answer is longer than 256KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn fetched(text: &str) -> Result<(u16, String), String> {
        let whole = read(&mut text.as_bytes()).map_err(|error| error.to_string());
        let drops = read(&mut Drops(text.as_bytes())).map_err(|error| error.to_string());
        assert_eq!(whole, drops, "however it comes");
        whole.map(|fetched| (fetched.status, fetched.body))
    }

    fn ok(text: &str) -> (u16, String) {
        fetched(text).unwrap()
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        assert_eq!(ok("HTTP/1.0 200 OK\r\n\r\n17\n"), (200, "17\n".into()));
        assert_eq!(ok("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nnothing"), (503, "no".into()));
        assert_eq!(ok("HTTP/1.1 204 None\r\n\r\n"), (204, String::new()));
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=1\r\n0.0\r\n2\r\n12\r\n0\r\n\r\n";
        assert_eq!(ok(chunked), (200, "0.012".into()));
        let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
        assert_eq!(ok(early), (200, "1".into()));
    }

    #[test]
    fn what_breaks_off_is_no_answer() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\nContent-",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n12",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n12",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
        ] {
            assert!(fetched(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_http_is_no_answer() {
        for text in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n1",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n12",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n12",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n12\r\n0\r\n\r\n",
        ] {
            assert!(fetched(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        /// Whatever is sent: it is an answer within bounds or none, and the same however it comes.
        #[test]
        fn invariant_any_bytes_are_borne(
            length in 0usize..40,
            chunked: bool,
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
            cut in 0usize..200,
        ) {
            let field = if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {length}") };
            let mut bytes = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n").into_bytes();
            bytes.extend(body);
            bytes.truncate(cut.max(8));
            let read = |from: &mut dyn Read| read(from).map_err(|error| error.to_string());
            let (whole, drops) = (read(&mut bytes.as_slice()), read(&mut Drops(&bytes)));
            proptest::prop_assert_eq!(&whole, &drops);
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_read() {
        let field = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(40_000));
        assert!(read(&mut field.as_bytes()).unwrap_err().to_string().contains("16KiB"));
        let endless = std::io::repeat(b'1');
        let mut stream = "HTTP/1.0 200 OK\r\n\r\n".as_bytes().chain(endless);
        assert!(read(&mut stream).unwrap_err().to_string().contains("256KiB"));
        let huge = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
        assert!(read(&mut huge.as_bytes()).unwrap_err().to_string().contains("256KiB"));
        let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
        assert!(read(&mut chunk.as_bytes()).unwrap_err().to_string().contains("256KiB"));
    }
}
