//! What one worker keeps for its next requests: connections of HTTP/1.1 ([`Plains`]) and of HTTP/2 ([`Shared`]), and the
//! buffers of exchanges. Not shared between threads: taking one costs no lock.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::model::Protocol;

use super::http1::Docks;
use super::plain::Use;
use super::shared::Shared;
use super::{Lease, Plains};
use crate::descriptors::{Descriptors, Share};
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// Closes younger than this are nothing a sensible keep-alive does.
pub(super) const EARLY: Duration = Duration::from_millis(800);

/// See the module.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) plains: Rc<Plains>,
    pub(super) docks: Docks,
    pub(super) shared: Shared,
}

impl Kept {
    /// `plains` may be used by others as well.
    pub(crate) fn new(plains: Rc<Plains>) -> Self {
        Kept { plains, docks: Docks::default(), shared: Shared::default() }
    }

    /// The same for copies, which get what is left.
    pub(crate) fn for_copies(limits: Limits, descriptors: Arc<Descriptors>) -> Self {
        Kept::new(Rc::new(Plains::spare(limits, descriptors)))
    }

    /// Closes what nobody uses now.
    pub(crate) fn clear(&self) {
        self.plains.clear();
        self.shared.clear();
    }

    /// The same of what goes beyond claims: the connections that copies have to themselves are none of these.
    pub(crate) fn clear_extras(&self) {
        self.shared.clear_extras();
    }

    /// A connection that is alive now. `repeatable`: the request may be sent again should it die all the same; if not,
    /// only one that was in use a moment ago will do.
    pub(crate) fn take(&self, endpoint: &Endpoint, repeatable: bool) -> Option<Lease> {
        if matches!(endpoint.protocol(), Protocol::H2c | Protocol::H2) {
            return None;
        }
        self.plains.take(endpoint, repeatable, Instant::now()).map(Lease::Own)
    }

    /// Room for an open file, as for a connection of one request: see [`crate::descriptors`].
    pub(crate) async fn room_for_file(&self, within: Duration) -> io::Result<Share> {
        self.plains.room(Use::Own, within).await
    }

    /// Closes what is too old, dead, or of an endpoint that left the table.
    pub(crate) fn sweep(&self) {
        self.plains.sweep();
        self.docks.sweep();
        self.shared.sweep();
    }
}

/// A margin below the hint: the answer was on its way when the endpoint's clock began.
pub(super) fn keep_for(most: Duration, hint: Option<Duration>) -> Duration {
    const MARGIN: Duration = Duration::from_millis(500);
    hint.map_or(most, |hint| hint.saturating_sub(MARGIN).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_only_shortens() {
        let most = Duration::from_millis(1_500);
        assert_eq!(keep_for(most, None), most);
        assert_eq!(keep_for(most, Some(Duration::from_secs(5))), most);
        assert_eq!(keep_for(most, Some(Duration::from_secs(1))), Duration::from_millis(500));
        assert_eq!(keep_for(most, Some(Duration::ZERO)), Duration::ZERO);
    }
}
