//! Sessions of browsers: opened by who has shown who they are, ended by time, by their user or with them.

use serde::{Deserialize, Serialize};

use super::{NotLetIn, User};
use crate::model::Name;
use crate::time::Millis;

/// How long a session lasts that nobody uses.
pub const SESSION_IDLE: Millis = Millis(12 * 3_600_000);
/// How long a session lasts at the most.
pub const SESSION_LASTS: Millis = Millis(30 * 86_400_000);

/// By what somebody has shown who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginBy {
    /// A code that is good once.
    Code,
    /// Somebody else's word: OpenID Connect.
    OpenId,
}

impl LoginBy {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            LoginBy::Code => "code",
            LoginBy::OpenId => "open-id",
        }
    }
}

/// A session as it is kept, without what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSession {
    /// By which it is found again.
    pub id: String,
    /// Whose it is.
    pub user: Name,
    /// By what they have shown who they are.
    pub by: LoginBy,
    /// When it was opened: milliseconds since the Unix epoch.
    pub opened_unix_ms: u64,
    /// When it was used last, to about a minute: milliseconds since the Unix epoch.
    pub used_unix_ms: u64,
    /// When it ends at the latest: milliseconds since the Unix epoch; `None`: nothing else was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_unix_ms: Option<u64>,
}

impl AccessSession {
    /// When it ends where nobody uses it any more: milliseconds since the Unix epoch.
    pub fn ends_unix_ms(&self) -> u64 {
        let idle = self.used_unix_ms.saturating_add(SESSION_IDLE.0);
        let lasts = self.opened_unix_ms.saturating_add(SESSION_LASTS.0);
        idle.min(lasts).min(self.until_unix_ms.unwrap_or(lasts))
    }

    /// Whether it lets anybody in. `user`: whose it is, where they are still known.
    ///
    /// # Errors
    /// Why not.
    pub fn stands(&self, user: Option<&User>, now_unix_ms: u64) -> Result<(), NotLetIn> {
        if now_unix_ms >= self.ends_unix_ms() {
            return Err(NotLetIn::SessionOver);
        }
        user.filter(|user| user.name == self.user).ok_or(NotLetIn::Unknown)?.stands()
    }

    /// Whether a use now is to be noted.
    pub fn is_to_be_noted(&self, now_unix_ms: u64) -> bool {
        now_unix_ms.saturating_sub(self.used_unix_ms) >= super::token::NOTED_EVERY.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> User {
        User {
            name: "ann".parse().unwrap(),
            added_unix_ms: 0,
            added_by: "owner".to_owned(),
            disabled_unix_ms: None,
            admin: false,
            openid: None,
        }
    }

    #[test]
    fn a_session_ends_where_it_is_idle_and_in_the_end_anyway() {
        let session = |used_unix_ms| AccessSession {
            id: "s1".to_owned(),
            user: "ann".parse().unwrap(),
            by: LoginBy::Code,
            opened_unix_ms: 0,
            used_unix_ms,
            until_unix_ms: None,
        };
        let ann = ann();
        let stands = |used, now| session(used).stands(Some(&ann), now);
        assert_eq!(stands(0, SESSION_IDLE.0 - 1), Ok(()));
        assert_eq!(stands(0, SESSION_IDLE.0), Err(NotLetIn::SessionOver));
        assert_eq!(stands(SESSION_IDLE.0 - 1, SESSION_IDLE.0), Ok(()));
        let last = SESSION_LASTS.0 - 1;
        assert_eq!(stands(last, last), Ok(()));
        assert_eq!(stands(last, SESSION_LASTS.0), Err(NotLetIn::SessionOver));
        assert_eq!(session(0).stands(None, 1), Err(NotLetIn::Unknown));
        let short = AccessSession { until_unix_ms: Some(60), ..session(0) };
        assert_eq!(short.stands(Some(&ann), 59), Ok(()));
        assert_eq!(short.stands(Some(&ann), 60), Err(NotLetIn::SessionOver));
    }
}
