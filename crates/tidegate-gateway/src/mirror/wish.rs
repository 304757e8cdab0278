//! Which requests of a service are copied, and where the copies go.

use std::sync::Arc;

use tidegate_core::model;

use super::Standing;
use super::terms::Terms;

/// A service's mirror, compiled for one table.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) to: To,
    percent: u32,
    unsafe_methods: bool,
    noise: bool,
    pub(super) terms: Arc<Terms>,
    pub(crate) standing: Arc<Standing>,
}

/// Where copies go, by place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// An arm of the same service.
    Arm(usize),
    /// Another upstream.
    Upstream(usize),
}

impl Mirror {
    /// `None` while there is nothing to copy to. `index` finds an upstream by its name.
    pub(crate) fn compile(
        wish: &model::Mirror,
        arms: &[model::Arm],
        index: impl Fn(&str) -> Option<usize>,
        standing: Arc<Standing>,
    ) -> Option<Mirror> {
        let to = match &wish.to {
            model::MirrorTo::Candidate => {
                To::Arm(arms.iter().position(|arm| arm.role == model::ArmRole::Candidate)?)
            }
            model::MirrorTo::Upstream(name) => To::Upstream(index(name)?),
        };
        let noise = wish.noise && matches!(to, To::Arm(_));
        let (percent, unsafe_methods) = (wish.percent, wish.unsafe_methods);
        let terms = Arc::new(Terms::compile(&wish.compare));
        Some(Mirror { to, percent, unsafe_methods, noise, terms, standing })
    }

    /// Whether a request of this method, assigned to this arm, is copied. What cannot be takes no turn.
    pub(crate) fn wants(&self, method: &str, assigned: usize) -> bool {
        let may = self.unsafe_methods || is_safe(method);
        may && self.to != To::Arm(assigned) && self.standing.copied.next() < self.percent
    }

    /// Whether who answers the client is asked a second time as well. What changes something is not done twice for that.
    pub(super) fn asks_again(&self, method: &str) -> bool {
        self.noise && is_safe(method)
    }

    /// Which of another upstream's shares a copy falls in, from 0 to 99.
    pub(crate) fn share(&self) -> u32 {
        self.standing.spread.next()
    }
}

fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{Arm, ArmRole, MirrorTo, RevisionNo};

    fn arms() -> Vec<Arm> {
        let arm = |role, revision| Arm {
            role,
            revision: RevisionNo(revision),
            weight: 50,
            endpoints: Vec::new(),
            site: None,
        };
        vec![arm(ArmRole::Stable, 1), arm(ArmRole::Candidate, 2)]
    }

    fn mirror(to: MirrorTo, percent: u32, unsafe_methods: bool, arms: &[Arm]) -> Option<Mirror> {
        let wish = model::Mirror { unsafe_methods, noise: true, ..model::Mirror::plain(to, percent) };
        let index = |name: &str| (name == "app/dev/next").then_some(4);
        Mirror::compile(&wish, arms, index, Arc::new(Standing::new(5)))
    }

    #[test]
    fn the_share_is_exact_and_other_requests_take_no_turn() {
        let mirror = mirror(MirrorTo::Candidate, 7, false, &arms()).unwrap();
        let copied = (0..1_000).filter(|_| {
            let others = mirror.wants("POST", 0) || mirror.wants("GET", 1);
            assert!(!others);
            mirror.wants("GET", 0)
        });
        assert_eq!(copied.count(), 70);
    }

    #[test]
    fn all_methods_where_asked() {
        let mirror = mirror(MirrorTo::Candidate, 100, true, &arms()).unwrap();
        assert!(mirror.wants("POST", 0) && mirror.wants("DELETE", 0) && !mirror.wants("POST", 1));
        assert!(mirror.asks_again("GET") && !mirror.asks_again("POST"));
    }

    #[test]
    fn there_is_no_mirror_without_a_place_for_copies() {
        assert!(mirror(MirrorTo::Candidate, 100, false, &arms()[..1]).is_none());
        assert!(mirror(MirrorTo::Upstream("app/dev/gone".into()), 100, false, &arms()).is_none());
        let other = mirror(MirrorTo::Upstream("app/dev/next".into()), 100, false, &arms()).unwrap();
        assert_eq!((other.to, other.asks_again("GET")), (To::Upstream(4), false));
        assert!(other.wants("GET", 0) && other.wants("GET", 1));
    }
}
