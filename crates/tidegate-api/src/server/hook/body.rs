//! The body of a webhook: as large as hosts send them, without letting strangers fill the memory. Small ones come as they like; of
//! large ones a few at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tidegate_control::RefusalKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::extract::{too_large, too_slow};
use crate::server::guard::only;
use crate::server::problem::Refused;

/// The largest that GitHub says it sends: 25 MB. A push of others is smaller.
const MOST: usize = 25 << 20;
/// Up to here it takes no seat: an ordinary push has some ten KiB.
const SMALL: usize = 256 << 10;
/// Large ones at the same time.
const LARGE_AT_ONCE: usize = 4;
/// For the whole of it.
const WITHIN: Duration = Duration::from_secs(10);

/// Room for large bodies.
pub(super) struct Seats(Arc<Semaphore>);

impl Default for Seats {
    fn default() -> Self {
        Seats(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }
}

/// A body, and its seat until it is dropped.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _seat: Option<OwnedSemaphorePermit>,
}

/// Reads it.
pub(super) async fn receive(seats: &Seats, headers: &HeaderMap, body: Body) -> Result<Received, Refused> {
    let said = only(headers, header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if said.is_some_and(|length| length > MOST) {
        return Err(too_large(MOST as u64));
    }
    tokio::time::timeout(WITHIN, read(seats, body)).await.map_err(|_| too_slow())?
}

async fn read(seats: &Seats, mut body: Body) -> Result<Received, Refused> {
    let (mut bytes, mut seat) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| too_large(MOST as u64))?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > MOST {
            return Err(too_large(MOST as u64));
        }
        if length > SMALL && seat.is_none() {
            seat = Some(Arc::clone(&seats.0).try_acquire_owned().map_err(|_| busy())?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Received { bytes: bytes.freeze(), _seat: seat })
}

fn busy() -> Refused {
    let message = "too many large webhooks come at the same time; send it again in a moment";
    Refused::at(StatusCode::SERVICE_UNAVAILABLE, RefusalKind::Environment, "hook::busy", message)
}
