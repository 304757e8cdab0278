//! Heads as bytes: the request's as it goes out, and the answer's as it is read.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, request};
use httparse::Status;
use std::mem::MaybeUninit;

use super::exchange::Fault;
use super::up::Coding;
use crate::h1::{Framing, judge};

/// Fields of an answer's head, at most.
const MOST_FIELDS: usize = 128;

/// Writes a request's head. Where the body's size is not known, it is said that it comes in chunks.
pub(super) fn write(parts: &request::Parts, coding: Coding, out: &mut Vec<u8>) {
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    if target.starts_with('?') {
        out.push(b'/');
    }
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let fields = parts.headers.iter().filter(|(name, _)| **name != header::TRANSFER_ENCODING);
    for (name, value) in fields {
        write_field(out, name.as_str(), value.as_bytes());
    }
    match coding {
        Coding::Sized(length) if !parts.headers.contains_key(header::CONTENT_LENGTH) => {
            write_field(out, "content-length", length.to_string().as_bytes());
        }
        Coding::Chunked => write_field(out, "transfer-encoding", b"chunked"),
        Coding::Sized(_) | Coding::None => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// One field line.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// What a head says.
pub(super) enum Said {
    /// Not the answer yet.
    Interim,
    /// The answer, where its body ends, and whether the connection ends behind it.
    Final(Response<()>, Framing, bool),
    /// The connection is not HTTP any more.
    Upgraded(Response<()>),
}

/// Reads a whole head.
pub(super) fn read(head: &Bytes, is_head: bool) -> Result<Said, Fault> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let status = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut parsed, head, &mut fields)
        .map_err(|_| Fault::Garbled)?;
    if status != Status::Complete(head.len()) {
        return Err(Fault::Garbled);
    }
    match parsed.code {
        Some(101) => Ok(Said::Upgraded(response(head, &parsed)?)),
        Some(100..=199) => Ok(Said::Interim),
        Some(200..=599) => {
            let judged = judge(&parsed, is_head).ok_or(Fault::Garbled)?;
            let mut response = response(head, &parsed)?;
            if response.status() == StatusCode::NO_CONTENT {
                response.headers_mut().remove(header::CONTENT_LENGTH);
            }
            Ok(Said::Final(response, judged.framing, judged.close))
        }
        _ => Err(Fault::Garbled),
    }
}

/// Values stay where they are: each is a part of `head`.
fn response(head: &Bytes, parsed: &httparse::Response<'_, '_>) -> Result<Response<()>, Fault> {
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| Fault::Garbled)?;
    let headers = response.headers_mut();
    headers.reserve(parsed.headers.len() + ADDED);
    for field in &*parsed.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Fault::Garbled)?;
        let value = head.slice_ref(field.value.trim_ascii());
        headers.append(name, HeaderValue::from_maybe_shared(value).map_err(|_| Fault::Garbled)?);
    }
    Ok(response)
}

/// Fields that the gateway may add to an answer.
const ADDED: usize = 4;

/// Reads the trailers of an answer, with the empty line that ends them.
pub(super) fn read_trailers(bytes: &[u8]) -> Result<HeaderMap, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let parsed = httparse::parse_headers(bytes, &mut fields).map_err(|_| Fault::Garbled)?;
    let Status::Complete((_, fields)) = parsed else { return Err(Fault::Garbled) };
    fields
        .iter()
        .map(|field| {
            let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Fault::Garbled)?;
            let value = HeaderValue::from_bytes(field.value.trim_ascii()).map_err(|_| Fault::Garbled)?;
            Ok((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_head_says_how_its_body_comes() {
        let written = |length: Option<&str>, coding| {
            let mut request = Request::post("/a?b").header("host", "a");
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let mut out = Vec::new();
            write(&parts, coding, &mut out);
            String::from_utf8(out).unwrap()
        };
        let head = "POST /a?b HTTP/1.1\r\nhost: a\r\n";
        assert_eq!(written(Some("03"), Coding::Sized(3)), format!("{head}content-length: 03\r\n\r\n"));
        assert_eq!(written(None, Coding::Sized(3)), format!("{head}content-length: 3\r\n\r\n"));
        assert_eq!(written(None, Coding::Chunked), format!("{head}transfer-encoding: chunked\r\n\r\n"));
        assert_eq!(written(None, Coding::None), format!("{head}\r\n"));
    }

    #[test]
    fn an_answer_is_told_from_what_comes_before_it() {
        let said = |head: &'static str| read(&Bytes::from_static(head.as_bytes()), false);
        assert!(matches!(said("HTTP/1.1 103 \r\nlink: a\r\n\r\n"), Ok(Said::Interim)));
        assert!(matches!(said("HTTP/1.1 101 \r\nupgrade: a\r\n\r\n"), Ok(Said::Upgraded(_))));
        assert!(matches!(
            said("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
            Ok(Said::Final(_, Framing::Fixed(5), false))
        ));
        for bad in
            ["HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n", "HTTP/1.1 600 \r\n\r\n", "ICY 200\r\n\r\n"]
        {
            assert!(matches!(said(bad), Err(Fault::Garbled)), "{bad}");
        }
    }

    #[test]
    fn trailers_are_fields() {
        let trailers = read_trailers(b"grpc-status: 0\r\n\r\n").unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        assert!(read_trailers(b"grpc status: 0\r\n\r\n").is_err());
    }
}
