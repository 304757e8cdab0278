//! An event stream: numbered events, on from the last one that the client has.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::App;
use super::body::Body;

/// Between two events.
const EVERY: Duration = Duration::from_millis(500);

/// Begins one.
pub(super) fn open(app: &Arc<App>, fields: &HeaderMap) -> Response<Body> {
    let last = fields.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let (events, body) = mpsc::channel(1);
    tokio::spawn(tell(app.clone(), last.map_or(0, |last| last + 1), events));
    let mut response = Response::new(Body::Stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn tell(app: Arc<App>, first: u64, events: mpsc::Sender<Frame<Bytes>>) {
    let (mut ticks, mut stopping) = (tokio::time::interval(EVERY), app.stopping.clone());
    for number in first.. {
        tokio::select! {
            _ = ticks.tick() => {}
            // Nobody is to be here by then; who is shall notice.
            () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
                let _ = events.send(Frame::data(Bytes::from_static(b"data: cut short by the app"))).await;
                return;
            }
        }
        let event = format!("id: {number}\ndata: {number} of {}\nretry: 300\n\n", app.name);
        if events.send(Frame::data(event.into())).await.is_err() {
            return;
        }
    }
}
