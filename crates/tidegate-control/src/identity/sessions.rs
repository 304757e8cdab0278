//! Opening and ending sessions of browsers.

use tidegate_core::access::{AccessSession, LoginBy};
use tidegate_core::model::Name;
use tidegate_store::{StoreError, Tx};

use super::IdentityKey;
use super::text::{Kind, SecretText};
use crate::engine::Time;
use crate::plane::Refusal;

/// The most sessions of a user: the oldest goes for a new one.
const MOST: usize = 50;

/// A session and what opens it.
pub(super) struct Opened {
    pub(super) text: SecretText,
    pub(super) session: AccessSession,
}

/// A session as it begins; it is there once [`add`] has written it.
pub(super) fn made(time: Time, user: &Name, by: LoginBy) -> Result<Opened, Refusal> {
    let id = crate::flag_key::random::<6>().map_err(super::no_random)?;
    let session = AccessSession {
        id: format!("s{id}"),
        user: user.clone(),
        by,
        opened_unix_ms: time.unix_ms,
        used_unix_ms: time.unix_ms,
        until_unix_ms: None,
    };
    Ok(Opened { text: SecretText::made(Kind::Session).map_err(super::no_random)?, session })
}

/// Writes a session, and forgets those of its user that are over or too many.
pub(super) fn add(tx: &Tx<'_>, key: &IdentityKey, opened: &Opened, time: Time) -> Result<(), StoreError> {
    let known = tx.access_sessions_of(&opened.session.user)?;
    let surplus = (known.len() + 1).saturating_sub(MOST);
    for (at, session) in known.iter().enumerate() {
        if at < surplus || time.unix_ms >= session.ends_unix_ms() {
            tx.remove_access_session(&session.id)?;
        }
    }
    tx.add_access_session(&opened.session, &key.digest_of(&opened.text))
}
