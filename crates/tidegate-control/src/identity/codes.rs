//! Codes that are good once: made by administrators, or at the first start; changed for a token or a session by whoever has one.

use tidegate_core::access::{FIRST_GOOD_FOR, INVITE_GOOD_FOR, LoginBy, NotLetIn, OneTimeCode};
use tidegate_core::model::Name;
use tidegate_store::{Reader, Store};

use super::sessions::{self, Opened};
use super::text::{Kind, SecretText, kind_of};
use super::tokens::{self, Made};
use super::{IdentityKey, users};
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};

/// The key of the store's single values that says that the first administrator was made.
const MADE: &str = "first-administrator-made";

/// A code that somebody has.
#[derive(Clone)]
pub struct Redeem {
    /// The text.
    pub code: String,
    /// What they are to be called, or are.
    pub user: Option<Name>,
    /// The name of the token they want; `None`: they want a session.
    pub token: Option<Name>,
}

/// What a code was changed for.
pub(super) enum Redeemed {
    Token(Made),
    Session(Opened),
}

/// Makes the code of the first administrator where nobody is known and nothing was ever deployed. Each start makes it anew: it is kept
/// as a digest only.
pub(super) fn first(store: &mut Store, key: &IdentityKey, time: Time) -> Result<Option<SecretText>, Refusal> {
    if !is_wanted(store).map_err(store_trouble)? {
        return Ok(None);
    }
    let text = SecretText::made(Kind::Once).map_err(super::no_random)?;
    let expires_unix_ms = time.unix_ms.saturating_add(FIRST_GOOD_FOR.0);
    let code = OneTimeCode { user: None, made_unix_ms: time.unix_ms, expires_unix_ms };
    let made = store.transaction(|tx| tx.put_access_code(&code, &key.digest_of(&text)));
    made.map_err(store_trouble)?;
    Ok(Some(text))
}

fn is_wanted(store: &Reader) -> Result<bool, tidegate_store::StoreError> {
    Ok(store.users()?.is_empty() && store.meta(MADE)?.is_none() && store.apps()?.is_empty())
}

/// Makes a code for a user, in place of the one they had.
pub(super) fn invite(
    store: &mut Store,
    key: &IdentityKey,
    time: Time,
    user: &Name,
) -> Result<(SecretText, OneTimeCode), Refusal> {
    users::known(store, user)?.stands().map_err(|_| {
        let message = format!("{user} is disabled");
        Refusal::new(RefusalKind::Conflict, "access::disabled", message)
            .help(format!("`tidegate user enable {user}` first"))
    })?;
    let text = SecretText::made(Kind::Once).map_err(super::no_random)?;
    let expires_unix_ms = time.unix_ms.saturating_add(INVITE_GOOD_FOR.0);
    let code = OneTimeCode { user: Some(user.clone()), made_unix_ms: time.unix_ms, expires_unix_ms };
    let made = store.transaction(|tx| tx.put_access_code(&code, &key.digest_of(&text)));
    made.map_err(store_trouble)?;
    Ok((text, code))
}

/// Changes a code for what is wanted: the code goes and the rest comes in one transaction. `Err` within: it lets nobody in.
pub(super) fn redeem(
    store: &mut Store,
    key: &IdentityKey,
    time: Time,
    asked: &Redeem,
) -> Result<Result<Redeemed, NotLetIn>, Refusal> {
    if kind_of(&asked.code) != Some(Kind::Once) {
        return Ok(Err(NotLetIn::Unknown));
    }
    let found = store.access_code_of(&key.digest(&asked.code)).map_err(store_trouble)?;
    let Some(code) = found else { return Ok(Err(NotLetIn::Unknown)) };
    if let Err(why) = code.stands(time.unix_ms) {
        return Ok(Err(why));
    }
    let user = match &code.user {
        Some(name) => {
            if let Err(why) =
                store.user(name).map_err(store_trouble)?.ok_or(NotLetIn::Unknown).and_then(|u| u.stands())
            {
                return Ok(Err(why));
            }
            same_user(name, asked.user.as_ref())?;
            None
        }
        None => {
            let name = first_name(asked.user.as_ref())?;
            // An identity provider may have made users before there is an administrator.
            users::unknown(store, name)?;
            Some(users::user(name, true, time, "the first start"))
        }
    };
    let name = user.as_ref().map(|user| &user.name).or(code.user.as_ref());
    let Some(name) = name else { return Ok(Err(NotLetIn::Unknown)) };
    let redeemed = match &asked.token {
        Some(wanted) => Redeemed::Token(tokens::make_at_login(store, time, name, wanted)?),
        None => Redeemed::Session(sessions::made(time, name, LoginBy::Code)?),
    };
    let written = store.transaction(|tx| {
        tx.drop_access_code(code.user.as_ref())?;
        if let Some(user) = &user {
            tx.set_meta(MADE, "yes")?;
            users::put_new(tx, user)?;
        }
        match &redeemed {
            Redeemed::Token(made) => tokens::add(tx, key, &made.token, &made.text, time),
            Redeemed::Session(opened) => sessions::add(tx, key, opened, time),
        }
    });
    written.map_err(store_trouble)?;
    Ok(Ok(redeemed))
}

fn first_name(given: Option<&Name>) -> Result<&Name, Refusal> {
    let name = given.ok_or_else(|| {
        let message = "the code makes the first administrator, who needs a name";
        Refusal::new(RefusalKind::Invalid, "access::name-missing", message)
            .help("say what you are to be called: `tidegate login URL --code CODE --user ann`")
    })?;
    users::check_name(name).map(|()| name)
}

fn same_user(name: &Name, given: Option<&Name>) -> Result<(), Refusal> {
    if given.is_none_or(|given| given == name) {
        return Ok(());
    }
    let message = "the code is for another user";
    Err(Refusal::new(RefusalKind::Invalid, "access::other-user", message).help("leave --user out"))
}
