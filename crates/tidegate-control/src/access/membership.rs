//! The groups somebody is in, as their identity provider said when they logged in last, and what that gives.

use std::collections::BTreeSet;

use tidegate_core::access::{Binding, Holder, Who};
use tidegate_os::clock::unix_ms;
use tidegate_store::{Reader, StoreError};

/// See the module. The default is in no group.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// The groups.
    pub(super) groups: BTreeSet<String>,
    /// It was said so long ago that it gives nothing any more. What it forbids it still forbids.
    pub(super) is_stale: bool,
}

impl Membership {
    /// That of a caller, by whatever they were let in.
    pub(super) fn of(store: &Reader, who: &Who) -> Result<Self, StoreError> {
        let Who::User { name, .. } = who else { return Ok(Membership::default()) };
        let link = store.user(name)?.and_then(|user| user.openid);
        Ok(link.map_or_else(Membership::default, |link| Membership {
            is_stale: link.is_stale(unix_ms()),
            groups: link.groups,
        }))
    }

    /// The roles that the groups have.
    pub(super) fn roles(&self, store: &Reader) -> Result<Vec<Binding>, StoreError> {
        let mut roles = Vec::new();
        if !self.is_stale {
            for holder in self.groups.iter().cloned().map(Holder::Group) {
                roles.extend(store.role_bindings_of(&holder)?);
            }
        }
        Ok(roles)
    }
}
