//! Whether a request that was admitted is copied, and which endpoint its copy is for. A copy takes no place there: no limit,
//! drain or choice that a user could feel knows of it.

use std::time::Instant;

use super::{Mirror, Permit, To};
use crate::balance::Ask;
use crate::route::{Arm, Place, Table, Upstream};
use crate::view::RequestView;
use crate::worker::Worker;

impl Worker {
    /// `assigned` is the arm the request was given.
    pub(crate) fn permit(
        &self,
        table: &Table,
        upstream: &Upstream,
        assigned: usize,
        view: &dyn RequestView,
    ) -> Option<Permit> {
        let mirror = upstream.mirror.as_deref().filter(|mirror| mirror.wants(view.method(), assigned))?;
        let permit = self.copies.enter().and_then(|slot| {
            let ask = self.ask(upstream, view, Instant::now());
            let (arm, place) = place_of_copy(mirror, table, upstream, &ask)?;
            Some(Permit::new(arm, place, slot, mirror.standing.clone()))
        });
        if permit.is_none() {
            mirror.standing.ledger.count(|counts| &mut counts.dropped);
        }
        permit
    }
}

/// An arm of the same service is meant itself: no other helps out.
fn place_of_copy<'a>(
    mirror: &Mirror,
    table: &'a Table,
    upstream: &'a Upstream,
    ask: &Ask,
) -> Option<(&'a Arm, &'a Place)> {
    let arm = match mirror.to {
        To::Arm(index) => upstream.arms.get(index)?,
        To::Upstream(index) => {
            let other = table.upstream(index)?;
            other.arms.get(other.arm_of(mirror.share()))?
        }
    };
    Some((arm, arm.look(ask)?))
}
