//! Letting somebody in on the word of an identity provider: the user who is linked with them, or one that is made of them.

use tidegate_core::access::{
    Action, Caller, Entry, LoginBy, LoginRefused, OpenIdLink, OpenIdRules, Origin, Person, User, Who,
    decide_entry,
};
use tidegate_core::audit::{Deed, Outcome};
use tidegate_core::model::Name;
use tidegate_store::Store;

use super::codes::Redeemed;
use super::{IdentityKey, sessions, tokens, users};
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::openid::refused_code;
use crate::plane::Refusal;

/// Somebody whom an identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enter {
    /// Who they are there.
    pub person: Person,
    /// What that is worth here.
    pub rules: OpenIdRules,
    /// The name of the token they want; `None`: they want a session.
    pub token: Option<Name>,
    /// Where they are.
    pub from: Origin,
}

/// Lets them in; `Err` within: nobody. What is known of them, what they get and the log's entry are one transaction; so are a refusal and
/// its entry.
pub(super) fn enter(
    store: &mut Store,
    key: &IdentityKey,
    time: Time,
    asked: &Enter,
) -> Result<Result<Redeemed, LoginRefused>, Refusal> {
    let known = store.users().map_err(store_trouble)?;
    let user = match decide_entry(&asked.person, &asked.rules, &known) {
        Ok(Entry::Known(name)) => users::known(store, &name)?,
        Ok(Entry::New(name)) => {
            users::room(&known)?;
            users::user(&name, false, time, "openid")
        }
        Err(why) => {
            let (code, rule) = (refused_code(&why).to_owned(), None);
            let refused = deed(asked, Who::Stranger).ended(Outcome::Refused { code, rule });
            store.transaction(|tx| tx.audit(refused, time.unix_ms).map(drop)).map_err(store_trouble)?;
            return Ok(Err(why));
        }
    };
    let user = User { openid: Some(seen(asked, time)), ..user };
    let redeemed = match &asked.token {
        Some(wanted) => {
            Redeemed::Token(short_lived(tokens::make_at_login(store, time, &user.name, wanted)?, asked, time))
        }
        None => {
            let mut opened = sessions::made(time, &user.name, LoginBy::OpenId)?;
            opened.session.until_unix_ms = Some(until(asked, time));
            Redeemed::Session(opened)
        }
    };
    let is_new = !known.iter().any(|one| one.name == user.name);
    let done = deed(asked, Who::User { name: user.name.clone(), token: None });
    let done = if is_new { done.with("user", &user.name) } else { done };
    let written = store.transaction(|tx| {
        if is_new {
            users::put_new(tx, &user)?;
        } else {
            tx.put_user(&user)?;
        }
        match &redeemed {
            Redeemed::Token(made) => tokens::add(tx, key, &made.token, &made.text, time)?,
            Redeemed::Session(opened) => sessions::add(tx, key, opened, time)?,
        }
        tx.audit(done, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)?;
    Ok(Ok(redeemed))
}

/// What is known of them from now on.
fn seen(asked: &Enter, time: Time) -> OpenIdLink {
    OpenIdLink {
        groups: asked.person.groups.clone(),
        groups_until_unix_ms: until(asked, time),
        seen_unix_ms: Some(time.unix_ms),
        ..OpenIdLink::new(&asked.rules.issuer, &asked.person.subject)
    }
}

fn until(asked: &Enter, time: Time) -> u64 {
    time.unix_ms.saturating_add(asked.rules.lasts.0)
}

fn short_lived(mut made: tokens::Made, asked: &Enter, time: Time) -> tokens::Made {
    made.token.expires_unix_ms = Some(until(asked, time));
    made
}

fn deed(asked: &Enter, who: Who) -> Deed {
    Deed::new(Action::Read, "login")
        .by(&Caller { who, from: asked.from })
        .with("by", "openid")
        .with("issuer", &asked.rules.issuer)
        .with("subject", &asked.person.subject)
}
