//! All flags, with a tag that says whether they are the same as before, and where to hear of changes.

use std::time::SystemTime;

use http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{Either, Full};

use super::question::Question;
use super::{Answer, Ofrep, STREAM, Seen, answer, json, seconds};
use crate::selection::{Selection, hash};

/// A page nobody looks at needs no news after so long.
const INACTIVITY_SECS: u32 = 120;

impl Ofrep {
    /// Answers with what all flags are worth, or that they are as the client has them.
    pub(super) fn bulk(&self, headers: &HeaderMap, seen: Seen<'_>, question: &Question) -> Answer {
        let now = SystemTime::now();
        let (pass, set) = seen;
        let snapshot = pass.board().now();
        let selection = snapshot.select(set);
        let body = self.all(&selection, seen, question, now);
        // Of the answer as well: it may differ for the same flags and context at another time, and its address of events does.
        let tag = format!("\"{}\"", hash(&[selection.revision().as_bytes(), &question.text, &body]));
        let mut answer = if matches(headers, &tag) {
            let mut answer = Response::new(Either::Left(Full::default()));
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        } else {
            json(StatusCode::OK, body)
        };
        let tag = HeaderValue::try_from(tag).expect("hexadecimal digits in quotes are a header's value");
        answer.headers_mut().insert(ETAG, tag);
        // Kept by the client that asked, and asked for again each time.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        answer
    }

    fn all(
        &self,
        selection: &Selection,
        (pass, set): Seen<'_>,
        question: &Question,
        now: SystemTime,
    ) -> Vec<u8> {
        let mut body = Vec::with_capacity(16 << 10);
        let (mut evaluated, mut failed) = (0, 0);
        body.extend_from_slice(b"{\"flags\":[");
        for (key, resolved) in selection.set().resolve_all(&question.context, seconds(now)) {
            if evaluated > 0 {
                body.push(b',');
            }
            evaluated += 1;
            match resolved {
                Ok(resolution) => answer::resolved(&mut body, key, &resolution, selection),
                Err(failure) => {
                    failed += 1;
                    answer::failed(&mut body, key, &failure);
                }
            }
        }
        body.extend_from_slice(b"],\"metadata\":");
        answer::json(&mut body, selection.set().metadata());
        body.extend_from_slice(b",\"eventStreams\":[{\"type\":\"sse\",\"endpoint\":{\"requestUri\":\"");
        body.extend_from_slice(STREAM.as_bytes());
        body.extend_from_slice(b"?ticket=");
        body.extend_from_slice(self.tickets.issue(pass, set, now).as_bytes());
        body.extend_from_slice(b"\"},\"inactivityDelaySec\":");
        answer::json(&mut body, &INACTIVITY_SECS);
        body.extend_from_slice(b"}]}");
        self.hall.tally().evaluated.many(evaluated);
        self.hall.tally().failed.many(failed);
        body
    }
}

/// Whether the client has what this tag names. Weak or without quotes, it is the same.
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let bare = tag.trim_matches('"');
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|sent| sent == "*" || sent.trim_start_matches("W/").trim_matches('"') == bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_one_by_one() {
        let headers = |text: &str| HeaderMap::from_iter([(IF_NONE_MATCH, text.parse().unwrap())]);
        for same in ["\"abc\"", "W/\"abc\"", "abc", "\"x\", \"abc\"", "*"] {
            assert!(matches(&headers(same), "\"abc\""), "{same}");
        }
        for other in ["\"ab\"", "\"\"", ""] {
            assert!(!matches(&headers(other), "\"abc\""), "{other}");
        }
        assert!(!matches(&HeaderMap::new(), "\"abc\""));
    }
}
