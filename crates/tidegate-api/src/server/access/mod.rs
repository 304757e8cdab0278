//! May whoever asks do that? One layer over every endpoint, after it is known who asks: what the endpoint needs is a part of its
//! line in the table ([`need`]), where the request really is the control plane finds out, and the policies decide.
//!
//! What a request leaves out of its scope is filled in here and written into its query, so that what was decided about is what is
//! done. Where only the call that takes an upload learns where it goes, the call asks by a [`Gate`](tidegate_control::access::Gate).

mod admit;
mod asker;
pub(super) mod need;
mod request;

use std::sync::Arc;

use tidegate_control::access::{AccessDesk, Verdict};
use tidegate_core::access::{Action, Caller, Place};

pub(super) use admit::{admit, own};
pub(super) use asker::{Asker, on_desk, place_of};
pub use need::{EndpointNeed, needs};

/// Who answers about access. Where there is none nobody but the owner is let in.
#[derive(Clone)]
pub struct Access(pub Arc<dyn AccessDesk>);

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// What was decided about a request: in the extensions of its answer, whatever that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Who asked, and from where.
    pub caller: Caller,
    /// For what.
    pub action: Action,
    /// Where; `None`: the owner's requests and lists of several places are not looked at by place.
    pub place: Option<Place>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The ids of the policies that decided; none: no policy allows it.
    pub rules: Vec<String>,
}

impl Decided {
    /// Where policies were asked.
    fn by(caller: &Caller, verdict: &Verdict) -> Self {
        Decided {
            caller: caller.clone(),
            action: verdict.action,
            place: Some(verdict.place.clone()),
            allowed: verdict.decision.allowed,
            rules: verdict.decision.rules.iter().map(|rule| rule.id.clone()).collect(),
        }
    }

    /// Whether it was found out that they decide about everybody's access.
    fn manages_access(&self) -> bool {
        self.allowed && self.action == Action::ManageAccess && self.place == Some(Place::Everywhere)
    }

    /// The policies that decided, for the audit log.
    pub(super) fn rule(&self) -> Option<String> {
        (!self.rules.is_empty()).then(|| self.rules.join(", "))
    }

    /// Where none was: the owner, a list, a request that does not say what it means.
    fn unasked(caller: &Caller, action: Action, allowed: bool) -> Self {
        Decided { caller: caller.clone(), action, place: None, allowed, rules: Vec::new() }
    }
}
