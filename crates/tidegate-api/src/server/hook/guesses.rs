//! Who sends webhooks that are not their host's: after some of them nothing more is read from there, for that app, for a while. For
//! that app alone: everybody's webhooks come from the few addresses of a large host, those with somebody else's secret as well.

use std::net::IpAddr;

use tidegate_core::model::Name;
use tokio::time::Instant;

use super::often::{GUESSED, Often};

/// See the module.
pub(super) struct Guesses(Often<(IpAddr, Option<Name>)>);

impl Default for Guesses {
    fn default() -> Self {
        Guesses(Often::new(GUESSED))
    }
}

impl Guesses {
    /// Whether somebody may try; how many seconds are left to wait where not. Nobody over the unix socket has to.
    pub(super) fn may(&self, caller: Option<IpAddr>, app: Option<&Name>, now: Instant) -> Result<(), u64> {
        caller.map_or(Ok(()), |caller| self.0.look(&(caller, app.cloned()), now))
    }

    /// Counts one that was not its host's.
    pub(super) fn count(&self, caller: Option<IpAddr>, app: Option<&Name>, now: Instant) {
        if let Some(caller) = caller {
            let _ = self.0.count(&(caller, app.cloned()), now);
        }
    }
}
