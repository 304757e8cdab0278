//! Why somebody is not let in.

/// Why. All but the first are told only to who showed the right text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLetIn {
    /// Nobody knows what they showed.
    #[error("the token is missing or wrong")]
    Unknown,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// Somebody revoked the token.
    #[error("the token was revoked")]
    Revoked,
    /// The user is disabled.
    #[error("the user is disabled")]
    Disabled,
    /// The session's time is over.
    #[error("the session is over")]
    SessionOver,
    /// The code's time is over.
    #[error("the code has expired")]
    CodeExpired,
}
