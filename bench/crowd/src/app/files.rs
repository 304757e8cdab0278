//! Bodies of any length: what comes is counted and summed up, what goes is made as it goes.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::body::Body;
use super::web::{plain, whole};
use crate::stuff::{Stuff, hex};

/// Takes a body; answers its length and its SHA-256.
pub(super) async fn upload(mut body: Incoming) -> Response<Body> {
    let (mut digest, mut length) = (Sha256::new(), 0_u64);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return plain(StatusCode::BAD_REQUEST, "the body broke off\n") };
        if let Some(data) = frame.data_ref() {
            length += data.len() as u64;
            digest.update(data);
        }
    }
    whole(format!("{length} {}", hex(&digest.finalize())).into())
}

/// Gives so many bytes.
pub(super) fn download(bytes: u64) -> Response<Body> {
    let (parts, body) = mpsc::channel(2);
    tokio::spawn(async move {
        for part in Stuff::of(bytes) {
            if parts.send(Frame::data(Bytes::from(part))).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Body::Stream(body));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}
