//! A request's head: line ends, field names, and the one way to tell where its body ends.

use super::Refusal;
use crate::route::host_name;
use crate::target;

/// Where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Fixed(u64),
    Chunked,
}

/// Empty lines tolerated before a request line; RFC 9112 asks for at least one.
const BLANK_LINES: usize = 4;
const LONGEST_TARGET: usize = 16 * 1024;

/// Collects a head until it is whole, then looks it over.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    line: usize,
    cr: bool,
    blank: usize,
    /// Spaces in the request line so far; [`BEHIND`] it.
    spaces: u8,
    /// Places in the last piece that go on spelled otherwise: see [`spell`].
    odd: Vec<usize>,
    most_bytes: usize,
    most_fields: usize,
}

/// Behind the request line.
const BEHIND: u8 = u8::MAX;

/// A piece as the parser gets it. `odd`: places of signs of a target that have to be escaped, and of the space behind one that
/// asks for the options of a whole host (RFC 9112, 3.2.4): an empty query tells it from one that asks for those of `/`.
pub(crate) fn spell(piece: &[u8], odd: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(piece.len() + 2 * odd.len());
    let mut from = 0;
    for at in odd {
        out.extend_from_slice(&piece[from..*at]);
        match piece[*at] {
            b' ' => out.extend_from_slice(b"? "),
            sign => target::push(sign, &mut out),
        }
        from = at + 1;
    }
    out.extend_from_slice(&piece[from..]);
    out
}

impl Head {
    pub(super) fn new(most_bytes: usize, most_fields: usize) -> Self {
        let (bytes, odd) = (Vec::new(), Vec::new());
        Head { bytes, line: 0, cr: false, blank: 0, spaces: 0, odd, most_bytes, most_fields }
    }

    pub(super) fn begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Places in the piece of the last [`Head::advance`] that go on spelled otherwise.
    pub(super) fn odd(&mut self) -> impl Iterator<Item = usize> {
        self.odd.drain(..)
    }

    /// Bytes used, and the framing once the head is whole.
    pub(super) fn advance(&mut self, piece: &[u8]) -> Result<(usize, Option<Framing>), Refusal> {
        for (at, byte) in piece.iter().enumerate() {
            if self.on_byte(*byte)? {
                return self.on_line_end(&piece[..=at]).map(|framing| (at + 1, framing));
            }
            if self.spaces != BEHIND {
                self.on_request_line(*byte, &piece[..at]);
            }
            if self.bytes.len() + at >= self.most_bytes {
                return Err(self.too_large(&piece[..at]));
            }
        }
        self.bytes.extend_from_slice(piece);
        Ok((piece.len(), None))
    }

    /// Whether the byte ends an empty line.
    fn on_byte(&mut self, byte: u8) -> Result<bool, Refusal> {
        match (byte, self.cr) {
            (b'\n', true) => {
                let empty = self.line == 0;
                (self.line, self.cr) = (0, false);
                return Ok(empty);
            }
            (b'\n', false) => return Err(Refusal::bad("a line ends without CR")),
            (_, true) => return Err(Refusal::bad("CR inside a line")),
            (b'\r', false) => self.cr = true,
            (_, false) => self.line += 1,
        }
        Ok(false)
    }

    fn on_request_line(&mut self, byte: u8, before: &[u8]) {
        match (byte, self.spaces) {
            (b'\n', _) => self.spaces = BEHIND,
            (b' ', spaces) => {
                self.spaces = spaces.saturating_add(1);
                if spaces == 1 && self.asks_for_all(before) {
                    self.odd.push(before.len());
                }
            }
            (sign, 1) if target::is_escaped(sign) => self.odd.push(before.len()),
            _ => {}
        }
    }

    /// Whether the line so far asks for the options of a whole host, which it names.
    fn asks_for_all(&self, before: &[u8]) -> bool {
        const METHOD: &[u8] = b"OPTIONS ";
        let mut line = self.bytes.iter().chain(before);
        if !line.by_ref().take(METHOD.len()).eq(METHOD) {
            return false;
        }
        let target: Vec<u8> = line.copied().collect();
        let named = behind_scheme(&target).is_some_and(|rest| !rest.iter().any(|b| matches!(b, b'/' | b'?')));
        named && is_absolute(&target)
    }

    fn on_line_end(&mut self, piece: &[u8]) -> Result<Option<Framing>, Refusal> {
        self.bytes.extend_from_slice(piece);
        self.spaces = 0;
        if self.bytes.len() == 2 {
            self.bytes.clear();
            self.blank += 1;
            let few = self.blank <= BLANK_LINES;
            return if few { Ok(None) } else { Err(Refusal::bad("empty lines instead of a request")) };
        }
        let framing = check(&self.bytes, self.most_fields);
        self.bytes.clear();
        self.blank = 0;
        framing.map(Some)
    }

    fn too_large(&self, piece: &[u8]) -> Refusal {
        let first_line = !self.bytes.contains(&b'\n') && !piece.contains(&b'\n');
        if first_line {
            Refusal { status: 414, why: "the request line is too long" }
        } else {
            Refusal { status: 431, why: "the request head is too large" }
        }
    }
}

/// The fields that decide where a message ends and whom it is for.
#[derive(Default)]
struct Framers<'a> {
    hosts: usize,
    length: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    expectation: Option<&'a [u8]>,
}

fn check(head: &[u8], most_fields: usize) -> Result<Framing, Refusal> {
    let mut lines = head[..head.len() - 4].split(|byte| *byte == b'\n').map(trim_cr);
    let http_11 = check_request_line(lines.next().unwrap_or_default())?;
    let mut framers = Framers::default();
    for (index, line) in lines.enumerate() {
        if index >= most_fields {
            return Err(Refusal { status: 431, why: "the request has too many header fields" });
        }
        note(&mut framers, check_field(line)?)?;
    }
    if framers.hosts != 1 {
        return Err(Refusal::bad("a request needs exactly one Host field"));
    }
    framing(&framers, http_11)
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the request line is one of HTTP/1.1; an error where it is of neither version.
fn check_request_line(line: &[u8]) -> Result<bool, Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next(), parts.next(), parts.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, parts.next()) else {
        return Err(Refusal::bad("the request line is not `METHOD target HTTP/1.1`"));
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Refusal::bad("the method is not a token"));
    }
    if target.len() > LONGEST_TARGET {
        return Err(Refusal { status: 414, why: "the request target is too long" });
    }
    if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::bad("the request target has a character that must be escaped"));
    }
    if method == b"CONNECT" {
        return Err(Refusal { status: 501, why: "CONNECT is not offered" });
    }
    check_target(method, target)?;
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err(Refusal { status: 505, why: "only HTTP/1.1 and HTTP/1.0 are spoken here" }),
    }
}

/// One of the forms that a target has for its method (RFC 9112, 3.2). Parsers make very different things of any other.
fn check_target(method: &[u8], target: &[u8]) -> Result<(), Refusal> {
    let asterisk = target == b"*" && method == b"OPTIONS";
    let formed = target.starts_with(b"/") || asterisk || is_absolute(target);
    if formed && !target.contains(&b'#') {
        Ok(())
    } else {
        Err(Refusal::bad("the request target is neither a path nor an http address"))
    }
}

/// Whether the target is `http://` or `https://` and begins with the name of a host.
fn is_absolute(target: &[u8]) -> bool {
    let authority =
        behind_scheme(target).and_then(|rest| rest.split(|byte| matches!(byte, b'/' | b'?')).next());
    authority.and_then(|name| std::str::from_utf8(name).ok()).is_some_and(|name| host_name(name).is_ok())
}

fn behind_scheme(target: &[u8]) -> Option<&[u8]> {
    let schemes = [&b"http://"[..], b"https://"];
    schemes.iter().find_map(|scheme| {
        let (begin, rest) = target.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Name and value of a field.
fn check_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(Refusal::bad("a header field is folded over lines"));
    }
    let colon = line.iter().position(|byte| *byte == b':');
    let colon = colon.ok_or(Refusal::bad("a header line has no colon"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err(Refusal::bad("a header name is not a token"));
    }
    if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
        return Err(Refusal::bad("a header value has a control character"));
    }
    Ok((name, value.trim_ascii()))
}

fn note<'a>(framers: &mut Framers<'a>, (name, value): (&[u8], &'a [u8])) -> Result<(), Refusal> {
    if name.eq_ignore_ascii_case(b"host") {
        framers.hosts += 1;
    } else if name.eq_ignore_ascii_case(b"content-length") {
        if framers.length.replace(value).is_some() {
            return Err(Refusal::bad("more than one Content-Length"));
        }
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        if framers.encoding.replace(value).is_some() {
            return Err(Refusal::bad("more than one Transfer-Encoding"));
        }
    } else if name.eq_ignore_ascii_case(b"expect") {
        let second = framers.expectation.replace(value).is_some();
        if second || !is_expectation(value) {
            return Err(Refusal::EXPECTATION);
        }
    }
    Ok(())
}

fn framing(framers: &Framers<'_>, http_11: bool) -> Result<Framing, Refusal> {
    match (framers.length, framers.encoding) {
        (Some(_), Some(_)) => Err(Refusal::bad("both Content-Length and Transfer-Encoding")),
        (None, None) => Ok(Framing::None),
        (Some(length), None) => match parse_length(length) {
            Some(0) => Ok(Framing::None),
            Some(length) => Ok(Framing::Fixed(length)),
            None => Err(Refusal::bad("Content-Length is not a number")),
        },
        (None, Some(_)) if !http_11 => Err(Refusal::bad("Transfer-Encoding in HTTP/1.0")),
        (None, Some(encoding)) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (None, Some(_)) => Err(Refusal { status: 501, why: "the only Transfer-Encoding is `chunked`" }),
    }
}

/// Whether it is one that can be met (RFC 9110, 10.1.1), or nothing.
pub(crate) fn is_expectation(value: &[u8]) -> bool {
    value.is_empty() || value.eq_ignore_ascii_case(b"100-continue")
}

/// Digits only: no sign, no list, no space, and short enough to be a size.
pub(crate) fn parse_length(value: &[u8]) -> Option<u64> {
    if !(1..=18).contains(&value.len()) {
        return None;
    }
    value
        .iter()
        .try_fold(0, |sum: u64, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

/// A token character of RFC 9110.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
