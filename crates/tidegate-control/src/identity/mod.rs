//! Who is known, and what lets them in: users, tokens, sessions, codes.
//!
//! The API asks [`Identity`] about each request that is not the owner's. Texts are kept as digests by a key that is in a file of its own
//! ([`IdentityKey`]): they are 256 random bits, which nobody guesses from a digest, so that a slow hash would only make each request
//! slow. Everything that changes something is one transaction of the control loop.

mod bearer;
mod codes;
mod desk;
mod entry;
mod key;
mod sessions;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod users;
mod view;
mod welcome;

use std::net::IpAddr;

use tidegate_core::access::{Admission, LoginRefused, NotLetIn, OpenIdLink};
use tidegate_core::model::Name;
use tidegate_core::view::{
    InviteMade, LoginView, TokenList, TokenMade, TokenView, ToldOnce, UserList, UserView,
};

use crate::plane::{Refusal, RefusalKind};

pub use codes::Redeem;
pub use desk::Desk;
pub use entry::Enter;
pub use key::IdentityKey;
pub use text::{Kind, SecretText, kind_of};
pub use tokens::TokenAsked;
pub use users::UserChange;
pub use view::who_view;
pub use welcome::{Welcome, welcome};

/// Who is let in, and who decides about that. Calls block for milliseconds.
pub trait Identity: Send + Sync + 'static {
    /// Whose token a text is, from an address. A use is noted now and then.
    fn token(&self, text: &str, from: IpAddr) -> Result<Result<Admission, NotLetIn>, Refusal>;
    /// Whose session a text opens, from an address. A use is noted now and then.
    fn session(&self, text: &str, from: IpAddr) -> Result<Result<Admission, NotLetIn>, Refusal>;
    /// What each request of a session that changes something has to send besides; from what opens the session.
    fn csrf(&self, session: &str) -> String;
    /// Changes a code for a token or a session; `Err` within: it lets nobody in.
    fn redeem(&self, asked: Redeem) -> Result<Result<LoggedIn, NotLetIn>, Refusal>;
    /// Lets somebody in whom an identity provider vouches for; `Err` within: nobody. It is in the audit log either way.
    fn enter(&self, asked: Enter) -> Result<Result<LoggedIn, LoginRefused>, Refusal>;
    /// Ends what somebody was let in by: their session, or their token.
    fn end(&self, asker: &Admission) -> Result<(), Refusal>;
    /// The users.
    fn users(&self) -> Result<UserList, Refusal>;
    /// Adds a user. `link`: as whom an identity provider knows them.
    fn user_add(
        &self,
        asker: &Admission,
        name: &Name,
        admin_and_link: (bool, Option<OpenIdLink>),
    ) -> Result<UserView, Refusal>;
    /// Says as whom an identity provider knows a user; `None`: it does not let them in any more.
    fn user_link(
        &self,
        asker: &Admission,
        name: &Name,
        link: Option<OpenIdLink>,
    ) -> Result<UserView, Refusal>;
    /// Changes a user.
    fn user_change(&self, asker: &Admission, name: &Name, change: UserChange) -> Result<UserView, Refusal>;
    /// Forgets a user, their tokens and sessions; who it was.
    fn user_remove(&self, asker: &Admission, name: &Name) -> Result<UserView, Refusal>;
    /// Makes a code that lets a user in once.
    fn user_invite(&self, asker: &Admission, name: &Name) -> Result<InviteMade, Refusal>;
    /// The tokens that somebody sees, or those of a user among them.
    fn tokens(&self, asker: &Admission, user: Option<&Name>) -> Result<TokenList, Refusal>;
    /// Makes a token.
    fn token_make(&self, asker: &Admission, asked: TokenAsked) -> Result<TokenMade, Refusal>;
    /// Revokes a token, by its id or name.
    fn token_revoke(&self, asker: &Admission, which: &str, user: Option<&Name>)
    -> Result<TokenView, Refusal>;
}

/// Somebody who has just logged in.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// As they are told.
    pub view: LoginView,
    /// What opens their session, for its cookie.
    pub session: Option<ToldOnce>,
}

/// On one short line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

pub(crate) fn no_random(error: std::io::Error) -> Refusal {
    let message = format!("no random bytes: {error}");
    Refusal::new(RefusalKind::Environment, "access::random", message).help("see `tidegate doctor`")
}
