//! gRPC without generated code: one call with streams both ways, whose messages are plain bytes. Each is said back; an
//! instance that is to stop ends its calls with UNAVAILABLE, as servers do.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use tokio::sync::mpsc;

use super::body::Body;
use super::{App, INSTANCE};

const OK: &str = "0";
const UNAVAILABLE: &str = "14";
const INTERNAL: &str = "13";
/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;
const LONGEST: usize = 1 << 20;

/// Answers a call, whatever its name.
pub(super) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (answers, body) = mpsc::channel(4);
    let name = HeaderValue::from_str(&app.name).unwrap_or(HeaderValue::from_static("unnamed"));
    tokio::spawn(async move {
        let status = talk(&app, request.into_body(), &answers).await;
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        // A client that is gone asks for no status.
        let _ = answers.send(Frame::trailers(trailers)).await;
    });
    let mut response = Response::new(Body::Stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert(INSTANCE, name);
    Ok(response)
}

/// Says messages back until there are no more; the status to end with.
async fn talk(app: &App, mut body: Incoming, answers: &mpsc::Sender<Frame<Bytes>>) -> &'static str {
    let (mut buffer, mut stopping) = (BytesMut::new(), app.stopping.clone());
    loop {
        while let Some(message) = take(&mut buffer) {
            if answers.send(Frame::data(message)).await.is_err() {
                return INTERNAL;
            }
        }
        if buffer.len() > LONGEST {
            return INTERNAL;
        }
        tokio::select! {
            frame = body.frame() => match frame {
                Some(Ok(frame)) => buffer.put(frame.into_data().unwrap_or_default()),
                Some(Err(_)) => return INTERNAL,
                None => return OK,
            },
            _ = stopping.wait_for(|stopping| *stopping) => return UNAVAILABLE,
        }
    }
}

/// The next whole message, with what stands before it.
fn take(buffer: &mut BytesMut) -> Option<Bytes> {
    let mut prefix = buffer.get(1..PREFIX)?;
    let length = PREFIX + prefix.get_u32() as usize;
    (buffer.len() >= length).then(|| buffer.split_to(length).freeze())
}
