//! One of two answers, as far as they are compared. Bodies are hashed as they go by; nothing of them is kept.

use std::fmt;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderValue};
use tidegate_core::model::MirrorAnswer;

use super::LARGEST_ANSWER;

/// Fields that say what an answer means. Dates, ids, cookies and validators differ from revision to revision or from
/// answer to answer and say nothing.
const COMPARED: [&str; 5] =
    ["cache-control", "content-encoding", "content-language", "content-type", "location"];

/// An answer whose head is here and whose body is on its way.
pub(super) struct Reading {
    status: u16,
    fields: [Option<HeaderValue>; COMPARED.len()],
    revision: HeaderValue,
    latency: Duration,
    bytes: u64,
    hash: digest::Context,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("status", &self.status)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Reading {
    /// `since`: when the request was sent; `revision`: who answers.
    pub(super) fn new(status: u16, headers: &HeaderMap, revision: HeaderValue, since: Instant) -> Self {
        Reading {
            status,
            fields: COMPARED.map(|name| headers.get(name).cloned()),
            revision,
            latency: since.elapsed(),
            bytes: 0,
            hash: digest::Context::new(&digest::SHA256),
        }
    }

    /// Takes in the next piece of the body; whether more of it would be compared.
    pub(super) fn on_data(&mut self, data: &[u8]) -> bool {
        let room = LARGEST_ANSWER.saturating_sub(self.bytes);
        let compared = data.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.hash.update(&data[..compared]);
        self.bytes += data.len() as u64;
        self.bytes <= LARGEST_ANSWER
    }

    /// The body is over, or no more of it is read.
    pub(super) fn finish(self, whole: bool) -> Answer {
        let hash = self.hash.finish();
        let Reading { status, fields, revision, latency, bytes, .. } = self;
        Answer { status, fields, revision, latency, bytes, whole, hash }
    }
}

/// A whole answer, or the part of it that is compared.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    fields: [Option<HeaderValue>; COMPARED.len()],
    revision: HeaderValue,
    latency: Duration,
    bytes: u64,
    whole: bool,
    hash: digest::Digest,
}

impl Answer {
    /// In what the answers differ; nothing: they are the same.
    pub(super) fn differs(&self, other: &Answer) -> Vec<&'static str> {
        let status = (self.status != other.status).then_some("status");
        let fields = COMPARED.into_iter().zip(self.fields.iter().zip(&other.fields));
        let fields = fields.filter(|(_, (one, other))| one != other).map(|(name, _)| name);
        let body = self.body_differs(other).then_some("body");
        status.into_iter().chain(fields).chain(body).collect()
    }

    /// Where both are longer than is compared, only their beginnings are known.
    fn body_differs(&self, other: &Answer) -> bool {
        let long = |answer: &Answer| answer.bytes > LARGEST_ANSWER;
        let lengths = self.bytes != other.bytes && !(long(self) && long(other));
        lengths || self.hash.as_ref() != other.hash.as_ref()
    }

    /// For the report.
    pub(super) fn report(&self) -> MirrorAnswer {
        let hex = self.hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
        MirrorAnswer {
            revision: self.revision.to_str().unwrap_or_default().to_owned(),
            status: self.status,
            bytes: self.bytes,
            whole: self.whole,
            sha256: hex.collect(),
            latency_ms: u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use http::header;

    /// An answer of one piece.
    pub(in crate::mirror) fn answer(status: u16, kind: &'static str, body: &[u8]) -> Answer {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::DATE, HeaderValue::from_str(&body.len().to_string()).unwrap()),
        ]);
        let mut reading = Reading::new(status, &headers, HeaderValue::from_static("r1"), Instant::now());
        let more = reading.on_data(body);
        reading.finish(more)
    }

    #[test]
    fn status_fields_and_bodies_are_compared() {
        let one = answer(200, "text/plain", b"abc");
        assert_eq!(one.differs(&answer(200, "text/plain", b"abc")), [""; 0]);
        assert_eq!(one.differs(&answer(500, "text/html", b"abd")), ["status", "content-type", "body"]);
        assert_eq!(one.differs(&answer(200, "text/plain", b"abcd")), ["body"]);
    }

    #[test]
    fn of_long_answers_the_beginnings_are_compared() {
        let long = vec![b'x'; LARGEST_ANSWER as usize + 1];
        let longer = vec![b'x'; LARGEST_ANSWER as usize + 9];
        let mut other = long.clone();
        other[1_000] = b'y';
        let one = answer(200, "a", &long);
        assert!(!one.whole);
        assert_eq!(one.differs(&answer(200, "a", &longer)), [""; 0]);
        assert_eq!(one.differs(&answer(200, "a", &other)), ["body"]);
        assert_eq!(one.differs(&answer(200, "a", &long[..long.len() - 1])), ["body"]);
    }

    #[test]
    fn the_hash_in_the_report_is_that_of_the_body() {
        let report = answer(200, "a", b"abc").report();
        assert_eq!(report.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((report.revision.as_str(), report.bytes, report.whole), ("r1", 3, true));
    }
}
