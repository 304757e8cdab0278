//! An instance's head: what it says of its body, and the head the client gets.

use std::mem::MaybeUninit;
use std::time::Duration;

use httparse::{Header, Status};

use super::body::{Body, Framing};
use super::request::write_field;
use crate::assign::Note;
use crate::front::screen::{Chunks, parse_length};
use crate::head::{is_event_stream_type, parse_keep_alive};
use crate::page::MARK;
use crate::ticket::Ticket;

/// Fields of a head, at most.
const MOST_FIELDS: usize = 128;
/// Interim answers before one answer, at most.
pub(crate) const MOST_INTERIM: u8 = 32;

/// What a head says.
#[derive(Debug)]
pub(super) enum Said {
    /// Not one to trust: neither is anything that follows it.
    Garbled,
    /// An interim answer; where it is one for the client, it was written.
    Interim,
    /// The answer.
    Final(Answer),
}

/// A final answer's head.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Body,
    /// Whether it is a stream of server-sent events.
    pub(super) is_events: bool,
    /// Whether the instance closes after it.
    pub(super) close: bool,
    /// How long the instance said it keeps the connection.
    pub(super) hint: Option<Duration>,
}

/// What a parsed head says of its connection and its body.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) framing: Framing,
    /// Whether the instance closes after it.
    pub(crate) close: bool,
}

/// Judges the head of a final answer; `None`: not one to trust. `is_head`: the request's method was HEAD.
pub(crate) fn judge(response: &httparse::Response<'_, '_>, is_head: bool) -> Option<Judged> {
    let (status, minor) = (response.code?, response.version?);
    let sorted = Sorted::of(response.headers)?;
    let framing = sorted.framing(status, minor, is_head)?;
    let stays = !sorted.close && (minor == 1 || sorted.keep_alive);
    Some(Judged { framing, close: !stays })
}

/// What the gateway adds to a head.
#[derive(Debug)]
pub(super) struct Added<'a> {
    /// The client is told that the connection ends.
    pub(super) close: bool,
    pub(super) note: &'a Note,
    /// Of the attempt that was answered.
    pub(super) ticket: &'a Ticket,
}

/// Reads a whole head and writes the one for the client into `out`. `is_head`: the request's method was HEAD.
pub(super) fn read(head: &[u8], is_head: bool, added: &Added<'_>, out: &mut Vec<u8>) -> Said {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        head,
        &mut fields,
    );
    if parsed != Ok(Status::Complete(head.len())) {
        return Said::Garbled;
    }
    let (Some(status), Some(minor)) = (response.code, response.version) else { return Said::Garbled };
    match status {
        100 => Said::Interim,
        // Nobody asked for a change of protocol here.
        0..=99 | 101 | 600.. => Said::Garbled,
        102..=199 => {
            write_status(out, status, response.reason);
            write_fields(out, response.headers, Bare::Wholly);
            out.extend_from_slice(b"\r\n");
            Said::Interim
        }
        _ => finish(&response, status, minor, (is_head, added), out).map_or(Said::Garbled, Said::Final),
    }
}

fn finish(
    response: &httparse::Response<'_, '_>,
    status: u16,
    minor: u8,
    (is_head, added): (bool, &Added<'_>),
    out: &mut Vec<u8>,
) -> Option<Answer> {
    let sorted = Sorted::of(response.headers)?;
    let framing = sorted.framing(status, minor, is_head)?;
    write_status(out, status, response.reason);
    let bare = match (status, sorted.lists) {
        (204, _) => Bare::Wholly,
        (_, true) => Bare::OfListed,
        (_, false) => Bare::Not,
    };
    write_fields(out, response.headers, bare);
    let chunked = matches!(framing, Framing::Chunked(_) | Framing::UntilClose) || (is_head && sorted.chunked);
    if chunked {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    added.write(out);
    out.extend_from_slice(b"\r\n");
    let is_events = sorted.is_events
        && !sorted.is_encoded
        && matches!(framing, Framing::Chunked(_) | Framing::UntilClose);
    let stays = !sorted.close && (minor == 1 || sorted.keep_alive);
    Some(Answer { status, body: Body::new(framing), is_events, close: !stays, hint: sorted.hint })
}

impl Added<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        if self.close {
            out.extend_from_slice(b"connection: close\r\n");
        }
        if self.note.echo {
            write_field(out, "tidegate-arm", self.ticket.badge.arm.as_bytes());
            write_field(out, "tidegate-revision", self.ticket.badge.revision.as_bytes());
        }
        if let Some(cookie) = &self.note.set_cookie {
            write_field(out, "set-cookie", cookie.as_bytes());
        }
    }
}

/// The fields that decide, looked over once; `None` where two of them contradict each other.
#[derive(Debug, Default)]
struct Sorted {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    is_events: bool,
    is_encoded: bool,
    hint: Option<Duration>,
    /// A `Connection` value lists other fields.
    lists: bool,
}

impl Sorted {
    fn of(fields: &[Header<'_>]) -> Option<Self> {
        let mut sorted = Sorted::default();
        for field in fields {
            let value = field.value.trim_ascii();
            match kind(field.name) {
                Kind::Pass | Kind::Hop => {}
                Kind::Length if sorted.length.is_none() => sorted.length = Some(parse_length(value)?),
                Kind::Encoding if !sorted.chunked && value.eq_ignore_ascii_case(b"chunked") => {
                    sorted.chunked = true
                }
                Kind::Length | Kind::Encoding => return None,
                Kind::KeepAlive => sorted.hint = parse_keep_alive(value),
                Kind::Connection => sorted.note_connection(value),
                Kind::Type => sorted.is_events = is_event_stream_type(value),
                Kind::Coding => sorted.is_encoded = true,
            }
        }
        let framed_twice = sorted.length.is_some() && sorted.chunked;
        (!framed_twice).then_some(sorted)
    }

    fn note_connection(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if item.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if item.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else {
                self.lists = true;
            }
        }
    }

    fn framing(&self, status: u16, minor: u8, is_head: bool) -> Option<Framing> {
        if is_head || matches!(status, 204 | 304) {
            return Some(Framing::Fixed(0));
        }
        match (self.chunked, self.length) {
            (true, _) if minor == 0 => None,
            (true, _) => Some(Framing::Chunked(Chunks::of_answer())),
            (false, Some(length)) => Some(Framing::Fixed(length)),
            (false, None) => Some(Framing::UntilClose),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pass,
    /// Between two neighbours only.
    Hop,
    Length,
    Encoding,
    Connection,
    KeepAlive,
    Type,
    Coding,
}

fn kind(name: &str) -> Kind {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match name.len() {
        2 if is("te") => Kind::Hop,
        7 if is("upgrade") => Kind::Hop,
        10 if is("connection") => Kind::Connection,
        10 if is("keep-alive") => Kind::KeepAlive,
        // The gateway alone says who answered, where that is asked for.
        12 if is("tidegate-arm") => Kind::Hop,
        12 if is("content-type") => Kind::Type,
        // It is for instances alone.
        13 if is("tidegate-lane") => Kind::Hop,
        16 if is("content-encoding") => Kind::Coding,
        // So that nobody takes an app's answer for the gateway's.
        16 if is(MARK) => Kind::Hop,
        17 if is("tidegate-revision") => Kind::Hop,
        14 if is("content-length") => Kind::Length,
        14 if is("http2-settings") => Kind::Hop,
        16 if is("proxy-connection") => Kind::Hop,
        17 if is("transfer-encoding") => Kind::Encoding,
        _ => Kind::Pass,
    }
}

fn write_status(out: &mut Vec<u8>, status: u16, reason: Option<&str>) {
    let digit = |place: u16| b'0' + (status / place % 10) as u8;
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&[digit(100), digit(10), digit(1), b' ']);
    out.extend_from_slice(reason.unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// What an answer's head goes on without, besides what is between two neighbours only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bare {
    Not,
    /// The fields that its `Connection` fields list, but for the length: that is not anybody's to list.
    OfListed,
    /// Those, and the length: there is no body, and nothing may say how long it is (RFC 9110, 8.6).
    Wholly,
}

fn write_fields(out: &mut Vec<u8>, fields: &[Header<'_>], bare: Bare) {
    for field in fields {
        let passes = match kind(field.name) {
            Kind::Length => bare != Bare::Wholly,
            Kind::Pass | Kind::Type | Kind::Coding => bare == Bare::Not || !lists(fields, field.name),
            Kind::Hop | Kind::Encoding | Kind::Connection | Kind::KeepAlive => false,
        };
        if passes {
            write_field(out, field.name, field.value);
        }
    }
}

/// Whether any `Connection` field lists this one.
fn lists(fields: &[Header<'_>], name: &str) -> bool {
    let values = fields.iter().filter(|field| kind(field.name) == Kind::Connection).map(|field| field.value);
    let mut items = values.flat_map(|value| value.split(|byte| *byte == b','));
    items.any(|item| item.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}
