//! A request that is to be copied: where its copy goes is known, and what is needed besides the original is made here.

use std::sync::Arc;

use http::{HeaderValue, request};

use super::budget::Slot;
use super::case::{About, Case};
use super::post::{Errand, Parcel};
use super::send::{Addressee, Letter};
use super::terms::Terms;
use super::{Mirror, Post, Standing, Tap, Witness};
use crate::head;
use crate::route::{Arm, Place};

/// See the module. Dropped unused: the request was none that can be copied after all.
#[derive(Debug)]
pub(crate) struct Permit {
    to: Addressee,
    slot: Slot,
    /// Who is asked the same again.
    again: Option<(Addressee, Slot)>,
    standing: Arc<Standing>,
    terms: Arc<Terms>,
}

/// Where a copy goes, and what it takes.
pub(super) type Way<'a> = (&'a Arm, &'a Place, Slot);

/// What looks on at the original.
#[derive(Debug)]
pub(crate) struct Mirrored {
    /// For a request with a body.
    pub(crate) tap: Option<Tap>,
    /// For its answer.
    pub(crate) witness: Witness,
}

impl Permit {
    /// For a copy to this endpoint, and for the same request to that one of who answers the client.
    pub(super) fn new(mirror: &Mirror, copy: Way<'_>, again: Option<Way<'_>>) -> Self {
        let (to, slot) = addressed(copy);
        let (standing, terms) = (mirror.standing.clone(), mirror.terms.clone());
        Permit { to, slot, again: again.map(addressed), standing, terms }
    }

    /// Posts a copy of the request with this head, as an endpoint gets it. Returns at once.
    pub(crate) fn begin(self, parts: &request::Parts, has_body: bool, post: &Post) -> Mirrored {
        let Permit { to, slot, again, standing, terms } = self;
        let id = head::request_id(&parts.headers).unwrap_or(HeaderValue::from_static(""));
        let about = About::new(id, parts.method.clone(), parts.uri.path(), to.badge.revision.clone());
        let (case, tell) = Case::new(standing, about);
        let witness = Witness::new(tell, terms.clone(), slot.room());
        let (tap, body) = if has_body {
            let (tap, drawn) = Tap::new(slot);
            (Some(tap), Parcel::Awaited(drawn))
        } else {
            (None, Parcel::Empty(slot))
        };
        let letter = letter(to, parts, &terms);
        let again = again.map(|(to, slot)| (self::letter(to, parts, &terms), slot));
        post.send(Errand { letter, again, body, case });
        Mirrored { tap, witness }
    }
}

fn addressed((arm, place, slot): Way<'_>) -> (Addressee, Slot) {
    (Addressee { endpoint: place.endpoint.clone(), badge: arm.badge.clone() }, slot)
}

/// The request for someone else than who answers the client.
fn letter(to: Addressee, parts: &request::Parts, terms: &Arc<Terms>) -> Letter {
    let mut copied = parts.clone();
    // Some extensions belong to the client's connection.
    copied.extensions.clear();
    head::label_copy(&mut copied.headers, &to.badge);
    Letter { to, parts: copied, terms: terms.clone() }
}
