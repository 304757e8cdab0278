//! Who shows a text: read only, and the same answer for whatever nobody knows.

use std::net::IpAddr;

use tidegate_core::access::{Admission, NotLetIn};
use tidegate_store::{Reader, StoreError};

use super::IdentityKey;
use super::text::{Kind, kind_of};

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetIn {
    /// Who, by what.
    pub admission: Admission,
    /// Whether it is to be noted that they were here.
    pub(super) note: bool,
}

/// Whose token a text is.
pub(super) fn of_token(
    store: &Reader,
    key: &IdentityKey,
    text: &str,
    (from, now_unix_ms): (IpAddr, u64),
) -> Result<Result<LetIn, NotLetIn>, StoreError> {
    match kind_of(text) {
        Some(Kind::User | Kind::Service) => {}
        Some(Kind::Session | Kind::Once) | None => return Ok(Err(NotLetIn::Unknown)),
    }
    let Some(token) = store.access_token_of(&key.digest(text))? else { return Ok(Err(NotLetIn::Unknown)) };
    let user = token.user.as_ref().map(|name| store.user(name)).transpose()?.flatten();
    Ok(token.stands(user.as_ref(), now_unix_ms).map(|()| LetIn {
        admission: Admission::by_token(&token, from),
        note: token.is_to_be_noted(now_unix_ms),
    }))
}

/// Whose session a text opens.
pub(super) fn of_session(
    store: &Reader,
    key: &IdentityKey,
    text: &str,
    (from, now_unix_ms): (IpAddr, u64),
) -> Result<Result<LetIn, NotLetIn>, StoreError> {
    if kind_of(text) != Some(Kind::Session) {
        return Ok(Err(NotLetIn::Unknown));
    }
    let Some(session) = store.access_session_of(&key.digest(text))? else {
        return Ok(Err(NotLetIn::Unknown));
    };
    let Some(user) = store.user(&session.user)? else { return Ok(Err(NotLetIn::Unknown)) };
    Ok(session.stands(Some(&user), now_unix_ms).map(|()| LetIn {
        admission: Admission::by_session(&session, &user, from),
        note: session.is_to_be_noted(now_unix_ms),
    }))
}
