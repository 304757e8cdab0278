//! Who is let in, from a list.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;

use tidegate_api::IdentityDesk;
use tidegate_control::identity::{Enter, Identity, LoggedIn, Redeem, TokenAsked, UserChange};
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::access::{
    AccessToken, Admission, Caller, LoginRefused, Means, NotLetIn, OpenIdLink, Origin, Reach, Role, Who,
};
use tidegate_core::model::Name;
use tidegate_core::view::{
    InviteMade, LoginView, TokenList, TokenMade, TokenView, ToldOnce, UserList, UserView,
};

type Found = Result<Admission, NotLetIn>;

#[derive(Default)]
pub struct Desk {
    tokens: BTreeMap<String, Found>,
    sessions: BTreeMap<String, Found>,
    everybody: bool,
    pub ended: Mutex<Vec<Means>>,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A user with a token.
pub fn user(who: &str) -> Admission {
    narrow(who, Reach::default(), None)
}

/// A user with a token that gives less.
pub fn narrow(who: &str, reach: Reach, most: Option<Role>) -> Admission {
    let token = AccessToken {
        id: "t1".to_owned(),
        name: name("laptop"),
        user: Some(name(who)),
        reach,
        most,
        made_unix_ms: 0,
        made_by: String::new(),
        expires_unix_ms: None,
        used_unix_ms: None,
        revoked_unix_ms: None,
    };
    Admission::by_token(&token, [127, 0, 0, 1].into())
}

/// A program with a token.
pub fn service(token: &str) -> Admission {
    let caller = Caller { who: Who::Service { token: name(token) }, from: Origin::Within };
    Admission { caller, ..user("nobody") }
}

impl Desk {
    pub fn with_token(mut self, text: &str, found: Found) -> Self {
        self.tokens.insert(text.to_owned(), found);
        self
    }

    /// Knows people by name: their token is their name.
    pub fn of_everybody() -> Self {
        Desk { everybody: true, ..Desk::default() }
    }

    pub fn with_session(mut self, text: &str, who: &str) -> Self {
        let means = Means::Session { id: "s1".to_owned() };
        let caller = Caller { who: Who::User { name: name(who), token: None }, from: Origin::Within };
        self.sessions.insert(text.to_owned(), Ok(Admission { caller, means, ..user(who) }));
        self
    }

    pub fn served(self) -> (Arc<Desk>, IdentityDesk) {
        let desk = Arc::new(self);
        (desk.clone(), IdentityDesk(desk))
    }
}

fn unset<T>() -> Result<T, Refusal> {
    Err(Refusal::new(RefusalKind::NotFound, "stub::unset", "nothing is set"))
}

impl Identity for Desk {
    fn token(&self, text: &str, _: IpAddr) -> Result<Found, Refusal> {
        if self.everybody && text.parse::<Name>().is_ok() {
            return Ok(Ok(user(text)));
        }
        Ok(self.tokens.get(text).cloned().unwrap_or(Err(NotLetIn::Unknown)))
    }
    fn session(&self, text: &str, _: IpAddr) -> Result<Found, Refusal> {
        Ok(self.sessions.get(text).cloned().unwrap_or(Err(NotLetIn::Unknown)))
    }
    fn csrf(&self, session: &str) -> String {
        format!("csrf-of-{session}")
    }
    fn redeem(&self, asked: Redeem) -> Result<Result<LoggedIn, NotLetIn>, Refusal> {
        Ok(match asked.code.as_str() {
            "right" => {
                let csrf = Some(ToldOnce::new("csrf-of-opened"));
                let (user, expires_at) = ("ann".to_owned(), String::new());
                let view = LoginView { user, token: None, csrf, expires_at };
                Ok(LoggedIn { view, session: Some(ToldOnce::new("opened")) })
            }
            "late" => Err(NotLetIn::CodeExpired),
            _ => Err(NotLetIn::Unknown),
        })
    }
    fn enter(&self, _: Enter) -> Result<Result<LoggedIn, LoginRefused>, Refusal> {
        unset()
    }
    fn user_link(&self, _: &Admission, _: &Name, _: Option<OpenIdLink>) -> Result<UserView, Refusal> {
        unset()
    }
    fn end(&self, asker: &Admission) -> Result<(), Refusal> {
        self.ended.lock().unwrap().push(asker.means.clone());
        Ok(())
    }
    fn users(&self) -> Result<UserList, Refusal> {
        Ok(UserList { users: Vec::new() })
    }
    fn user_add(&self, _: &Admission, _: &Name, _: (bool, Option<OpenIdLink>)) -> Result<UserView, Refusal> {
        unset()
    }
    fn user_change(&self, _: &Admission, _: &Name, _: UserChange) -> Result<UserView, Refusal> {
        unset()
    }
    fn user_remove(&self, _: &Admission, _: &Name) -> Result<UserView, Refusal> {
        unset()
    }
    fn user_invite(&self, _: &Admission, _: &Name) -> Result<InviteMade, Refusal> {
        unset()
    }
    fn tokens(&self, _: &Admission, _: Option<&Name>) -> Result<TokenList, Refusal> {
        Ok(TokenList { tokens: Vec::new() })
    }
    fn token_make(&self, _: &Admission, _: TokenAsked) -> Result<TokenMade, Refusal> {
        unset()
    }
    fn token_revoke(&self, _: &Admission, _: &str, _: Option<&Name>) -> Result<TokenView, Refusal> {
        unset()
    }
}
