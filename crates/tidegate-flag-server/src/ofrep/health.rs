//! How the server itself is: for load balancers and for Prometheus.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use serde_json::json;

use super::{Answer, json, seconds};
use crate::hall::Hall;
use crate::ledger::Standing;

/// Well as long as flags are served; old ones are said to be so. Needs no key, so it does not say what is wrong with the file,
/// nor which sets there are.
pub(super) fn health(hall: &Hall) -> Answer {
    let (sets, standing) = (hall.sets(), hall.standing());
    let status = match standing {
        Standing { trouble: Some(_), .. } => "stale",
        Standing { published: None, .. } => "empty",
        Standing { .. } => "ok",
    };
    let mut body = json!({
        "status": status,
        "flags": sets.iter().map(|(_, snapshot)| snapshot.flags()).sum::<usize>(),
        "since": standing.published.map_or(0, seconds),
    });
    match sets.as_slice() {
        [(name, only)] if name.is_empty() => body["revision"] = only.whole().revision().into(),
        _ => body["epoch"] = hall.epoch().into(),
    }
    json(StatusCode::OK, body.to_string())
}

/// Counts, and how old the flags are.
pub(super) fn metrics(hall: &Hall) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(hall.metrics()))));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    answer
}
