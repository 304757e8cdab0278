//! Why a policy cannot be used, and its route is closed.

/// What cannot be applied as it is written. Never holds a password or its hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{at}`: {why}")]
pub(crate) struct PolicyError {
    /// The field of the policy.
    pub(crate) at: &'static str,
    /// In a user's words.
    pub(crate) why: String,
}

impl PolicyError {
    pub(super) fn new(at: &'static str, why: impl Into<String>) -> Self {
        PolicyError { at, why: why.into() }
    }
}
