//! Whether a request that was admitted is copied, and which endpoint its copy is for. A copy takes no place there: no limit,
//! drain or choice that a user could feel knows of it.

use std::time::Instant;

use super::permit::Way;
use super::{Mirror, Permit, To};
use crate::balance::Ask;
use crate::route::{Arm, Place, Table, Upstream};
use crate::view::RequestView;
use crate::worker::Worker;

impl Worker {
    /// `assigned` is the arm the request was given, `taken` the endpoint of it.
    pub(crate) fn permit(
        &self,
        table: &Table,
        upstream: &Upstream,
        (assigned, taken): (usize, Option<u64>),
        view: &dyn RequestView,
    ) -> Option<Permit> {
        let mirror = upstream.mirror.as_deref().filter(|mirror| mirror.wants(view.method(), assigned))?;
        let permit = self.ways(table, upstream, mirror, (assigned, taken), view);
        if permit.is_none() {
            mirror.standing.ledger.count(|counts| &mut counts.dropped);
        }
        permit
    }

    /// Without one of the ways there is nothing to compare, and nothing is sent.
    fn ways(
        &self,
        table: &Table,
        upstream: &Upstream,
        mirror: &Mirror,
        (assigned, taken): (usize, Option<u64>),
        view: &dyn RequestView,
    ) -> Option<Permit> {
        let ask = self.ask(upstream, view, Instant::now());
        let (arm, place) = place_of_copy(mirror, table, upstream, &ask)?;
        let copy: Way<'_> = (arm, place, self.copies.enter()?);
        if !mirror.asks_again(view.method()) {
            return Some(Permit::new(mirror, copy, None));
        }
        let arm = upstream.arms.get(assigned)?;
        let place = arm.look_besides(taken, &ask)?;
        Some(Permit::new(mirror, copy, Some((arm, place, self.copies.enter()?))))
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
