//! A request that is to be copied: where its copy goes is known, and what is needed besides the original is made here.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderValue, request};

use super::budget::Slot;
use super::pair::Pair;
use super::post::{Errand, Parcel};
use super::send::{Addressee, Letter};
use super::{Post, Standing, Tap, Witness};
use crate::head;
use crate::route::{Arm, Place};

/// See the module. Dropped unused: the request was none that can be copied after all.
#[derive(Debug)]
pub(crate) struct Permit {
    to: Addressee,
    slot: Slot,
    standing: Arc<Standing>,
}

/// What looks on at the original.
#[derive(Debug)]
pub(crate) struct Mirrored {
    /// For a request with a body.
    pub(crate) tap: Option<Tap>,
    /// For its answer.
    pub(crate) witness: Witness,
}

impl Permit {
    /// For a copy to this endpoint.
    pub(super) fn new(arm: &Arm, place: &Place, slot: Slot, standing: Arc<Standing>) -> Self {
        let to = Addressee { endpoint: place.endpoint.clone(), badge: arm.badge.clone() };
        Permit { to, slot, standing }
    }

    /// Posts a copy of the request with this head, as an endpoint gets it. Returns at once.
    pub(crate) fn begin(self, parts: &request::Parts, has_body: bool, post: &Post) -> Mirrored {
        let Permit { to, slot, standing } = self;
        let mut copied = parts.clone();
        // Some extensions belong to the client's connection.
        copied.extensions.clear();
        head::label_copy(&mut copied.headers, &to.badge);
        let id = head::request_id(&parts.headers).unwrap_or(HeaderValue::from_static(""));
        let pair = Pair::new(standing, id, parts.method.clone(), parts.uri.path());
        let witness = Witness::new(pair.clone(), Instant::now());
        let (tap, body) = if has_body {
            let (tap, drawn) = Tap::new(slot);
            (Some(tap), Parcel::Awaited(drawn))
        } else {
            (None, Parcel::Empty(slot))
        };
        post.send(Errand { letter: Letter { to, parts: copied }, body, pair });
        Mirrored { tap, witness }
    }
}
