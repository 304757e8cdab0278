//! A WebSocket: says who it is, then a numbered beat every few seconds, and says everything back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;

use super::App;
use super::body::Body;
use super::web::plain;
use crate::frames::{Frame, Kind, Reader, write};

/// Of RFC 6455, 1.3.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// What a server says that ends while somebody is still connected.
const GOING_AWAY: u16 = 1001;
/// Between two beats.
pub(super) const BEAT: Duration = Duration::from_secs(4);

/// Changes the protocol, and talks from then on.
pub(super) fn open(app: &Arc<App>, mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let Some(accept) = key.and_then(|key| HeaderValue::from_str(&accept(key)).ok()) else {
        return plain(StatusCode::BAD_REQUEST, "this is for WebSockets\n");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(begin(app.clone(), upgrade));
    let mut response = Response::new(Body::Whole(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = response.headers_mut();
    fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    fields.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// What proves to a client that it speaks to a WebSocket.
fn accept(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{MAGIC}").as_bytes()))
}

async fn begin(app: Arc<App>, upgrade: OnUpgrade) {
    if let Ok(upgraded) = upgrade.await {
        // A client that went away needs no farewell.
        let _ = talk(&app, upgraded).await;
    }
}

async fn talk(app: &App, upgraded: Upgraded) -> io::Result<()> {
    let (source, mut sink) = tokio::io::split(TokioIo::new(upgraded));
    let mut reader = Reader::new(source, b"");
    write(&mut sink, &Frame::text(&format!("hello {}", app.name)), false).await?;
    let mut beats = tokio::time::interval(BEAT);
    let mut count = 0_u64;
    let mut stopping = app.stopping.clone();
    loop {
        tokio::select! {
            // Nobody is to be here by then.
            () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
                return write(&mut sink, &Frame::close(GOING_AWAY), false).await;
            }
            _ = beats.tick() => {
                write(&mut sink, &Frame::text(&format!("beat {count}")), false).await?;
                count += 1;
            }
            frame = reader.next() => match frame? {
                Some(Frame { kind: Kind::Ping, payload }) => {
                    write(&mut sink, &Frame { kind: Kind::Pong, payload }, false).await?;
                }
                Some(frame @ Frame { kind: Kind::Close, .. }) => return write(&mut sink, &frame, false).await,
                Some(frame @ Frame { kind: Kind::Text, .. }) => write(&mut sink, &frame, false).await?,
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_proof_is_that_of_the_specification() {
        assert_eq!(super::accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
