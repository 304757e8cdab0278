//! Codes that are good once: the first administrator's, and those that administrators give to users.

use serde::{Deserialize, Serialize};

use super::NotLetIn;
use crate::model::Name;
use crate::time::Millis;

/// How long the first administrator's code is good.
pub const FIRST_GOOD_FOR: Millis = Millis(24 * 3_600_000);
/// How long a user's code is good.
pub const INVITE_GOOD_FOR: Millis = Millis(3_600_000);

/// A code as it is kept, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeCode {
    /// Whom it lets in; `None`: it makes the first user, an administrator.
    pub user: Option<Name>,
    /// When it was made: milliseconds since the Unix epoch.
    pub made_unix_ms: u64,
    /// From when on it is refused: milliseconds since the Unix epoch.
    pub expires_unix_ms: u64,
}

impl OneTimeCode {
    /// Whether it is still good.
    ///
    /// # Errors
    /// [`NotLetIn::CodeExpired`].
    pub fn stands(&self, now_unix_ms: u64) -> Result<(), NotLetIn> {
        if now_unix_ms >= self.expires_unix_ms { Err(NotLetIn::CodeExpired) } else { Ok(()) }
    }
}
