//! Answers that go on: JSON values, one a line, written by a task of their own until the peer leaves or the server ends.

use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use tidegate_control::{Refusal, RefusalKind};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::Shared;
use super::ask::ask;
use super::problem::Refused;
use crate::stream::channel_body;
use crate::wire::LINES_TYPE;

/// How long one wait for an event blocks a thread.
const WAIT_MS: u64 = 1_000;
/// Chunks ahead of a slow reader.
const AHEAD: usize = 4;

/// A finished answer of several lines.
pub(super) fn lines<T: Serialize>(values: &[T]) -> Result<Response, Refused> {
    Ok(lines_response(Body::from(to_lines(values)?)))
}

/// The writing end of an answer that goes on.
pub(super) struct Follower {
    lines: mpsc::Sender<Result<Bytes, std::convert::Infallible>>,
    ending: watch::Receiver<bool>,
    shared: Shared,
    _seat: OwnedSemaphorePermit,
}

impl Follower {
    /// A follower and the response it writes; refused where too many follow already.
    pub(super) fn new(shared: &Shared) -> Result<(Self, Response), Refused> {
        let seat = shared.followers.clone().try_acquire_owned().map_err(|_| busy())?;
        let (lines, body) = channel_body(AHEAD);
        let follower = Follower { lines, ending: shared.ending.clone(), shared: shared.clone(), _seat: seat };
        Ok((follower, lines_response(Body::new(body))))
    }

    /// Writes values; false once nobody reads any more or the server ends.
    pub(super) async fn write<T: Serialize>(&mut self, values: &[T]) -> bool {
        let Ok(bytes) = to_lines(values) else { return false };
        if bytes.is_empty() {
            return !self.over();
        }
        tokio::select! {
            sent = self.lines.send(Ok(bytes)) => sent.is_ok(),
            _ = self.ending.wait_for(|ending| *ending) => false,
        }
    }

    /// Waits for an event newer than `after`, a second at most. The newest one's number.
    pub(super) async fn wait_for_event(&mut self, after: u64) -> u64 {
        let waiting = ask(&self.shared, move |plane| Ok(plane.wait_for_event(after, WAIT_MS)));
        tokio::select! {
            waited = waiting => waited.unwrap_or(after),
            () = self.lines.closed() => after,
            _ = self.ending.wait_for(|ending| *ending) => after,
        }
    }

    /// Waits for a moment, or until nobody reads any more or the server ends.
    pub(super) async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.lines.closed() => {}
            _ = self.ending.wait_for(|ending| *ending) => {}
        }
    }

    fn over(&self) -> bool {
        self.lines.is_closed() || *self.ending.borrow()
    }
}

fn lines_response(body: Body) -> Response {
    ([(header::CONTENT_TYPE, LINES_TYPE), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn to_lines<T: Serialize>(values: &[T]) -> Result<Bytes, Refused> {
    let mut lines = Vec::new();
    for value in values {
        serde_json::to_writer(&mut lines, value).map_err(|error| Refused::bug(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}

fn busy() -> Refused {
    let message = "too many streams follow events or logs already";
    let refusal = Refusal::new(RefusalKind::Environment, "api::busy", message);
    refusal.help("end one of them, or ask without following").into()
}
