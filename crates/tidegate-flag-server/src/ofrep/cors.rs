//! What browsers ask before they let a page of another origin ask.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};

use super::Answer;
use crate::origins::Origins;

/// What the protocol needs, the selector, and what tracing adds to every request of a page.
const MAY_SEND: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, If-None-Match, X-API-Key, Flagd-Selector, Traceparent, Tracestate, Baggage",
);
const MAY_READ: HeaderValue = HeaderValue::from_static("ETag, Retry-After");

/// Answers whether a page may ask.
pub(super) fn preflight(origins: &Origins, origin: Option<&HeaderValue>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    if mark(origins, origin, headers) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, OPTIONS"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND);
        // No browser keeps it longer.
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    }
    answer
}

/// Lets the page read the answer, where it may.
pub(super) fn mark(origins: &Origins, origin: Option<&HeaderValue>, headers: &mut HeaderMap) -> bool {
    if origins.differ() {
        headers.append(VARY, HeaderValue::from(ORIGIN));
    }
    let Some(allowed) = origin.and_then(|origin| origins.answer(origin)) else { return false };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, MAY_READ);
    true
}
