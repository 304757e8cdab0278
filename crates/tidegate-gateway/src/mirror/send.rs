//! Sends one copy and reads its answer. Once, and with a deadline of its own: nobody waits for it.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, request};

use super::answer::{Answer, Reading};
use super::terms::Terms;
use crate::badge::Badge;
use crate::endpoint::Endpoint;
use crate::head;
use crate::limits::Limits;
use crate::upstream::{self, Kept, Reply, Upload};

/// Whom a copy is for.
#[derive(Debug)]
pub(super) struct Addressee {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) badge: Arc<Badge>,
}

/// A copy without its body.
pub(super) struct Letter {
    pub(super) to: Addressee,
    pub(super) parts: request::Parts,
    pub(super) terms: Arc<Terms>,
}

/// The answer; `None`: there was none, or it broke off, or it came too late.
pub(super) async fn send(letter: &Letter, body: Bytes, kept: &Rc<Kept>, limits: Limits) -> Option<Answer> {
    tokio::time::timeout(limits.mirror, exchange(letter, body, kept, limits)).await.ok().flatten()
}

async fn exchange(letter: &Letter, body: Bytes, kept: &Rc<Kept>, limits: Limits) -> Option<Answer> {
    let Letter { to, parts, terms } = letter;
    let since = Instant::now();
    let repeatable = body.is_empty() && head::is_idempotent(&parts.method);
    let lease = match kept.take(&to.endpoint, repeatable) {
        Some(lease) => lease,
        None => upstream::connect(kept, &to.endpoint, limits.connect).await.ok()?,
    };
    let response = upstream::send_copy(kept, lease, (parts, Upload::whole(body))).await?;
    // A copy asks for no change of protocol.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return None;
    }
    read(response, &to.badge.revision, since, terms).await
}

/// Reads what is compared of an answer.
async fn read(
    response: Response<Reply>,
    revision: &HeaderValue,
    since: Instant,
    terms: &Arc<Terms>,
) -> Option<Answer> {
    let (mut parts, mut body) = response.into_parts();
    let hint = head::prepare_answer(&mut parts.headers);
    let head = (parts.status.as_u16(), &parts.headers);
    let mut reading = Reading::new(head, revision.clone(), since, terms, None);
    while let Some(frame) = poll_fn(|cx| body.poll_frame(cx)).await {
        let more = frame.ok()?.data_ref().is_none_or(|data| reading.on_data(data));
        if !more {
            return Some(reading.finish(false));
        }
    }
    body.keep(hint);
    Some(reading.finish(true))
}
