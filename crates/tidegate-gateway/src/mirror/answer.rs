//! One of several answers to a request, as far as they are compared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue};
use tidegate_core::model::MirrorAnswer;

use super::body::{Body, Gathering};
use super::budget::Room;
use super::terms::Terms;

/// An answer whose head is here and whose body is on its way.
#[derive(Debug)]
pub(super) struct Reading {
    status: u16,
    fields: Vec<Option<HeaderValue>>,
    revision: HeaderValue,
    latency: Duration,
    body: Gathering,
    terms: Arc<Terms>,
}

impl Reading {
    /// `since`: when the request was sent; `revision`: who answers; `room`: for what is kept of the body.
    pub(super) fn new(
        (status, headers): (u16, &HeaderMap),
        revision: HeaderValue,
        since: Instant,
        terms: &Arc<Terms>,
        room: Option<Room>,
    ) -> Self {
        let fields = terms.fields.iter().map(|name| headers.get(name).cloned()).collect();
        let (latency, body) = (since.elapsed(), Gathering::new(headers, room));
        Reading { status, fields, revision, latency, body, terms: terms.clone() }
    }

    /// Takes in the next piece of the body; whether more of it would be compared.
    pub(super) fn on_data(&mut self, data: &[u8]) -> bool {
        self.body.on_data(data)
    }

    /// The body is over, or no more of it is read.
    pub(super) fn finish(self, whole: bool) -> Answer {
        let Reading { status, fields, revision, latency, body, terms } = self;
        Answer { status, fields, revision, latency, body: body.finish(whole), terms }
    }
}

/// A whole answer, or the part of it that is compared.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    fields: Vec<Option<HeaderValue>>,
    revision: HeaderValue,
    latency: Duration,
    body: Body,
    terms: Arc<Terms>,
}

impl Answer {
    /// In what the answers differ; nothing: they are the same.
    pub(super) fn differs(&self, other: &Answer) -> Vec<String> {
        let status = (self.status != other.status).then(|| "status".to_owned());
        let fields = self.terms.fields.iter().zip(self.fields.iter().zip(&other.fields));
        let fields = fields.filter(|(_, (one, other))| one != other).map(|(name, _)| name.to_string());
        status.into_iter().chain(fields).chain(self.body.differs(&other.body, &self.terms)).collect()
    }

    /// Who gave it.
    pub(super) fn revision(&self) -> String {
        text(&self.revision)
    }

    /// For the report.
    pub(super) fn report(&self) -> MirrorAnswer {
        MirrorAnswer {
            revision: self.revision(),
            status: self.status,
            bytes: self.body.bytes,
            whole: self.body.whole,
            sha256: self.body.sha256(),
            latency_ms: u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A value of ours as text.
pub(super) fn text(value: &HeaderValue) -> String {
    value.to_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::mirror::LARGEST_ANSWER;
    use http::header;
    use tidegate_core::model::Compare;

    fn answer_by(compare: &Compare, status: u16, kind: &'static str, body: &[u8]) -> Answer {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::DATE, HeaderValue::from_str(&body.len().to_string()).unwrap()),
        ]);
        let (terms, revision) = (Arc::new(Terms::compile(compare)), HeaderValue::from_static("r1"));
        let mut reading = Reading::new((status, &headers), revision, Instant::now(), &terms, None);
        let more = reading.on_data(body);
        reading.finish(more)
    }

    /// An answer of one piece.
    pub(in crate::mirror) fn answer(status: u16, kind: &'static str, body: &[u8]) -> Answer {
        answer_by(&Compare::default(), status, kind, body)
    }

    #[test]
    fn status_fields_and_bodies_are_compared() {
        let one = answer(200, "text/plain", b"abc");
        assert_eq!(one.differs(&answer(200, "text/plain", b"abc")), [""; 0]);
        assert_eq!(one.differs(&answer(500, "text/html", b"abd")), ["status", "content-type", "body"]);
        assert_eq!(one.differs(&answer(200, "text/plain", b"abcd")), ["body"]);
    }

    #[test]
    fn json_is_compared_by_what_it_says() {
        let compare = Compare { headers: vec!["date".to_owned()], ignore: vec!["at".to_owned()] };
        let json = |body: &[u8]| answer_by(&compare, 200, "application/json; charset=utf-8", body);
        assert_eq!(json(br#"{"a":1,"at":1}"#).differs(&json(br#"{"at":2,"a":1}"#)), [""; 0]);
        assert_eq!(json(br#"{"a":1}"#).differs(&json(br#"{"a":2}"#)), ["body.a"]);
        assert_eq!(json(b"{1}").differs(&json(b"{2}")), ["body"], "no JSON after all");
        let text = answer_by(&compare, 200, "text/plain", br#"{"a":1,"at":1}"#);
        assert_eq!(json(br#"{"at":2,"a":1}"#).differs(&text), ["body"]);
    }

    #[test]
    fn large_json_is_compared_as_it_is() {
        let large = |last: u8| {
            let mut body = vec![b' '; 2 * 1024 * 1024 / 4];
            body.extend([b'1', last]);
            answer(200, "application/json", &body)
        };
        assert_eq!(large(b' ').differs(&large(b' ')), [""; 0]);
        assert_eq!(large(b' ').differs(&large(b'\n')), ["body"]);
    }

    #[test]
    fn of_long_answers_the_beginnings_are_compared() {
        let long = vec![b'x'; LARGEST_ANSWER as usize + 1];
        let longer = vec![b'x'; LARGEST_ANSWER as usize + 9];
        let mut other = long.clone();
        other[1_000] = b'y';
        let one = answer(200, "a", &long);
        assert!(!one.body.whole);
        assert_eq!(one.differs(&answer(200, "a", &longer)), [""; 0]);
        assert_eq!(one.differs(&answer(200, "a", &other)), ["body"]);
        assert_eq!(one.differs(&answer(200, "a", &long[..long.len() - 1])), ["body"]);
    }

    #[test]
    fn the_hash_in_the_report_is_that_of_the_body() {
        for kind in ["a", "application/json"] {
            let report = answer(200, kind, b"abc").report();
            assert_eq!(report.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
            assert_eq!((report.revision.as_str(), report.bytes, report.whole), ("r1", 3, true));
        }
    }
}
