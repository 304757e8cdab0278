//! Whose consent counts.

use std::collections::BTreeSet;

use crate::model::{Approval, EnvironmentPolicy, RunOrigin, RunSource};

/// Why somebody's consent does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoApproval {
    /// Nobody said who they are.
    #[error("nobody is named")]
    Nobody,
    /// They wrote the commit.
    #[error("{0} wrote the commit: somebody else has to look at it")]
    Author(String),
    /// They brought the commit.
    #[error("{0} pushed the commit: somebody else has to look at it")]
    Pushed(String),
    /// The environment names others.
    #[error("{by} is not among those who may agree: {}", .may.join(", "))]
    NotNamed {
        /// Who.
        by: String,
        /// Those who may.
        may: Vec<String>,
    },
    /// They did so before.
    #[error("{0} has agreed already")]
    Again(String),
}

/// Whether somebody may agree to a run. `sources`: of the run, and of all whose build it carries on or does once more, so that who
/// pushed is known of a promotion as well. Names are compared without regard to capitals, and an address also by what is before
/// its `@`: somebody who goes by two names is more likely to be refused than counted twice.
///
/// # Errors
/// Where their consent would not count.
pub fn may_approve(
    policy: &EnvironmentPolicy,
    sources: &[&RunSource],
    approvals: &[Approval],
    by: &str,
) -> Result<(), NoApproval> {
    let by = by.trim();
    if by.is_empty() {
        return Err(NoApproval::Nobody);
    }
    let name = || by.to_owned();
    if sources.iter().any(|source| same(by, &source.author) || same(by, &source.email)) {
        return Err(NoApproval::Author(name()));
    }
    if sources.iter().any(|source| brought(source) && same(by, &source.by)) {
        return Err(NoApproval::Pushed(name()));
    }
    if !policy.approvers.is_empty() && !policy.approvers.iter().any(|may| exactly(may, by)) {
        return Err(NoApproval::NotNamed { by: name(), may: policy.approvers.clone() });
    }
    if approvals.iter().any(|approval| same(by, &approval.by)) {
        return Err(NoApproval::Again(name()));
    }
    Ok(())
}

/// How many more have to agree.
pub fn approvals_missing(policy: &EnvironmentPolicy, approvals: &[Approval]) -> u32 {
    let people: BTreeSet<String> =
        approvals.iter().map(|approval| approval.by.trim().to_lowercase()).collect();
    policy.approvals.saturating_sub(u32::try_from(people.len()).unwrap_or(u32::MAX))
}

/// Whether who began the run brought the commit: who promotes it or does it once more did not.
fn brought(source: &RunSource) -> bool {
    match source.origin {
        RunOrigin::Push | RunOrigin::Webhook | RunOrigin::Poll | RunOrigin::Upload => true,
        RunOrigin::Promotion | RunOrigin::Retry => false,
    }
}

/// Whether two names may be of the same person.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim().to_lowercase(), other.trim().to_lowercase());
    let short = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    !one.is_empty() && (one == other || (!short(&one).is_empty() && short(&one) == short(&other)))
}

/// Whether a name is the one that is listed.
fn exactly(listed: &str, by: &str) -> bool {
    listed.trim().to_lowercase() == by.trim().to_lowercase()
}
