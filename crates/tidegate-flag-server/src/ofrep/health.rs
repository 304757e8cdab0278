//! How the server itself is: for load balancers and for Prometheus.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use serde_json::json;

use super::{Answer, json, seconds};
use crate::board::Board;
use crate::tally::gauge;

/// Well as long as flags are served; old ones are said to be so. Needs no key, so it does not say what is wrong with the file.
pub(super) fn health(board: &Board) -> Answer {
    let (snapshot, standing) = (board.now(), board.standing());
    let status = if standing.trouble.is_some() { "stale" } else { "ok" };
    let body = json!({
        "status": status,
        "flags": snapshot.flags(),
        "revision": snapshot.whole().revision(),
        "since": seconds(snapshot.since()),
    });
    json(StatusCode::OK, body.to_string())
}

/// Counts, and how old the flags are.
pub(super) fn metrics(board: &Board) -> Answer {
    let (snapshot, standing) = (board.now(), board.standing());
    let mut text = board.tally().text();
    gauge(&mut text, "flags", "Flags that are served.", snapshot.flags() as u64);
    let broken = snapshot.problems().count() as u64;
    gauge(&mut text, "flags_broken", "Flags whose rules cannot be understood.", broken);
    let stale = u64::from(standing.trouble.is_some());
    gauge(&mut text, "source_broken", "1 while newer flags cannot be read and older ones are served.", stale);
    let age = SystemTime::now().duration_since(snapshot.since()).unwrap_or_default().as_secs();
    gauge(&mut text, "age_seconds", "How long ago what is served was read.", age);
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(text))));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    answer
}
