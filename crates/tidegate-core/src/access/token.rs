//! Tokens: what a person or a program shows to be let in. The text itself is kept nowhere.

use serde::{Deserialize, Serialize};

use super::{NotLetIn, Reach, Role, User};
use crate::model::Name;
use crate::time::Millis;

/// How long a token is good where nothing else was said.
pub const TOKEN_GOOD_FOR: Millis = Millis(90 * 86_400_000);
/// Between two notes of when a token was used.
pub const NOTED_EVERY: Millis = Millis(60_000);

/// A token as it is kept, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// By which it is found again; never used twice.
    pub id: String,
    /// What it is for; unique among the tokens of its user, or of programs, that are good.
    pub name: Name,
    /// Whose it is; `None`: a program's.
    pub user: Option<Name>,
    /// Where it opens anything.
    pub reach: Reach,
    /// The most it gives; `None`: what its user has.
    pub most: Option<Role>,
    /// When it was made: milliseconds since the Unix epoch.
    pub made_unix_ms: u64,
    /// Who made it.
    pub made_by: String,
    /// From when on it is refused: milliseconds since the Unix epoch. `None`: it never expires.
    pub expires_unix_ms: Option<u64>,
    /// When it was used last, to about [`NOTED_EVERY`]: milliseconds since the Unix epoch.
    pub used_unix_ms: Option<u64>,
    /// When it was revoked: milliseconds since the Unix epoch.
    pub revoked_unix_ms: Option<u64>,
}

impl AccessToken {
    /// Whether it lets anybody in. `user`: whose it is, where it is a person's and the person is still known.
    ///
    /// # Errors
    /// Why not: revoked, expired, or its user is disabled; unknown where the user is gone.
    pub fn stands(&self, user: Option<&User>, now_unix_ms: u64) -> Result<(), NotLetIn> {
        if self.revoked_unix_ms.is_some() {
            return Err(NotLetIn::Revoked);
        }
        if self.is_expired(now_unix_ms) {
            return Err(NotLetIn::Expired);
        }
        match (&self.user, user) {
            (None, _) => Ok(()),
            (Some(name), Some(user)) if *name == user.name => user.stands(),
            (Some(_), _) => Err(NotLetIn::Unknown),
        }
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now_unix_ms: u64) -> bool {
        self.expires_unix_ms.is_some_and(|expires| now_unix_ms >= expires)
    }

    /// Whether neither its time is over nor it was revoked.
    pub fn is_good(&self, now_unix_ms: u64) -> bool {
        self.revoked_unix_ms.is_none() && !self.is_expired(now_unix_ms)
    }

    /// Whether a use now is to be noted.
    pub fn is_to_be_noted(&self, now_unix_ms: u64) -> bool {
        self.used_unix_ms.is_none_or(|used| now_unix_ms.saturating_sub(used) >= NOTED_EVERY.0)
    }

    /// Since when it is good for nothing; `None`: it is good.
    pub fn over_since(&self, now_unix_ms: u64) -> Option<u64> {
        let expired = self.expires_unix_ms.filter(|expires| now_unix_ms >= *expires);
        [self.revoked_unix_ms, expired].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(disabled: bool) -> User {
        User {
            name: "ann".parse().unwrap(),
            added_unix_ms: 0,
            added_by: "owner".to_owned(),
            disabled_unix_ms: disabled.then_some(5),
            admin: false,
            openid: None,
        }
    }

    fn token() -> AccessToken {
        AccessToken {
            id: "t1".to_owned(),
            name: "laptop".parse().unwrap(),
            user: Some("ann".parse().unwrap()),
            reach: Reach::default(),
            most: None,
            made_unix_ms: 0,
            made_by: "ann".to_owned(),
            expires_unix_ms: Some(100),
            used_unix_ms: None,
            revoked_unix_ms: None,
        }
    }

    #[test]
    fn a_token_stands_until_its_time_is_over_or_somebody_ends_it() {
        let (ann, gone) = (user(false), user(true));
        assert_eq!(token().stands(Some(&ann), 99), Ok(()));
        assert_eq!(token().stands(Some(&ann), 100), Err(NotLetIn::Expired));
        assert_eq!(token().stands(Some(&gone), 99), Err(NotLetIn::Disabled));
        assert_eq!(token().stands(None, 99), Err(NotLetIn::Unknown));
        let other = User { name: "bob".parse().unwrap(), ..ann.clone() };
        assert_eq!(token().stands(Some(&other), 99), Err(NotLetIn::Unknown));
        let revoked = AccessToken { revoked_unix_ms: Some(3), ..token() };
        assert_eq!(revoked.stands(Some(&ann), 99), Err(NotLetIn::Revoked));
        assert_eq!(revoked.stands(Some(&ann), 200), Err(NotLetIn::Revoked));
        let forever = AccessToken { expires_unix_ms: None, user: None, ..token() };
        assert_eq!(forever.stands(None, u64::MAX), Ok(()));
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        assert!(token().is_to_be_noted(0));
        let used = AccessToken { used_unix_ms: Some(1_000), ..token() };
        assert!(!used.is_to_be_noted(60_999));
        assert!(used.is_to_be_noted(61_000));
        assert!(!used.is_to_be_noted(0), "a clock that went back");
    }
}
