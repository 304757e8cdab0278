//! What the gateway says of itself to clients of gRPC: they read no pages, but a status in an answer of nothing but
//! trailers (the protocol's "Trailers-Only").

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::front::Answer;
use crate::head;
use crate::page::MARK;
use crate::upstream::FlowError;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether the request is a call.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    head::is_grpc(headers)
}

/// The same answer as a client of gRPC understands it.
pub(super) fn translate(response: Response<Answer>) -> Response<Answer> {
    let (mut parts, answer) = response.into_parts();
    let mark = parts.headers.get(MARK).cloned();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts.headers.insert(STATUS, HeaderValue::from_static(status(parts.status)));
    let message = mark.unwrap_or(HeaderValue::from_static("gateway"));
    parts.headers.insert(MESSAGE, message);
    parts.status = StatusCode::OK;
    Response::from_parts(parts, answer.emptied())
}

/// The end of a call whose answer broke off: a reset stream would be an error of the gateway's own to its clients.
pub(super) fn broken(error: &FlowError) -> HeaderMap {
    let (status, message) = match error {
        FlowError::Reset => ("14", "reset"),
        FlowError::Leaving => ("14", "leaving"),
        FlowError::Stalled => ("4", "timeout"),
        FlowError::TooLarge => ("8", "too-large"),
        FlowError::Encoder | FlowError::File => ("13", "gateway"),
    };
    HeaderMap::from_iter([
        (STATUS, HeaderValue::from_static(status)),
        (MESSAGE, HeaderValue::from_static(message)),
    ])
}

/// The status of gRPC for one of HTTP, as its clients would guess it, but for 408 and 504: the time is over.
fn status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        413 | 431 => "8",
        429 | 502 | 503 => "14",
        408 | 504 => "4",
        _ => "2",
    }
}
