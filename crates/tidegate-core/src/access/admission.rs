//! Somebody who was let in, and by what. What that opens is for policies to say, and for its ceiling.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{AccessSession, AccessToken, Caller, Ceiling, Origin, Reach, Role, User, Who};
use crate::model::Name;

/// A caller, and what they showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who, and from where.
    pub caller: Caller,
    /// By what.
    pub means: Means,
    /// Whether they decide about users. Nobody does before policies were asked.
    pub admin: bool,
    /// Where it opens anything.
    pub reach: Reach,
    /// The most it gives; `None`: what they have.
    pub most: Option<Role>,
    /// When it ends by itself: milliseconds since the Unix epoch.
    pub expires_unix_ms: Option<u64>,
}

/// By what somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// The unix socket.
    Socket,
    /// The token of the data directory.
    OwnerToken,
    /// A token.
    Token {
        /// Its id.
        id: String,
    },
    /// A session of a browser.
    Session {
        /// Its id.
        id: String,
    },
    /// An SSH key that the machine's own sshd has checked.
    Key,
}

impl Means {
    /// Its name in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Means::Socket => "socket",
            Means::OwnerToken => "owner-token",
            Means::Token { .. } => "token",
            Means::Session { .. } => "session",
            Means::Key => "ssh-key",
        }
    }
}

impl Admission {
    /// Whoever runs this Tidegate.
    pub fn owner(from: Origin, means: Means) -> Self {
        let caller = Caller { who: Who::Owner, from };
        Admission { caller, means, admin: false, reach: Reach::default(), most: None, expires_unix_ms: None }
    }

    /// Somebody who showed nothing.
    pub fn nobody() -> Self {
        let caller = Caller { who: Who::Stranger, from: Origin::Within };
        Admission { caller, ..Admission::owner(Origin::Within, Means::Socket) }
    }

    /// Who shows a token.
    pub fn by_token(token: &AccessToken, from: IpAddr) -> Self {
        let who = match &token.user {
            Some(name) => Who::User { name: name.clone(), token: Some(token.name.clone()) },
            None => Who::Service { token: token.name.clone() },
        };
        Admission {
            caller: Caller { who, from: Origin::Address(from) },
            means: Means::Token { id: token.id.clone() },
            admin: false,
            reach: token.reach.clone(),
            most: token.most,
            expires_unix_ms: token.expires_unix_ms,
        }
    }

    /// Who has a session.
    pub fn by_session(session: &AccessSession, user: &User, from: IpAddr) -> Self {
        let means = Means::Session { id: session.id.clone() };
        let expires_unix_ms = Some(session.ends_unix_ms());
        Admission { means, expires_unix_ms, ..Admission::of(user, Origin::Address(from)) }
    }

    /// Who has a key that sshd has checked.
    pub fn by_key(user: &User) -> Self {
        Admission::of(user, Origin::Ssh)
    }

    fn of(user: &User, from: Origin) -> Self {
        let who = Who::User { name: user.name.clone(), token: None };
        Admission {
            caller: Caller { who, from },
            means: Means::Key,
            admin: false,
            reach: Reach::default(),
            most: None,
            expires_unix_ms: None,
        }
    }

    /// The user, where it is one.
    pub fn user(&self) -> Option<&Name> {
        match &self.caller.who {
            Who::User { name, .. } => Some(name),
            Who::Owner | Who::Service { .. } | Who::Stranger => None,
        }
    }

    /// Whether it gives less than its user has: a token with a lesser role, or of one app.
    pub fn is_narrowed(&self) -> bool {
        self.ceiling().is_low()
    }

    /// The most that what they showed gives.
    pub fn ceiling(&self) -> Ceiling {
        Ceiling { reach: self.reach.clone(), most: self.most }
    }

    /// What is written down as having asked. `claimed`: who the request says it is by. Whoever runs this Tidegate speaks for people; of
    /// everybody else only what was proven counts.
    pub fn signs(&self, claimed: &str) -> String {
        match &self.caller.who {
            Who::Owner => claimed.to_owned(),
            who @ (Who::User { .. } | Who::Service { .. } | Who::Stranger) => who.to_string(),
        }
    }
}

/// Whether somebody decides about users and about the tokens of others.
pub fn manages_access(admission: &Admission) -> bool {
    match &admission.caller.who {
        Who::Owner => true,
        Who::User { .. } => is_admin(admission),
        Who::Service { .. } | Who::Stranger => false,
    }
}

/// An administrator, by something that does not give less.
fn is_admin(admission: &Admission) -> bool {
    admission.admin && !admission.is_narrowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User {
            name: "ann".parse().unwrap(),
            added_unix_ms: 0,
            added_by: "owner".to_owned(),
            disabled_unix_ms: None,
            admin: true,
            openid: None,
        }
    }

    fn token(user: Option<&str>, most: Option<Role>) -> AccessToken {
        AccessToken {
            id: "t1".to_owned(),
            name: "ci".parse().unwrap(),
            user: user.map(|name| name.parse().unwrap()),
            reach: Reach::default(),
            most,
            made_unix_ms: 0,
            made_by: String::new(),
            expires_unix_ms: None,
            used_unix_ms: None,
            revoked_unix_ms: None,
        }
    }

    fn by_token(admin: bool, most: Option<Role>) -> Admission {
        Admission { admin, ..Admission::by_token(&token(Some("ann"), most), [192, 0, 2, 1].into()) }
    }

    #[test]
    fn only_an_administrators_unlimited_token_decides_about_users() {
        let owner = Admission::owner(Origin::Socket { uid: 0 }, Means::Socket);
        let service = Admission::by_token(&token(None, Some(Role::Admin)), [192, 0, 2, 1].into());
        let cases = [
            (owner, true),
            (by_token(true, None), true),
            (by_token(true, Some(Role::Admin)), true),
            (by_token(true, Some(Role::Operator)), false),
            (by_token(false, None), false),
            (by_token(false, Some(Role::Admin)), false),
            (Admission { admin: true, ..service }, false),
            (Admission::by_key(&user()), false),
        ];
        for (admission, manages) in cases {
            assert_eq!(manages_access(&admission), manages, "{admission:?}");
        }
        let mut shop = by_token(true, None);
        shop.reach.app = Some("shop".parse().unwrap());
        assert!(!manages_access(&shop), "a token of one app");
        let mut stranger = by_token(true, None);
        stranger.caller.who = Who::Stranger;
        assert!(!manages_access(&stranger));
    }

    #[test]
    fn what_is_claimed_counts_for_the_owner_alone() {
        let owner = Admission::owner(Origin::Socket { uid: 0 }, Means::Socket);
        assert_eq!(owner.signs("bob"), "bob");
        assert_eq!(by_token(true, None).signs("bob"), "ann");
        let service = Admission::by_token(&token(None, None), [192, 0, 2, 1].into());
        assert_eq!(service.signs("ann"), "token:ci");
    }
}
