//! Word of changes: an event stream that tells a client to evaluate all flags anew. What changed is not in it, since what a
//! client may know depends on its context.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderName, Response};
use http_body_util::{Either, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::refusal::Refusal;
use super::{Answer, Ofrep, seconds};
use crate::hall::{Hall, Pass};
use crate::places::Place;
use crate::snapshot::Snapshot;
use crate::stop::Stop;
use crate::visit::Visit;

/// Proxies close what is silent for a minute or so.
const COMMENT_EVERY: Duration = Duration::from_secs(20);
/// Milliseconds until a client that lost its stream tries again.
const BEGINNING: &[u8] = b"retry: 1000\n\n";
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

impl Ofrep {
    /// Begins a stream, for whoever has a ticket.
    pub(super) fn stream(&self, head: &Parts, visit: &Visit, stop: Stop) -> Result<Answer, Refusal> {
        let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        let ticket = query.into_iter().find_map(|(name, value)| (name == "ticket").then_some(value));
        let said = ticket.and_then(|ticket| self.tickets.check(&ticket, SystemTime::now()));
        let said = said.ok_or(Refusal::Ticket)?;
        let pass = self.tickets.pass(&said, &self.hall).ok_or(Refusal::Ticket)?;
        visit.on_known();
        let place = self.streams.take(pass.grant(), 1).ok_or(Refusal::Crowded)?;
        let last = head.headers.get(LAST_EVENT).and_then(|id| id.to_str().ok()).map(str::to_owned);

        let (send, receive) = mpsc::channel(2);
        let (hall, set) = (self.hall.clone(), said.set);
        let follower = Follower { hall, pass, set, last, send, _place: place };
        tokio::spawn(follower.tell(stop));
        let mut answer =
            Response::new(Either::Right(Either::Right(StreamBody::new(ReceiverStream::new(receive)))));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // A proxy that collects answers would collect for ever.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(answer)
    }
}

/// Somebody who follows.
struct Follower {
    hall: Arc<Hall>,
    pass: Pass,
    set: Option<String>,
    /// The last event it says it has.
    last: Option<String>,
    send: mpsc::Sender<Result<Frame<Bytes>, std::convert::Infallible>>,
    _place: Place,
}

impl Follower {
    /// Tells of changes until the client is gone, may not follow any more, or the server ends.
    async fn tell(mut self, mut stop: Stop) {
        let (hall, pass) = (self.hall.clone(), self.pass.clone());
        hall.tally().streams_begun.one();
        tokio::select! {
            _ = self.tell_all() => {}
            () = hall.gone(&pass) => {}
            () = stop.said() => {}
        }
        hall.tally().streams_ended.one();
    }

    /// Ends where the client is gone.
    async fn tell_all(&mut self) -> Option<()> {
        let mut changes = self.pass.board().follow();
        let mut known = self.begin(&mut changes).await?;
        loop {
            tokio::select! {
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(COMMENT_EVERY) => {
                    self.say(Bytes::from_static(b":\n\n")).await?;
                    continue;
                }
                () = self.send.closed() => return None,
            }
            let snapshot = changes.borrow_and_update().clone();
            let revision = snapshot.select(self.set.as_deref()).revision().to_owned();
            if revision != known {
                self.say(event(&snapshot, &revision)).await?;
                known = revision;
            }
        }
    }

    /// A client that missed a change, or may have, is told at once. Returns what it knows then.
    async fn begin(&mut self, changes: &mut watch::Receiver<Arc<Snapshot>>) -> Option<String> {
        self.say(Bytes::from_static(BEGINNING)).await?;
        let snapshot = changes.borrow_and_update().clone();
        let revision = snapshot.select(self.set.as_deref()).revision().to_owned();
        let missed = match &self.last {
            Some(last) => *last != revision,
            None => snapshot.is_fresh(SystemTime::now()),
        };
        if missed {
            self.say(event(&snapshot, &revision)).await?;
        }
        Some(revision)
    }

    async fn say(&self, text: Bytes) -> Option<()> {
        self.send.send(Ok(Frame::data(text))).await.ok()
    }
}

fn event(snapshot: &Snapshot, revision: &str) -> Bytes {
    let modified = seconds(snapshot.since());
    let data = json!({ "type": "refetchEvaluation", "etag": revision, "lastModified": modified });
    format!("id: {revision}\nevent: message\ndata: {data}\n\n").into()
}
