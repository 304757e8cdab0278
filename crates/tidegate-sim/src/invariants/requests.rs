//! Requests: none is lost by a decision.

use super::{Held, Violation};
use crate::gateway::Lost;
use crate::view::View;

/// No request is lost, unless the service was told beforehand that it has no zero downtime.
pub fn invariant_no_request_is_lost(lost: &[Lost], view: &View) -> Held {
    let counts = |lost: &&Lost| {
        let found = view.services.iter().find(|(key, _)| key.to_string() == lost.upstream);
        found.is_none_or(|(_, service)| !service.exclusive())
    };
    match lost.iter().find(counts) {
        None => Ok(()),
        Some(lost) => Err(Violation {
            invariant: "invariant_no_request_is_lost",
            what: format!("{}: a request was {}", lost.upstream, lost.how),
        }),
    }
}
